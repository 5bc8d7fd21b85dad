from __future__ import annotations

from datetime import date, timedelta

import pytest

from sso.rules.repaired import NotAcceptable
from sso.rules.secret_expiry import SecretExpiry, not_past

DAY = date(2026, 12, 12)


def seen(*, days_before: int) -> SecretExpiry:
    return SecretExpiry(on=DAY, today=DAY - timedelta(days=days_before))


@pytest.mark.parametrize(
    ("days_before", "is_near", "is_reached", "kind"),
    [
        (400, False, False, "grey"),
        (31, False, False, "grey"),
        (30, True, False, "amber"),
        (1, True, False, "amber"),
        (0, True, True, "red"),
        (-1, True, True, "red"),
        (-400, True, True, "red"),
    ],
)
def test_amber_from_thirty_days_before_and_red_from_the_day_on(
    days_before, is_near, is_reached, kind
):
    expiry = seen(days_before=days_before)

    assert (expiry.is_near, expiry.is_reached, expiry.kind) == (is_near, is_reached, kind)
    assert expiry.days_left == days_before


@pytest.mark.parametrize(
    ("days_before", "heading", "happened", "words"),
    [
        (12, "expires in 12 days", "expires in 12 days, on 12 Dec 2026.", "expires 12 Dec 2026"),
        (1, "expires tomorrow", "expires tomorrow, on 12 Dec 2026.", "expires 12 Dec 2026"),
        (0, "expires today", "expires today, 12 Dec 2026.", "expires 12 Dec 2026"),
        (-3, "expired on 12 Dec 2026", "expired on 12 Dec 2026.", "expired 12 Dec 2026"),
    ],
)
def test_the_words_fit_the_day(days_before, heading, happened, words):
    expiry = seen(days_before=days_before)

    assert expiry.heading == f"The client secret {heading}"
    assert expiry.happened == f"The client secret {happened}"
    assert expiry.words == words
    assert "12 Dec 2026" in expiry.text
    assert "Certificates & secrets" in expiry.cure
    assert ("before that day" in expiry.cure) is (days_before > 0)


def test_a_day_of_one_figure_has_one():
    assert SecretExpiry(on=date(2027, 3, 4), today=DAY).day == "4 Mar 2027"


def test_a_day_that_has_passed_is_not_acceptable_and_today_is():
    not_past(DAY, today=DAY)
    not_past(DAY, today=DAY - timedelta(days=1))

    with pytest.raises(NotAcceptable) as refused:
        not_past(DAY, today=DAY + timedelta(days=1))

    assert "column Expires" in refused.value.message
