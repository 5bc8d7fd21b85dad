from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from accounts.policy import AccountRefused, Refusal
from accounts.roles import Role


@dataclass(frozen=True, slots=True)
class Locked:
    """The rows that a change depends on, fresh and locked until the transaction ends."""

    user: User
    actor: User | None
    is_last_superadmin: bool

    @property
    def is_self(self) -> bool:
        return self.actor is not None and self.actor.pk == self.user.pk

    def require(self, refusal: Refusal | None) -> None:
        if refusal is not None:
            raise AccountRefused(refusal)

    @property
    def actor_role(self) -> Role:
        """Return the actor's role; only asked where there is an actor."""
        if self.actor is None:
            raise AccountRefused(Refusal.NOT_ALLOWED)
        return Role(self.actor.role)

    @property
    def role(self) -> Role:
        return Role(self.user.role)


class _Promoted(Exception):
    """Say that an account has become a superadmin since the caller read it."""


def lock(user: User, *, actor: User | None) -> Locked:
    """Lock the account, its actor and, for a superadmin, every active superadmin, in key order.

    The actor is read again too: of two administrators who demote each other at the same
    moment, the second is one no longer. Call inside a transaction, and make a superadmin last in
    it: the next lock of that account would want all the others while it holds this one.
    """
    if user.role == Role.SUPERADMIN:
        return _lock(user, actor, guard=True)
    try:
        # Given up, a savepoint lets go of its locks: to want those of lower keys while holding
        # one would be out of order, and two transactions would wait for each other.
        with transaction.atomic():
            locked = _lock(user, actor, guard=False)
            if locked.role is Role.SUPERADMIN:
                raise _Promoted
    except _Promoted:
        return _lock(user, actor, guard=True)
    return locked


def _lock(user: User, actor: User | None, *, guard: bool) -> Locked:
    wanted = Q(pk__in=[person.pk for person in (user, actor) if person is not None])
    if guard:
        wanted |= Q(role=Role.SUPERADMIN, is_active=True)
    rows = {
        row.pk: row
        for row in User.objects.select_for_update(no_key=True).filter(wanted).order_by("pk")
    }
    if user.pk not in rows:
        raise AccountRefused(Refusal.GONE)
    fresh_actor = None
    if actor is not None:
        fresh_actor = rows.get(actor.pk)
        if fresh_actor is None or not fresh_actor.is_active:
            raise AccountRefused(Refusal.NOT_ALLOWED)
    superadmins = {
        key for key, row in rows.items() if row.role == Role.SUPERADMIN and row.is_active
    }
    return Locked(rows[user.pk], fresh_actor, is_last_superadmin=superadmins == {user.pk} and guard)


def lock_actor(actor: User, permission: str) -> User:
    """Read again and lock whoever does it, and hold them to what they may do at this moment.

    Between the door and the write may lie seconds, such as a provider's answer, in which somebody
    else has taken the permission or the account away.
    """
    row = User.objects.select_for_update(no_key=True).filter(pk=actor.pk, is_active=True).first()
    if row is None or not row.has_perm(permission):
        raise AccountRefused(Refusal.NOT_ALLOWED)
    return row


def is_last_superadmin(user: User) -> bool:
    """Say, without a lock, whether this is the last active superadmin."""
    if user.role != Role.SUPERADMIN or not user.is_active:
        return False
    others = User.objects.filter(role=Role.SUPERADMIN, is_active=True).exclude(pk=user.pk)
    return not others.exists()


def carry_over(fresh: User, user: User, fields: Iterable[str]) -> None:
    """Bring the caller's own instance up to date with what was saved."""
    for field in fields:
        setattr(user, field, getattr(fresh, field))
