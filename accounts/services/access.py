from __future__ import annotations

from django.db import transaction

from accounts import external, policy
from accounts.changes import Action, record
from accounts.models import Session, User
from accounts.policy import AccountRefused, Refusal
from accounts.services._locks import Locked, carry_over, lock
from accounts.services.tokens import revoke_tokens


def end_sessions(user: User, *, except_key: str | None = None, only_key: str | None = None) -> int:
    """End the account's sessions, all but one or one alone, and say how many ended."""
    sessions = Session.objects.filter(user_id=user.pk)
    if except_key:
        sessions = sessions.exclude(session_key=except_key)
    if only_key:
        sessions = sessions.filter(session_key=only_key)
    return sessions.delete()[0]


@transaction.atomic
def end_sessions_of(user: User, *, actor: User, except_key: str | None = None) -> int:
    """End somebody's sessions for an administrator, or one's own, and record it."""
    locked = lock(user, actor=actor)
    if not locked.is_self:
        locked.require(policy.may_manage(locked.actor_role, locked.role))
    ended = end_sessions(locked.user, except_key=except_key)
    if ended:
        record(locked.user, {"sessions": (str(ended), "ended")}, actor=actor)
    return ended


@transaction.atomic
def deactivate(user: User, *, actor: User | None) -> bool:
    """Close an account's door, end its sessions and tokens; the last active superadmin stays."""
    locked = lock(user, actor=actor)
    if locked.actor is not None:
        locked.require(policy.may_remove(locked.actor_role, locked.role, is_self=locked.is_self))
    if locked.user.is_active and locked.is_last_superadmin:
        raise AccountRefused(Refusal.LAST_SUPERADMIN)
    changed = _set_active(locked, user, active=False, actor=actor)
    end_sessions(locked.user)
    revoke_tokens(locked.user, actor=actor)
    return changed


@transaction.atomic
def activate(user: User, *, actor: User | None) -> bool:
    locked = lock(user, actor=actor)
    if locked.actor is not None:
        locked.require(policy.may_manage(locked.actor_role, locked.role))
    return _set_active(locked, user, active=True, actor=actor)


def _set_active(locked: Locked, user: User, *, active: bool, actor: User | None) -> bool:
    fresh = locked.user
    changed = fresh.is_active is not active
    if changed:
        words = {True: "active", False: "inactive"}
        fresh.is_active = active
        fresh.save(update_fields=["is_active"])
        record(fresh, {"is_active": (words[not active], words[active])}, actor=actor)
    carry_over(fresh, user, ["is_active"])
    return changed


@transaction.atomic
def delete(user: User, *, actor: User | None) -> None:
    """Delete an account and what belongs to it; the last active superadmin stays."""
    locked = lock(user, actor=actor)
    if locked.actor is not None:
        locked.require(policy.may_remove(locked.actor_role, locked.role, is_self=locked.is_self))
    if locked.is_last_superadmin:
        raise AccountRefused(Refusal.LAST_SUPERADMIN)
    fresh = locked.user
    changes = {"username": (fresh.username, ""), "role": (fresh.role_label, "")}
    record(fresh, changes, actor=actor, action=Action.DELETED)
    # The stronger lock: a row that names the account, such as a sign-in's record, waits until it
    # is gone, and does not slip in after those that name it were found.
    User.objects.select_for_update().get(pk=fresh.pk)
    fresh.delete()


def set_password(
    user: User, password: str, *, actor: User | None, keep_session: str | None = None
) -> None:
    """Give the account this password, and end its other sessions and its API tokens.

    A person may only while passwords are accepted; the command line (no actor) always may.
    """
    if actor is not None:
        require_passwords()
    with transaction.atomic():
        locked = lock(user, actor=actor)
        if locked.actor is not None and not locked.is_self:
            locked.require(policy.may_manage(locked.actor_role, locked.role))
        put_password(locked, password, actor=actor, keep_session=keep_session)
    carry_over(locked.user, user, ["password"])


def put_password(
    locked: Locked, password: str, *, actor: User | None, keep_session: str | None = None
) -> None:
    """Write a password to an account that is locked, and end what came by the one before."""
    fresh = locked.user
    fresh.set_password(password)
    fresh.save(update_fields=["password"])
    end_sessions(fresh, except_key=keep_session)
    revoke_tokens(fresh, actor=actor)
    record(fresh, {"password": ("", "changed")}, actor=actor)


def require_passwords() -> None:
    """Refuse while none is accepted."""
    # Before any transaction: the answer may have to be asked of the provider.
    if not external.current().passwords_accepted():
        raise AccountRefused(Refusal.PASSWORDS_OFF)


@transaction.atomic
def make_password_unusable(
    user: User, *, actor: User | None, keep_session: str | None = None
) -> bool:
    """Take the account's password away, and end its other sessions and its API tokens."""
    locked = lock(user, actor=actor)
    fresh = locked.user
    if locked.actor is not None and not locked.is_self:
        locked.require(policy.may_manage(locked.actor_role, locked.role))
    if not fresh.has_usable_password():
        return False
    fresh.set_unusable_password()
    fresh.save(update_fields=["password"])
    end_sessions(fresh, except_key=keep_session)
    revoke_tokens(fresh, actor=actor)
    record(fresh, {"password": ("", "removed")}, actor=actor)
    carry_over(fresh, user, ["password"])
    return True
