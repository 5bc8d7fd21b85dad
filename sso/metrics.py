"""Counters that all processes share, in Django's cache; a restart of it starts them anew.

Prometheus expects that of counters. Label values are our own codes, never anything from outside.
"""

from __future__ import annotations

from typing import Final

from sso.models import SignInAttempt
from sso.provider import store
from sso.round_trip import Lost
from sso.rules.reasons import Reason

KEPT_SECONDS: Final = 30 * 86_400
OUTCOMES: Final = tuple(
    outcome.value
    for outcome in SignInAttempt.Outcome
    if outcome is not SignInAttempt.Outcome.LOCAL_OPENED
)
REASONS: Final = tuple(reason.value for reason in Reason)
STRAYS: Final = tuple(Lost)
CHANGES: Final = ("ready", "not_ready", "off")


def count_outcome(outcome: str) -> None:
    store.count(_key("outcome", outcome), KEPT_SECONDS)


def count_refusal(reason: str) -> None:
    store.count(_key("reason", reason), KEPT_SECONDS)


def count_stray(why: str) -> None:
    store.count(_key("why", why), KEPT_SECONDS)


def count_change(change: str) -> None:
    store.count(_key("change", change), KEPT_SECONDS)


def counted(kind: str, labels: tuple[str, ...]) -> dict[str, int]:
    """Return how often each label of a kind was counted."""
    return {label: int(store.read(_key(kind, label)) or 0) for label in labels}


def _key(kind: str, label: str) -> str:
    return f"sso:metric:{kind}:{label}"
