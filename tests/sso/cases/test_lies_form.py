"""Tokens of a wrong form or with a wrong header (rp-cases 4.1, cases 1 to 9, 12, 13, 24 to 32)."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sso.rules.reasons import Reason
from tests.fakes.provider import jwk, signing_key
from tests.sso.cases.hostile import maced, segment, unsigned, with_header
from tests.sso.cases.lies import Lie, assert_caught, told

PUBLIC = signing_key().public_key()
PEM = PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
DER = PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
DEEP = b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}"


def header(rows: str, title: str, reason: Reason, **changes) -> Lie:
    return Lie(rows, title, reason, header=lambda honest: honest | changes)


def payload(rows: str, title: str, said: bytes) -> Lie:
    return Lie(rows, title, Reason.TOKEN_FORMAT, payload=lambda _honest: said)


def token(rows: str, title: str, reason: Reason, change) -> Lie:
    return Lie(rows, title, reason, id_token=change)


pytestmark = pytest.mark.django_db

LIES = [
    *(
        token(f"1 D32 {modules}", f"alg {alg}", Reason.ALG, lambda t, alg=alg: unsigned(t, alg))
        for alg, modules in (
            ("none", "oidcc-client-test-idtoken-sig-none fapi-invalid-null-alg"),
            ("None", ""),
            ("nOnE", ""),
            ("NONE", ""),
        )
    ),
    token("2 D11", "no alg", Reason.ALG, lambda t: with_header(t, alg=None)),
    token("2", "a number as alg", Reason.ALG, lambda t: with_header(t, alg=7)),
    token("2", "a list as alg", Reason.ALG, lambda t: with_header(t, alg=["RS256"])),
    token("3 D33", "a MAC by the public key (PEM)", Reason.ALG, lambda t: maced(t, PEM)),
    token("3", "a MAC by the public key (DER)", Reason.ALG, lambda t: maced(t, DER)),
    token("3", "a MAC by the JWK", Reason.ALG, lambda t: maced(t, json.dumps(jwk()).encode())),
    Lie(
        "4 D30 oidcc-client-test-invalid-sig-hs256",
        "a MAC by the client secret, which discovery even announces",
        Reason.ALG,
        discovery=lambda d: d | {"id_token_signing_alg_values_supported": ["RS256", "HS256"]},
        id_token=lambda t: maced(t, b"it~Is.A-secret_Value+with/odd=signs&%"),
    ),
    Lie(
        "5 fapi-invalid-alternate-alg",
        "signed PS256 by the right key, which discovery does not list",
        Reason.ALG,
        setup=lambda provider: setattr(provider, "alg", "PS256"),
    ),
    Lie(
        "7",
        "the attacker's key in the header",
        Reason.SIGNATURE,
        setup=lambda provider: setattr(provider, "sign_with", "rsa-attacker"),
        header=lambda h: h | {"jwk": jwk("rsa-attacker", kid="rsa")},
    ),
    Lie(
        "8",
        "addresses of keys in the header",
        Reason.SIGNATURE,
        setup=lambda provider: setattr(provider, "sign_with", "rsa-attacker"),
        header=lambda h: (
            h
            | {
                "jku": "http://169.254.169.254/keys",
                "x5u": "file:///etc/passwd",
                "x5c": ["MIIB"],
            }
        ),
    ),
    header("9 D8", "an unknown critical member", Reason.TOKEN_FORMAT, crit=["zz"], zz=1),
    header("9", "no critical members", Reason.TOKEN_FORMAT, crit=[]),
    header("9", "a payload that is not encoded", Reason.TOKEN_FORMAT, b64=False, crit=["b64"]),
    token(
        "9",
        "a detached payload",
        Reason.TOKEN_FORMAT,
        lambda t: f"{t.split('.')[0]}..{t.split('.')[2]}",
    ),
    header("12 D10", "a number as kid", Reason.TOKEN_FORMAT, kid=7),
    header("12", "an object as kid", Reason.TOKEN_FORMAT, kid={"a": 1}),
    header("12", "a null as kid", Reason.TOKEN_FORMAT, kid=None),
    header("12", "an empty kid", Reason.TOKEN_FORMAT, kid=""),
    header("12", "10 KB of kid", Reason.TOKEN_FORMAT, kid="k" * 10_240),
    header("13", "a path as kid", Reason.KEY, kid="../../etc/passwd"),
    header("13", "SQL as kid", Reason.KEY, kid="' OR 1=1--"),
    header("13", "a command as kid", Reason.KEY, kid="$(id)"),
    header("13", "NUL in the kid", Reason.KEY, kid="a\0b"),
    header("13 146", "lines and colours in the kid", Reason.KEY, kid="a\r\n\x1b[31mb\u202e"),
    token(
        "24 oidcc-client-test-invalid-sig-rs256 D57",
        "a signature with another byte",
        Reason.SIGNATURE,
        lambda t: t[:-10] + ("A" if t[-10] != "A" else "B") + t[-9:],
    ),
    token("24", "half a signature", Reason.SIGNATURE, lambda t: t[:-120]),
    token("24", "two segments", Reason.TOKEN_FORMAT, lambda t: t.rpartition(".")[0]),
    token("24", "four segments", Reason.TOKEN_FORMAT, lambda t: f"{t}.abc"),
    token("24", "a final dot", Reason.TOKEN_FORMAT, lambda t: f"{t}."),
    token("24", "padding", Reason.TOKEN_FORMAT, lambda t: f"{t}=="),
    token("24", "a blank inside", Reason.TOKEN_FORMAT, lambda t: f"{t[:20]} {t[20:]}"),
    token("24", "a line break after it", Reason.TOKEN_FORMAT, lambda t: f"{t}\n"),
    token("24", "the other alphabet", Reason.TOKEN_FORMAT, lambda t: f"{t[:-4]}+/+/"),
    token("25 D9", "no ID token", Reason.TOKEN_FORMAT, lambda _t: None),
    token("25", "a number as ID token", Reason.TOKEN_FORMAT, lambda _t: 7),
    token("25", "a list as ID token", Reason.TOKEN_FORMAT, lambda t: [t]),
    token("25", "an empty ID token", Reason.TOKEN_FORMAT, lambda _t: ""),
    token("25", "three letters", Reason.TOKEN_FORMAT, lambda _t: "abc"),
    token("25", "letters beyond ASCII", Reason.TOKEN_FORMAT, lambda _t: "ä.ö.ü"),
    token(
        "26",
        "an encrypted token that unpacks to a bomb",
        Reason.TOKEN_FORMAT,
        lambda _t: f"{segment({'alg': 'dir', 'enc': 'A256GCM', 'zip': 'DEF'})}.a.b.c.d",
    ),
    payload("27", "a list as claims", b"[]"),
    payload("27", "a string as claims", b'"alice"'),
    payload("27", "claims nested without end", DEEP),
    Lie("27", "a header nested without end", Reason.TOKEN_FORMAT, header=lambda _h: DEEP),
    Lie(
        "28",
        "a token larger than 64 KiB",
        Reason.TOKEN_TOO_LARGE,
        claims=lambda c: c | {"padding": "x" * 70_000},
    ),
    Lie(
        "28",
        "a token of 10 MB",
        Reason.PROVIDER_TOO_LARGE,
        claims=lambda c: c | {"padding": "x" * 10_000_000},
    ),
    Lie(
        "29",
        "sub twice",
        Reason.TOKEN_FORMAT,
        payload=lambda p: p[:-1] + b', "sub": "somebody-else"}',
    ),
    Lie("29", "aud twice", Reason.TOKEN_FORMAT, payload=lambda p: p[:-1] + b', "aud": "x"}'),
    Lie(
        "29",
        "alg twice in the header",
        Reason.TOKEN_FORMAT,
        header=lambda h: json.dumps(h).encode()[:-1] + b', "alg": "none"}',
    ),
    Lie(
        "31",
        "bytes that are no UTF-8",
        Reason.TOKEN_FORMAT,
        payload=lambda p: p[:-1] + b', "name2": "\xff"}',
    ),
    Lie(
        "31",
        "half a surrogate pair",
        Reason.TOKEN_FORMAT,
        payload=lambda p: p[:-1] + b', "email": "\\ud800@example.com"}',
    ),
    Lie(
        "31",
        "a byte order mark",
        Reason.TOKEN_FORMAT,
        payload=lambda p: b"\xef\xbb\xbf" + p,
    ),
    header("32", "an access token", Reason.TOKEN_TYPE, typ="at+jwt"),
    header("32", "a logout token by its type", Reason.TOKEN_TYPE, typ="logout+jwt"),
    Lie(
        "32",
        "a logout token by its events",
        Reason.TOKEN_TYPE,
        claims=lambda c: c | {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
    ),
]


@pytest.mark.parametrize("lie", told(LIES))
def test_a_token_of_a_wrong_form_signs_nobody_in(tell, lie):
    assert_caught(tell(lie), lie)
