"""The honest journey, and what browsers do to it (rp-cases 4.3, cases 46, 71 to 85)."""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from accounts.models import Session
from accounts.roles import Role
from accounts.services import create_user
from sso.models import SignInAttempt, UsedRoundTrip
from tests.fakes.provider import Reply
from tests.people import HOST, PASSWORD
from tests.sso.cases.front_door import (
    CALLBACK,
    START,
    Browser,
    assert_no_secret,
    connect,
)

pytestmark = pytest.mark.django_db


@pytest.mark.case(
    "oidcc-client-test", 71, 46, "D50", "D36", "D49", "oidcc-client-test-nonce-unless-code-flow"
)
def test_every_request_has_its_own_state_nonce_and_challenge(open_browser, provider):
    browser = open_browser()
    for _ in range(3):
        browser.begin()

    asked = provider.authorizations
    for name in ("state", "nonce", "code_challenge"):
        assert len({request[name] for request in asked}) == 3
        assert all(len(request[name]) >= 43 for request in asked)
    for request in asked:
        assert request["response_type"] == "code"
        assert request["code_challenge_method"] == "S256"
        assert request["redirect_uri"] == f"http://{HOST}{CALLBACK}"
        assert "openid" in request["scope"].split()
        # Nothing is demanded that would have to be checked afterwards.
        assert not {"max_age", "acr_values", "response_mode", "request"} & request.keys()


@pytest.mark.case(71, "oidcc-client-test")
def test_the_token_request_brings_verifier_and_redirect_uri(browser, provider):
    browser.sign_in()

    form = next(seen.form for seen in provider.seen if seen.url.endswith("/token"))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
    assert provider.authorizations[0]["code_challenge"] == challenge.rstrip(b"=").decode()
    assert form["redirect_uri"] == provider.authorizations[0]["redirect_uri"]


@pytest.mark.case(102, "D34", "oidcc-client-test-client-secret-basic")
def test_a_provider_that_knows_only_basic(open_browser, provider):
    provider.document["token_endpoint_auth_methods_supported"] = ["client_secret_basic"]
    browser = open_browser()
    browser.sign_in()

    asked = next(seen for seen in provider.seen if seen.url.endswith("/token"))
    assert browser.username == "alice"
    pair = base64.b64decode(asked.headers["authorization"].removeprefix("Basic "))
    assert pair.endswith(b":it~Is.A-secret_Value%2Bwith%2Fodd%3Dsigns%26%25")
    assert "client_secret" not in asked.form


@pytest.mark.case(102, "D51")
def test_an_authorization_endpoint_with_a_query(open_browser, provider):
    provider.document["authorization_endpoint"] += "?p=B2C_1_sign_in"
    browser = open_browser()
    browser.begin()

    parts = urlsplit(browser.answer["Location"])
    assert parts.query.count("?") == 0
    assert parse_qs(parts.query)["p"] == ["B2C_1_sign_in"]


@pytest.mark.case(73)
def test_a_planted_session_is_not_the_one_that_is_signed_in(open_browser, provider):
    planted = Client(headers={"host": HOST})
    session = planted.session
    session["planted"] = True
    session.save()
    browser = open_browser()
    browser.cookies["patchmon"] = session.session_key
    browser.sign_in()

    assert browser.username == "alice"
    assert browser.cookies["patchmon"].value != session.session_key
    assert not Session.objects.filter(session_key=session.session_key).exists()
    assert "planted" not in browser.session_data


@pytest.mark.case(73, "D44")
def test_signing_in_again_changes_the_key_too(open_browser, provider):
    browser = open_browser()
    query = browser.begin()
    browser.sign_in()
    first = browser.cookies["patchmon"].value
    browser.come_back(query)

    assert browser.username == "alice"
    assert browser.cookies["patchmon"].value != first
    assert not Session.objects.filter(session_key=first).exists()


@pytest.mark.case(74)
def test_the_session_of_another_user_is_emptied(open_browser, provider, administrator):
    browser = open_browser()
    query = browser.begin()
    browser.force_login(administrator, backend="accounts.backends.PasswordBackend")
    session = browser.session
    session["theirs"] = "private"
    session.save()
    browser.come_back(query)

    assert browser.username == "alice"
    assert "theirs" not in browser.session_data
    assert not Session.objects.filter(user=administrator).exists()


