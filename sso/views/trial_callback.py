"""How a test sign-in ends: in a report for whoever began it (product.md, Test sign-in)."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest

from accounts.models import User
from sso.backends import Callback
from sso.conf import Config
from sso.round_trip import RoundTrip
from sso.rules.reasons import SignInRefused
from sso.services.attempts import Attempt
from sso.services.trial import failed, try_out
from sso.services.trial_reports import keep
from sso.services.verification import Verified

NOT_THEIR_TEST: Final = (
    "Nothing was tested: somebody else had begun it. Press Test sign-in again as the one who is "
    "signed in now."
)


def report(request: HttpRequest, user: User, verified: Verified, callback: Callback) -> None:
    """Keep a report of what a sign-in would do; none of it is done."""
    trial = try_out(
        verified,
        config=callback.config,
        metadata=callback.metadata,
        deadline=callback.deadline,
        attempt=callback.attempt,
    )
    keep(request.session, user.pk, trial)


def report_failure(
    request: HttpRequest,
    refused: SignInRefused,
    *,
    trip: RoundTrip,
    config: Config,
    attempt: Attempt,
) -> None:
    """Keep a report of what went wrong, for whoever began the test and for nobody else."""
    user = request.user
    if not isinstance(user, User) or user.pk != trip.user_id:
        failed(refused, config=config, attempt=attempt)
        messages.error(request, NOT_THEIR_TEST)
        return
    attempt.user = user
    keep(request.session, user.pk, failed(refused, config=config, attempt=attempt))
