"""What everybody needs of a provider is asked for by one caller, and what came of it is kept.

A failure is kept like an answer, or each of many sign-ins would ask again, and wait, for nothing
(verification.md, Cost of a sign-in).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeVar

from sso.provider import store
from sso.provider.deadline import Deadline
from sso.provider.document import IssuerDiffers, NotHttps
from sso.provider.failures import ProviderFailed
from sso.rules.reasons import ProviderError, Reason

#: How long nobody asks again after a failure.
ASKED_SECONDS: Final = 60
#: A time-out says something of the provider only where there was time.
ENOUGH_SECONDS: Final = 2.0
WAIT_SECONDS: Final = 0.05

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a request ended that everybody goes by."""

    #: Seconds since the epoch.
    at: float
    failure: ProviderFailed | None = None
    #: What sign-ins call beside the URL that was asked.
    endpoints: tuple[str, ...] = ()

    @property
    def age(self) -> float:
        return time.time() - self.at

    def holds(self, seconds: float) -> bool:
        return 0 <= self.age < seconds


def alone(
    name: str,
    *,
    deadline: Deadline,
    known: Callable[[], T | None],
    ask: Callable[[], T],
    otherwise: T | None = None,
) -> T:
    """Return what is known; where nothing is, let one caller ask while the others wait.

    They wait for nothing where there is something to go on with `otherwise`. `known` raises what
    a failure left; so does this for whoever has waited too long.
    """
    while (found := known()) is None:
        if may_ask(name, deadline):
            try:
                # Somebody may have come to an end just before.
                found = known()
                return ask() if found is None else found
            finally:
                done(name)
        if otherwise is not None:
            return otherwise
        if deadline.expired:
            raise ProviderFailed(
                Reason.PROVIDER_TIMEOUT, "Another request is still waiting for the provider."
            )
        time.sleep(WAIT_SECONDS)
    return found


def may_ask(name: str, deadline: Deadline) -> bool:
    """Take the turn to ask; `done` gives it back, or the time that the request may take."""
    return store.claim(f"{name}:asking", 1, deadline.remaining() + 1)


def done(name: str) -> None:
    store.drop(f"{name}:asking")


def keep(name: str, outcome: Outcome, seconds: float) -> None:
    failure = outcome.failure
    told: dict[str, Any] = {"at": outcome.at, "endpoints": outcome.endpoints}
    if failure is not None:
        told |= {"reason": failure.reason.value, "detail": failure.detail}
        if failure.provider_error is not None:
            told["error"] = asdict(failure.provider_error)
        if isinstance(failure, IssuerDiffers):
            told["differs"] = (failure.expected, failure.found)
        if isinstance(failure, NotHttps):
            told["not_https"] = failure.named
    store.write(name, told, seconds)


def kept(name: str) -> Outcome | None:
    told: dict[str, Any] | None = store.read(name)
    if told is None:
        return None
    return Outcome(at=told["at"], failure=_failure(told), endpoints=tuple(told["endpoints"]))


def raise_what_holds(name: str) -> None:
    """Fail with what failed less than a minute ago, at once and without a request."""
    last = kept(name)
    if last is not None and last.failure is not None and last.holds(ASKED_SECONDS):
        raise last.failure


@contextmanager
def failures_kept(name: str, deadline: Deadline, *, seconds: float) -> Iterator[None]:
    """Keep for everybody how a request failed, where that says something of the provider.

    A breaker that is open has its own time, and an impatient caller must not end the sign-ins of
    everybody else.
    """
    had = deadline.remaining()
    try:
        yield
    except ProviderFailed as failure:
        too_short = failure.reason is Reason.PROVIDER_TIMEOUT and had < ENOUGH_SECONDS
        if failure.reason is not Reason.PROVIDER_PAUSED and not too_short:
            keep(name, Outcome(at=time.time(), failure=failure), seconds)
        raise


def _failure(told: dict[str, Any]) -> ProviderFailed | None:
    if "reason" not in told:
        return None
    if "differs" in told:
        expected, found = told["differs"]
        return IssuerDiffers(expected=expected, found=found)
    if "not_https" in told:
        return NotHttps(told["not_https"])
    error = told.get("error")
    return ProviderFailed(
        Reason(told["reason"]),
        told["detail"],
        provider_error=ProviderError(**error) if error else None,
    )
