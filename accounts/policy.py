from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from accounts.roles import ADMINISTRATORS, ROLES, Role, permissions_of


class Refusal(StrEnum):
    """Why a change to an account is refused."""

    NOT_ALLOWED = "not_allowed"
    HIGHER_RANK = "higher_rank"
    GRANT_TOO_HIGH = "grant_too_high"
    OWN_ROLE = "own_role"
    OWN_ACCOUNT = "own_account"
    OWN_EMAIL = "own_email"
    LAST_SUPERADMIN = "last_superadmin"
    ROLE_MANAGED = "role_managed"
    PASSWORDS_OFF = "passwords_off"
    LINK_DEAD = "link_dead"
    USERNAME_TAKEN = "username_taken"
    GONE = "gone"
    SETUP_CLOSED = "setup_closed"
    NOT_FRESH = "not_fresh"
    TOKEN_NAME_TAKEN = "token_name_taken"  # noqa: S105 - the name of a reason
    TOO_MANY_TOKENS = "too_many_tokens"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES: Mapping[Refusal, str] = MappingProxyType(
    {
        Refusal.NOT_ALLOWED: "Your role does not let you do this. Ask an administrator.",
        Refusal.HIGHER_RANK: (
            "This account has a higher role than yours, so only somebody of its role can change it."
        ),
        Refusal.GRANT_TOO_HIGH: "Only a Super Admin can make somebody Super Admin or Admin.",
        Refusal.OWN_ROLE: "Nobody changes their own role. Ask another administrator to do it.",
        Refusal.OWN_ACCOUNT: (
            "You cannot deactivate or delete your own account. Ask another administrator to do it."
        ),
        Refusal.OWN_EMAIL: "Only administrators change an account's e-mail address.",
        Refusal.LAST_SUPERADMIN: (
            "This is the last active Super Admin. Make somebody else Super Admin first."
        ),
        Refusal.ROLE_MANAGED: "This account's role follows its groups at the provider.",
        Refusal.PASSWORDS_OFF: (
            "Passwords are not accepted while everybody signs in through single sign-on. "
            "To use passwords again, switch off Disable local auth under Settings → OIDC / SSO."
        ),
        Refusal.LINK_DEAD: (
            "A password link works once, within one hour, and only until the account's next "
            "sign-in or change of role. Ask an administrator for a new one."
        ),
        Refusal.USERNAME_TAKEN: "This username is taken. Choose another.",
        Refusal.GONE: "This account no longer exists.",
        Refusal.SETUP_CLOSED: "PatchMon is already set up.",
        Refusal.NOT_FRESH: (
            "This needs a sign-in within the last fifteen minutes. Sign out and in again, then "
            "repeat it."
        ),
        Refusal.TOKEN_NAME_TAKEN: "You have an API token of this name. Choose another name.",
        Refusal.TOO_MANY_TOKENS: "You have as many API tokens as one can have. Revoke one first.",
    }
)


class AccountRefused(Exception):
    """A change to an account that is refused; `sentence` may be shown to whoever asked."""

    def __init__(self, reason: Refusal, sentence: str = "") -> None:
        self.reason = reason
        self.sentence = sentence or reason.sentence
        super().__init__(self.sentence)


class Scope(StrEnum):
    """What an API token is good for, within what its owner's role allows at the time."""

    PROFILE_READ = "profile:read"
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"
    SIGN_INS_READ = "sign-ins:read"

    @property
    def label(self) -> str:
        return _SCOPES[self]


_SCOPES: Mapping[Scope, str] = MappingProxyType(
    {
        Scope.PROFILE_READ: "Read who you are",
        Scope.SETTINGS_READ: "Read the single sign-on settings and check them",
        Scope.SETTINGS_WRITE: "Read and change the single sign-on settings",
        Scope.SIGN_INS_READ: "Read the sign-in activity",
    }
)


def grantable_scopes(role: Role) -> tuple[Scope, ...]:
    """Say which scopes somebody of this role may give a token."""
    if "can_manage_settings" in permissions_of(role):
        return tuple(Scope)
    return (Scope.PROFILE_READ,)


def may_manage(actor: Role, target: Role) -> Refusal | None:
    """Say why this actor may not change that account at all; None when it may."""
    held = permissions_of(actor)
    if "can_manage_users" not in held:
        return Refusal.NOT_ALLOWED
    if target.rank > actor.rank:
        return Refusal.HIGHER_RANK
    if target is Role.SUPERADMIN and "can_manage_superusers" not in held:
        return Refusal.HIGHER_RANK
    return None


def may_grant(actor: Role, role: Role) -> Refusal | None:
    """Say why this actor may not give that role; only superadmins make administrators."""
    if "can_manage_users" not in permissions_of(actor):
        return Refusal.NOT_ALLOWED
    if role.rank > actor.rank or (role in ADMINISTRATORS and actor is not Role.SUPERADMIN):
        return Refusal.GRANT_TOO_HIGH
    return None


def grantable_roles(actor: Role) -> tuple[Role, ...]:
    return tuple(role for role in ROLES if may_grant(actor, role) is None)


def may_change_role(
    actor: Role, target: Role, role: Role | None, *, is_self: bool
) -> Refusal | None:
    """Say why this actor may not make the change; `role` None asks for any role at all."""
    refusal = may_manage(actor, target)
    if refusal is None and is_self:
        refusal = Refusal.OWN_ROLE
    if refusal is None and role is not None:
        refusal = may_grant(actor, role)
    return refusal


def may_remove(actor: Role, target: Role, *, is_self: bool) -> Refusal | None:
    """Say why this actor may not deactivate or delete that account."""
    return may_manage(actor, target) or (Refusal.OWN_ACCOUNT if is_self else None)


def may_edit(actor: Role, target: Role, *, is_self: bool, changes_email: bool) -> Refusal | None:
    """Say why this actor may not change name or e-mail; everybody may change their own name."""
    refusal = may_manage(actor, target)
    if refusal is not None and is_self:
        return Refusal.OWN_EMAIL if changes_email else None
    return refusal
