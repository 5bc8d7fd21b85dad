"""The five roles, their rank, and the one table of which role holds which permission."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    SUPERADMIN = "superadmin"
    ADMIN = "admin"
    HOST_MANAGER = "host_manager"
    USER = "user"
    READONLY = "readonly"

    @property
    def rank(self) -> int:
        return _RANKS[self]

    @property
    def label(self) -> str:
        return _LABELS[self]


_RANKS: Mapping[Role, int] = MappingProxyType(
    {
        Role.SUPERADMIN: 100,
        Role.ADMIN: 90,
        Role.HOST_MANAGER: 50,
        Role.USER: 20,
        Role.READONLY: 10,
    }
)
_LABELS: Mapping[Role, str] = MappingProxyType(
    {
        Role.SUPERADMIN: "Super Admin",
        Role.ADMIN: "Admin",
        Role.HOST_MANAGER: "Host Manager",
        Role.USER: "User",
        Role.READONLY: "Readonly",
    }
)

#: Highest rank first.
ROLES: tuple[Role, ...] = tuple(sorted(Role, key=lambda role: role.rank, reverse=True))

#: The roles that count as administrators (product.md, "Who it is for").
ADMINISTRATORS: frozenset[Role] = frozenset({Role.SUPERADMIN, Role.ADMIN})

_MONITORING = (
    "can_view_dashboard",
    "can_view_hosts",
    "can_view_packages",
    "can_view_reports",
    "can_view_notification_logs",
)
_HOSTS = ("can_manage_hosts", "can_manage_packages", "can_manage_docker")
_OPERATIONS = (
    "can_manage_patching",
    "can_manage_compliance",
    "can_manage_alerts",
    "can_manage_automation",
    "can_use_remote_access",
)
_ADMINISTRATION = (
    "can_view_users",
    "can_manage_users",
    "can_manage_superusers",
    "can_manage_settings",
    "can_manage_notifications",
    "can_export_data",
)
_BILLING = ("can_manage_billing",)

#: Heading → codenames, in the order in which pages list them.
PERMISSION_GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Monitoring": _MONITORING,
        "Host & Infrastructure": _HOSTS,
        "Operations": _OPERATIONS,
        "Administration": _ADMINISTRATION,
        "Billing": _BILLING,
    }
)

#: All twenty codenames.
PERMISSIONS: frozenset[str] = frozenset(
    codename for codenames in PERMISSION_GROUPS.values() for codename in codenames
)

_PERMISSIONS_OF: Mapping[Role, frozenset[str]] = MappingProxyType(
    {
        Role.SUPERADMIN: PERMISSIONS,
        Role.ADMIN: PERMISSIONS - {"can_manage_superusers"},
        Role.HOST_MANAGER: frozenset(_MONITORING + _HOSTS + _OPERATIONS),
        Role.USER: frozenset((*_MONITORING, "can_export_data")),
        Role.READONLY: frozenset(_MONITORING),
    }
)


def permissions_of(role: Role) -> frozenset[str]:
    """Return the codenames that a role holds, without an app label (product.md, Roles)."""
    return _PERMISSIONS_OF[role]
