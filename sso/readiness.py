"""Whether SSO can sign people in right now (sign-in.md, Ready, and the way back in)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

import structlog

from accounts.models import User
from accounts.roles import Role
from sso import metrics
from sso.conf import Config, credential_fingerprint, current, local_sign_in_forced
from sso.models import OIDCSettings
from sso.provider import breaker, discovery, keys, store
from sso.provider.asking import Outcome
from sso.provider.deadline import Deadline
from sso.provider.discovery import NotHttps
from sso.rules.reasons import Reason

log = structlog.stdlib.get_logger(__name__)

ANSWER_HOLDS: Final = 60.0
FAILURE_HOLDS: Final = 30.0
ASK_SECONDS: Final = 3.0
KNOWN_FOR: Final = 86_400


class Cause(StrEnum):
    """Why SSO is or is not ready."""

    READY = "ready"
    OFF = "off"
    INCOMPLETE = "incomplete"
    NOT_HTTPS = "not_https"
    SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105 - the name of a cause
    CLIENT_REFUSED = "client_refused"
    PROVIDER_UNREACHABLE = "provider_unreachable"


# What an administrator reads; nothing in it comes from the network.
EXPLANATIONS: Final = {
    Cause.READY: "People can sign in through the provider.",
    Cause.OFF: "Single sign-on is switched off.",
    Cause.INCOMPLETE: "Single sign-on is switched on, but a required value is missing.",
    Cause.NOT_HTTPS: "An address that has to be https is not: the Issuer URL, an endpoint that the "
    "provider publishes, or the callback URL, which follows the Server URL under Settings → "
    "General. Check configuration says which.",
    Cause.SECRET_UNREADABLE: "The stored client secret cannot be decrypted with the keys at hand. "
    "Enter the secret again, or give ENCRYPTION_KEYS the key it was saved with.",
    Cause.CLIENT_REFUSED: "The provider refused PatchMon's client ID or client secret. Create a "
    "new secret (Entra admin center → App registrations → Certificates & secrets), paste its "
    "Value into Client Secret and press Save.",
    Cause.PROVIDER_UNREACHABLE: "PatchMon could not get a valid discovery document from the "
    "provider. Check the Issuer URL, and that this server can reach the provider's host.",
}
# In the place of PROVIDER_UNREACHABLE's, while nobody asks the provider anything.
LEFT_ALONE: Final = (
    "The provider left five requests in a row without an answer, so PatchMon leaves it alone for "
    "thirty seconds at a time. Check that this server can reach the provider's host, and whether "
    "the provider reports an outage."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Hold the verdict, its cause, and a detail for administrators."""

    cause: Cause
    detail: str = ""
    left_alone: bool = False
    #: For how many seconds pages may show it without asking again.
    holds: float = ANSWER_HOLDS

    @property
    def ready(self) -> bool:
        return self.cause is Cause.READY

    @property
    def explanation(self) -> str:
        return LEFT_ALONE if self.left_alone else EXPLANATIONS[self.cause]


def readiness(config: Config) -> Readiness:
    """Say whether SSO is ready; ask the provider when its last answer is older than a minute.

    Takes three seconds at most, and one request at a time for all processes that share a cache.
    """
    verdict = _verdict(config)
    _tell(verdict)
    return verdict


def lately(load: Callable[[], Config]) -> Readiness:
    """Return the verdict of the last minute, or find one: for what nobody asks for by itself.

    While there is one this costs neither a query nor a request; it has no detail.
    """
    told = store.read(store.VERDICT)
    if isinstance(told, tuple) and told[0] in list(Cause):
        return Readiness(cause=Cause(told[0]), left_alone=told[1])
    return readiness(load())


def _verdict(config: Config) -> Readiness:
    if not config.enabled:
        return Readiness(cause=Cause.OFF)
    if config.missing:
        return Readiness(cause=Cause.INCOMPLETE, detail=", ".join(config.missing))
    if config.not_https:
        named = ", ".join(config.not_https)
        return Readiness(cause=Cause.NOT_HTTPS, detail=f"not https: {named}")
    if not config.secret_readable:
        return Readiness(cause=Cause.SECRET_UNREADABLE)
    if config.client_refused:
        return Readiness(cause=Cause.CLIENT_REFUSED)
    return _provider_answers(config)


