"""Sign-ins counted by day and refusals by reason, for the home page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from django.db.models import Count, QuerySet, Value
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from sso.models import SignInAttempt
from sso.rules.decision import RoleRule

DAYS: Final = 30
MOST_REASONS: Final = 5
MOST_REFUSALS: Final = 1000
# A test signs nobody in, and refuses nobody either; nor does the command line.
NOT_COUNTED: Final = (SignInAttempt.Outcome.TESTED, SignInAttempt.Outcome.LOCAL_OPENED)
_REAL: Final = tuple(each for each in SignInAttempt.Outcome if each not in NOT_COUNTED)


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
    midnight = timezone.make_aware(datetime.combine(first, time.min))
    real = SignInAttempt.objects.filter(outcome__in=_REAL).order_by()
    counts = real.values_list("outcome").annotate(number=Count("pk"))
    # A part of an index for each day, and nothing to do with a row but to count it: to work a day
    # out for each row and group by it takes five times as long where there are many.
    by_day = [
        counts.filter(at__gte=begin, at__lt=begin + timedelta(days=1)).annotate(day=Value(offset))
        for offset in range(DAYS)
        for begin in (midnight + timedelta(days=offset),)
    ]
    counted: Counter[tuple[int, bool]] = Counter()
    for outcome, number, offset in by_day[0].union(*by_day[1:], all=True):
        counted[offset, outcome == SignInAttempt.Outcome.REFUSED] += number
    days = tuple(
        Day(
            day=first + timedelta(days=offset),
            signed_in=counted[offset, False],
            refused=counted[offset, True],
        )
        for offset in range(DAYS)
    )
    refused = SignInAttempt.objects.filter(
        outcome=SignInAttempt.Outcome.REFUSED, at__gte=midnight
    ).values_list("reason")
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
    # Their own attempts are few. By the outcome, or by the time alone, the database would read
    # everybody's until it comes to one of theirs, and theirs may never come.
    signed_in = SignInAttempt.objects.alias(outcome_key=Lower("outcome")).filter(
        user=active[0], outcome_key=SignInAttempt.Outcome.SIGNED_IN
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
