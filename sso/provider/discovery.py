"""What the provider publishes about itself, checked, and shared by all processes.

verification.md, Discovery; entra-facts §1.2, §1.3.
"""

from __future__ import annotations

import http
import time
from dataclasses import asdict
from typing import Any

import structlog

from sso.provider import asking, document, store
from sso.provider.asking import Outcome
from sso.provider.deadline import Deadline
from sso.provider.document import IssuerDiffers, Metadata, NotHttps
from sso.provider.failures import ProviderFailed
from sso.provider.http import fetch
from sso.rules.reasons import Reason, Stage

__all__ = [
    "IssuerDiffers",
    "Metadata",
    "NotHttps",
    "ask",
    "ask_for_all",
    "forget",
    "forget_outcome",
    "held",
    "metadata",
    "outcome",
    "plain_endpoint",
]

# How long the last good document serves while no newer one can be had.
KEPT_SECONDS = 86_400

log = structlog.stdlib.get_logger(__name__)


def metadata(
    issuer: str, *, max_age: float, deadline: Deadline, allow_http: bool = False
) -> Metadata:
    """Return the provider's metadata, asked for again when older than `max_age` seconds.

    One caller among all processes asks while the others go on with the last good document. When
    nothing newer can be had that one serves for a day: `fetched_at` says how old it is. Where
    there is none, a failure holds for a minute. `allow_http` is Enforce HTTPS switched off.
    """
    document.check_issuer(issuer, allow_http=allow_http)

    def known() -> Metadata | None:
        found = held(issuer)
        if found is None:
            asking.raise_what_holds(_outcome_key(issuer, allow_http=allow_http))
        return found

    def ask_first() -> Metadata:
        return ask(issuer, deadline=deadline, allow_http=allow_http)

    found = asking.alone(_key(issuer), deadline=deadline, known=known, ask=ask_first)
    if time.time() - found.fetched_at >= max_age:
        found = _renewed(found, deadline, allow_http=allow_http)
    return document.check_schemes(found, allow_http=allow_http)


def _renewed(found: Metadata, deadline: Deadline, *, allow_http: bool) -> Metadata:
    """Return a newer document, or the one at hand: this is no time to fail."""
    issuer = found.issuer
    last = outcome(issuer, allow_http=allow_http)
    if last is not None and last.holds(asking.ASKED_SECONDS):
        return found
    if not asking.may_ask(_key(issuer), deadline):
        return found
    try:
        return ask(issuer, deadline=deadline, allow_http=allow_http)
    except ProviderFailed as problem:
        log.warning(
            "provider metadata not renewed",
            _event="provider.discovery.failed",
            issuer=issuer,
            reason=str(problem.reason),
            detail=problem.detail,
        )
        return found
    finally:
        asking.done(_key(issuer))


def ask(issuer: str, *, deadline: Deadline, allow_http: bool = False) -> Metadata:
    """Ask the provider now, and keep what comes of it for everyone.

    Raises `IssuerDiffers` when the document names another issuer than this one.
    """
    name = _outcome_key(issuer, allow_http=allow_http)
    with asking.failures_kept(name, deadline, seconds=KEPT_SECONDS):
        found = _asked(issuer, deadline, allow_http=allow_http)
    store.write(_key(issuer), asdict(found), KEPT_SECONDS)
    asking.keep(name, _good(found), KEPT_SECONDS)
    return found


def ask_for_all(
    issuer: str, *, deadline: Deadline, allow_http: bool, before: Outcome | None
) -> Outcome:
    """Ask now and return how it ended, or what was `before` while somebody else is asking."""

    def newer() -> Outcome | None:
        found = outcome(issuer, allow_http=allow_http)
        return found if before is None or (found is not None and found.at > before.at) else None

    def ask_now() -> Outcome:
        return _good(ask(issuer, deadline=deadline, allow_http=allow_http))

    try:
        return asking.alone(
            _key(issuer), deadline=deadline, known=newer, ask=ask_now, otherwise=before
        )
    except ProviderFailed as failure:
        return Outcome(at=time.time(), failure=failure)


def _good(found: Metadata) -> Outcome:
    return Outcome(at=found.fetched_at, endpoints=(found.token_endpoint, found.jwks_uri))


def outcome(issuer: str, *, allow_http: bool) -> Outcome | None:
    """Return how asking ended last, whoever asked; no request is made."""
    return asking.kept(_outcome_key(issuer, allow_http=allow_http))


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


def plain_endpoint(issuer: str, *, allow_http: bool) -> str:
    """Name the endpoint for which the document was refused last: it is not https; '' for none."""
    last = outcome(issuer, allow_http=allow_http)
    failure = last.failure if last is not None else None
    return failure.named if isinstance(failure, NotHttps) else ""


def forget(issuer: str) -> None:
    store.drop(_key(issuer))
    forget_outcome(issuer)


def forget_outcome(issuer: str) -> None:
    """Ask anew at the next occasion; the last good document serves all the same."""
    store.drop(*(_outcome_key(issuer, allow_http=allowed) for allowed in (False, True)))


def held(issuer: str) -> Metadata | None:
    """Return the last good document; no request is made."""
    found: dict[str, Any] | None = store.read(_key(issuer))
    if found is None or time.time() - found["fetched_at"] > KEPT_SECONDS:
        return None
    return Metadata(**found)


def _key(issuer: str) -> str:
    return store.key("discovery-2", issuer)


def _outcome_key(issuer: str, *, allow_http: bool) -> str:
    # What is no answer to one may be one to the other.
    return store.key("discovery-outcome-http" if allow_http else "discovery-outcome", issuer)
