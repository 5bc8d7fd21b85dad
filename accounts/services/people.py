from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Lower

from accounts import external, policy
from accounts.addresses import email_key
from accounts.changes import Action, record
from accounts.models import Installation, User
from accounts.policy import AccountRefused, Refusal
from accounts.roles import ADMINISTRATORS, Role
from accounts.seen import edited
from accounts.services._locks import carry_over, lock, lock_actor
from accounts.services.access import end_sessions

ROLE_FIELDS = ("role", "is_staff", "is_superuser")


@dataclass(frozen=True, slots=True)
class RoleChange:
    before: Role
    after: Role
    kept_last_superadmin: bool = False

    @property
    def changed(self) -> bool:
        return self.before is not self.after


def username_taken(username: str) -> bool:
    return User.objects.alias(folded=Lower("username")).filter(folded=username.lower()).exists()


@transaction.atomic
def create_user(
    *,
    usernames: Iterable[str],
    email: str,
    first_name: str,
    last_name: str,
    role: Role,
    actor: User | None,
    password: str | None = None,
) -> User:
    """Create an account under the first free username; without a password none will work.

    Of two that race for one name, the second takes its next (spec/sign-in.md, Username).
    """
    if actor is not None:
        present = lock_actor(actor, "accounts.can_manage_users")
        refusal = policy.may_grant(Role(present.role), role)
        if refusal is not None:
            raise AccountRefused(refusal)
    for username in usernames:
        if username_taken(username):
            continue
        try:
            with transaction.atomic():
                user = User.objects.create_user(
                    username,
                    email,
                    password,
                    first_name=first_name.strip(),
                    last_name=last_name.strip(),
                    role=role,
                )
        except IntegrityError:
            if not username_taken(username):
                raise
            continue
        changes = {"username": ("", user.username), "role": ("", role.label)}
        if user.email:
            changes["email"] = ("", user.email)
        record(user, changes, actor=actor, action=Action.CREATED)
        return user
    raise AccountRefused(Refusal.USERNAME_TAKEN)


@transaction.atomic
def change_role(
    user: User, role: Role, *, actor: User | None, keep_session: str | None = None
) -> RoleChange:
    """Set an account's role: the only code that writes one after creation.

    The last active superadmin keeps the role whoever asks: the system is told so in the answer,
    a person by a refusal. Other sessions of the account end (spec/sign-in.md, Role).
    """
    locked = lock(user, actor=actor)
    fresh, before = locked.user, locked.role
    if locked.actor is not None:
        locked.require(
            policy.may_change_role(locked.actor_role, before, role, is_self=locked.is_self)
        )
    carry_over(fresh, user, ROLE_FIELDS)
    if role is before:
        return RoleChange(before, before)
    if locked.is_last_superadmin:
        if actor is not None:
            raise AccountRefused(Refusal.LAST_SUPERADMIN)
        return RoleChange(before, before, kept_last_superadmin=True)
    if actor is not None and (managed := external.current().role_managed_reason(fresh)):
        raise AccountRefused(Refusal.ROLE_MANAGED, managed)
    fresh.role = role
    fresh.is_staff = fresh.is_superuser = role is Role.SUPERADMIN
    fresh.save(update_fields=ROLE_FIELDS)
    if role in ADMINISTRATORS:
        Installation.close_first_administrator()
    end_sessions(fresh, except_key=keep_session)
    record(fresh, {"role": (before.label, role.label)}, actor=actor)
    carry_over(fresh, user, ROLE_FIELDS)
    return RoleChange(before, role)


@transaction.atomic
def update_details(
    user: User,
    *,
    actor: User | None,
    email: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
) -> bool:
    """Change e-mail and name, None leaving each as it is; say whether anything changed."""
    locked = lock(user, actor=actor)
    fresh = locked.user
    wanted = {"email": email, "first_name": first_name, "last_name": last_name}
    changes = {
        field: (str(getattr(fresh, field)), value.strip())
        for field, value in wanted.items()
        if value is not None and value.strip() != getattr(fresh, field)
    }
    if not changes:
        return False
    if locked.actor is not None:
        locked.require(
            policy.may_edit(
                locked.actor_role,
                locked.role,
                is_self=locked.is_self,
                changes_email="email" in changes,
            )
        )
    for field, (_before, after) in changes.items():
        setattr(fresh, field, after)
    fields = [*changes, *(["email_key"] if "email" in changes else [])]
    fresh.save(update_fields=fields)
    record(fresh, changes, actor=actor)
    carry_over(fresh, user, fields)
    return True


@transaction.atomic
def edit_account(
    user: User, values: Mapping[str, Any], *, actor: User, seen: Mapping[str, Any]
) -> frozenset[str]:
    """Save what the editor changed of e-mail, name and role; return the fields that changed.

    ``seen`` is what their page showed; a field that somebody else changed meanwhile raises
    ChangedMeanwhile, and nothing is saved.
    """
    fresh = lock(user, actor=actor).user
    wanted = edited(values, {name: getattr(fresh, name) for name in values}, seen)
    changed = frozenset(wanted)
    role = wanted.pop("role", None)
    if wanted:
        update_details(user, actor=actor, **wanted)
    if role is not None:
        change_role(user, Role(role), actor=actor)
    return changed


def with_email(address: str) -> list[User]:
    """Find every account, active or not, that has this address; none has an empty one."""
    key = email_key(address)
    return list(User.objects.filter(email_key=key).order_by("pk")) if key else []
