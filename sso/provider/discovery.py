"""What the provider publishes about itself, checked, and shared by all processes.

verification.md, Discovery; entra-facts §1.2, §1.3.
"""

from __future__ import annotations

import http
import time
from dataclasses import asdict
from typing import Any

import structlog

from sso.provider import document, store
from sso.provider.deadline import Deadline
from sso.provider.document import IssuerDiffers, Metadata
from sso.provider.failures import ProviderFailed
from sso.provider.http import fetch
from sso.rules.reasons import Reason, Stage

__all__ = ["IssuerDiffers", "Metadata", "ask", "forget", "held", "metadata"]

# How long the last good document serves while no newer one can be had.
KEPT_SECONDS = 86_400
# How long what came of asking holds, for everyone.
ASKED_SECONDS = 30
WAIT_SECONDS = 0.05

log = structlog.stdlib.get_logger(__name__)


def metadata(
    issuer: str, *, max_age: float, deadline: Deadline, allow_http: bool = False
) -> Metadata:
    """Return the provider's metadata, asked for again when older than `max_age` seconds.

    One caller among all processes asks while the others go on with the last good document. When
    nothing newer can be had that one serves for a day: `fetched_at` says how old it is.
    `allow_http` is Enforce HTTPS switched off.
    """
    document.check_issuer(issuer, allow_http=allow_http)
    kept = held(issuer)
    if kept is not None and time.time() - kept.fetched_at < max_age:
        return document.check_schemes(kept, allow_http=allow_http)
    asking = store.key("discovery-asked", issuer)
    if kept is None:
        found = _first(issuer, asking, deadline, allow_http=allow_http)
    elif store.claim(asking, "asking", ASKED_SECONDS):
        try:
            found = ask(issuer, deadline=deadline, allow_http=allow_http)
        except ProviderFailed as problem:
            log.warning(
                "provider metadata not renewed",
                _event="provider.discovery.failed",
                issuer=issuer,
                reason=str(problem.reason),
                detail=problem.detail,
            )
            found = kept
    else:
        found = kept
    return document.check_schemes(found, allow_http=allow_http)


def _first(issuer: str, asking: str, deadline: Deadline, *, allow_http: bool) -> Metadata:
    """Ask where nothing is held yet, while others that come meanwhile wait for the answer."""
    if not store.claim(asking, "asking", ASKED_SECONDS):
        while store.read(asking) == "asking" and not deadline.expired:
            time.sleep(WAIT_SECONDS)
            if (kept := held(issuer)) is not None:
                return kept
    try:
        return ask(issuer, deadline=deadline, allow_http=allow_http)
    finally:
        store.drop(asking)


def ask(issuer: str, *, deadline: Deadline, allow_http: bool = False) -> Metadata:
    """Ask the provider now, and keep its answer for everyone.

    Raises `IssuerDiffers` when the document names another issuer than this one.
    """
    found = _asked(issuer, deadline, allow_http=allow_http)
    store.write(_key(issuer), asdict(found), KEPT_SECONDS)
    return found


def _asked(issuer: str, deadline: Deadline, *, allow_http: bool) -> Metadata:
    loopback = document.check_issuer(issuer, allow_http=allow_http)
    url = issuer.removesuffix("/") + "/.well-known/openid-configuration"
    answer = fetch("GET", url, deadline=deadline, retry=True, loopback=loopback)
    if answer.status != http.HTTPStatus.OK:
        raise answer.failure(Reason.DISCOVERY, Stage.DISCOVERY, "The discovery document's URL")
    if not answer.says_json:
        raise ProviderFailed(Reason.DISCOVERY, "The discovery document is not JSON.")
    told = answer.json(Reason.DISCOVERY)
    return document.read(told, issuer=issuer, allow_http=allow_http, now=time.time())


def forget(issuer: str) -> None:
    store.drop(_key(issuer), store.key("discovery-asked", issuer))


def held(issuer: str) -> Metadata | None:
    """Return the last good document, of a day at most, and ask nobody."""
    kept: dict[str, Any] | None = store.read(_key(issuer))
    if kept is None or time.time() - kept["fetched_at"] > KEPT_SECONDS:
        return None
    return Metadata(**kept)


def _key(issuer: str) -> str:
    return store.key("discovery-1", issuer)
