from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.roles import ROLES, Role
from sso.rules.claims import GroupsClaim, GroupsSource, Identity
from sso.rules.decision import (
    Account,
    Create,
    Link,
    Matches,
    Refuse,
    RoleRule,
    SignIn,
    SignInPolicy,
    decide,
)
from sso.rules.groups import RoleMapping, RoleMatch
from sso.rules.reasons import Reason

ROWS: dict[Role, tuple[str, ...]] = {
    Role.SUPERADMIN: ("g-super",),
    Role.ADMIN: ("g-admin",),
    Role.HOST_MANAGER: ("g-host",),
    Role.READONLY: ("g-read",),
}
WITHOUT_SUPERADMIN: dict[Role, tuple[str, ...]] = {
    role: row for role, row in ROWS.items() if role is not Role.SUPERADMIN
}
ALICE = Identity(
    issuer="https://login.example/t/v2.0",
    subject="s-1",
    tenant_id="t",
    object_id="o",
    email="alice@contoso.com",
)
POLICY = SignInPolicy(
    sync_roles=True,
    auto_create_users=True,
    trust_unverified_email=False,
    is_entra=True,
    mapping=RoleMapping(Role.USER, ROWS),
    first_administrator_open=False,
)
ACCOUNT = Account(
    id=7,
    username="alice",
    role=Role.USER,
    is_active=True,
    has_identity_of_issuer=False,
    is_last_active_superadmin=False,
)


def groups(*values, source=GroupsSource.TOKEN) -> GroupsClaim:
    return GroupsClaim(values, source)


def linked(**changes) -> Matches:
    return Matches(linked=replace(ACCOUNT, **changes), linked_by="subject")


def same_email(**changes) -> Matches:
    return Matches(same_email=(replace(ACCOUNT, **changes),))


def decision(identity=ALICE, *, matches=None, received=None, **policy):
    return decide(
        identity,
        policy=replace(POLICY, **policy),
        matches=matches or Matches(),
        groups=received or groups(),
    )


def test_a_stranger_gets_an_account_with_the_role_of_the_groups():
    assert decision(received=groups("g-host", "other")) == Create(
        role=Role.HOST_MANAGER,
        role_rule=RoleRule.GROUP,
        role_match=RoleMatch(
            Role.HOST_MANAGER,
            by_default=False,
            matched=((Role.HOST_MANAGER, "g-host"),),
            unmatched=("other",),
        ),
    )


@pytest.mark.parametrize("email", ["", "alice@contoso.com"])
@pytest.mark.parametrize("verified", [True, False, None])
def test_creation_needs_no_verified_address(email, verified):
    person = replace(ALICE, email=email, email_verified=verified)
    assert isinstance(decision(person), Create)


def test_a_stranger_is_refused_without_auto_create():
    refused = decision(auto_create_users=False)
    assert isinstance(refused, Refuse)
    assert (refused.reason, refused.account_id) == (Reason.NO_ACCOUNT, None)


def test_an_address_that_is_empty_matches_nobody():
    found = decision(replace(ALICE, email="", email_verified=True), matches=same_email())
    assert isinstance(found, Create)


def test_a_linked_identity_signs_in_whatever_its_address_is():
    both = Matches(
        linked=ACCOUNT, linked_by="subject", same_email=(replace(ACCOUNT, id=8, role=Role.ADMIN),)
    )
    person = replace(ALICE, email="new@contoso.com", email_verified=False)
    found = decision(person, matches=both, auto_create_users=False)
    assert isinstance(found, SignIn)
    assert (found.account_id, found.replaces_subject) == (7, False)


def test_a_new_app_registration_replaces_the_subject():
    found = decision(matches=Matches(linked=ACCOUNT, linked_by="object_id"))
    assert isinstance(found, SignIn)
    assert found.replaces_subject


@pytest.mark.parametrize(
    ("person", "is_entra"),
    [
        (ALICE, False),
        (replace(ALICE, object_id=""), True),
        (replace(ALICE, tenant_id=""), True),
    ],
)
def test_no_object_id_is_nobodys(person, is_entra):
    found = decision(
        person, matches=Matches(linked=ACCOUNT, linked_by="object_id"), is_entra=is_entra
    )
    assert isinstance(found, Create)


@pytest.mark.parametrize("matches", [linked(is_active=False), same_email(is_active=False)])
@pytest.mark.parametrize("verified", [True, None])
@pytest.mark.parametrize("first", [True, False])
def test_case_114_an_inactive_account_is_refused(matches, verified, first):
    person = replace(ALICE, email_verified=verified)
    found = decision(person, matches=matches, first_administrator_open=first)
    assert isinstance(found, Refuse)
    assert (found.reason, found.account_id) == (Reason.INACTIVE, 7)


def test_a_vouched_address_links():
    found = decision(
        replace(ALICE, email_verified=True), matches=same_email(), received=groups("g-admin")
    )
    assert isinstance(found, Link)
    assert (found.account_id, found.role, found.by_trust) == (7, Role.ADMIN, False)


def test_a_guest_whose_address_is_vouched_for_links():
    person = replace(ALICE, email_verified=True, is_guest=True)
    assert isinstance(decision(person, matches=same_email()), Link)


