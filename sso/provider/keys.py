"""The provider's signing keys: shared, renewed before they are an hour old, and chosen with care.

verification.md, Signing keys; reference/rp-cases.md, cases 5, 10 to 23.
"""

from __future__ import annotations

import base64
import binascii
import http
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from jwt import PyJWK, PyJWTError

from sso.provider import asking, store
from sso.provider.deadline import Deadline
from sso.provider.document import Metadata
from sso.provider.failures import ProviderFailed
from sso.provider.http import fetch
from sso.rules.reasons import Reason, Stage

KEPT_SECONDS = 3600
# From this age on one caller renews them while the others go on.
RENEWED_AFTER_SECONDS = 3000
# Between two requests that unknown keys cause, over all processes.
REFETCH_SECONDS = 30
RENEWAL_SECONDS = 60
MAX_KEYS = 100
# How many keys of one identifier, or without one, are tried.
MAX_CANDIDATES = 5
RSA_BITS = range(2048, 16_385)
MAX_RSA_EXPONENT = 2**32

log = structlog.stdlib.get_logger(__name__)

_PUBLIC_MEMBERS = frozenset({"kty", "n", "e", "crv", "x", "y"})
# The key type, and the curves, that each algorithm needs. Tuples throughout: what a key holds
# may be unhashable.
_RSA: tuple[str, tuple[str, ...]] = ("RSA", ())
_TYPES: dict[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), _RSA),
    "ES256": ("EC", ("P-256",)),
    "ES384": ("EC", ("P-384",)),
    "ES512": ("EC", ("P-521",)),
    "EdDSA": ("OKP", ("Ed25519", "Ed448")),
}


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys as published, at most a hundred, with the moment they were fetched."""

    keys: tuple[dict[str, Any], ...]
    fetched_at: float


def held_or_fetched(metadata: Metadata, *, deadline: Deadline) -> KeySet:
    """Return the keys, at most an hour old; where there are none a failure holds for a minute."""

    def known() -> KeySet | None:
        found = _held(metadata)
        if found is None:
            asking.raise_what_holds(_outcome_key(metadata))
        return found

    held = asking.alone(
        _key(metadata), deadline=deadline, known=known, ask=lambda: _fetched(metadata, deadline)
    )
    if time.time() - held.fetched_at >= RENEWED_AFTER_SECONDS and store.claim(
        _claim_key("renewal", metadata), "asking", RENEWAL_SECONDS
    ):
        try:
            return _fetched(metadata, deadline)
        except ProviderFailed as problem:
            log.warning(
                "signing keys not renewed",
                _event="provider.keys.failed",
                issuer=metadata.issuer,
                reason=str(problem.reason),
                detail=problem.detail,
            )
    return held


def refetched(metadata: Metadata, seen: KeySet, *, deadline: Deadline) -> KeySet | None:
    """Return keys newer than those seen, or None while it is too early to ask again.

    Whoever sends however many tokens with unknown keys: one request in thirty seconds, for all
    processes that share a cache. A cache that is down means none.
    """
    newer = _held(metadata)
    if newer is not None and newer.fetched_at > seen.fetched_at:
        return newer
    claimed = _claim_key("refetch", metadata)
    if not store.claim(claimed, "asking", REFETCH_SECONDS):
        return _awaited(claimed, metadata, since=seen.fetched_at, deadline=deadline)
    try:
        return _fetched(metadata, deadline)
    finally:
        store.write(claimed, "asked", REFETCH_SECONDS)


def forget(metadata: Metadata) -> None:
    store.drop(_key(metadata), *(_claim_key(kind, metadata) for kind in ("renewal", "refetch")))
    forget_outcome(metadata)


def forget_outcome(metadata: Metadata) -> None:
    """Ask anew at the next occasion; the keys at hand serve all the same."""
    store.drop(_outcome_key(metadata))


def fitting(keys: KeySet, metadata: Metadata, *, alg: str, kid: str | None) -> list[PyJWK]:
    """Return the keys that may verify a token with this header, ready to use.

    Without a `kid` at most five may fit, else the token does not say enough.
    """
    candidates = [
        key
        for key in keys.keys
        if (kid is None or key.get("kid") == kid) and _fits(key, alg, metadata)
    ]
    if len(candidates) > MAX_CANDIDATES and kid is None:
        return []
    return list(_loaded(candidates[:MAX_CANDIDATES], alg))


def _fits(key: dict[str, Any], alg: str, metadata: Metadata) -> bool:
    kind, curves = _TYPES[alg]
    operations = key.get("key_ops")
    return (
        key.get("kty") == kind
        and (not curves or key.get("crv") in curves)
        and key.get("use") in (None, "sig")
        and key.get("alg") in (None, alg)
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
        and (kind != "RSA" or _is_sane_rsa(key))
        and (not metadata.is_entra or _is_of_issuer(key, metadata))
    )


def _is_sane_rsa(key: dict[str, Any]) -> bool:
    modulus, exponent = _number(key.get("n")), _number(key.get("e"))
    return (
        modulus.bit_length() in RSA_BITS
        and 1 < exponent < MAX_RSA_EXPONENT
        and exponent % 2 == 1
        and modulus % 2 == 1
    )


def _number(text: object) -> int:
    """Return a number of a key, or 0 for anything that is none or is beyond all measure."""
    if not isinstance(text, str) or len(text) > RSA_BITS.stop // 6 + 8 or not text.isascii():
        return 0
    try:
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return 0


def _is_of_issuer(key: dict[str, Any], metadata: Metadata) -> bool:
    """Tell whether Entra's own member says that the key is of this issuer (entra-facts §1.3)."""
    named = key.get("issuer")
    if named is None:
        return True
    return (
        isinstance(named, str)
        and named.replace("{tenantid}", metadata.tenant_id) == metadata.issuer
    )


