"""Admit a verified identity: ask the rules and carry their decision out, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import IntegrityError, transaction

from accounts import services as accounts
from accounts.addresses import email_key
from accounts.changes import record
from accounts.models import Installation, User
from accounts.policy import AccountRefused
from accounts.roles import Role
from sso.conf import Config
from sso.models import LinkedIdentity
from sso.rules.claims import GroupsClaim, Identity
from sso.rules.decision import (
    Account,
    Create,
    Decision,
    Link,
    Matches,
    Refuse,
    RoleRule,
    SignIn,
    SignInPolicy,
    decide,
)
from sso.rules.reasons import Reason, SignInRefused
from sso.rules.username import candidates
from sso.services.linked import bring_up_to_date, find, identity_label

# Two tabs of one new person, or two people with one username, meet in the unique constraints;
# the one who comes second reads again and finds what the first has made.
TRIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What became of an identity that was let in."""

    user: User
    decision: Create | SignIn | Link
    role_before: str
    role_after: str
    role_rule: RoleRule
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    linked: LinkedIdentity | None
    matches: Matches
    first_administrator_open: bool
    users: dict[int, User]


def admit(identity: Identity, *, config: Config, groups: GroupsClaim, is_entra: bool) -> Admission:
    """Let an identity in, or raise SignInRefused and change nothing (sign-in.md)."""
    for _ in range(TRIES):
        try:
            with transaction.atomic():
                return _admit(identity, config=config, groups=groups, is_entra=is_entra)
        except IntegrityError:
            # Read again by issuer and subject; never fall back to anything weaker.
            continue
        except AccountRefused as refused:
            raise SignInRefused(Reason.CONFLICT, detail=refused.sentence) from None
    raise SignInRefused(Reason.CONFLICT, detail="Other sign-ins kept changing the same account.")


def consider(
    identity: Identity, *, config: Config, groups: GroupsClaim, is_entra: bool
) -> Decision:
    """Say what a sign-in of this identity would do now, and do nothing."""
    found = _find(identity)
    return _decide(identity, found, config=config, groups=groups, is_entra=is_entra)


def _admit(identity: Identity, *, config: Config, groups: GroupsClaim, is_entra: bool) -> Admission:
    found = _find(identity, lock=True)
    decision = _decide(identity, found, config=config, groups=groups, is_entra=is_entra)
    if isinstance(decision, Refuse):
        known = found.users.get(decision.account_id or 0)
        raise SignInRefused(
            decision.reason,
            account_id=known.pk if known is not None else None,
            username=known.username if known is not None else "",
        )
    notes: list[str] = []
    if decision.closes_first_administrator and not accounts.claim_first_administrator():
        # Another first sign-in, or the wizard, closed the door since we looked.
        raise IntegrityError
    if isinstance(decision, Create):
        user = accounts.create_user(
            usernames=candidates(identity),
            email=identity.email,
            first_name=identity.first_name,
            last_name=identity.last_name,
            role=decision.role,
            actor=None,
        )
        before, rule = "", decision.role_rule
        linked = LinkedIdentity(user=user, issuer=identity.issuer, subject=identity.subject)
        _record_link(user, identity)
    else:
        user = found.users[decision.account_id]
        before, rule = user.role, decision.role_rule
        if isinstance(decision, Link):
            linked = LinkedIdentity(user=user, issuer=identity.issuer, subject=identity.subject)
            _take_over(user, identity, notes)
        else:
            linked = _known(found)
            if decision.replaces_subject:
                record(user, {"identity subject": (linked.subject, identity.subject)}, actor=None)
        _refresh_details(user, identity, notes)
        # The role last: nothing may be locked after an account became a superadmin.
        if decision.role not in {None, Role(user.role)}:
            change = accounts.change_role(user, decision.role, actor=None)
            if change.kept_last_superadmin:
                rule = RoleRule.KEPT_LAST_SUPERADMIN
    _keep_identity(linked, identity, groups, notes)
    return Admission(
        user=user,
        decision=decision,
        role_before=before,
        role_after=Role(user.role).value,
        role_rule=rule,
        notes=tuple(notes),
    )


def _known(found: _Found) -> LinkedIdentity:
    if found.linked is None:
        raise IntegrityError
    return found.linked


