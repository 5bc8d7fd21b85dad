"""Who may change which setting: no setting grants what its editor could not (product.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from accounts.policy import may_grant
from accounts.roles import ADMINISTRATORS, Role
from sso.rules.groups import RoleMapping, match

ONLY_SUPERADMINS: Final = "Only a Super Admin can change this row: it makes people administrators."
ONLY_SUPERADMINS_ISSUER: Final = (
    "Only a Super Admin can change this while the superadmin or admin row is filled: "
    "another provider would decide who is an administrator."
)
ONLY_SUPERADMINS_DEFAULT: Final = (
    "Only a Super Admin can set a default role above User: it goes to everybody who signs in."
)

GROUPS_GIVE_MORE: Final = (
    "At its next sign-in the groups of this identity would make the account {role}, which only a "
    "Super Admin can do: ask one to link it."
)


def locked_fields(role: Role, mapping: RoleMapping) -> Mapping[str, str]:
    """Return the fields that a person of this role cannot change now, each with the reason."""
    if role is Role.SUPERADMIN:
        return {}
    locked = {"superadmin_group": ONLY_SUPERADMINS, "admin_group": ONLY_SUPERADMINS}
    if mapping.fills(Role.SUPERADMIN) or mapping.fills(Role.ADMIN):
        locked |= {"issuer": ONLY_SUPERADMINS_ISSUER, "client_id": ONLY_SUPERADMINS_ISSUER}
    if mapping.default_role.rank > Role.USER.rank:
        locked["default_role"] = ONLY_SUPERADMINS_DEFAULT
    return locked


def may_set_default_role(role: Role, default: Role) -> bool:
    """Say whether a person of this role may make ``default`` everybody's."""
    return role is Role.SUPERADMIN or default.rank <= Role.USER.rank


def why_not_link(
    linker: Role, account: Role, groups: Iterable[str], *, all_known: bool, mapping: RoleMapping
) -> str:
    """Say why this person may not tie an identity of these groups to such an account; '' if so.

    The account takes its role from them at the next sign-in, and keeps its password: linked to an
    account that somebody else can enter, a Super Admin's identity would hand over that role. It
    makes no difference whether roles are synced just now, which an Admin may change.
    """
    gives = {match(groups, mapping).role}
    if not all_known:
        gives |= {role for role in ADMINISTRATORS if mapping.fills(role)}
    raised = [role for role in gives if role.rank > account.rank and may_grant(linker, role)]
    highest = max(raised, key=lambda role: role.rank, default=None)
    return GROUPS_GIVE_MORE.format(role=highest.label) if highest is not None else ""
