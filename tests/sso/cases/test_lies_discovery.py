"""Discovery documents that lie: nobody is sent to such a provider (rp-cases 4.4, 35, 92 to 98)."""

from __future__ import annotations

import json

import pytest

from sso.models import SignInAttempt, UsedRoundTrip
from sso.rules.reasons import Reason
from sso.views.browser_key import COOKIE
from tests.fakes.provider import TENANT, Reply, without
from tests.sso.cases.front_door import (
    START,
    Browser,
    assert_no_secret,
    connect,
    everything,
    make_alice,
)
from tests.sso.cases.lies import Lie, Oddity, told

pytestmark = pytest.mark.django_db

MICROSOFT = "https://login.microsoftonline.com"
EVIL = "https://evil.example/keys"


def discovery(rows: str, title: str, reason: Reason, change, **rest) -> Lie:
    said = change if callable(change) else lambda _honest: change
    return Lie(rows, title, reason, discovery=said, redeems=False, **rest)


def endpoint(rows: str, title: str, url: object, reason=Reason.PROVIDER_ADDRESS) -> Lie:
    return discovery(rows, title, reason, lambda d: d | {"token_endpoint": url})


LIES = [
    discovery(
        "92 oidcc-client-test-discovery-issuer-mismatch",
        "another suffix",
        Reason.ISSUER_MISMATCH,
        lambda d: d | {"issuer": d["issuer"] + "INVALID"},
    ),
    discovery(
        "92", "a final slash", Reason.ISSUER_MISMATCH, lambda d: d | {"issuer": d["issuer"] + "/"}
    ),
    discovery(
        "92", "another case", Reason.ISSUER_MISMATCH, lambda d: d | {"issuer": d["issuer"].upper()}
    ),
    discovery("92", "no issuer", Reason.DISCOVERY, lambda d: without(d, "issuer")),
    discovery(
        "35",
        "a template of tenants",
        Reason.SEVERAL_TENANTS,
        lambda d: d | {"issuer": f"{MICROSOFT}/{{tenantid}}/v2.0"},
        entra=True,
    ),
    endpoint("93", "plain http", "http://sso.example.com/token"),
    endpoint("93", "a file", "file:///etc/passwd"),
    endpoint("93", "gopher", "gopher://sso.example.com/x"),
    endpoint("93", "a script", "javascript:alert(1)"),
    endpoint("93", "user information", "https://sso.example.com@evil.example/"),
    endpoint("93", "a fragment", "https://sso.example.com/token#x"),
    endpoint("93", "no host", "https:///token"),
    endpoint("93", "a list", ["https://sso.example.com/token"]),
    endpoint("93 98", "no token endpoint", None, Reason.DISCOVERY),
    discovery("98", "no jwks_uri", Reason.DISCOVERY, lambda d: without(d, "jwks_uri")),
    discovery(
        "98 6",
        "only algorithms that are not accepted",
        Reason.ALG,
        lambda d: d | {"id_token_signing_alg_values_supported": ["none", "HS256"]},
    ),
    discovery(
        "98",
        "an empty list of algorithms",
        Reason.ALG,
        lambda d: d | {"id_token_signing_alg_values_supported": []},
    ),
    discovery(
        "89", "a page", Reason.DISCOVERY, Reply(200, b"<html>", {"Content-Type": "text/html"})
    ),
    discovery("89", "a list", Reason.DISCOVERY, Reply.json([])),
    discovery(
        "29",
        "issuer twice",
        Reason.DISCOVERY,
        lambda d: Reply(200, json.dumps(d).encode()[:-1] + b', "issuer": "https://evil.example"}'),
    ),
    discovery(
        "27",
        "nested without end",
        Reason.DISCOVERY,
        Reply(200, b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
    ),
    discovery("89", "404", Reason.DISCOVERY, Reply(404)),
    discovery("101", "503", Reason.PROVIDER_STATUS, Reply(503)),
    discovery("88 D16", "302", Reason.PROVIDER_REDIRECT, Reply(302, b"", {"Location": EVIL})),
    discovery("87", "two megabytes", Reason.PROVIDER_TOO_LARGE, Reply(200, b" " * 2_000_000)),
]


def assert_not_begun(browser: Browser, reason: Reason) -> None:
    """Assert that nobody was sent anywhere, and that the page says no more than it should."""
    answer = browser.get(START)
    assert answer.status_code == 503
    assert "Location" not in answer
    assert COOKIE not in browser.cookies
    assert everything() == browser.before
    assert SignInAttempt.objects.count() == UsedRoundTrip.objects.count() == 0
    assert browser.username == ""
    page = answer.content.decode()
    assert_no_secret(browser, page)
    # Nothing is on record, so there is nothing to refer to.
    assert "reference" not in page
    assert "tell your administrator." in page
    lines = [json.loads(line) for line in browser.log.lines if "could not begin" in line]
    assert [line["reason"] for line in lines] == [reason.value]
    assert "reference" not in lines[0]


@pytest.mark.parametrize("lie", told(LIES))
def test_nobody_is_sent_to_a_provider_whose_discovery_lies(request, log, lie):
    provider = request.getfixturevalue("entra" if lie.entra else "provider")
    lie.prepare(provider)
    connect(provider)
    make_alice(provider)
    browser = Browser(provider, log)

    assert_not_begun(browser, lie.reason)

    assert provider.asked["token"] == provider.asked["keys"] == 0
    # Nor does the sign-in page offer it.
    assert "unavailable at the moment" in browser.page


@pytest.mark.case(35)
@pytest.mark.parametrize("tenant", ["common", "organizations", "consumers"])
def test_an_issuer_for_several_tenants_is_not_even_asked(entra, log, tenant):
    entra.issuer = f"{MICROSOFT}/{tenant}/v2.0"
    connect(entra)

    assert_not_begun(Browser(entra, log), Reason.SEVERAL_TENANTS)

    assert entra.total == 0


@pytest.mark.case(35)
def test_a_key_of_the_template_is_of_this_tenant(entra, log):
    connect(entra)
    make_alice(entra)
    assert entra.keys[0]["issuer"] == f"{MICROSOFT}/{{tenantid}}/v2.0"
    browser = Browser(entra, log)
    browser.sign_in()

    assert browser.username == "alice"
    assert TENANT in entra.issuer


ODDITIES = [
    Oddity(
        "96",
        "userinfo on another host",
        discovery=lambda d: d | {"userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo"},
    ),
    Oddity(
        "98",
        "no word of PKCE",
        discovery=lambda d: without(d, "code_challenge_methods_supported"),
    ),
    Oddity(
        "oidcc-client-test-discovery-openid-config 96",
        "members that nobody knows",
        discovery=lambda d: d | {"zz": {"a": [1]}, "end_session_endpoint": None},
    ),
]


@pytest.mark.parametrize("oddity", told(ODDITIES))
def test_a_discovery_document_that_is_only_unusual_serves(tell, oddity):
    assert tell(oddity).username == "alice"


@pytest.mark.case("oidcc-client-test-discovery-jwks-uri-keys")
def test_keys_come_from_the_address_in_the_document(tell, wire):
    story = Oddity(
        "",
        "",
        setup=lambda p: p.document.update(jwks_uri=f"{p.issuer}/a-new-place/keys"),
    )

    assert tell(story).username == "alice"

    asked = [call.request.url for call in wire.calls]
    assert asked[:3:2] == [
        "https://sso.example.com/realms/main/.well-known/openid-configuration",
        "https://sso.example.com/realms/main/a-new-place/keys",
    ]
