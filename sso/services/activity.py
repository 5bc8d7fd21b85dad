"""Sign-ins counted by day and refusals by reason, for the home page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Count
from django.db.models.functions import TruncDate

from sso.models import SignInAttempt

DAYS: Final = 30
MOST_REASONS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """How many came in, and how many were refused, on one day."""

    day: date
    signed_in: int
    refused: int

    @property
    def total(self) -> int:
        return self.signed_in + self.refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Thirty days, oldest first, and the reasons that refused most often in them."""

    days: tuple[Day, ...]
    reasons: tuple[tuple[str, int], ...]

    @property
    def signed_in(self) -> int:
        return sum(day.signed_in for day in self.days)

    @property
    def refused(self) -> int:
        return sum(day.refused for day in self.days)


def recent_activity(now: datetime) -> Activity:
    """Count the last thirty days in one query for the days and one for the reasons."""
    first = now.date() - timedelta(days=DAYS - 1)
    attempts = SignInAttempt.objects.filter(at__date__gte=first)
    counted: Counter[tuple[date, bool]] = Counter()
    rows = attempts.annotate(day=TruncDate("at")).values_list("day", "outcome")
    for day, outcome, number in rows.annotate(number=Count("pk")).order_by():
        counted[day, outcome == SignInAttempt.Outcome.REFUSED] += number
    days = tuple(
        Day(day=day, signed_in=counted[day, False], refused=counted[day, True])
        for day in (first + timedelta(days=offset) for offset in range(DAYS))
    )
    refused = attempts.filter(outcome=SignInAttempt.Outcome.REFUSED).values_list("reason")
    reasons = refused.annotate(number=Count("pk")).order_by("-number", "reason")[:MOST_REASONS]
    return Activity(days=days, reasons=tuple(reasons))