def _provider_answers(config: Config) -> Readiness:
    allow_http = not config.enforce_https
    # Whoever asked: a sign-in that has just found out is not made to ask twice.
    last = discovery.outcome(config.issuer, allow_http=allow_http)
    if last is None or not last.holds(FAILURE_HOLDS if last.failure else ANSWER_HOLDS):
        last = discovery.ask_for_all(
            config.issuer, deadline=Deadline(ASK_SECONDS), allow_http=allow_http, before=last
        )
    if last.failure is not None:
        plain = isinstance(last.failure, NotHttps)
        return Readiness(
            cause=Cause.NOT_HTTPS if plain else Cause.PROVIDER_UNREACHABLE,
            detail=f"{last.failure.reason}: {last.failure.detail}"[:300],
            left_alone=last.failure.reason is Reason.PROVIDER_PAUSED,
            holds=_rest_of_a_minute(last),
        )
    # Sign-ins need more of the provider than its document (verification.md, The network).
    left_alone = breaker.left_alone(*_needed(config.issuer, last.endpoints))
    if left_alone:
        return Readiness(
            cause=Cause.PROVIDER_UNREACHABLE,
            detail=f"{left_alone} did not answer five times in a row.",
            left_alone=True,
            holds=breaker.OPEN_SECONDS,
        )
    return Readiness(cause=Cause.READY, holds=_rest_of_a_minute(last))


def _rest_of_a_minute(answer: Outcome) -> float:
    return max(1.0, ANSWER_HOLDS - answer.age)


def _needed(issuer: str, endpoints: Iterable[str]) -> Iterable[str]:
    """Return each host and endpoint once that a sign-in cannot do without; Graph is none."""
    host, _path = breaker.names(urlsplit(issuer))
    named = (name for url in endpoints for name in breaker.names(urlsplit(url)))
    return dict.fromkeys((host, *named))


def forget_answers(issuer: str) -> None:
    """Ask the provider anew at the next question, as after a change of the settings."""
    store.drop(store.VERDICT)
    discovery.forget_outcome(issuer)
    found = discovery.held(issuer)
    if found is not None:
        keys.forget_outcome(found)


def _tell(verdict: Readiness) -> None:
    """Let every page know the verdict, and the log and the counters that it is another."""
    told = (verdict.cause.value, verdict.left_alone)
    if store.read(store.VERDICT) == told:
        return
    store.write(store.VERDICT, told, verdict.holds)
    if store.read("sso:cause") == verdict.cause.value:
        return
    store.write("sso:cause", verdict.cause.value, KNOWN_FOR)
    metrics.count_change(
        "off" if verdict.cause is Cause.OFF else "ready" if verdict.ready else "not_ready"
    )
    cause = verdict.cause.value
    if verdict.ready:
        log.info("oidc ready", _event="sso.ready", cause=cause)
    elif verdict.cause is Cause.OFF:
        log.info("oidc off", _event="sso.off", cause=cause)
    else:
        log.warning(
            "oidc not ready",
            _event="sso.not_ready",
            explanation=verdict.explanation,
            cause=cause,
            detail=verdict.detail,
        )


def client_was_refused(config: Config) -> None:
    """End readiness: the provider refused the client itself (`invalid_client` and its kin).

    While SSO is off there is none to end: a test sign-in says itself what came of it.
    """
    if not config.enabled:
        return
    fingerprint = credential_fingerprint(config.issuer, config.client_id, config.client_secret)
    OIDCSettings.objects.filter(pk=1).exclude(client_refused=fingerprint).update(
        client_refused=fingerprint
    )
    in_force = current()
    # Not where another secret was saved meanwhile, or SSO switched off.
    if in_force.enabled and in_force.client_refused:
        readiness(in_force)


def client_was_accepted(config: Config) -> None:
    """Take a refusal back once a token request succeeded."""
    if config.client_refused:
        OIDCSettings.objects.filter(pk=1).update(client_refused="")
        store.drop(store.VERDICT)


def administrator_came_through_sso(issuer: str) -> bool:
    """Say whether an active admin or superadmin has ever signed in through this issuer.

    One who came through an earlier one may not be let in by this one.
    """
    return User.objects.filter(
        is_active=True,
        role__in=[Role.SUPERADMIN, Role.ADMIN],
        linked_identities__issuer=issuer,
        linked_identities__last_sign_in__isnull=False,
    ).exists()


def local_sign_in_open(config: Config | None = None) -> bool:
    """Say whether passwords are accepted just now, anywhere.

    They are not only while Disable local auth is on, SSO is ready, and an administrator has
    signed in through the issuer in force; so they come back by themselves when SSO breaks.
    """
    config = config or current()
    if not config.disable_local_auth or local_sign_in_forced(config):
        return True
    return not (readiness(config).ready and administrator_came_through_sso(config.issuer))