@pytest.mark.case(75, 143, "D29", "D43", "D59")
def test_nothing_of_the_journey_stays_in_the_session(open_browser, provider):
    browser = open_browser()
    browser.sign_in("/profile")

    told = repr(list(Session.objects.values())) + repr(browser.session_data)
    told += repr(list(SignInAttempt.objects.values())) + repr(list(UsedRoundTrip.objects.values()))
    told += browser.get("/profile").content.decode()
    for secret in provider.secrets:
        assert secret not in told
    assert_no_secret(browser, browser.get("/").content.decode())


@pytest.mark.case(76)
def test_reload_and_back_lead_on(open_browser, provider):
    browser = open_browser()
    query = browser.begin("/profile")
    browser.come_back(query)
    for _ in range(2):
        assert browser.come_back(query)["Location"] == "/profile"

    assert browser.username == "alice"
    assert provider.asked["token"] == SignInAttempt.objects.count() == 1


@pytest.mark.case(77)
def test_a_scanner_that_opens_the_callback_first_uses_nothing_up(open_browser, provider):
    browser = open_browser()
    query = browser.begin()
    Client(headers={"host": HOST}).get(CALLBACK, query)

    browser.come_back(query)

    assert browser.username == "alice"


@pytest.mark.case(78)
@pytest.mark.parametrize("error", ["login_required", "interaction_required", "consent_required"])
def test_a_silent_refusal_of_the_provider_is_no_loop(open_browser, provider, error):
    browser = open_browser()
    query = browser.begin()
    answer = browser.get(CALLBACK, {"state": query["state"], "error": error}, follow=True)

    assert answer.redirect_chain == [("/login", 302)]
    assert "prompt" not in provider.authorizations[0]
    assert browser.username == ""


@pytest.mark.case(79, "D52")
def test_the_answers_around_the_code_are_not_kept_and_not_passed_on(open_browser, provider):
    browser = open_browser()
    query = browser.begin()
    refused = browser.come_back(query | {"code": [""]})
    started = browser.get(START)
    let_in = browser.sign_in()

    for answer in (refused, started, let_in):
        assert answer.status_code == 302
        assert "no-store" in answer["Cache-Control"]
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer.content == b""


@pytest.mark.case(101)
def test_a_provider_that_is_down_leaves_the_local_way_in(client, provider, administrator):
    connect(provider)
    provider.told["discovery"] = lambda _honest: Reply(503)
    page = client.get("/login")

    assert page.status_code == 200
    assert "unavailable at the moment" in page.content.decode()
    client.post("/login", {"username": "boss", "password": PASSWORD})
    assert client.get("/").status_code == 200


@pytest.mark.case("oidcc-client-test-3rd-party-init-login")
def test_another_sites_link_starts_an_ordinary_journey_to_our_provider(open_browser, provider):
    browser = open_browser()
    answer = browser.get(
        START, {"iss": "https://evil.example", "target_link_uri": "//evil", "login_hint": "x"}
    )

    assert answer["Location"].startswith(f"{provider.issuer}/authorize?")
    assert "evil" not in answer["Location"]
    query = provider.authorize(answer["Location"])
    assert browser.come_back(query)["Location"] == "/"


@pytest.mark.case(147)
def test_a_refusal_about_accounts_reads_the_same_whatever_it_is(provider, log, administrator):
    connect(provider)
    del provider.userinfo["email_verified"]
    pages = set()

    def refuse(subject: str, reason: str) -> None:
        provider.subject = provider.userinfo["sub"] = subject
        browser = Browser(provider, log)
        browser.sign_in()
        attempt = SignInAttempt.objects.order_by("-pk")[0]
        assert attempt.reason == reason
        page = browser.page.replace(attempt.reference, "REFERENCE")
        pages.add(re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", page))

    def account(email: str, **values):
        return create_user(
            usernames=[email], email=email, first_name="", last_name="", actor=None, **values
        )

    provider.userinfo["email"] = "a@example.com"
    account("a@example.com", role=Role.USER)
    refuse("1", "email_unverified")
    provider.userinfo["email"] = "boss@example.org"
    refuse("2", "email_of_administrator")
    gone = account("gone@example.com", role=Role.USER)
    type(gone).objects.filter(pk=gone.pk).update(is_active=False)
    provider.userinfo["email"] = "gone@example.com"
    refuse("3", "inactive")
    connect(provider, auto_create_users=False)
    provider.userinfo["email"] = "stranger@example.com"
    refuse("4", "no_account")

    assert len(pages) == 1