def test_an_unvouched_address_links_only_with_trust():
    found = decision(matches=same_email(), trust_unverified_email=True)
    assert isinstance(found, Link)
    assert found.by_trust


HINDRANCES = [
    ({}, {}, {}, Reason.EMAIL_UNVERIFIED),
    ({"is_guest": True}, {}, {}, Reason.EMAIL_UNVERIFIED),
    ({"is_guest": True}, {}, {"trust_unverified_email": True}, Reason.EMAIL_GUEST),
    ({"email_verified": False}, {}, {"trust_unverified_email": True}, Reason.EMAIL_DENIED),
    ({"email_verified": False}, {"role": Role.ADMIN}, {}, Reason.EMAIL_DENIED),
    ({"email_verified": True}, {"role": Role.ADMIN}, {}, Reason.EMAIL_OF_ADMINISTRATOR),
    ({"email_verified": True}, {"role": Role.SUPERADMIN}, {}, Reason.EMAIL_OF_ADMINISTRATOR),
    ({}, {"role": Role.ADMIN}, {"trust_unverified_email": True}, Reason.EMAIL_OF_ADMINISTRATOR),
    (
        {"email_verified": True},
        {"has_identity_of_issuer": True},
        {},
        Reason.EMAIL_LINKED_ALREADY,
    ),
    (
        {},
        {"has_identity_of_issuer": True},
        {"trust_unverified_email": True},
        Reason.EMAIL_LINKED_ALREADY,
    ),
]


@pytest.mark.parametrize(("person", "account", "policy", "reason"), HINDRANCES)
@pytest.mark.parametrize("first", [True, False])
def test_case_103_what_keeps_an_account_from_being_linked(person, account, policy, reason, first):
    found = decision(
        replace(ALICE, **person),
        matches=same_email(**account),
        received=groups("g-super"),
        **{**policy, "first_administrator_open": first},
    )
    assert isinstance(found, Refuse)
    assert (found.reason, found.account_id) == (reason, 7)
    assert reason.is_about_accounts


def test_two_accounts_with_the_address_refuse():
    two = Matches(same_email=(ACCOUNT, replace(ACCOUNT, id=8, is_active=False)))
    found = decision(replace(ALICE, email_verified=True), matches=two, trust_unverified_email=True)
    assert isinstance(found, Refuse)
    assert (found.reason, found.account_id) == (Reason.EMAIL_AMBIGUOUS, None)


@pytest.mark.parametrize(
    ("received", "role", "rule"),
    [
        (groups("g-super"), Role.SUPERADMIN, RoleRule.GROUP),
        (groups("G-READ"), Role.READONLY, RoleRule.GROUP),
        (groups("none"), Role.USER, RoleRule.DEFAULT),
        (groups(), Role.USER, RoleRule.DEFAULT),
        (groups(source=GroupsSource.ABSENT), Role.USER, RoleRule.DEFAULT),
        (groups("g-admin", source=GroupsSource.ABSENT), Role.ADMIN, RoleRule.GROUP),
        (groups("g-admin", source=GroupsSource.GRAPH), Role.ADMIN, RoleRule.GROUP),
        (groups("g-admin", source=GroupsSource.USERINFO), Role.ADMIN, RoleRule.GROUP),
    ],
)
def test_sync_sets_the_role_at_every_sign_in(received, role, rule):
    found = decision(matches=linked(role=Role.HOST_MANAGER), received=received)
    assert (found.role, found.role_rule) == (role, rule)
    created = decision(received=received)
    assert (created.role, created.role_rule) == (role, rule)


@pytest.mark.parametrize("source", [GroupsSource.OVERAGE, GroupsSource.INCOMPLETE])
@pytest.mark.parametrize("values", [(), ("g-super",)])
def test_an_outage_of_the_groups_changes_nobody(source, values):
    received = groups(*values, source=source)
    kept = decision(matches=linked(role=Role.ADMIN), received=received)
    assert (kept.role, kept.role_rule) == (None, RoleRule.KEPT_INCOMPLETE)
    created = decision(received=received)
    assert (created.role, created.role_rule) == (Role.USER, RoleRule.DEFAULT_INCOMPLETE)


def test_without_sync_roles_are_left_alone():
    kept = decision(matches=linked(), received=groups("g-super"), sync_roles=False)
    assert (kept.role, kept.role_rule) == (None, RoleRule.SYNC_OFF)
    created = decision(received=groups("g-super"), sync_roles=False)
    assert (created.role, created.role_rule) == (Role.USER, RoleRule.SYNC_OFF)


@pytest.mark.parametrize("received", [groups(), groups("g-read"), groups("g-super")])
def test_an_empty_superadmin_row_neither_promotes_nor_demotes(received):
    rows = RoleMapping(Role.USER, WITHOUT_SUPERADMIN)
    kept = decision(matches=linked(role=Role.SUPERADMIN), received=received, mapping=rows)
    assert (kept.role, kept.role_rule) == (None, RoleRule.KEPT_SUPERADMIN_ROW_EMPTY)
    for found in (
        decision(matches=linked(), received=received, mapping=rows),
        decision(received=received, mapping=rows),
    ):
        assert found.role is not Role.SUPERADMIN


