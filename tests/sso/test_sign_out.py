"""Signing out here, and being signed out at the provider."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Session
from tests.people import HOST

pytestmark = pytest.mark.django_db

FRONT_CHANNEL = "/api/v1/auth/oidc/frontchannel-logout"


def is_signed_in(client: Client) -> bool:
    return client.get(reverse("sso:api-profile")).status_code == 200


def test_a_sign_out_at_the_provider_ends_the_sessions_of_that_sign_in(connected, sign_in):
    connected.tenant.app.claims.sid = True
    alice, hana = sign_in("alice"), sign_in("hana")
    session_id = Session.objects.get(user__username="alice").provider_session_id
    assert session_id

    # In a frame of the provider's page, without any cookie of ours.
    answer = Client(headers={"host": HOST}).get(FRONT_CHANNEL, {"sid": session_id})

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert "X-Frame-Options" not in answer
    assert "frame-ancestors *" in answer["Content-Security-Policy"]
    assert not is_signed_in(alice)
    assert is_signed_in(hana)


@pytest.mark.parametrize("query", [{}, {"sid": ""}, {"sid": "x" * 300}, {"sid": "no-such-session"}])
def test_any_other_call_answers_the_same_and_ends_nothing(connected, sign_in, query):
    connected.tenant.app.claims.sid = True
    alice = sign_in("alice")
    # A session that carries no sid must not end with an empty one.
    connected.tenant.app.claims.sid = False
    hana = sign_in("hana")

    answer = Client(headers={"host": HOST}).get(FRONT_CHANNEL, query)

    assert answer.status_code == 200
    assert is_signed_in(alice)
    assert is_signed_in(hana)


def test_no_other_page_may_be_framed(connected, client):
    page = client.get("/login")

    assert page["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]


def test_signing_out_is_a_post(connected, sign_in):
    alice = sign_in("alice")

    assert alice.get("/logout").status_code == 405
    assert is_signed_in(alice)
    assert alice.post("/logout").status_code == 303
    assert not is_signed_in(alice)
