"""Signed claims that do not hold (rp-cases 4.2, cases 30 and 33 to 47)."""

from __future__ import annotations

import time

import pytest

from sso.rules.reasons import Reason
from tests.fakes.provider import TENANT
from tests.sso.cases.lies import Lie, Oddity, assert_caught, told

WEEK = 7 * 86_400
OTHER_TENANT = "11111111-2222-4333-8444-555555555555"
STRANGER = "https://another-client.example"


def now() -> int:
    return int(time.time())


def claim(rows: str, title: str, reason: Reason, name: str, value) -> Lie:
    """Say `value` for one claim: of the honest one where it is a function."""
    return Lie(
        rows,
        title,
        reason,
        claims=lambda c: c | {name: value(c.get(name)) if callable(value) else value},
    )


def missing(rows: str, reason: Reason, name: str) -> Lie:
    return Lie(
        rows,
        f"no {name}",
        reason,
        claims=lambda c: {key: value for key, value in c.items() if key != name},
    )


def entra(rows: str, title: str, reason: Reason, **changes) -> Lie:
    return Lie(rows, title, reason, claims=lambda c: c | changes, entra=True)


def raw_number(text: str, name: str, reason: Reason) -> Lie:
    """Say a number as it stands in the JSON, which Python would not write so."""
    return Lie(
        "30 D6",
        f"{name} {text[:12]}",
        reason,
        claims=lambda c: c | {name: "@"},
        payload=lambda p: p.replace(b'"@"', text.encode()),
    )


pytestmark = pytest.mark.django_db

