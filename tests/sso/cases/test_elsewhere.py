"""Targets, hosts, and codes where they do not belong (rp-cases 4.3, cases 54 and 80 to 85)."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from accounts.models import Session
from sso.models import SignInAttempt, UsedRoundTrip
from tests.people import HOST, PASSWORD
from tests.sso.cases.front_door import (
    CALLBACK,
    START,
)

pytestmark = pytest.mark.django_db


@pytest.mark.case(80)
@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "https:///evil.example",
        "http:evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "/profile\r\nX: y",
        "\t//evil.example",
        "/\t/evil.example",
        "http://localhost:3000@evil.example/",
        "http://localhost:3000.evil.example/",
        "/%09//evil.example",
        "//xn--e1afmkfd.example",
        "/profile?" + "a" * 5_000,
    ],
    ids=range(15),
)
def test_a_target_elsewhere_leads_home(open_browser, provider, target):
    browser = open_browser()
    assert browser.sign_in(target)["Location"] == "/"


@pytest.mark.case(81)
@pytest.mark.parametrize(
    "target",
    [
        "/logout",
        "/login",
        START,
        CALLBACK,
        "/api/v1/auth/profile",
        "/profile/sessions/end",
        "/settings/oidc/enable",
        "/setup",
        "/static/patchmon/css/base.css",
        "/nowhere",
    ],
)
def test_a_target_that_is_no_page_leads_home(open_browser, provider, target):
    browser = open_browser()
    assert browser.sign_in(target)["Location"] == "/"


@pytest.mark.case(82, "D41", "D43")
def test_each_tab_lands_on_its_own_target(open_browser, provider):
    browser = open_browser()
    first, second = browser.begin("/profile"), browser.begin("/profile?tab=2")

    assert browser.come_back(second)["Location"] == "/profile?tab=2"
    assert browser.come_back(first)["Location"] == "/profile"
    assert browser.username == "alice"


@pytest.mark.case(83, "D36")
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.example"},
        {"Forwarded": "host=evil.example"},
        {"X-Forwarded-Port": "666"},
        {"X-Original-URL": "/evil"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_no_header_moves_the_way_back(open_browser, provider, headers):
    browser = open_browser()
    answer = browser.get(START, headers=headers)

    asked = parse_qs(urlsplit(answer["Location"]).query)
    assert asked["redirect_uri"] == [f"http://{HOST}{CALLBACK}"]


@pytest.mark.case(83, "D36")
def test_another_host_is_not_answered_and_starts_nothing(open_browser, provider):
    open_browser()
    answer = Client(headers={"host": "evil.example"}).get(START)

    assert answer.status_code == 400
    assert provider.total == 0


@pytest.mark.case(84)
def test_a_spoofed_scheme_changes_nothing(open_browser, provider):
    browser = open_browser()
    answer = browser.get(START, headers={"X-Forwarded-Proto": "https"})

    assert parse_qs(urlsplit(answer["Location"]).query)["redirect_uri"][0].startswith("http://")
    assert not answer.wsgi_request.is_secure()


@pytest.mark.case(85)
def test_an_image_that_starts_sign_ins_signs_nobody_in(open_browser, provider):
    browser = open_browser()
    for _ in range(5):
        browser.get(START)

    assert browser.username == ""
    assert Session.objects.count() == SignInAttempt.objects.count() == 0
    assert UsedRoundTrip.objects.count() == 0
    # One discovery document for all of them.
    assert provider.total == 1


@pytest.mark.case(54, "D1")
@pytest.mark.parametrize("path", ["/login", "/admin/login/"])
def test_no_form_redeems_a_code_that_is_attached(open_browser, provider, path):
    browser = open_browser()
    query = browser.begin()
    address = f"{path}?code={query['code'][0]}&state={query['state'][0]}"
    provider.asked.clear()

    browser.get(address)
    browser.post(address, {"username": "boss", "password": "wrong"})
    assert browser.username == ""
    browser.post(address, {"username": "nobody", "password": "", **query})

    assert browser.username == ""
    assert provider.asked["token"] == provider.asked["userinfo"] == 0
    assert UsedRoundTrip.objects.count() == SignInAttempt.objects.count() == 0


@pytest.mark.case(54, "D1", "D56", 136)
@pytest.mark.parametrize(
    "authorization",
    ["", "Basic Ym9zczp3cm9uZw==", "Basic Ym9zczpjb3JyZWN0IGhvcnNlIGJhdHRlcnk=", "Bearer token"],
)
def test_no_call_of_the_api_redeems_one_or_takes_a_password_or_token(
    open_browser, provider, authorization
):
    assert PASSWORD == "correct horse battery"
    browser = open_browser()
    query = browser.begin()
    address = f"/api/v1/auth/profile?code={query['code'][0]}&state={query['state'][0]}"
    headers = {"authorization": authorization} if authorization else {}

    answer = browser.get(address, headers=headers)

    assert answer.status_code == 401
    assert provider.asked["token"] == 0
    assert UsedRoundTrip.objects.count() == 0