def _loaded(candidates: list[dict[str, Any]], alg: str) -> Iterator[PyJWK]:
    for key in candidates:
        # Only its own members: what else is in there must not choose how it is read.
        public = {name: value for name, value in key.items() if name in _PUBLIC_MEMBERS}
        try:
            yield PyJWK(public, algorithm=alg)
        except (PyJWTError, ValueError, TypeError) as problem:
            log.warning(
                "signing key unusable",
                _event="provider.keys.skipped",
                kind=type(problem).__name__,
            )


def _fetched(metadata: Metadata, deadline: Deadline) -> KeySet:
    """Ask for the keys now, and keep what comes of it for everyone."""
    name = _outcome_key(metadata)
    with asking.failures_kept(name, deadline, seconds=asking.ASKED_SECONDS):
        found = _asked(metadata, deadline)
    store.write(_key(metadata), (found.keys, found.fetched_at), KEPT_SECONDS)
    store.drop(name)
    return found


def _asked(metadata: Metadata, deadline: Deadline) -> KeySet:
    answer = fetch(
        "GET", metadata.jwks_uri, deadline=deadline, retry=True, loopback=metadata.is_loopback
    )
    if answer.status != http.HTTPStatus.OK:
        raise answer.failure(Reason.PROVIDER_KEYS, Stage.DISCOVERY, "The signing keys' URL")
    if not answer.says_json:
        raise ProviderFailed(Reason.PROVIDER_KEYS, "The signing keys are not JSON.")
    published = answer.json(Reason.PROVIDER_KEYS).get("keys")
    if not isinstance(published, list) or not published:
        raise ProviderFailed(Reason.PROVIDER_KEYS, "The provider publishes no signing keys.")
    usable = tuple(key for key in published[:MAX_KEYS] if isinstance(key, dict))
    return KeySet(keys=usable, fetched_at=time.time())


def _awaited(
    claimed: str, metadata: Metadata, *, since: float, deadline: Deadline
) -> KeySet | None:
    """Wait for keys that another caller is fetching now, if one is."""
    while store.read(claimed) == "asking" and not deadline.expired:
        time.sleep(asking.WAIT_SECONDS)
    held = _held(metadata)
    return held if held is not None and held.fetched_at > since else None


def _held(metadata: Metadata) -> KeySet | None:
    held = store.read(_key(metadata))
    if held is None or time.time() - held[1] > KEPT_SECONDS:
        return None
    return KeySet(keys=held[0], fetched_at=held[1])


def _key(metadata: Metadata) -> str:
    return store.key("keys", metadata.jwks_uri)


def _outcome_key(metadata: Metadata) -> str:
    return store.key("keys-outcome", metadata.jwks_uri)


def _claim_key(kind: str, metadata: Metadata) -> str:
    return store.key(f"keys-{kind}", metadata.jwks_uri)
