"""Identity, matching accounts, policy → Decision. The one place that decides a sign-in.

Real sign-ins and Test sign-in both call `decide`; only real ones carry the decision out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from accounts.roles import ADMINISTRATORS, Role
from sso.rules.claims import GroupsClaim, Identity
from sso.rules.groups import RoleMapping, RoleMatch, match
from sso.rules.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPolicy:
    sync_roles: bool
    auto_create_users: bool
    trust_unverified_email: bool
    is_entra: bool
    mapping: RoleMapping
    #: No account with role admin or superadmin has ever existed.
    first_administrator_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the rules need to know of an account."""

    id: int
    username: str
    role: Role
    is_active: bool
    has_identity_of_issuer: bool
    is_last_active_superadmin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """The accounts that an identity touches.

    `linked` by (issuer, subject), or for Entra by issuer, tenant and object ID. `same_email`
    holds every other account with the same e-mail key, active or not.
    """

    linked: Account | None = None
    linked_by: Literal["subject", "object_id"] | None = None
    same_email: tuple[Account, ...] = ()


class RoleRule(StrEnum):
    """The rule that decided the role of an attempt; their values are stored."""

    FIRST_ADMINISTRATOR = "first_administrator"
    GROUP = "group"
    DEFAULT = "default"
    #: A new account during an outage of the groups: the default, and the attempt says why.
    DEFAULT_INCOMPLETE = "default_incomplete"
    #: The default is superadmin, but that row is empty: one rank below.
    DEFAULT_SUPERADMIN_ROW_EMPTY = "default_superadmin_row_empty"
    SYNC_OFF = "sync_off"
    KEPT_LAST_SUPERADMIN = "kept_last_superadmin"
    KEPT_INCOMPLETE = "kept_incomplete"
    KEPT_SUPERADMIN_ROW_EMPTY = "kept_superadmin_row_empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Make an account; its username is the first free one of `username.candidates`."""

    role: Role
    role_rule: RoleRule
    role_match: RoleMatch
    closes_first_administrator: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Let a linked account in; `role` None leaves it as it is.

    `replaces_subject`: the app registration was made anew, store the new subject.
    """

    account_id: int
    role: Role | None
    role_rule: RoleRule
    role_match: RoleMatch
    replaces_subject: bool = False
    closes_first_administrator: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Link an account by its e-mail, then let it in.

    `by_trust`: nobody vouched for the address, the setting allowed it.
    """

    account_id: int
    role: Role | None
    role_rule: RoleRule
    role_match: RoleMatch
    by_trust: bool = False
    closes_first_administrator: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Let nobody in; `account_id` is the one account that the attempt is about, if any."""

    reason: Reason
    role_match: RoleMatch
    account_id: int | None = None


Decision = Create | SignIn | Link | Refuse


def decide(
    identity: Identity, *, policy: SignInPolicy, matches: Matches, groups: GroupsClaim
) -> Decision:
    """Decide what a verified identity may do (sign-in.md, Who it is and Role).

    `groups` are those to go by: the identity's own, or what Graph answered.
    """
    role_match = match(groups.values, policy.mapping)
    if matches.linked is not None and _is_same_person(identity, policy, matches):
        return _sign_in(matches.linked, matches.linked_by, policy, groups, role_match)
    # An address that was not usable matches nobody, also not those who have none.
    same_email = matches.same_email if identity.email else ()
    if same_email:
        return _by_email(identity, same_email, policy, groups, role_match)
    if not policy.auto_create_users:
        return Refuse(reason=Reason.NO_ACCOUNT, role_match=role_match)
    role, rule = _role_of_new(policy, groups, role_match)
    return Create(
        role=role,
        role_rule=rule,
        role_match=role_match,
        closes_first_administrator=policy.first_administrator_open,
    )


def _is_same_person(identity: Identity, policy: SignInPolicy, matches: Matches) -> bool:
    # Only Entra's object ID survives a new app registration, and an empty one is nobody's.
    return matches.linked_by == "subject" or bool(
        policy.is_entra and identity.tenant_id and identity.object_id
    )


def _sign_in(
    account: Account,
    linked_by: Literal["subject", "object_id"] | None,
    policy: SignInPolicy,
    groups: GroupsClaim,
    role_match: RoleMatch,
) -> Decision:
    if not account.is_active:
        return Refuse(reason=Reason.INACTIVE, role_match=role_match, account_id=account.id)
    role, rule = _role_of_existing(account, policy, groups, role_match)
    return SignIn(
        account_id=account.id,
        role=role,
        role_rule=rule,
        role_match=role_match,
        replaces_subject=linked_by == "object_id",
        closes_first_administrator=policy.first_administrator_open,
    )


def _by_email(
    identity: Identity,
    same_email: tuple[Account, ...],
    policy: SignInPolicy,
    groups: GroupsClaim,
    role_match: RoleMatch,
) -> Decision:
    account, *others = same_email
    if others:
        return Refuse(reason=Reason.EMAIL_AMBIGUOUS, role_match=role_match)
    reason = _why_not_link(identity, account, policy)
    if reason is not None:
        return Refuse(reason=reason, role_match=role_match, account_id=account.id)
    role, rule = _role_of_existing(account, policy, groups, role_match)
    return Link(
        account_id=account.id,
        role=role,
        role_rule=rule,
        role_match=role_match,
        by_trust=not identity.email_verified,
        closes_first_administrator=policy.first_administrator_open,
    )


def _why_not_link(identity: Identity, account: Account, policy: SignInPolicy) -> Reason | None:
    """Return what keeps an account from being linked by e-mail (sign-in.md, rule 3)."""
    hindrances = (
        (not account.is_active, Reason.INACTIVE),
        (identity.email_verified is False, Reason.EMAIL_DENIED),
        (account.has_identity_of_issuer, Reason.EMAIL_LINKED_ALREADY),
        # One wrong claim would hand over the installation.
        (account.role in ADMINISTRATORS, Reason.EMAIL_OF_ADMINISTRATOR),
        (
            identity.email_verified is None and not policy.trust_unverified_email,
            Reason.EMAIL_UNVERIFIED,
        ),
        (identity.email_verified is None and identity.is_guest, Reason.EMAIL_GUEST),
    )
    return next((reason for hinders, reason in hindrances if hinders), None)


def _role_of_new(
    policy: SignInPolicy, groups: GroupsClaim, role_match: RoleMatch
) -> tuple[Role, RoleRule]:
    if policy.first_administrator_open:
        return Role.SUPERADMIN, RoleRule.FIRST_ADMINISTRATOR
    if not policy.sync_roles:
        return policy.mapping.default_role, RoleRule.SYNC_OFF
    if not groups.is_complete:
        return _default_role(policy.mapping, RoleRule.DEFAULT_INCOMPLETE)
    return _synced_role(policy.mapping, role_match)


def _role_of_existing(
    account: Account, policy: SignInPolicy, groups: GroupsClaim, role_match: RoleMatch
) -> tuple[Role | None, RoleRule]:
    if policy.first_administrator_open:
        return Role.SUPERADMIN, RoleRule.FIRST_ADMINISTRATOR
    if not policy.sync_roles:
        return None, RoleRule.SYNC_OFF
    if not groups.is_complete:
        return None, RoleRule.KEPT_INCOMPLETE
    if account.role == Role.SUPERADMIN and not policy.mapping.fills(Role.SUPERADMIN):
        return None, RoleRule.KEPT_SUPERADMIN_ROW_EMPTY
    role, rule = _synced_role(policy.mapping, role_match)
    if account.is_last_active_superadmin and role != Role.SUPERADMIN:
        return None, RoleRule.KEPT_LAST_SUPERADMIN
    return role, rule


def _synced_role(mapping: RoleMapping, role_match: RoleMatch) -> tuple[Role, RoleRule]:
    if role_match.by_default:
        return _default_role(mapping, RoleRule.DEFAULT)
    return role_match.role, RoleRule.GROUP


def _default_role(mapping: RoleMapping, rule: RoleRule) -> tuple[Role, RoleRule]:
    # With an empty superadmin row nobody is promoted to it by a sign-in, not by default either.
    if mapping.default_role == Role.SUPERADMIN and not mapping.fills(Role.SUPERADMIN):
        return Role.ADMIN, RoleRule.DEFAULT_SUPERADMIN_ROW_EMPTY
    return mapping.default_role, rule
