"""A callback that leads into no journey: told of once where it is the browser's own."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.models import User
from sso import conf
from sso.messages import SESSION_EXPIRED
from sso.round_trip import Lost, Purpose, RoundTrip, RoundTripLost, first_to_tell
from sso.rules.reasons import Reason
from sso.services.attempts import Attempt, count_stray_callback, record_lost

_REASONS: Final = {Lost.EXPIRED: Reason.STATE_EXPIRED, Lost.USED: Reason.STATE_USED}


def send_on(request: HttpRequest, lost: RoundTripLost, attempt: Attempt) -> HttpResponse:
    """Send a reload or a double click of somebody signed in on; everybody else starts again."""
    user = request.user if isinstance(request.user, User) else None
    if lost.trip is not None and _is_worth_a_row(lost.trip, lost.why, user):
        _record(lost.trip, lost.why, user, attempt)
    else:
        count_stray_callback(lost.why)
    if user is not None:
        return redirect(lost.target or settings.LOGIN_REDIRECT_URL)
    messages.error(request, SESSION_EXPIRED)
    return redirect("accounts:login")


def _is_worth_a_row(trip: RoundTrip, why: Lost, user: User | None) -> bool:
    """Say whether this is an attempt of its own, told of for the first time.

    Only the browser that began a journey gets here, and each state counts once: whoever wants
    another row has to begin another journey, as for the row that an honest one leaves.
    """
    if why is Lost.USED and user is not None:
        # Reload, back, double click: the attempt has its row, and they are in.
        return False
    return first_to_tell(trip, now=timezone.now())


def _record(trip: RoundTrip, why: Lost, user: User | None, attempt: Attempt) -> None:
    config = conf.current()
    if trip.version == config.trip_version:
        attempt.issuer = config.issuer
    if user is not None and user.pk == trip.user_id:
        attempt.user = user
    record_lost(attempt, _REASONS[why], is_test=trip.purpose is Purpose.TEST)