def _find(identity: Identity, *, lock: bool = False) -> _Found:
    """Read what the database knows of an identity, with the account locked if wanted.

    Accounts are locked before anything that belongs to them, everywhere, so that no two
    transactions wait for each other.
    """
    linked, linked_by = find(identity)
    if linked is not None:
        user, account = _account(linked.user, identity.issuer, lock=lock, has_identity=True)
        return _Found(
            linked=linked,
            matches=Matches(linked=account, linked_by=linked_by),
            # Whoever is linked has signed in before, and the first to do so closed this door.
            first_administrator_open=False,
            users={user.pk: user},
        )
    same_email = accounts.with_email(identity.email) if identity.email else []
    # More than one is refused whichever they are: nothing to lock then.
    found = [
        _account(user, identity.issuer, lock=lock and len(same_email) == 1) for user in same_email
    ]
    if lock and found:
        _read_again_if_changed(identity, [user for user, _ in found])
    return _Found(
        linked=None,
        matches=Matches(same_email=tuple(account for _, account in found)),
        first_administrator_open=not Installation.objects.filter(
            administrator_existed=True
        ).exists(),
        users={user.pk: user for user, _ in found},
    )


def _read_again_if_changed(identity: Identity, users: list[User]) -> None:
    """Start over when another sign-in has linked this identity, or an address changed hands.

    Each of the reads before saw a moment of its own: the accounts of this address may be newer
    than the answer that the identity is linked to none of them.
    """
    key = email_key(identity.email)
    if any(user.email_key != key for user in users) or find(identity)[0] is not None:
        raise IntegrityError


def _account(
    user: User, issuer: str, *, lock: bool, has_identity: bool | None = None
) -> tuple[User, Account]:
    if lock:
        locked = accounts.lock_account(user, actor=None)
        user, is_last = locked.user, locked.is_last_superadmin
    else:
        is_last = accounts.is_last_superadmin(user)
    if has_identity is None:
        has_identity = user.linked_identities.filter(issuer=issuer).exists()
    return user, Account(
        id=user.pk,
        username=user.username,
        role=Role(user.role),
        is_active=user.is_active,
        has_identity_of_issuer=has_identity,
        is_last_active_superadmin=is_last,
    )


def _decide(
    identity: Identity, found: _Found, *, config: Config, groups: GroupsClaim, is_entra: bool
) -> Decision:
    policy = SignInPolicy(
        sync_roles=config.sync_roles,
        auto_create_users=config.auto_create_users,
        trust_unverified_email=config.trust_unverified_email,
        is_entra=is_entra,
        mapping=config.mapping,
        first_administrator_open=found.first_administrator_open,
    )
    return decide(identity, policy=policy, matches=found.matches, groups=groups)


def _take_over(user: User, identity: Identity, notes: list[str]) -> None:
    """Link an account by its e-mail: whoever had its password before is out."""
    if accounts.make_password_unusable(user, actor=None):
        notes.append("password_removed")
    accounts.end_sessions(user)
    accounts.revoke_tokens(user, actor=None)
    _record_link(user, identity)


def _record_link(user: User, identity: Identity) -> None:
    record(user, {"identity": ("", identity_label(identity))}, actor=None)


def _refresh_details(user: User, identity: Identity, notes: list[str]) -> None:
    """Bring e-mail and name up to date; an address that a local account holds is left to it."""
    email: str | None = identity.email or None
    if email is not None and email_key(email) != user.email_key and _held_locally(email, user):
        email = None
        notes.append("email_kept")
    wanted = {
        "email": email,
        "first_name": identity.first_name or None,
        "last_name": identity.last_name or None,
    }
    # The row is locked and fresh: where nothing changes, nothing has to be read again.
    if any(value is not None and value != getattr(user, name) for name, value in wanted.items()):
        accounts.update_details(user, actor=None, **wanted)


def _held_locally(email: str, user: User) -> bool:
    others = User.objects.filter(email_key=email_key(email), linked_identities=None)
    return others.exclude(pk=user.pk).exists()


def _keep_identity(
    linked: LinkedIdentity, identity: Identity, groups: GroupsClaim, notes: list[str]
) -> None:
    bring_up_to_date(linked, identity, groups, notes)
    if linked._state.adding:  # noqa: SLF001 - how Django itself tells
        linked.save(force_insert=True)
        return
    fields = ("subject", "tenant_id", "object_id", "email", "groups", "last_sign_in")
    rows = LinkedIdentity.objects.filter(pk=linked.pk)
    if not rows.update(**{name: getattr(linked, name) for name in fields}):
        # Disconnected since it was read: the next try does not find it.
        raise IntegrityError
