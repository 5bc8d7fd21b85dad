"""Sign-ins counted by day and refusals by reason, for the home page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from django.db.models import CharField, Count, QuerySet
from django.db.models.functions import Cast, Substr
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from sso.models import SignInAttempt
from sso.rules.decision import RoleRule

DAYS: Final = 30
MOST_REASONS: Final = 5
MOST_REFUSALS: Final = 1000
NOT_COUNTED: Final = (SignInAttempt.Outcome.TESTED, SignInAttempt.Outcome.LOCAL_OPENED)


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
    # A test signs nobody in, and refuses nobody either; nor does the command line.
    midnight = timezone.make_aware(datetime.combine(first, time.min))
    attempts = SignInAttempt.objects.filter(at__gte=midnight).exclude(outcome__in=NOT_COUNTED)
    counted: Counter[tuple[date, bool]] = Counter()
    # Moments are kept in UTC: their first ten letters are the day, and cheaper than a conversion.
    written = Substr(Cast("at", CharField()), 1, len("2026-01-31"))
    rows = attempts.annotate(day=written).values_list("day", "outcome")
    for day, outcome, number in rows.annotate(number=Count("pk")).order_by():
        counted[date.fromisoformat(day), outcome == SignInAttempt.Outcome.REFUSED] += number
    days = tuple(
        Day(day=day, signed_in=counted[day, False], refused=counted[day, True])
        for day in (first + timedelta(days=offset) for offset in range(DAYS))
    )
    refused = attempts.filter(outcome=SignInAttempt.Outcome.REFUSED).values_list("reason")
    reasons = refused.annotate(number=Count("pk")).order_by("-number", "reason")[:MOST_REASONS]
    return Activity(days=days, reasons=tuple(reasons))


def kept_superadmin() -> SignInAttempt | None:
    """Return the last sign-in of the only active Super Admin where it kept the role for being that.

    None as soon as there is another, or a later sign-in found their groups in order.
    """
    superadmins = User.objects.filter(role=Role.SUPERADMIN, is_active=True).order_by("pk")
    active = list(superadmins.values_list("pk", flat=True)[:2])
    if len(active) != 1:
        return None
    signed_in = SignInAttempt.objects.filter(
        user=active[0], outcome=SignInAttempt.Outcome.SIGNED_IN
    )
    last = signed_in.order_by("-at", "-pk").first()
    return last if last is not None and last.role_rule == RoleRule.KEPT_LAST_SUPERADMIN else None


def newest_sign_ins(number: int) -> QuerySet[SignInAttempt]:
    """Return the last attempts of people, without what the command line did."""
    attempts = SignInAttempt.objects.exclude(outcome=SignInAttempt.Outcome.LOCAL_OPENED)
    return attempts.order_by("-at", "-pk")[:number]


def refused_since(moment: datetime) -> int:
    """Count the refusals since then, up to MOST_REFUSALS: beyond that the number says no more."""
    refused = SignInAttempt.objects.filter(outcome=SignInAttempt.Outcome.REFUSED, at__gte=moment)
    return refused.order_by()[:MOST_REFUSALS].count()
