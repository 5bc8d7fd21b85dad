"""Signing keys that fit badly, or not at all (rp-cases 4.1, cases 5, 10, 11, 14 to 23)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from sso.rules.reasons import Reason
from tests.fakes.provider import Reply, jwk
from tests.sso.cases.front_door import assert_refused
from tests.sso.cases.hostile import HostileProvider
from tests.sso.cases.lies import Lie, Oddity, assert_caught, told

pytestmark = pytest.mark.django_db


def keys(rows: str, title: str, reason: Reason, *said, setup=None) -> Lie:
    return Lie(rows, title, reason, keys=lambda _honest: {"keys": list(said)}, setup=setup)


def document(rows: str, title: str, said, reason: Reason = Reason.PROVIDER_KEYS) -> Lie:
    return Lie(rows, title, reason, keys=lambda _honest: said)


def signed_with(name: str, *, kid: str | None = "rsa", alg: str = "RS256"):
    def setup(provider: HostileProvider) -> None:
        provider.sign_with, provider.kid, provider.alg = name, kid, alg
        provider.document["id_token_signing_alg_values_supported"] = [alg]

    return setup


NO_KID = signed_with("rsa", kid=None)
ES256 = signed_with("p256", kid="p256", alg="ES256")

LIES = [
    keys("5", "the kid belongs to an EC key", Reason.KEY, jwk("p256", kid="rsa")),
    keys("5", "the key is for RS384", Reason.KEY, jwk("rsa", alg="RS384")),
    keys(
        "5 D33",
        "the kid belongs to a secret",
        Reason.KEY,
        {"kty": "oct", "kid": "rsa", "k": "c2VjcmV0"},
    ),
    keys(
        "11 oidcc-client-test-kid-absent-multiple-jwks",
        "no kid and none of three keys verifies",
        Reason.KEY,
        jwk("rsa-2"),
        jwk("rsa-3"),
        jwk("rsa-4"),
        setup=NO_KID,
    ),
    keys(
        "11",
        "no kid and six keys that fit",
        Reason.KEY,
        *(jwk("rsa", kid=f"k{n}") for n in range(6)),
        setup=NO_KID,
    ),
    keys("15 D12", "a key for encryption", Reason.KEY, jwk(use="enc")),
    keys(
        "15 D12",
        "a key whose operations are others",
        Reason.KEY,
        jwk(use=None, key_ops=["encrypt"]),
    ),
    keys(
        "19",
        "an RSA key of 1024 bits",
        Reason.KEY,
        jwk("weak", kid="rsa"),
        setup=signed_with("weak"),
    ),
    keys("19", "the exponent 1", Reason.KEY, jwk(e="AQ")),
    keys("19", "a modulus of 65 536 bits", Reason.KEY, jwk(n="w" * 10_923)),
    keys(
        "18",
        "the right key behind a hundred others",
        Reason.KEY,
        *[{"kty": "RSA", "kid": "x"}] * 100,
        jwk(),
    ),
    document("17 D13", "no keys member", {}),
    document("17", "a list", []),
    document("17", "null as keys", {"keys": None}),
    document("17", "a string as keys", {"keys": "rsa"}),
    document("17", "no key at all", {"keys": []}),
    document("17", "HTML", Reply(200, b"<html>", {"Content-Type": "text/html"})),
    document(
        "17",
        "keys that call themselves HTML",
        Reply(200, b'{"keys": [{}]}', {"Content-Type": "text/html"}),
    ),
    document("17", "204", Reply(204)),
    document("17", "404", Reply(404)),
    document("17 23", "503", Reply(503), Reason.PROVIDER_STATUS),
    document("17", "429", Reply(429), Reason.PROVIDER_THROTTLED),
    document("18", "20 MB of keys", Reply(200, b" " * 20_000_000), Reason.PROVIDER_TOO_LARGE),
    Lie(
        "oidcc-client-test-invalid-sig-es256 24",
        "a bad EC signature",
        Reason.SIGNATURE,
        keys=lambda _k: {"keys": [jwk("p256")]},
        setup=ES256,
        id_token=lambda t: t[:-10] + ("A" if t[-10] != "A" else "B") + t[-9:],
    ),
    Lie(
        "5",
        "the key of another of Entra's tenants",
        Reason.KEY,
        entra=True,
        keys=lambda _k: {
            "keys": [
                jwk(
                    alg=None,
                    issuer="https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/v2.0",
                )
            ]
        },
    ),
]

ODDITIES = [
    Oddity("6 D31", "PS256", setup=signed_with("rsa", alg="PS256")),
    Oddity(
        "6 D31",
        "ES384",
        setup=signed_with("p384", kid="p384", alg="ES384"),
        keys=lambda _k: {"keys": [jwk("p384")]},
    ),
    Oddity(
        "6 D31",
        "EdDSA",
        setup=signed_with("ed", kid="ed", alg="EdDSA"),
        keys=lambda _k: {"keys": [jwk("ed")]},
    ),
    Oddity(
        "10 D10 oidcc-client-test-kid-absent-single-jwks",
        "no kid on either side",
        setup=NO_KID,
        keys=lambda _k: {"keys": [jwk(kid=None)]},
    ),
    Oddity("10", "no kid in the token", setup=NO_KID),
    Oddity(
        "11 oidcc-client-test-kid-absent-multiple-jwks",
        "no kid and the fifth key verifies",
        setup=NO_KID,
        keys=lambda _k: {"keys": [jwk(f"rsa-{n}") for n in range(2, 6)] + [jwk()]},
    ),
    Oddity(
        "14 D12",
        "two keys share the kid, the right one first",
        keys=lambda _k: {"keys": [jwk(), jwk("rsa-2", kid="rsa")]},
    ),
    Oddity(
        "14 D12",
        "two keys share the kid, the right one last",
        keys=lambda _k: {"keys": [jwk("rsa-2", kid="rsa"), jwk()]},
    ),
    Oddity(
        "16 D13",
        "a good key among bad ones",
        keys=lambda _k: {
            "keys": [
                "text",
                None,
                {"kty": "zz", "kid": "rsa"},
                {"kty": "RSA", "kid": "rsa", "n": "!", "e": "AQAB"},
                jwk("rsa-2", kid=None),
                jwk(),
            ]
        },
    ),
    Oddity("16", "a key without use and alg", keys=lambda _k: {"keys": [jwk(use=None, alg=None)]}),
    Oddity("oidcc-client-test-idtoken-sig-rs256", "RS256"),
]


@pytest.mark.parametrize("lie", told(LIES))
def test_a_token_whose_key_does_not_fit_signs_nobody_in(tell, lie):
    assert_caught(tell(lie), lie)


@pytest.mark.parametrize("oddity", told(ODDITIES))
def test_keys_that_are_only_unusual_do(tell, oddity):
    browser = tell(oddity)
    assert browser.answer["Location"] == "/"
    assert browser.username == "alice"


@pytest.mark.case(8)
def test_no_address_in_a_header_is_ever_asked(tell, wire):
    lie = Lie(
        "8",
        "",
        Reason.SIGNATURE,
        header=lambda h: h | {"jku": "https://evil.example/keys"},
        setup=lambda provider: setattr(provider, "sign_with", "rsa-attacker"),
    )
    browser = tell(lie)
    assert_refused(browser, Reason.SIGNATURE)
    assert {call.request.url.split("/")[2] for call in wire.calls} == {"sso.example.com"}


@pytest.mark.case(20)
def test_a_flood_of_unknown_keys_asks_once_more(browser, provider):
    for number in range(20):
        provider.kid = f"unknown-{number}"
        browser.remember()
        browser.sign_in()
        assert_refused(browser, Reason.KEY)

    assert provider.asked["token"] == 20
    assert provider.asked["keys"] == 2


@pytest.mark.case(21, "oidcc-client-test-signing-key-rotation", "D14")
def test_keys_that_rotate_between_two_sign_ins(open_browser, provider):
    open_browser().sign_in()
    provider.publish("rsa-2")
    provider.sign_with = provider.kid = "rsa-2"
    browser = open_browser()

    browser.sign_in()

    assert browser.username == "alice"
    assert provider.asked["keys"] == 2


@pytest.mark.case(21, "oidcc-client-test-signing-key-rotation-just-before-signing")
def test_keys_that_rotate_just_before_signing(browser, provider):
    browser.sign_in()
    browser.logout()

    def rotate() -> None:
        provider.publish("rsa-2")
        provider.sign_with = provider.kid = "rsa-2"

    provider.while_redeeming = rotate
    browser.sign_in()

    assert browser.username == "alice"
    assert provider.asked["keys"] == 2


@pytest.mark.case(22)
def test_a_withdrawn_key_counts_for_nothing_once_the_cache_is_an_hour_old(open_browser, provider):
    open_browser().sign_in()
    provider.publish("rsa-2")
    with time_machine.travel(datetime.now(tz=UTC) + timedelta(seconds=3601), tick=True):
        browser = open_browser()
        browser.sign_in()
        assert_refused(browser, Reason.KEY)


@pytest.mark.case(23, "D14")
def test_keys_that_cannot_be_had_are_needed_only_without_a_cache(open_browser, provider):
    open_browser().sign_in()
    provider.told["keys"] = lambda _honest: Reply(503)
    browser = open_browser()

    browser.sign_in()

    assert browser.username == "alice"
    assert provider.asked["keys"] == 1
