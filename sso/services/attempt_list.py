"""Settings → Sign-ins as a list: narrowed, newest first, and never sorted or counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from django.db.models import QuerySet, Value
from django.db.models.functions import Lower
from django.utils import timezone

from sso.models import SignInAttempt


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFilter:
    """What the list is narrowed to; what is empty narrows nothing."""

    outcome: str = ""
    reason: str = ""
    #: A username, an e-mail address, or the code that a person was shown.
    search: str = ""
    since: date | None = None
    until: date | None = None


def matching(wanted: AttemptFilter) -> QuerySet[SignInAttempt]:
    """Return the attempts that match, on an index that ends in this order."""
    attempts = SignInAttempt.objects.order_by("-at", "-pk")
    if wanted.since:
        attempts = attempts.filter(at__gte=_moment(wanted.since, time.min))
    if wanted.until:
        attempts = attempts.filter(at__lte=_moment(wanted.until, time.max))
    text = wanted.search.strip()
    if wanted.outcome:
        attempts = _narrowed(attempts, "outcome", wanted.outcome, led=not (text or wanted.reason))
    if wanted.reason:
        attempts = _narrowed(attempts, "reason", wanted.reason, led=not text)
    return found(attempts, text) if text else attempts


def _narrowed(
    attempts: QuerySet[SignInAttempt], name: str, value: str, *, led: bool
) -> QuerySet[SignInAttempt]:
    """Narrow by a column; where another one leads, keep the database from taking its index.

    SQLite keeps no statistics and would as soon read every refusal as those of one person.
    """
    if led:
        return attempts.filter(**{name: value})
    return attempts.alias(**{f"{name}_key": Lower(name)}).filter(**{f"{name}_key": value})


def found(attempts: QuerySet[SignInAttempt], text: str) -> QuerySet[SignInAttempt]:
    """Look for a whole reference code, e-mail address or username, one after the other.

    Two at once would leave every index but one unused, and parts of words all of them.
    """
    by_reference = attempts.filter(reference=text.upper())
    if by_reference.exists():
        return by_reference
    if "@" in text:
        by_email = _of_person(attempts, "email", text)
        if by_email.exists():
            return by_email
    return _of_person(attempts, "username", text)


def _of_person(attempts: QuerySet[SignInAttempt], name: str, text: str) -> QuerySet[SignInAttempt]:
    return attempts.alias(**{f"{name}_key": Lower(name)}).filter(
        **{f"{name}_key": Lower(Value(text))}
    )


def _moment(day: date, at: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, at))
