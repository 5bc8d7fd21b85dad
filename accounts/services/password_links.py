"""Links under which somebody sets a password, handed over by an administrator."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts import policy
from accounts.changes import record
from accounts.models import User
from accounts.policy import AccountRefused, Refusal
from accounts.services._locks import lock
from accounts.services.access import put_password, require_passwords


class _Tokens(PasswordResetTokenGenerator):
    """Django's, which hang on the password, the address and the last sign-in; on the role as well.

    An Admin may make a link for a User, and not for the Super Admin whom that User has become
    since.
    """

    key_salt = "accounts.services.password_links"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}{user.role}"


tokens: Final = _Tokens()


def password_link(user: User, *, actor: User) -> str:
    """Make the path under which this account sets a new password, once, within an hour.

    PASSWORD_RESET_TIMEOUT is the hour (spec/product.md, Pages, /settings/users).
    """
    require_passwords()
    with transaction.atomic():
        locked = lock(user, actor=actor)
        locked.require(policy.may_manage(locked.actor_role, locked.role))
        fresh = locked.user
        record(fresh, {"password": ("", "link made")}, actor=actor)
    key = urlsafe_base64_encode(force_bytes(fresh.pk))
    return reverse("accounts:password-link", args=[key, tokens.make_token(fresh)])


def use_password_link(user: User, token: str, password: str) -> None:
    """Give the account the password of whoever has its link, and end all its sessions.

    The token is looked at again under the lock: of two who use it at the same moment the second
    is too late. Raises AccountRefused.
    """
    require_passwords()
    with transaction.atomic():
        locked = lock(user, actor=user)
        if not tokens.check_token(locked.user, token):
            raise AccountRefused(Refusal.LINK_DEAD)
        put_password(locked, password, actor=user)
