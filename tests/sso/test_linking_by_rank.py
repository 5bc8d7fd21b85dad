"""An admin links nobody whose groups would raise the account above what an admin may give.

At its next sign-in the account takes its role from the groups of the identity, and keeps the
password that somebody else may know (sign-in.md, Role).
"""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from entra_sim import defaults
from sso.models import LinkedIdentity, SignInAttempt
from sso.services.settings import save_settings
from tests.people import HOST, PASSWORD
from tests.sso.conftest import connect
from tests.sso.pages import reads
from tests.sso.trials import account, browser_of

pytestmark = pytest.mark.django_db

SEVERAL = "/settings/sign-ins/link"
REFUSED = "which only a Super Admin can do"


@pytest.fixture
def admin(administrator) -> User:
    return account("adam-local", "", Role.ADMIN)


@pytest.fixture
def invited(administrator, sim):
    """Nobody gets an account by signing in: each has to be linked to one."""
    connect(sim, auto_create_users=False)
    return sim


def refused(sign_in, person: str) -> SignInAttempt:
    sign_in(person)
    attempt = SignInAttempt.objects.all()[0]
    assert attempt.outcome == "refused"
    return attempt


def page_of(attempt: SignInAttempt) -> str:
    return f"/settings/sign-ins/{attempt.reference}/link"


@pytest.mark.parametrize("synced", [True, False])
def test_an_admin_does_not_become_superadmin_by_a_superadmins_identity(
    invited, admin, sign_in, synced
):
    attempt = refused(sign_in, "sofia")
    # An Admin may switch this off and on again: it makes no difference.
    save_settings({"sync_roles": synced}, actor=None)
    browser = browser_of(admin)

    page = reads(browser.get(page_of(attempt), {"account": admin.username}))
    answer = browser.post(page_of(attempt), {"account": admin.pk}, follow=True)
    save_settings({"sync_roles": True}, actor=None)
    refused(sign_in, "sofia")

    assert REFUSED in page
    assert "Link to adam-local" not in page
    assert "make the account Super Admin" in reads(answer)
    assert LinkedIdentity.objects.count() == 0
    assert User.objects.get(pk=admin.pk).role == Role.ADMIN
    again = Client(headers={"host": HOST})
    again.post("/login", {"username": "adam-local", "password": PASSWORD})
    assert again.get("/api/v1/auth/profile").json()["role"] == "admin"
    assert again.get("/admin/").status_code != 200


def test_nor_does_an_account_become_an_admins_by_an_admins_identity(invited, admin, sign_in):
    theirs = account("known-password", "")
    attempt = refused(sign_in, "adam")

    answer = browser_of(admin).post(page_of(attempt), {"account": theirs.pk}, follow=True)

    assert REFUSED in reads(answer)
    assert LinkedIdentity.objects.count() == 0


def test_what_is_not_known_of_the_groups_counts_as_the_highest(invited, admin, sign_in):
    """More groups than the token holds, and Graph was not asked: they may be anything."""
    theirs = account("olga-local", "")
    save_settings({"sync_roles": False}, actor=None)
    attempt = refused(sign_in, "olga")
    assert (attempt.groups, attempt.groups_source) == ([], "overage")

    answer = browser_of(admin).post(page_of(attempt), {"account": theirs.pk}, follow=True)

    assert REFUSED in reads(answer)
    assert LinkedIdentity.objects.count() == 0


def test_a_superadmin_links_them_and_an_admin_links_everybody_else(
    invited, admin, admin_client, sign_in
):
    superadmins, peer = account("sofia-local", ""), account("peer", "", Role.ADMIN)
    manager = account("hana-local", "")

    admin_client.post(page_of(refused(sign_in, "sofia")), {"account": superadmins.pk})
    for person, owner in (("adam", peer), ("hana", manager)):
        # No more than the account has, or no more than an admin may give.
        browser_of(admin).post(page_of(refused(sign_in, person)), {"account": owner.pk})

    owners = set(LinkedIdentity.objects.values_list("user", flat=True))
    assert owners == {superadmins.pk, peer.pk, manager.pk}
    sign_in("sofia")
    assert User.objects.get(pk=superadmins.pk).role == Role.SUPERADMIN


def test_several_at_once_leave_them_out_for_an_admin_alone(connected, admin, admin_client, sign_in):
    people = connected.tenant.people
    for person in ("sofia", "alice"):
        account(f"{person}-local", people[person].mail)
        refused(sign_in, person)
    sofia = SignInAttempt.objects.get(email=people["sofia"].mail)
    theirs = User.objects.get(username="sofia-local")

    listed = browser_of(admin).get(SEVERAL)
    answer = browser_of(admin).post(
        SEVERAL, {"link": f"{sofia.reference}:{theirs.pk}"}, follow=True
    )

    hindered = {c.attempt.email: c.hindrance for c in listed.context["candidates"]}
    assert REFUSED in hindered[people["sofia"].mail]
    assert hindered[people["alice"].mail] == ""
    assert "nothing was linked" in reads(answer)
    assert LinkedIdentity.objects.count() == 0
    for_superadmins = admin_client.get(SEVERAL).context["candidates"]
    assert [candidate.hindrance for candidate in for_superadmins] == ["", ""]


def test_a_default_above_the_account_counts_as_well(invited, admin, sign_in):
    """In none of the groups: the default role is what the next sign-in gives."""
    save_settings({"default_role": "superadmin"}, actor=None)
    attempt = refused(sign_in, "nora")
    assert defaults.ROLE_GROUPS["superadmin"] not in attempt.groups

    browser_of(admin).post(page_of(attempt), {"account": admin.pk})

    assert LinkedIdentity.objects.count() == 0
