from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from patchmon.chart import HEIGHT, WIDTH, bar_chart
from sso.models import SignInAttempt
from sso.services.activity import DAYS, Day, recent_activity


def test_the_highest_day_fills_the_chart_and_pieces_stand_on_each_other():
    chart = bar_chart(
        [
            Day(day=date(2026, 1, 1), signed_in=3, refused=1),
            Day(day=date(2026, 1, 2), signed_in=0, refused=0),
        ]
    )

    full, empty = chart.bars
    assert chart.top == 4
    assert full.refused_y == 0
    assert full.refused_y + full.refused_height == pytest.approx(full.signed_in_y)
    assert full.signed_in_y + full.signed_in_height == pytest.approx(HEIGHT)
    assert empty.signed_in_height == empty.refused_height == 0
    assert empty.x + empty.width <= WIDTH


def test_days_without_anything_make_a_flat_chart():
    chart = bar_chart([Day(day=date(2026, 1, 1), signed_in=0, refused=0)])

    assert chart.bars[0].signed_in_height == 0


@pytest.mark.django_db
def test_attempts_are_counted_by_day_and_refusals_by_reason(django_assert_num_queries):
    now = timezone.now()
    for outcome, reason, ago in [
        ("signed_in", "", 0),
        ("linked", "", 0),
        ("refused", "inactive", 0),
        ("refused", "inactive", 3),
        ("refused", "no_account", 3),
        ("refused", "inactive", DAYS + 1),
    ]:
        SignInAttempt.objects.create(
            reference=f"{outcome[:3]}{reason[:3]}{ago}",
            at=now - timedelta(days=ago),
            outcome=outcome,
            reason=reason,
        )

    with django_assert_num_queries(2):
        activity = recent_activity(now)

    assert len(activity.days) == DAYS
    assert (activity.days[-1].signed_in, activity.days[-1].refused) == (2, 1)
    assert activity.days[-4].refused == 2
    assert (activity.signed_in, activity.refused) == (2, 3)
    assert activity.reasons == (("inactive", 2), ("no_account", 1))