LIES = [
    *(
        raw_number(text, name, Reason.TOKEN_FORMAT if text in {"NaN", "Infinity", "1e999"} else r)
        for name in ("exp", "iat")
        for text, r in (
            ("1e300", Reason.CLAIMS),
            ("1e999", Reason.CLAIMS),
            ("NaN", Reason.CLAIMS),
            ("Infinity", Reason.CLAIMS),
            ('"1780000000"', Reason.CLAIMS),
            ("true", Reason.CLAIMS),
            ("-1", Reason.CLAIMS),
            (str(2**63), Reason.CLAIMS),
        )
    ),
    missing("33 D4 fapi-invalid-missing-iss", Reason.ISS, "iss"),
    claim(
        "33 D4 oidcc-client-test-invalid-iss", "iss and a 1", Reason.ISS, "iss", lambda v: v + "1"
    ),
    claim("33", "another host", Reason.ISS, "iss", "https://evil.example/realms/main"),
    claim("33", "a final slash", Reason.ISS, "iss", lambda v: v + "/"),
    claim("33", "another case", Reason.ISS, "iss", lambda v: v.upper()),
    claim("33", "http", Reason.ISS, "iss", lambda v: v.replace("https", "http")),
    claim("33", "a list of issuers", Reason.ISS, "iss", lambda v: [v]),
    entra(
        "34",
        "the issuer of another tenant",
        Reason.ISS,
        iss=f"https://login.microsoftonline.com/{OTHER_TENANT}/v2.0",
    ),
    entra("34", "the v1.0 issuer", Reason.ISS, iss=f"https://sts.windows.net/{TENANT}/", ver="1.0"),
    entra("34", "another tenant in tid", Reason.TENANT, tid=OTHER_TENANT),
    entra("34", "no GUID in tid", Reason.TENANT, tid="contoso.onmicrosoft.com"),
    entra("34", "a v1.0 token", Reason.VERSION, ver="1.0"),
    missing("36 D5 oidcc-client-test-missing-aud", Reason.AUD, "aud"),
    claim(
        "36 D5 oidcc-client-test-invalid-aud", "aud and a 1", Reason.AUD, "aud", lambda v: v + "1"
    ),
    claim("36 D56", "another client", Reason.AUD, "aud", STRANGER),
    claim("36", "the beginning of our client ID", Reason.AUD, "aud", lambda v: v[:-1]),
    claim("36", "another case of our client ID", Reason.AUD, "aud", lambda v: v.upper()),
    claim("36", "a number as aud", Reason.AUD, "aud", 7),
    claim("36", "no audience at all", Reason.AUD, "aud", []),
    claim(
        "37 D5 fapi-invalid-secondary-aud",
        "a stranger beside us",
        Reason.AUD,
        "aud",
        lambda v: [v, STRANGER],
    ),
    Lie(
        "37",
        "a stranger beside us, with azp for us",
        Reason.AUD,
        claims=lambda c: c | {"aud": [c["aud"], STRANGER], "azp": c["aud"]},
    ),
    claim("38 D5", "azp is another client", Reason.AZP, "azp", STRANGER),
    claim("38", "azp is a list", Reason.AZP, "azp", []),
    missing("39 D6 fapi-invalid-missing-exp", Reason.EXP, "exp"),
    claim("39", "exp is null", Reason.EXP, "exp", None),
    claim("39", "exp is a boolean", Reason.CLAIMS, "exp", True),
    claim(
        "39 D8 fapi-invalid-expired-exp",
        "expired six minutes ago",
        Reason.EXP,
        "exp",
        lambda _v: now() - 360,
    ),
    claim("39", "expired beyond the leeway", Reason.EXP, "exp", lambda _v: now() - 121),
    missing("40 D6 oidcc-client-test-missing-iat", Reason.IAT, "iat"),
    claim(
        "40 D6 fapi-iat-is-week-in-past", "issued a week ago", Reason.IAT, "iat", lambda v: v - WEEK
    ),
    claim("40", "issued sixteen minutes ago", Reason.IAT, "iat", lambda v: v - 960),
    claim("40 D7", "issued in ten minutes", Reason.CLOCK_SKEW, "iat", lambda v: v + 600),
    claim("41", "valid in ten minutes", Reason.NBF, "nbf", lambda _v: now() + 600),
    missing("42 D27 fapi-invalid-missing-nonce", Reason.NONCE, "nonce"),
    claim(
        "42 oidcc-client-test-nonce-invalid",
        "nonce and a 1",
        Reason.NONCE,
        "nonce",
        lambda v: v + "1",
    ),
    claim("42", "a number as nonce", Reason.NONCE, "nonce", 7),
    claim("42", "a list as nonce", Reason.NONCE, "nonce", lambda v: [v]),
    claim("42", "an empty nonce", Reason.NONCE, "nonce", ""),
    missing("44 D6 oidcc-client-test-missing-sub", Reason.SUB, "sub"),
    claim("44", "sub is null", Reason.SUB, "sub", None),
    claim("44", "an empty sub", Reason.SUB, "sub", ""),
    claim("44", "a number as sub", Reason.SUB, "sub", 248289761001),
    claim("44", "a list as sub", Reason.SUB, "sub", lambda v: [v]),
    claim("44", "256 characters of sub", Reason.SUB, "sub", "s" * 256),
    claim("44", "a sub beyond ASCII", Reason.SUB, "sub", "älice"),
    claim("44", "NUL in the sub", Reason.SUB, "sub", lambda v: v + "\0"),
    claim("44", "a padded sub", Reason.SUB, "sub", lambda v: f" {v}"),
    claim(
        "47 oidcc-client-test-invalid-athash",
        "the hash of another access token",
        Reason.AT_HASH,
        "at_hash",
        "MTIzNDU2Nzg5MDEyMzQ1Ng",
    ),
    claim("47", "no hash in at_hash", Reason.AT_HASH, "at_hash", None),
]

ODDITIES = [
    claim("37 fapi-valid-aud-as-array", "we alone, in a list", Reason.AUD, "aud", lambda v: [v]),
    claim("38", "azp is us", Reason.AZP, "azp", "0f0e3b1c-9a0b-4f51-8a37-2f0f5b8c9d11"),
    claim("39", "expired within the leeway", Reason.EXP, "exp", lambda _v: now() - 115),
    claim("40", "issued five minutes ago, as Entra does", Reason.IAT, "iat", lambda v: v - 300),
    claim("40 D7", "issued in five seconds", Reason.CLOCK_SKEW, "iat", lambda v: v + 5),
    claim("41", "valid in a minute", Reason.NBF, "nbf", lambda _v: now() + 60),
    Oddity("47", "a fitting at_hash", setup=lambda p: p.claims.update(at_hash=p.at_hash())),
    Oddity("47 oidcc-client-test-missing-athash", "no at_hash"),
]


@pytest.mark.parametrize("lie", told(LIES))
def test_claims_that_do_not_hold_sign_nobody_in(tell, lie):
    assert_caught(tell(lie), lie)


@pytest.mark.parametrize("oddity", told(ODDITIES))
def test_claims_that_are_only_unusual_do(tell, oddity):
    browser = tell(oddity)
    assert browser.answer["Location"] == "/"
    assert browser.username == "alice"
