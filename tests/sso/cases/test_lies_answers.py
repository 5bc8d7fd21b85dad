"""What token endpoint and userinfo should not say (rp-cases, cases 25, 27, 48 to 53, 89, 90)."""

from __future__ import annotations

import json

import pytest

from accounts.models import User
from accounts.roles import Role
from sso.models import OIDCSettings
from sso.rules.reasons import Reason
from tests.fakes.provider import Reply
from tests.sso.cases.front_door import assert_refused
from tests.sso.cases.lies import Lie, Oddity, assert_caught, told

pytestmark = pytest.mark.django_db

DEEP = b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
SECRET_BODY = "line one\r\n\x1b[31mline two \u202e<script>alert(1)</script>"


def token(rows: str, title: str, reason: Reason, change) -> Lie:
    """Change the token answer: by a function of the honest one, or wholly."""
    return Lie(rows, title, reason, token=change if callable(change) else lambda _honest: change)


def error(rows: str, code: str, status: int, reason: Reason, **members) -> Lie:
    answer = Reply.json({"error": code, "error_description": SECRET_BODY, **members}, status)
    return token(rows, f"{status} {code}", reason, answer)


def userinfo(rows: str, title: str, reason: Reason, change) -> Lie:
    """Change the userinfo answer: by a function of the honest one, or wholly."""
    said = change if callable(change) else lambda _honest: change
    return Lie(rows, title, reason, userinfo=said)


def as_jwt(body: bytes) -> Reply:
    return Reply(200, body, {"Content-Type": "application/jwt"})


LIES = [
    token("89 D18", "a page", Reason.TOKEN_ANSWER, Reply(200, b"<html>hello</html>")),
    token("89", "a list", Reason.TOKEN_ANSWER, Reply.json([])),
    token("89", "null", Reason.TOKEN_ANSWER, Reply.json(None)),
    token("89 27", "nested without end", Reason.TOKEN_ANSWER, Reply(200, DEEP)),
    token("89", "nothing", Reason.TOKEN_ANSWER, Reply(200)),
    error("89", "access_denied", 200, Reason.TOKEN_REFUSED),
    error("89 D19 146", "invalid_grant", 400, Reason.GRANT_REFUSED),
    error("89", "invalid_client", 401, Reason.CLIENT_REFUSED),
    error("89", "unauthorized_client", 400, Reason.CLIENT_REFUSED),
    error("89", "slow_down", 429, Reason.PROVIDER_THROTTLED),
    error("89", "server_error", 500, Reason.PROVIDER_STATUS),
    token("89 88", "an answer of the 500 kind without a body", Reason.PROVIDER_STATUS, Reply(502)),
    token("90 D35", "another token type", Reason.TOKEN_TYPE, lambda a: a | {"token_type": "mac"}),
    token("90", "no token type", Reason.TOKEN_TYPE, lambda a: a | {"token_type": None}),
    token("90 D35", "no access token", Reason.TOKEN_TYPE, lambda a: a | {"access_token": None}),
    token("90", "a list as access token", Reason.TOKEN_TYPE, lambda a: a | {"access_token": []}),
    token("25", "null as ID token", Reason.TOKEN_FORMAT, lambda a: a | {"id_token": None}),
    userinfo(
        "48 D22 oidcc-client-test-userinfo-invalid-sub",
        "another sub",
        Reason.USERINFO_SUB,
        lambda u: u | {"sub": u["sub"] + "invalid"},
    ),
    userinfo("48", "no sub", Reason.USERINFO_SUB, lambda u: {"email": u["email"]}),
    userinfo("48", "a number as sub", Reason.USERINFO_SUB, lambda u: u | {"sub": int(u["sub"])}),
    userinfo(
        "49 D21 oidcc-client-test-userinfo-signed",
        "a JWT of a foreign issuer",
        Reason.USERINFO,
        as_jwt(b"e30.e30.sig"),
    ),
    userinfo("49", "an unsigned JWT", Reason.USERINFO, as_jwt(b"eyJhbGciOiJub25lIn0.e30.")),
    userinfo(
        "49 D21",
        "plain JSON that calls itself a JWT",
        Reason.USERINFO,
        lambda u: as_jwt(json.dumps(u).encode()),
    ),
    userinfo("50", "a list", Reason.USERINFO, []),
    userinfo("50", "a string", Reason.USERINFO, "alice"),
    userinfo("50", "null", Reason.USERINFO, None),
    userinfo(
        "50 D18", "a page", Reason.USERINFO, Reply(200, b"<html>", {"Content-Type": "text/html"})
    ),
    userinfo("50", "204", Reason.USERINFO, Reply(204)),
    userinfo("50 D20", "401", Reason.USERINFO, Reply.json({"error": "invalid_token"}, 401)),
    userinfo("50 D20", "403", Reason.USERINFO, Reply(403)),
    userinfo("50", "500", Reason.PROVIDER_STATUS, Reply(500)),
    userinfo(
        "50",
        "302",
        Reason.PROVIDER_REDIRECT,
        Reply(302, b"", {"Location": "https://evil.example/"}),
    ),
    userinfo(
        "27 D18",
        "nested without end",
        Reason.USERINFO,
        Reply(200, DEEP, {"Content-Type": "application/json"}),
    ),
    userinfo(
        "31",
        "half a surrogate pair",
        Reason.USERINFO,
        Reply(200, b'{"sub": "248289761001", "email": "\\ud800@x"}'),
    ),
]

