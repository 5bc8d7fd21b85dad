"""A sign-in within the last fifteen minutes, which sensitive changes ask for (spec/product.md)."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Final

from django.conf import settings
from django.http import HttpRequest

from accounts import external
from accounts.models import User
from accounts.sessions import SIGNED_IN_AT
from accounts.throttle import TooManyAttempts, count_guess, take_back

CONFIRMED_AT: Final = "confirmed_at"
PASSWORD_FIELD: Final = "current_password"  # noqa: S105 - the name of a field

MISSING: Final = (
    "Your last sign-in is more than fifteen minutes ago. Type your PatchMon password here, then "
    "press the button again."
)
WRONG: Final = "This is not your PatchMon password. Type it again."
AT_PROVIDER: Final = (
    "Your last sign-in is more than fifteen minutes ago. Press “Confirm at your provider” (here or "
    "on your profile), come back to this tab, and press the button again."
)
NO_WAY: Final = (
    "This needs a sign-in within the last fifteen minutes, and just now there is no way to confirm "
    "that it is you. Sign out and in again, or ask another administrator to make this change."
)


class Way(StrEnum):
    """How somebody who is signed in shows that it is still them."""

    PASSWORD = "password"  # noqa: S105 - the name of a way
    PROVIDER = "provider"
    NONE = "none"


class NotConfirmed(Exception):
    """A sensitive change without a fresh sign-in; `sentence` may be shown, beside the field."""

    def __init__(self, sentence: str, *, retry_after: int = 0) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.retry_after = retry_after


def fresh_for(request: HttpRequest) -> int:
    """Return for how many seconds more this session counts as freshly signed in."""
    now = time.time()
    times = (request.session.get(SIGNED_IN_AT), request.session.get(CONFIRMED_AT))
    # A clock that was set back must not make a session fresh for longer.
    past = [moment for moment in times if isinstance(moment, int) and moment <= now]
    return max(0, int(max(past) + settings.FRESH_SIGN_IN - now)) if past else 0


def is_fresh(request: HttpRequest) -> bool:
    return fresh_for(request) > 0


def mark_fresh(request: HttpRequest) -> None:
    """Note that whoever is signed in has just shown again that it is them."""
    request.session[CONFIRMED_AT] = int(time.time())


def way_to_confirm(user: User, request: HttpRequest | None = None) -> Way:
    """Say how this person can confirm; a password counts only while passwords are accepted."""
    if user.has_usable_password() and external.current().passwords_accepted(request):
        return Way.PASSWORD
    return Way.PROVIDER if external.current().confirm_url(user, request) else Way.NONE


def confirm_password(request: HttpRequest, password: str) -> bool:
    """Compare with the password of whoever is signed in; a right one makes the session fresh.

    Counts as a guess like one on the sign-in page, so that a session left open is no place to
    guess at. Raises TooManyAttempts.
    """
    user = request.user
    if not isinstance(user, User) or not external.current().passwords_accepted():
        return False
    guess = count_guess(request, user.username)
    if not user.check_password(password):
        return False
    take_back(guess)
    mark_fresh(request)
    return True


def confirm(request: HttpRequest) -> None:
    """Make the session fresh by the password that came with a form, or raise NotConfirmed."""
    if is_fresh(request):
        return
    user = request.user
    way = way_to_confirm(user) if isinstance(user, User) else Way.NONE
    if way is not Way.PASSWORD:
        raise NotConfirmed(AT_PROVIDER if way is Way.PROVIDER else NO_WAY)
    typed = request.POST.get(PASSWORD_FIELD, "")
    if not typed:
        raise NotConfirmed(MISSING)
    try:
        right = confirm_password(request, typed)
    except TooManyAttempts as refused:
        raise NotConfirmed(refused.sentence, retry_after=refused.seconds) from None
    if not right:
        raise NotConfirmed(WRONG)
