from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Session
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db

CREDENTIALS = {"username": "carol", "password": PASSWORD}


def test_before_setup_any_host_is_answered(client):
    assert client.get("/login", headers={"host": "203.0.113.9"}).status_code == 200


def test_afterwards_another_host_gets_a_page_that_names_the_cure(client, alice):
    answer = client.get("/login", headers={"host": "evil.example"})

    assert answer.status_code == 400
    assert "http://localhost:3000" in answer.text
    assert "Settings → General" in answer.text
    assert client.get("/login").status_code == 200


@pytest.mark.parametrize("host", ["localhost", "localhost:80", "localhost:3001", "localhost."])
def test_the_port_belongs_to_the_host(client, alice, host):
    assert client.get("/login", headers={"host": host}).status_code == 400


def test_a_malformed_host_is_a_bad_request(client, alice):
    assert client.get("/login", headers={"host": "a b<script>"}).status_code == 400


def test_probes_are_answered_by_whatever_name(client, alice):
    assert client.get("/health/live", headers={"host": "10.0.0.7:3000"}).status_code == 200


def test_the_accepted_host_costs_no_query(client, alice, django_assert_num_queries):
    client.get("/login")

    with django_assert_num_queries(0):
        assert client.get("/nowhere", headers={"host": "evil.example"}).status_code == 400


def test_without_a_trusted_proxy_its_headers_are_ignored(client, carol):
    client.post(
        "/login",
        CREDENTIALS,
        REMOTE_ADDR="198.51.100.1",
        headers={"x-forwarded-for": "203.0.113.7", "x-forwarded-host": "evil.example"},
    )

    assert Session.objects.get().address == "198.51.100.1"


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "10.9.9.9, 203.0.113.7", "203.0.113.7"),
        (2, "10.9.9.9, 203.0.113.7, 192.0.2.1", "203.0.113.7"),
        (2, "203.0.113.7", "203.0.113.7"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "203.0.113.7:4711", "203.0.113.7"),
        (1, "nonsense", "198.51.100.1"),
        (1, "", "198.51.100.1"),
    ],
)
def test_as_many_proxies_are_believed_as_are_trusted(
    client, carol, settings, hops, forwarded, address
):
    settings.TRUST_PROXY = hops

    client.post(
        "/login",
        CREDENTIALS,
        REMOTE_ADDR="198.51.100.1",
        headers={"x-forwarded-for": forwarded},
    )

    assert Session.objects.get().address == address


def test_a_trusted_proxy_names_host_and_scheme(client, alice, settings):
    settings.TRUST_PROXY = 1
    settings.SERVER_URL = "https://patchmon.example.com"
    inside = {"host": "app:3000", "x-forwarded-proto": "https"}

    named = client.get("/login", headers=inside | {"x-forwarded-host": "patchmon.example.com"})
    forged = client.get(
        "/login", headers=inside | {"x-forwarded-host": "patchmon.example.com, app:3000"}
    )

    assert named.status_code == 200
    assert named.wsgi_request.is_secure()
    assert forged.status_code == 400


def test_a_form_from_the_server_urls_origin_is_accepted_behind_a_proxy_that_ends_tls(
    carol, settings
):
    settings.SERVER_URL = "https://patchmon.example.com"
    browser = Client(enforce_csrf_checks=True, headers={"host": "patchmon.example.com"})
    token = browser.get("/login").context["csrf_token"]
    fields = CREDENTIALS | {"csrfmiddlewaretoken": str(token)}

    evil = browser.post("/login", fields, headers={"origin": "https://evil.example"})
    ours = browser.post("/login", fields, headers={"origin": "https://patchmon.example.com"})

    assert evil.status_code == 403
    assert ours.status_code == 303
