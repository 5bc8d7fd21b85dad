from __future__ import annotations

import itertools

import pytest

from accounts import policy
from accounts.policy import AccountRefused, Refusal
from accounts.roles import ROLES, Role

MANAGERS = {Role.SUPERADMIN, Role.ADMIN}


@pytest.mark.parametrize(("actor", "target"), list(itertools.product(ROLES, ROLES)))
def test_nobody_manages_an_account_of_higher_rank(actor, target):
    allowed = policy.may_manage(actor, target) is None

    assert allowed == (actor in MANAGERS and target.rank <= actor.rank)


@pytest.mark.parametrize(("actor", "role"), list(itertools.product(ROLES, ROLES)))
def test_only_superadmins_make_superadmins_and_admins(actor, role):
    allowed = policy.may_grant(actor, role) is None

    assert allowed == (actor is Role.SUPERADMIN or (actor is Role.ADMIN and role not in MANAGERS))


@pytest.mark.parametrize("role", ROLES)
def test_nobody_changes_their_own_role_or_removes_their_own_account(role):
    assert policy.may_change_role(role, role, Role.READONLY, is_self=True) is not None
    assert policy.may_remove(role, role, is_self=True) is not None


@pytest.mark.parametrize("role", ROLES)
def test_everybody_changes_their_own_name_and_only_administrators_their_address(role):
    name = policy.may_edit(role, role, is_self=True, changes_email=False)
    address = policy.may_edit(role, role, is_self=True, changes_email=True)

    assert name is None
    assert address is (None if role in MANAGERS else Refusal.OWN_EMAIL)


def test_every_refusal_has_a_sentence():
    assert all(reason.sentence.endswith(".") for reason in Refusal)
    assert str(AccountRefused(Refusal.GONE)) == Refusal.GONE.sentence