ODDITIES = [
    token(
        "90 fapi-token-type-case-insensitivity",
        "bearer",
        Reason.TOKEN_TYPE,
        lambda a: a | {"token_type": "bearer"},
    ),
    token(
        "90 fapi-token-type-case-insensitivity",
        "BEARER",
        Reason.TOKEN_TYPE,
        lambda a: a | {"token_type": "BEARER"},
    ),
    token(
        "90 fapi-token-endpoint-response-without-expires_in",
        "no expires_in",
        Reason.TOKEN_TYPE,
        lambda a: {k: v for k, v in a.items() if k != "expires_in"},
    ),
    token(
        "89",
        "members that nobody knows",
        Reason.TOKEN_TYPE,
        lambda a: a | {"refresh_token": "r", "x": [1]},
    ),
    Oddity(
        "oidcc-client-test oidcc-client-test-scope-userinfo-claims",
        "claims by scope, from userinfo",
    ),
]


@pytest.mark.parametrize("lie", told(LIES))
def test_an_answer_that_lies_signs_nobody_in(tell, lie):
    assert_caught(tell(lie), lie)


@pytest.mark.parametrize("oddity", told(ODDITIES))
def test_an_answer_that_is_only_unusual_does(tell, oddity):
    browser = tell(oddity)
    assert browser.answer["Location"] == "/"
    assert browser.username == "alice"
    assert User.objects.get(username="alice").role == Role.HOST_MANAGER


@pytest.mark.case(89)
def test_a_refused_client_is_told_to_administrators_and_taken_back(tell, admin_client):
    browser = tell(error("89", "invalid_client", 401, Reason.CLIENT_REFUSED))
    assert OIDCSettings.load().client_refused
    assert "refused PatchMon" in admin_client.get("/").content.decode()
    assert "unavailable at the moment" in browser.page

    browser.provider.told.clear()
    browser.sign_in()

    assert browser.username == "alice"
    assert not OIDCSettings.load().client_refused


@pytest.mark.case(89)
def test_a_visitor_with_an_invented_code_ends_nothing(browser, provider):
    query = browser.begin()
    browser.come_back(query | {"code": ["invented"]})

    assert_refused(browser, Reason.GRANT_REFUSED)
    assert not OIDCSettings.load().client_refused
    assert "unavailable at the moment" not in browser.page


@pytest.mark.case("oidcc-client-test-userinfo-bearer-header", 100)
def test_userinfo_is_asked_with_the_token_in_the_header(browser, provider):
    browser.sign_in()

    asked = next(seen for seen in provider.seen if seen.url.endswith("/userinfo"))
    assert asked.headers["authorization"] == f"Bearer {provider.access_token}"
    assert provider.access_token not in asked.url
    assert asked.form == {}


@pytest.mark.case(51, "D22")
def test_userinfo_does_not_take_back_a_signed_denial(open_browser, provider):
    provider.subject = provider.userinfo["sub"] = "a-new-subject"
    provider.claims |= {"email": "alice@example.com", "email_verified": False}
    provider.userinfo["email_verified"] = True
    browser = open_browser()
    browser.sign_in()

    assert_refused(browser, Reason.EMAIL_DENIED)
    assert provider.asked["userinfo"] == 1


@pytest.mark.case(52)
@pytest.mark.parametrize("name", ["Email_Verified", "EMAIL_VERIFIED"])
def test_a_denial_counts_in_any_casing(open_browser, provider, name):
    browser = open_browser()
    provider.subject = "a-new-subject"
    provider.userinfo |= {"sub": "a-new-subject", name: False}
    browser.sign_in()

    assert_refused(browser, Reason.EMAIL_DENIED)


@pytest.mark.case(52)
def test_an_address_in_another_casing_is_no_address(browser, provider):
    provider.subject = "a-new-subject"
    provider.userinfo = {"sub": "a-new-subject", "EMAIL": "alice@example.com"}
    browser.sign_in()

    user = User.objects.get(linked_identities__subject="a-new-subject")
    assert (user.email, user.username) != ("alice@example.com", "alice")


@pytest.mark.case(53)
def test_no_claim_makes_anyone_anything(browser, provider):
    provider.claims |= {
        "is_superuser": True,
        "is_staff": True,
        "role": "superadmin",
        "roles": ["superadmin"],
        "pk": 1,
        "id": 1,
        "password": "pbkdf2_sha256$1$a$b",
        "is_active": True,
        "__class__": "accounts.models.User",
    }
    provider.subject = provider.userinfo["sub"] = "a-new-subject"
    provider.userinfo |= {"email": "new@example.com", "groups": []}
    browser.sign_in()

    user = User.objects.get(email="new@example.com")
    assert (user.role, user.is_staff, user.is_superuser) == (Role.USER, False, False)
    assert not user.has_usable_password()
    assert user.pk != 1
