"""The ID token: its form, its signature, its claims (rp-cases 4.1 and 4.2, by number)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives import serialization

from sso.provider import discovery, keys, tokens
from sso.provider.deadline import Deadline
from sso.provider.document import Metadata
from sso.rules.reasons import Reason, SignInRefused
from tests.fakes.provider import TENANT, FakeProvider, jwk, signing_key


def b64(data: bytes | str) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def verify(provider: FakeProvider, metadata: Metadata, token: str, *, now: float | None = None):
    return tokens.verify_id_token(
        token,
        metadata=metadata,
        client_id=provider.client_id,
        nonce=provider.nonce,
        access_token=provider.access_token,
        now=time.time() if now is None else now,
        deadline=Deadline(10),
    )


def refused(provider: FakeProvider, metadata: Metadata, token: str, **rest) -> Reason:
    with pytest.raises(SignInRefused) as caught:
        verify(provider, metadata, token, **rest)
    assert provider.nonce not in f"{caught.value.detail}{caught.value!r}"
    assert provider.asked["userinfo"] == provider.asked["token"] == 0
    return caught.value.reason


def test_an_honest_token(provider, metadata):
    claims = verify(provider, metadata, provider.id_token(email="alice@example.com"))
    assert claims["sub"] == provider.subject
    assert claims["email"] == "alice@example.com"
    assert provider.asked == {"discovery": 1, "keys": 1}


def test_an_honest_token_of_entra(entra, entra_metadata):
    assert verify(entra, entra_metadata, entra.id_token())["tid"] == TENANT


# Form


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "NONE", "", 7, None, ["RS256"]])
def test_cases_1_2_no_algorithm(provider, metadata, alg):
    header = {"alg": alg, "kid": "rsa"} if alg is not None else {"kid": "rsa"}
    payload = json.dumps(provider.token_claims())
    token = f"{b64(json.dumps(header))}.{b64(payload)}."
    assert refused(provider, metadata, token) is Reason.ALG
    assert provider.asked["keys"] == 0


def test_cases_3_4_a_mac_is_no_signature(provider, metadata):
    public = signing_key().public_key()
    pem, der = (
        public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
        for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER)
    )
    secrets = (pem, der, json.dumps(jwk()).encode(), provider.client_secret.encode())
    for secret in secrets:
        header = json.dumps({"alg": "HS256", "kid": "rsa"})
        signed = f"{b64(header)}.{b64(json.dumps(provider.token_claims()))}"
        mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
        assert refused(provider, metadata, f"{signed}.{b64(mac)}") is Reason.ALG


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["zz"]},
        {"crit": []},
        {"b64": False},
        {"zip": "DEF"},
        {"enc": "A256GCM"},
        {"kid": 7},
        {"kid": {}},
        {"kid": None},
        {"kid": ""},
        {"kid": "x" * 10_240},
    ],
    ids=repr,
)
def test_cases_9_12_headers_that_are_refused(provider, metadata, header):
    token = provider.id_token().split(".")
    told = {"alg": "RS256", "kid": "rsa"} | header
    assert refused(provider, metadata, ".".join([b64(json.dumps(told)), *token[1:]])) is (
        Reason.TOKEN_FORMAT
    )
    assert provider.asked["keys"] == 0


@pytest.mark.parametrize(
    "kid", ["../../etc/passwd", "' OR 1=1--", "$(id)", "a\0b", "a\r\nb", "ключ"]
)
def test_case_13_a_hostile_key_identifier_is_only_compared(provider, metadata, kid):
    provider.kid = kid
    assert refused(provider, metadata, provider.id_token()) is Reason.KEY
    assert {seen.url for seen in provider.seen[1:]} == {metadata.jwks_uri}


def test_cases_7_8_keys_in_the_header_are_not_looked_at(provider, metadata):
    provider.sign_with = "rsa-attacker"
    provider.header = {
        "jwk": jwk("rsa-attacker", kid="rsa"),
        "jku": "http://169.254.169.254/keys",
        "x5u": "file:///etc/passwd",
        "x5c": ["MIIB"],
    }
    assert refused(provider, metadata, provider.id_token()) is Reason.SIGNATURE
    assert provider.asked["keys"] == 1
    assert provider.total == 2


def test_case_24_signatures_and_segments(provider, metadata):
    head, payload, signature = provider.id_token().split(".")
    flipped = ("A" if signature[5] != "A" else "B").join([signature[:5], signature[6:]])
    assert refused(provider, metadata, f"{head}.{payload}.{flipped}") is Reason.SIGNATURE
    assert refused(provider, metadata, f"{head}.{payload}.{signature[:-8]}") is Reason.SIGNATURE
    for token in (
        f"{head}.{payload}",
        f"{head}.{payload}.{signature}.",
        f"{head}.{payload}.{signature}.{signature}",
        f"{head}.{payload}.",
        f"{head}..{signature}",
        f".{payload}.{signature}",
        f"{head}.{payload}.{signature}=",
        f"{head}.{payload}.{signature}\n",
        f" {head}.{payload}.{signature}",
        f"{head}.{payload}.+/{signature[2:]}",
        "abc",
        "",
        "ä.ö.ü",
    ):
        assert refused(provider, metadata, token) is Reason.TOKEN_FORMAT, token


def test_case_26_an_encrypted_token(provider, metadata):
    head = b64(json.dumps({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}))
    assert refused(provider, metadata, f"{head}.a.b.c.d") is Reason.TOKEN_FORMAT


@pytest.mark.parametrize(
    "payload",
    [
        b"[]",
        b'"text"',
        b"null",
        b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        b'{"sub": "a", "sub": "b"}',
        b'{"aud": "a", "aud": ["b"]}',
        b'{"exp": NaN}',
        b'{"exp": Infinity}',
        b'{"email": "\\ud800"}',
        b'{"email": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
    ],
    ids=range(11),
)
def test_cases_27_29_30_31_payloads_that_are_no_claims(provider, metadata, payload):
    assert refused(provider, metadata, provider.signed(payload)) is Reason.TOKEN_FORMAT


@pytest.mark.parametrize(
    "header", [b"[]", b"null", b'{"alg":"RS256","alg":"none"}', b'{"a":' + b"[" * 20_000, b"\xff"]
)
def test_cases_27_29_headers_that_are_none(provider, metadata, header):
    _, payload, signature = provider.id_token().split(".")
    token = f"{b64(header)}.{payload}.{signature}"
    assert refused(provider, metadata, token) is Reason.TOKEN_FORMAT


def test_case_28_a_huge_token_is_refused_before_it_is_read(provider, metadata):
    began = time.monotonic()
    token = provider.id_token(padding="x" * 10_000_000)
    began = time.monotonic()
    assert refused(provider, metadata, token) is Reason.TOKEN_TOO_LARGE
    assert time.monotonic() - began < 0.1
    assert provider.asked["keys"] == 0


@pytest.mark.parametrize(
    "kind", ["at+jwt", "AT+JWT", "application/at+jwt", "logout+jwt", 7, ["JWT"]]
)
def test_case_32_another_kind_of_token(provider, metadata, kind):
    token = provider.id_token().split(".")
    head = b64(json.dumps({"alg": "RS256", "kid": "rsa", "typ": kind}))
    assert refused(provider, metadata, ".".join([head, *token[1:]])) is Reason.TOKEN_TYPE


def test_case_32_a_logout_token(provider, metadata):
    events: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert refused(provider, metadata, provider.id_token(events=events)) is Reason.TOKEN_TYPE


# Algorithms


@pytest.mark.parametrize(
    ("alg", "key"),
    [
        ("RS384", "rsa"),
        ("RS512", "rsa"),
        ("PS256", "rsa"),
        ("PS384", "rsa"),
        ("PS512", "rsa"),
        ("ES256", "p256"),
        ("ES384", "p384"),
        ("ES512", "p521"),
        ("EdDSA", "ed"),
    ],
)
def test_case_6_every_algorithm_that_is_accepted(provider, deadline, alg, key):
    provider.document["id_token_signing_alg_values_supported"] = [alg]
    provider.publish(key)
    provider.alg, provider.sign_with, provider.kid = alg, key, key
    metadata = discovery.ask(provider.issuer, deadline=deadline)
    assert verify(provider, metadata, provider.id_token())["sub"] == provider.subject


def test_an_algorithm_that_discovery_does_not_list(provider, metadata):
    provider.alg = "PS256"
    assert refused(provider, metadata, provider.id_token()) is Reason.ALG


# Claims


@pytest.mark.parametrize(
    "issuer",
    [
        None,
        "https://evil.example/realms/main",
        "https://sso.example.com/realms/main1",
        "https://sso.example.com/realms/main/",
        "https://sso.example.com/realms/MAIN",
        "http://sso.example.com/realms/main",
        ["https://sso.example.com/realms/main"],
        7,
    ],
)
def test_case_33_another_issuer(provider, metadata, issuer):
    assert refused(provider, metadata, provider.id_token(iss=issuer)) is Reason.ISS


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": f"https://sts.windows.net/{TENANT}/"}, Reason.ISS),
        ({"iss": f"https://login.microsoftonline.com/{TENANT[::-1]}/v2.0"}, Reason.ISS),
        ({"tid": "8b2ff1d1-6f6c-4f0e-9a55-000000000000"}, Reason.TENANT),
        ({"tid": None}, Reason.TENANT),
        ({"tid": "contoso.com"}, Reason.TENANT),
        ({"tid": [TENANT]}, Reason.TENANT),
        ({"ver": "1.0"}, Reason.VERSION),
        ({"ver": None}, Reason.VERSION),
        ({"ver": 2.0}, Reason.VERSION),
    ],
)
def test_case_34_another_tenant_or_version(entra, entra_metadata, changes, reason):
    assert refused(entra, entra_metadata, entra.id_token(**changes)) is reason


def test_case_36_another_audience(provider, metadata):
    ours = provider.client_id
    audiences: list[Any] = [None, "other", f"{ours}1", ours[:-1], ours.upper()]
    for audience in [*audiences, 7, [], {}, [[ours]], True]:
        assert refused(provider, metadata, provider.id_token(aud=audience)) is Reason.AUD, audience


def test_case_37_a_second_audience(provider, metadata):
    ours = provider.client_id
    assert verify(provider, metadata, provider.id_token(aud=[ours], azp=ours))["aud"] == [ours]
    for changes in ({"aud": [ours, "stranger"]}, {"aud": [ours, "stranger"], "azp": ours}):
        assert refused(provider, metadata, provider.id_token(**changes)) is Reason.AUD


@pytest.mark.parametrize("azp", ["other", "", 7, ["x"]])
def test_case_38_another_authorized_party(provider, metadata, azp):
    assert refused(provider, metadata, provider.id_token(azp=azp)) is Reason.AZP


def test_case_38_an_azp_of_null_is_present(provider, metadata):
    payload = json.dumps(provider.token_claims() | {"azp": None}).encode()
    assert refused(provider, metadata, provider.signed(payload)) is Reason.AZP


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", [1e300, "1780000000", True, -1, 2**63, [], {}, 10**400])
def test_case_30_times_that_are_none(provider, metadata, name, value):
    assert refused(provider, metadata, provider.id_token(**{name: value})) is Reason.CLAIMS


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": None}, Reason.EXP),
        ({"iat": None}, Reason.IAT),
        ({"exp": -118}, None),
        ({"exp": -122}, Reason.EXP),
        ({"iat": 5}, None),
        ({"iat": 118}, None),
        ({"iat": 122}, Reason.CLOCK_SKEW),
        ({"iat": 600}, Reason.CLOCK_SKEW),
        ({"iat": -300, "nbf": -300}, None),
        ({"iat": -898}, None),
        ({"iat": -902}, Reason.IAT),
        ({"iat": -604_800}, Reason.IAT),
        ({"nbf": 118}, None),
        ({"nbf": 122}, Reason.NBF),
    ],
    ids=repr,
)
def test_cases_39_40_41_time_with_its_leeway(provider, metadata, changes, reason):
    now = int(time.time())
    moved = {name: value if value is None else now + value for name, value in changes.items()}
    token = provider.id_token(**moved)
    if reason is None:
        assert verify(provider, metadata, token, now=now)
    else:
        assert refused(provider, metadata, token, now=now) is reason


def test_case_40_the_detail_names_the_clocks(provider, metadata):
    with pytest.raises(SignInRefused) as caught:
        verify(provider, metadata, provider.id_token(iat=int(time.time()) + 900))
    assert "clocks" in caught.value.detail


@pytest.mark.parametrize("nonce", [None, "", "wrong", 7, ["n"], "N-0S6"])
def test_cases_42_43_another_nonce(provider, metadata, nonce):
    assert refused(provider, metadata, provider.id_token(nonce=nonce)) is Reason.NONCE


def test_case_42_no_nonce_of_ours_is_never_equal_to_none_of_theirs(provider, metadata):
    with pytest.raises(SignInRefused) as caught:
        tokens.verify_id_token(
            provider.id_token(nonce=""),
            metadata=metadata,
            client_id=provider.client_id,
            nonce="",
            access_token=provider.access_token,
            now=time.time(),
            deadline=Deadline(10),
        )
    assert caught.value.reason is Reason.NONCE


@pytest.mark.parametrize(
    "subject", [None, "", 7, ["a"], {}, "x" * 256, "ünicode", "a\0b", " a", "a ", "a\nb"]
)
def test_case_44_subjects_that_are_none(provider, metadata, subject):
    assert refused(provider, metadata, provider.id_token(sub=subject)) is Reason.SUB


@pytest.mark.parametrize("subject", ["x", "x" * 255, "AAAA-bb_cc~dd|ee", "auth0|a b"])
def test_case_44_subjects_that_are_fine(provider, metadata, subject):
    assert verify(provider, metadata, provider.id_token(sub=subject))["sub"] == subject


def test_case_47_at_hash(provider, metadata):
    right = provider.at_hash()
    assert verify(provider, metadata, provider.id_token(at_hash=right))
    for wrong in ("", right[:-1], "x" * 22, 7, [right]):
        assert refused(provider, metadata, provider.id_token(at_hash=wrong)) is Reason.AT_HASH


# Keys


def test_case_5_a_key_of_another_kind(provider, metadata):
    for changes in ({"kty": "oct", "k": "c2VjcmV0"}, {"kty": "EC"}, {"alg": "RS384"}):
        provider.keys = [jwk() | changes]
        discovery.forget(provider.issuer)
        keys.forget(metadata)
        assert refused(provider, metadata, provider.id_token()) is Reason.KEY


def test_case_10_no_key_identifier_and_one_key(provider, metadata):
    provider.keys = [jwk(kid=None, use=None)]
    provider.kid = None
    assert verify(provider, metadata, provider.id_token())


def test_case_11_no_key_identifier_and_several_keys(provider, metadata):
    provider.kid = None
    provider.publish("rsa-a", "rsa-b", "rsa", "rsa-c", "p256")
    assert verify(provider, metadata, provider.id_token())
    assert provider.asked["keys"] == 1


def test_case_11_no_key_identifier_and_none_that_verifies(provider, metadata):
    provider.kid = None
    provider.publish("rsa-a", "rsa-b")
    assert refused(provider, metadata, provider.id_token()) is Reason.KEY
    # The one look at whether the provider has rotated without identifiers.
    assert provider.asked["keys"] == 2


def test_case_11_no_key_identifier_and_more_than_five_keys(provider, metadata):
    provider.kid = None
    provider.keys = [jwk(kid=str(number)) for number in range(6)]
    assert refused(provider, metadata, provider.id_token()) is Reason.KEY


@pytest.mark.parametrize("order", [1, -1])
def test_case_14_two_keys_share_an_identifier(provider, metadata, order):
    provider.keys = [jwk("rsa"), jwk("rsa-a", kid="rsa")][::order]
    assert verify(provider, metadata, provider.id_token())


@pytest.mark.parametrize(
    "changes",
    [{"use": "enc"}, {"use": ["sig"]}, {"key_ops": ["encrypt"]}, {"key_ops": "verify"}],
    ids=repr,
)
def test_case_15_a_key_for_something_else(provider, metadata, changes):
    provider.publish("rsa", **changes)
    assert refused(provider, metadata, provider.id_token()) is Reason.KEY


def test_case_16_a_good_key_among_bad_ones(provider, metadata):
    good = jwk()
    provider.keys = [
        "text",
        None,
        7,
        {"kty": "unknown", "kid": "rsa"},
        good | {"n": "!!!"},
        good | {"n": 7},
        good | {"e": ""},
        jwk(kid=None) | {"n": "AQAB"},
        good,
    ]
    assert verify(provider, metadata, provider.id_token())


def test_case_18_only_a_hundred_keys_are_looked_at(provider, metadata):
    padding = [{"kty": "RSA", "kid": str(number)} for number in range(9_999)]
    provider.keys = [jwk(), *padding]
    began = time.monotonic()
    assert verify(provider, metadata, provider.id_token())
    assert time.monotonic() - began < 1
    keys.forget(metadata)
    provider.keys = [*padding, jwk()]
    assert refused(provider, metadata, provider.id_token()) is Reason.KEY


def test_case_19_weak_and_absurd_rsa_keys(provider, metadata):
    provider.sign_with = "weak"
    one = b64(b"\1")
    huge = b64(b"\xff" * 8192)
    for key in (
        jwk("weak", kid="rsa"),
        jwk() | {"e": one},
        jwk() | {"e": b64(b"\2")},
        jwk() | {"e": b64(b"\xff" * 64)},
        jwk() | {"n": huge},
    ):
        provider.keys = [key]
        keys.forget(metadata)
        began = time.monotonic()
        with pytest.warns(jwt.InsecureKeyLengthWarning):
            token = provider.id_token()
        assert refused(provider, metadata, token) is Reason.KEY
        assert time.monotonic() - began < 0.5


def test_case_22_a_withdrawn_key(provider, metadata):
    began = time.time()
    assert verify(provider, metadata, provider.id_token())
    provider.publish("rsa-new")
    with time_machine.travel(began + 3700, tick=False):
        assert refused(provider, metadata, provider.id_token()) is Reason.KEY


def test_entra_keys_must_be_of_the_issuer(entra, entra_metadata):
    def published(issuer) -> None:
        entra.publish("rsa", issuer=issuer)
        keys.forget(entra_metadata)

    for issuer in (entra.issuer, "https://login.microsoftonline.com/{tenantid}/v2.0"):
        published(issuer)
        assert verify(entra, entra_metadata, entra.id_token())
    for issuer in (
        "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
        "https://login.microsoftonline.us/{tenantid}/v2.0",
        7,
    ):
        published(issuer)
        assert refused(entra, entra_metadata, entra.id_token()) is Reason.KEY


def test_another_providers_key_may_say_what_it_likes_as_issuer(provider, metadata):
    provider.publish("rsa", issuer="https://elsewhere.example")
    assert verify(provider, metadata, provider.id_token())
