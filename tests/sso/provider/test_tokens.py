"""Redeeming a code and asking userinfo."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import unquote_plus

import pytest

from sso.provider import discovery, tokens
from sso.provider.deadline import Deadline
from sso.provider.document import Metadata
from sso.provider.failures import ProviderFailed
from sso.rules.reasons import Reason, SignInRefused
from tests.fakes.provider import CALLBACK, CODE, VERIFIER, FakeProvider, Reply, damaged


def redeem(provider: FakeProvider, metadata: Metadata) -> tokens.TokenAnswer:
    return tokens.redeem(
        metadata,
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        code=CODE,
        code_verifier=VERIFIER,
        redirect_uri=CALLBACK,
        deadline=Deadline(10),
    )


def refused(provider: FakeProvider, metadata: Metadata) -> ProviderFailed:
    with pytest.raises(ProviderFailed) as caught:
        redeem(provider, metadata)
    told = f"{caught.value!r} {caught.value} {caught.value.detail}"
    assert provider.client_secret not in told
    assert CODE not in told
    assert provider.asked["token"] == 1
    return caught.value


def test_a_code_is_redeemed_with_one_request(provider, metadata):
    answer = redeem(provider, metadata)
    assert answer.access_token == provider.access_token
    assert answer.scopes == {"openid", "profile", "email"}
    assert not answer.may_read_graph
    assert provider.seen[-1].form == {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        "client_id": provider.client_id,
        "client_secret": provider.client_secret,
    }
    assert "authorization" not in provider.seen[-1].headers
    assert provider.asked["token"] == 1
    assert provider.access_token not in repr(answer)
    assert answer.id_token not in repr(answer)


@pytest.mark.parametrize(
    ("methods", "basic"),
    [
        (["client_secret_basic"], True),
        (["client_secret_basic", "private_key_jwt"], True),
        (None, True),
        # What is there and names neither is post, whatever it is.
        ([], False),
        ([7, {"client_secret_basic": True}], False),
        ("private_key_jwt", False),
        ({"client_secret_basic": 1}, False),
        (7, False),
        ("client_secret_basic", True),
        (["private_key_jwt"], False),
        (["client_secret_basic", "client_secret_post"], False),
    ],
)
def test_case_102_one_way_to_authenticate(provider, deadline, methods, basic):
    provider.on("discovery", damaged(token_endpoint_auth_methods_supported=methods))
    provider.client_secret = "a:b%c ü+d&e=f"
    metadata = discovery.ask(provider.issuer, deadline=deadline)
    redeem(provider, metadata)
    seen = provider.seen[-1]
    assert ("client_secret" in seen.form) is not basic
    assert ("authorization" in seen.headers) is basic
    if basic:
        pair = base64.b64decode(seen.headers["authorization"].removeprefix("Basic ")).decode()
        client_id, _, secret = pair.partition(":")
        assert unquote_plus(client_id) == provider.client_id
        assert unquote_plus(secret) == provider.client_secret
        assert secret.isascii()


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client"])
def test_case_89_a_refused_client_is_recognised_by_its_code(provider, metadata, status, error):
    provider.reply("token", Reply.json({"error": error}, status))
    assert refused(provider, metadata).reason is Reason.CLIENT_REFUSED


def test_entra_tells_why_a_client_was_refused(entra, entra_metadata):
    entra.reply(
        "token",
        Reply.json(
            {
                "error": "invalid_client",
                "error_description": "AADSTS7000222: The provided client secret keys are expired.",
                "error_codes": [7000222],
                "trace_id": "8f6c1f0e-9f0a-4c3c-8d9e-111111111111",
                "correlation_id": "8f6c1f0e-9f0a-4c3c-8d9e-222222222222",
            },
            401,
        ),
    )
    failure = refused(entra, entra_metadata)
    assert failure.reason is Reason.CLIENT_REFUSED
    assert failure.provider_error is not None
    assert failure.provider_error.stage == "token"
    assert failure.provider_error.codes == (7000222,)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(200, b"<html>", {"Content-Type": "text/html"}), Reason.TOKEN_ANSWER),
        (Reply(200, b"[]"), Reason.TOKEN_ANSWER),
        (Reply(200, b"null"), Reason.TOKEN_ANSWER),
        (Reply(200, b'{"a": 1, "a": 2}'), Reason.TOKEN_ANSWER),
        (Reply(200, b'{"a": ' + b"[" * 100_000), Reason.TOKEN_ANSWER),
        (Reply.json({"error": "access_denied"}), Reason.TOKEN_REFUSED),
        (Reply.json({"error": "invalid_client"}), Reason.CLIENT_REFUSED),
        (Reply.json({"error": "invalid_grant"}, 400), Reason.GRANT_REFUSED),
        (Reply.json({"error": ["invalid_client"]}, 400), Reason.TOKEN_REFUSED),
        (Reply.json({"error": "invalid_client\n"}, 400), Reason.TOKEN_REFUSED),
        (Reply(401, b"<html>"), Reason.TOKEN_REFUSED),
        (Reply(400, b"[]"), Reason.TOKEN_REFUSED),
        (Reply(429), Reason.PROVIDER_THROTTLED),
        (Reply(500, b"stack trace"), Reason.PROVIDER_STATUS),
        (Reply.json({"error": "temporarily_unavailable"}, 400), Reason.PROVIDER_STATUS),
        (Reply(307, b"", {"Location": "https://evil.example/"}), Reason.PROVIDER_REDIRECT),
    ],
    ids=range(16),
)
def test_case_89_answers_that_are_no_tokens(provider, metadata, reply, reason):
    provider.reply("token", reply)
    assert refused(provider, metadata).reason is reason


def test_what_a_provider_says_is_one_line(provider, metadata):
    told = "first\r\nfake log line \x1b[31m\u202ered" + "x" * 100_000
    provider.reply("token", Reply.json({"error": "invalid_grant", "error_description": told}, 400))
    error = refused(provider, metadata).provider_error
    assert error is not None
    assert error.description.startswith("first fake log line")
    assert len(error.description) <= 1000
    assert not set(error.description) & set("\r\n\x1b\u202e")


@pytest.mark.parametrize("kind", ["bearer", "BEARER", "Bearer"])
def test_case_90_the_token_type_has_no_case(provider, metadata, kind):
    provider.on("token", damaged(token_type=kind, expires_in=None))
    assert redeem(provider, metadata).access_token == provider.access_token


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"token_type": "mac"}, Reason.TOKEN_TYPE),
        ({"token_type": None}, Reason.TOKEN_TYPE),
        ({"token_type": 7}, Reason.TOKEN_TYPE),
        ({"access_token": None}, Reason.TOKEN_TYPE),
        ({"access_token": ""}, Reason.TOKEN_TYPE),
        ({"access_token": "a\r\nX: y"}, Reason.TOKEN_TYPE),
        ({"access_token": ["a"]}, Reason.TOKEN_TYPE),
        ({"id_token": None}, Reason.TOKEN_FORMAT),
        ({"id_token": ""}, Reason.TOKEN_FORMAT),
        ({"id_token": 7}, Reason.TOKEN_FORMAT),
        ({"id_token": ["a.b.c"]}, Reason.TOKEN_FORMAT),
    ],
    ids=range(11),
)
def test_cases_25_90_members_that_are_no_tokens(provider, metadata, changes, reason):
    provider.on("token", damaged(**changes))
    assert refused(provider, metadata).reason is reason


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("openid profile email User.Read", True),
        ("openid https://graph.microsoft.com/User.Read", True),
        ("openid user.read", True),
        ("openid User.ReadBasic.All", False),
        (None, False),
        (["User.Read"], False),
    ],
)
def test_the_scopes_granted_decide_about_graph(entra, entra_metadata, scope, expected):
    entra.on("token", damaged(scope=scope))
    assert redeem(entra, entra_metadata).may_read_graph is expected


# Userinfo


def userinfo(provider: FakeProvider, metadata: Metadata) -> dict[str, Any]:
    return tokens.userinfo(
        metadata,
        access_token=provider.access_token,
        subject=provider.subject,
        deadline=Deadline(10),
    )


def test_userinfo_of_the_same_subject_is_taken(provider, metadata):
    provider.userinfo["email"] = "alice@example.com"
    assert userinfo(provider, metadata)["email"] == "alice@example.com"
    assert provider.seen[-1].headers["authorization"] == f"Bearer {provider.access_token}"
    assert provider.access_token not in provider.seen[-1].url


@pytest.mark.parametrize(
    "subject", [None, "248289761001invalid", 248289761001, "", ["248289761001"]]
)
def test_case_48_userinfo_about_another_person(provider, metadata, subject):
    provider.on("userinfo", damaged(sub=subject))
    with pytest.raises(SignInRefused) as caught:
        userinfo(provider, metadata)
    assert caught.value.reason is Reason.USERINFO_SUB


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(200, b"e30.e30.x", {"Content-Type": "application/jwt"}), Reason.USERINFO),
        (Reply(200, b'{"sub": "248289761001"}', {"Content-Type": "application/jwt"}), "userinfo"),
        (Reply(200, b"[]"), Reason.USERINFO),
        (Reply(200, b'"text"'), Reason.USERINFO),
        (Reply(200, b"null"), Reason.USERINFO),
        (Reply(200, b"<html>", {"Content-Type": "text/html"}), Reason.USERINFO),
        (Reply(200, b'{"sub": "a", "sub": "248289761001"}'), Reason.USERINFO),
        (Reply(200, b'{"sub": ' + b"[" * 100_000), Reason.USERINFO),
        (Reply(204), Reason.USERINFO),
        (Reply(401), Reason.USERINFO),
        (Reply(403), Reason.USERINFO),
        (Reply(500), Reason.PROVIDER_STATUS),
        (Reply(302, b"", {"Location": "/"}), Reason.PROVIDER_REDIRECT),
    ],
    ids=range(13),
)
def test_cases_49_50_userinfo_that_is_none(provider, metadata, reply, reason):
    provider.reply("userinfo", reply)
    with pytest.raises(ProviderFailed) as caught:
        userinfo(provider, metadata)
    assert caught.value.reason == reason


def test_a_provider_without_userinfo(provider, deadline):
    provider.on("discovery", damaged(userinfo_endpoint=None))
    metadata = discovery.ask(provider.issuer, deadline=deadline)
    with pytest.raises(ProviderFailed) as caught:
        userinfo(provider, metadata)
    assert caught.value.reason is Reason.USERINFO
    assert provider.asked["userinfo"] == 0


def test_a_broken_connection_at_the_token_request_is_not_repeated(provider, metadata):
    provider.on("token", _break)
    with pytest.raises(ProviderFailed) as caught:
        redeem(provider, metadata)
    assert caught.value.reason is Reason.PROVIDER_UNREACHABLE
    assert provider.asked["token"] == 1


def _break(_honest: Reply) -> Reply:
    raise ConnectionResetError
