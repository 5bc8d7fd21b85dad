"""What a test sign-in found, in sentences and lines for an administrator (product.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from accounts.roles import Role
from sso.rules.claims import GroupsClaim, GroupsSource, Identity
from sso.rules.decision import Create, Decision, Link, Refuse, RoleRule, SignIn
from sso.rules.text import one_line

CLAIMS_LIMIT = 60
NAME_LIMIT = 80
VALUE_LIMIT = 400
_MOMENTS = frozenset({"iat", "nbf", "exp", "auth_time", "updated_at", "xms_pl_at"})
# They tie the token to its journey and say nothing of the person.
_LEFT_OUT = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
_LAST_MOMENT = 253_402_300_799

_RULES: Mapping[RoleRule, str] = MappingProxyType(
    {
        RoleRule.FIRST_ADMINISTRATOR: (
            "No administrator has ever existed, so the first to sign in becomes Super Admin."
        ),
        RoleRule.GROUP: "The highest row of the mapping that holds one of the groups.",
        RoleRule.DEFAULT: "No row of the mapping holds any of the groups: Default (fallback).",
        RoleRule.DEFAULT_INCOMPLETE: (
            "Not all groups could be read, so a new account gets Default (fallback)."
        ),
        RoleRule.DEFAULT_SUPERADMIN_ROW_EMPTY: (
            "Default (fallback) is Super Admin, but the superadmin row is empty: one rank below."
        ),
        RoleRule.SYNC_OFF: (
            "Sync roles from IdP is off: new accounts get Default (fallback), and the roles of"
            " existing ones are managed in PatchMon."
        ),
        RoleRule.KEPT_LAST_SUPERADMIN: (
            "The groups give another role, but this is the last active Super Admin."
        ),
        RoleRule.KEPT_INCOMPLETE: "Not all groups could be read, so the role stays as it is.",
        RoleRule.KEPT_SUPERADMIN_ROW_EMPTY: (
            "The superadmin row is empty, so whoever is Super Admin stays so."
        ),
    }
)


def decision_words(decision: Decision, username: str) -> str:
    """Say in one sentence what a real sign-in would do."""
    match decision:
        case Create():
            return f"A new account {username} would be created and signed in."
        case Link():
            return (
                f"The existing account {username} has the same e-mail address: it would be linked"
                " and signed in, and its password removed."
            )
        case Refuse():
            return "A real sign-in would be refused."
        case SignIn():
            return f"{username} would be signed in: the identity is linked to this account."


def rule_words(rule: RoleRule) -> str:
    return _RULES[rule]


def role_words(before: Role | None, after: Role) -> str:
    if before is None or before is after:
        return after.label
    return f"{after.label} (now {before.label})"


def email_words(identity: Identity, *, trusted: bool, is_entra: bool) -> str:
    """Return the verdict on the address: what it is good for (sign-in.md, rule 3)."""
    if not identity.email:
        return "No usable address came. A new account would have none, which is fine."
    if identity.email_verified:
        return (
            "The provider vouches for the address, so an ordinary account that has it would be"
            " linked. An administrator's never is."
        )
    if identity.email_verified is False:
        return "The provider denies that the address is verified: no account is linked by it."
    said = "The provider neither vouches for the address nor denies it"
    if identity.is_guest:
        return f"{said}, and the person is a guest: no account is linked by it."
    if trusted:
        return (
            f"{said}. “Trust e-mail addresses” is on, so an ordinary account that has it would be"
            " linked all the same."
        )
    cure = " In Entra the optional claim xms_edov makes it do so." if is_entra else ""
    return f"{said}, so no account is linked by it.{cure}"


def groups_words(
    groups: GroupsClaim, *, in_token: GroupsSource, sync_roles: bool, is_entra: bool
) -> str:
    """Say where the groups came from, and what is missing where they are not all there."""
    number = len(groups.values)
    count = f"{number} group" if number == 1 else f"{number} groups"
    why = (
        "The person is in more groups than fit into a token"
        if in_token is GroupsSource.OVERAGE
        else "The token has no groups claim"
    )
    match groups.source:
        case GroupsSource.TOKEN:
            return f"{count} in the ID token."
        case GroupsSource.USERINFO:
            return f"{count} in the provider's userinfo answer; the ID token has none."
        case GroupsSource.GRAPH:
            return (
                f"{why}, so Microsoft Graph was asked: {count}. It is read only until the highest"
                " row that is filled matches."
            )
        case GroupsSource.OVERAGE:
            hindrance = (
                "Microsoft Graph could not be asked: the permission User.Read was not granted."
                if sync_roles
                else "Microsoft Graph is asked only while Sync roles from IdP is on."
            )
            return f"{why}. {hindrance}"
        case GroupsSource.INCOMPLETE:
            return (
                f"{why}, and Microsoft Graph did not tell all of them ({count}): existing accounts"
                " keep their role until it does."
            )
        case GroupsSource.ABSENT:
            cure = (
                " If the person is in a group, add the groups claim in Entra: Token configuration"
                " → Add groups claim."
                if is_entra
                else " Let the provider send a claim named groups."
            )
            # App roles count as groups and need no groups claim.
            return f"{why}.{cure}" if not number else f"{why}; {count} from app roles."


def claim_lines(claims: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return claims as name and value, each on one line, capped, moments in words too."""
    lines = [
        (one_line(name, NAME_LIMIT), _value(name, value))
        for name, value in claims.items()
        if name not in _LEFT_OUT
    ]
    return tuple(sorted(lines)[:CLAIMS_LIMIT])


def _value(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = one_line(text, VALUE_LIMIT)
    if isinstance(value, list) and len(text) > VALUE_LIMIT:
        return f"{len(value)} values: {line} …"
    if name in _MOMENTS and type(value) is int and 0 <= value <= _LAST_MOMENT:
        return f"{value} ({datetime.fromtimestamp(value, tz=UTC):%Y-%m-%d %H:%M:%S} UTC)"
    return line if len(line) < VALUE_LIMIT else f"{line} …"
