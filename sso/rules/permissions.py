"""Who may change which setting: no setting grants what its editor could not (product.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from accounts.roles import Role
from sso.rules.groups import RoleMapping

ONLY_SUPERADMINS: Final = "Only a Super Admin can change this row: it makes people administrators."
ONLY_SUPERADMINS_ISSUER: Final = (
    "Only a Super Admin can change this while the superadmin or admin row is filled: "
    "another provider would decide who is an administrator."
)
ONLY_SUPERADMINS_DEFAULT: Final = (
    "Only a Super Admin can set a default role above User: it goes to everybody who signs in."
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
