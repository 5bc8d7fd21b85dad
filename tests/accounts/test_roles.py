from __future__ import annotations

import pytest

from accounts.roles import (
    ADMINISTRATORS,
    PERMISSION_GROUPS,
    PERMISSIONS,
    ROLES,
    Role,
    permissions_of,
)

MONITORING = {
    "can_view_dashboard",
    "can_view_hosts",
    "can_view_packages",
    "can_view_reports",
    "can_view_notification_logs",
}


@pytest.mark.parametrize(
    ("role", "value", "label", "rank", "count"),
    [
        (Role.SUPERADMIN, "superadmin", "Super Admin", 100, 20),
        (Role.ADMIN, "admin", "Admin", 90, 19),
        (Role.HOST_MANAGER, "host_manager", "Host Manager", 50, 13),
        (Role.USER, "user", "User", 20, 6),
        (Role.READONLY, "readonly", "Readonly", 10, 5),
    ],
)
def test_each_role_is_what_the_table_says(role, value, label, rank, count):
    assert role == value
    assert role.label == label
    assert role.rank == rank
    assert len(permissions_of(role)) == count


def test_roles_are_listed_highest_first():
    assert [*ROLES] == [
        Role.SUPERADMIN,
        Role.ADMIN,
        Role.HOST_MANAGER,
        Role.USER,
        Role.READONLY,
    ]


def test_administrators_are_the_two_highest():
    assert set(ADMINISTRATORS) == {Role.SUPERADMIN, Role.ADMIN}


def test_only_a_superadmin_manages_superusers():
    holders = {role for role in Role if "can_manage_superusers" in permissions_of(role)}
    assert holders == {Role.SUPERADMIN}


def test_an_admin_holds_everything_else():
    assert PERMISSIONS - permissions_of(Role.ADMIN) == {"can_manage_superusers"}


@pytest.mark.parametrize("codename", ["can_manage_settings", "can_manage_billing"])
def test_settings_and_billing_belong_to_administrators(codename):
    assert {role for role in Role if codename in permissions_of(role)} == set(ADMINISTRATORS)


def test_lower_roles():
    assert permissions_of(Role.READONLY) == MONITORING
    assert permissions_of(Role.USER) == MONITORING | {"can_export_data"}
    assert permissions_of(Role.HOST_MANAGER) == MONITORING | {
        *PERMISSION_GROUPS["Host & Infrastructure"],
        *PERMISSION_GROUPS["Operations"],
    }


def test_every_permission_is_in_exactly_one_group():
    listed = [codename for group in PERMISSION_GROUPS.values() for codename in group]
    assert len(listed) == len(set(listed)) == 20
    assert set(listed) == PERMISSIONS