@pytest.mark.parametrize("source", [GroupsSource.TOKEN, GroupsSource.INCOMPLETE])
def test_an_empty_superadmin_row_holds_for_the_default_too(source):
    rows = RoleMapping(Role.SUPERADMIN, WITHOUT_SUPERADMIN)
    created = decision(mapping=rows, received=groups(source=source))
    assert created.role is Role.ADMIN
    assert created.role_rule is RoleRule.DEFAULT_SUPERADMIN_ROW_EMPTY


def test_case_125_the_last_superadmin_is_kept():
    last = linked(role=Role.SUPERADMIN, is_last_active_superadmin=True)
    kept = decision(matches=last, received=groups("g-read"))
    assert (kept.role, kept.role_rule) == (None, RoleRule.KEPT_LAST_SUPERADMIN)
    still = decision(matches=last, received=groups("g-super"))
    assert (still.role, still.role_rule) == (Role.SUPERADMIN, RoleRule.GROUP)
    demoted = decision(matches=linked(role=Role.SUPERADMIN), received=groups("g-read"))
    assert demoted.role is Role.READONLY


@pytest.mark.parametrize(
    ("matches", "kind"),
    [
        (Matches(), Create),
        (linked(), SignIn),
        (same_email(), Link),
    ],
)
@pytest.mark.parametrize("sync", [True, False])
@pytest.mark.parametrize("source", [GroupsSource.TOKEN, GroupsSource.INCOMPLETE])
def test_the_first_administrator_whatever_the_groups(matches, kind, sync, source):
    found = decision(
        replace(ALICE, email_verified=True),
        matches=matches,
        received=groups("g-read", source=source),
        sync_roles=sync,
        first_administrator_open=True,
    )
    assert isinstance(found, kind)
    assert found.role is Role.SUPERADMIN
    assert found.role_rule is RoleRule.FIRST_ADMINISTRATOR
    assert found.closes_first_administrator


def test_a_closed_door_stays_closed():
    for matches in (Matches(), linked(), same_email()):
        found = decision(replace(ALICE, email_verified=True), matches=matches)
        assert not found.closes_first_administrator
        assert found.role is Role.USER


def test_without_auto_create_a_stranger_is_not_the_first_administrator_either():
    found = decision(auto_create_users=False, first_administrator_open=True)
    assert isinstance(found, Refuse)


ACCOUNTS = st.builds(
    Account,
    id=st.integers(1, 3),
    username=st.just("a"),
    role=st.sampled_from(ROLES),
    is_active=st.booleans(),
    has_identity_of_issuer=st.booleans(),
    is_last_active_superadmin=st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(
    person=st.builds(
        Identity,
        issuer=st.just("i"),
        subject=st.just("s"),
        email=st.sampled_from(["", "a@x"]),
        email_verified=st.sampled_from([True, False, None]),
        is_guest=st.booleans(),
    ),
    policy=st.builds(
        SignInPolicy,
        sync_roles=st.booleans(),
        auto_create_users=st.booleans(),
        trust_unverified_email=st.booleans(),
        is_entra=st.booleans(),
        mapping=st.builds(
            RoleMapping,
            st.sampled_from(ROLES),
            st.sampled_from([ROWS, WITHOUT_SUPERADMIN, {}, {Role.SUPERADMIN: (" ",)}]),
        ),
        first_administrator_open=st.booleans(),
    ),
    linked_account=st.none() | ACCOUNTS,
    others=st.lists(ACCOUNTS, max_size=2).map(tuple),
    received=st.builds(
        GroupsClaim,
        st.lists(st.sampled_from(["g-super", "g-admin", "g-read", "", "x"]), max_size=3).map(tuple),
        st.sampled_from(GroupsSource),
    ),
)
def test_what_holds_for_every_decision(person, policy, linked_account, others, received):
    matches = Matches(
        linked=linked_account,
        linked_by="subject" if linked_account else None,
        same_email=others,
    )
    found = decide(person, policy=policy, matches=matches, groups=received)
    if isinstance(found, Refuse):
        return
    if isinstance(found, Link):
        (account,) = others
        assert account.is_active
        assert not account.has_identity_of_issuer
        assert account.role not in {Role.SUPERADMIN, Role.ADMIN}
        assert person.email
        assert person.email_verified is not False
        assert person.email_verified or (policy.trust_unverified_email and not person.is_guest)
    if isinstance(found, SignIn):
        assert linked_account is not None
        assert linked_account.is_active
    assert found.closes_first_administrator is policy.first_administrator_open
    if policy.first_administrator_open or found.role is None:
        return
    if policy.sync_roles and not policy.mapping.fills(Role.SUPERADMIN):
        assert found.role is not Role.SUPERADMIN
    limit = max(found.role_match.role.rank, policy.mapping.default_role.rank)
    assert found.role.rank <= limit
    before = linked_account if isinstance(found, SignIn) else None
    if before is not None and before.is_last_active_superadmin:
        assert found.role is Role.SUPERADMIN
