"""What a session is good for when somebody changes the settings (product.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from django.http import HttpRequest

from accounts.freshness import confirm, is_fresh
from accounts.models import User
from sso import conf
from sso.readiness import readiness
from sso.services.settings import (
    FRESH,
    NO_ASSURANCE,
    SECRET,
    Assurance,
    FreshSignInRequired,
)

Answer = TypeVar("Answer")

# What an expired secret or a deleted application leaves to mend.
REPAIRS: Final = frozenset({"issuer", "client_id", SECRET})
REPAIRED_UNASKED: Final = (
    "without a fresh sign-in: single sign-on was not ready and the account has no password"
)
ONLY_REPAIRS: Final = (
    "Your last sign-in is more than fifteen minutes ago. While single sign-on is not ready you can "
    "still save Issuer URL, Client ID and Client Secret, which is recorded; everything else that "
    "decides who gets in has to wait until you can sign in again."
)


def may_repair(user: User) -> bool:
    """Say whether this account could not sign in again now, neither way (product.md).

    Else an expired secret could never be replaced.
    """
    return not user.has_usable_password() and not readiness(conf.current()).ready


def assurance(request: HttpRequest) -> Assurance:
    """Return what the session of whoever is signed in covers now."""
    if is_fresh(request):
        return FRESH
    user = request.user
    if isinstance(user, User) and may_repair(user):
        return Assurance(fields=REPAIRS, note=REPAIRED_UNASKED)
    return NO_ASSURANCE


def with_fresh_sign_in(request: HttpRequest, act: Callable[[Assurance], Answer]) -> Answer:
    """Act on what the session covers, else on the password that came with the form.

    The password is judged only where it is needed, so that nobody is refused for one that is
    not. Raises accounts.freshness.NotConfirmed, having changed nothing.
    """
    try:
        return act(assurance(request))
    except FreshSignInRequired:
        confirm(request)
    return act(FRESH)
