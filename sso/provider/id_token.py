"""The claims of an ID token whose signature has been verified, checked one by one.

verification.md, ID token; reference/rp-cases.md, cases 30, 32 to 47.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Any

from sso.provider.document import Metadata
from sso.rules.reasons import Reason, SignInRefused
from sso.rules.text import is_guid

LEEWAY_SECONDS = 120
# Entra dates its tokens five minutes back.
MAX_AGE_SECONDS = 900

# The last second of the year 9999: beyond it a number is no date that anyone means.
_LAST_DATE = 253_402_300_799
_SUBJECT = re.compile(r"[!-~](?:[ -~]{0,253}[!-~])?")
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the token must fit."""

    metadata: Metadata
    client_id: str
    nonce: str = field(repr=False)
    access_token: str = field(repr=False)
    alg: str
    now: float


def check(claims: dict[str, Any], expected: Expected) -> None:
    """Refuse claims that fail any check, with the reason of the first."""
    if "events" in claims:
        raise SignInRefused(Reason.TOKEN_TYPE, detail="it is a logout token")
    if claims.get("iss") != expected.metadata.issuer:
        raise SignInRefused(Reason.ISS, detail="another issuer than the configured one")
    _check_audience(claims, expected.client_id)
    _check_times(claims, expected.now)
    _check_nonce(claims, expected.nonce)
    if "at_hash" in claims:
        _check_at_hash(claims["at_hash"], expected)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise SignInRefused(Reason.SUB, detail="not 1 to 255 visible ASCII characters")
    if expected.metadata.is_entra:
        _check_entra(claims, expected.metadata)


def _check_audience(claims: dict[str, Any], client_id: str) -> None:
    # Another audience beside us is one that we do not trust (OpenID Connect Core 3.1.3.7).
    if claims.get("aud") not in (client_id, [client_id]):
        raise SignInRefused(Reason.AUD, detail="not issued to this client alone")
    if "azp" in claims and claims["azp"] != client_id:
        raise SignInRefused(Reason.AZP, detail="issued to another party")


def _check_times(claims: dict[str, Any], now: float) -> None:
    expires = _date(claims, "exp", Reason.EXP)
    issued = _date(claims, "iat", Reason.IAT)
    begins = _date(claims, "nbf", Reason.NBF) if "nbf" in claims else issued
    if now >= expires + LEEWAY_SECONDS:
        raise SignInRefused(Reason.EXP, detail=f"expired {now - expires:.0f} seconds ago")
    if issued > now + LEEWAY_SECONDS:
        raise SignInRefused(
            Reason.CLOCK_SKEW,
            detail=f"issued {issued - now:.0f} seconds from now: the clocks differ",
        )
    if begins > now + LEEWAY_SECONDS:
        raise SignInRefused(Reason.NBF, detail=f"valid in {begins - now:.0f} seconds")
    if issued < now - MAX_AGE_SECONDS:
        raise SignInRefused(Reason.IAT, detail=f"issued {now - issued:.0f} seconds ago")


def _date(claims: dict[str, Any], name: str, missing: Reason) -> float:
    value = claims.get(name)
    if value is None:
        raise SignInRefused(missing, detail=f"no {name}")
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 <= value <= _LAST_DATE
    ):
        raise SignInRefused(Reason.CLAIMS, detail=f"{name} is no date")
    return float(value)


def _check_nonce(claims: dict[str, Any], nonce: str) -> None:
    received = claims.get("nonce")
    # An empty nonce of ours would make a token that has an empty one pass.
    if (
        not nonce
        or not isinstance(received, str)
        or not hmac.compare_digest(received.encode(), nonce.encode())
    ):
        raise SignInRefused(Reason.NONCE, detail="not the answer to this sign-in")


def _check_at_hash(received: object, expected: Expected) -> None:
    # Core 3.1.3.6 names no hash for EdDSA: most providers use SHA-512, as Ed25519 itself does;
    # Glewlwyd uses SHA-256.
    sizes = (expected.alg[2:],) if expected.alg != "EdDSA" else ("512", "256")
    if not isinstance(received, str) or not any(
        hmac.compare_digest(received.encode(), _half_hash(size, expected.access_token))
        for size in sizes
    ):
        raise SignInRefused(Reason.AT_HASH, detail="another access token was issued with it")


def _half_hash(size: str, access_token: str) -> bytes:
    whole = _HASHES[size](access_token.encode()).digest()
    return base64.urlsafe_b64encode(whole[: len(whole) // 2]).rstrip(b"=")


def _check_entra(claims: dict[str, Any], metadata: Metadata) -> None:
    tenant = claims.get("tid")
    if not isinstance(tenant, str) or not is_guid(tenant) or tenant.lower() != metadata.tenant_id:
        raise SignInRefused(Reason.TENANT, detail="of another tenant than the issuer's")
    if claims.get("ver") != "2.0":
        raise SignInRefused(Reason.VERSION, detail="not a v2.0 token")
