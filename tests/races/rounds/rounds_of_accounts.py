"""An account that is changed while its owner, or somebody above it, signs in."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import Session, User
from accounts.roles import Role
from accounts.services import activate, create_user, set_password
from entra_sim import defaults
from entra_sim.tokens import subject
from sso.models import LinkedIdentity
from tests.people import PASSWORD
from tests.races.browsers import Browser
from tests.races.rounds.conftest import FURTHER_ROUNDS, ROUNDS, account
from tests.sso.conftest import connect

pytestmark = pytest.mark.django_db(transaction=True)

USERS = [defaults.ROLE_GROUPS["user"]]
ADMINS = [defaults.ROLE_GROUPS["admin"]]
SUPERADMINS = [defaults.ROLE_GROUPS["superadmin"]]

# 400: the session that the callback has just made was ended before its answer was sent.
ANSWERED = {302, 400}


def newcomer(sim, number, groups, role=Role.USER):
    """Return somebody who has signed in before, and their account."""
    person = sim.tenant.add_person(f"p{number}x", f"p{number}x@contoso.com", groups=groups)
    user = create_user(
        usernames=[person.key],
        email=person.mail,
        first_name="",
        last_name="",
        role=role,
        actor=None,
    )
    LinkedIdentity.objects.create(
        user=user,
        issuer=sim.issuer,
        subject=subject(sim._site, person, person.tenant_id),
        tenant_id=person.tenant_id,
        object_id=person.oid,
        email=person.mail,
    )
    return person, user


def test_deactivated_while_a_callback_runs(connected, lanes, boss_browser):
    for number in ROUNDS:
        person, user = newcomer(connected, number, USERS)
        browser = Browser()
        callback = browser.away(connected, person.key)
        deactivate = boss_browser.post(reverse("accounts:user-deactivate", args=[user.pk]))

        answers = lanes.race(number, [callback, deactivate], spread=True)

        assert answers[1].status == 303
        assert not User.objects.get(pk=user.pk).is_active
        browser.take(answers[0])
        assert not browser.signed_in()
        # Nor does it come to life again with the account.
        activate(user, actor=None)
        assert not browser.signed_in()
        assert not Session.objects.filter(user=user).exists()


def test_demoted_while_a_callback_runs(connected, lanes, boss_browser):
    connect(connected, scopes="openid email profile", sync_roles=False)
    for number in ROUNDS:
        person, user = newcomer(connected, number, USERS, Role.ADMIN)
        before = Browser.of(user)
        browser = Browser()
        callback = browser.away(connected, person.key)
        demote = boss_browser.post(
            reverse("accounts:user", args=[user.pk]),
            {"email": user.email, "first_name": "", "last_name": "", "role": Role.READONLY},
        )

        answers = lanes.race(number, [callback, demote], spread=True)

        assert answers[1].status == 303
        assert User.objects.get(pk=user.pk).role == Role.READONLY
        assert answers[0].status in ANSWERED
        assert not before.signed_in()
        browser.take(answers[0])
        assert browser.status(reverse("accounts:users")) != 200


def test_deactivated_while_a_callback_makes_a_superadmin(connected, lanes, boss_browser):
    for number in FURTHER_ROUNDS:
        person, user = newcomer(connected, number, SUPERADMINS)
        browser = Browser()
        callback = browser.away(connected, person.key)
        deactivate = boss_browser.post(reverse("accounts:user-deactivate", args=[user.pk]))

        answers = lanes.race(number, [callback, deactivate], spread=True)

        assert answers[1].status == 303
        assert not User.objects.get(pk=user.pk).is_active
        browser.take(answers[0])
        assert not browser.signed_in()


def test_promoted_while_superadmins_sign_in(connected, lanes, boss_browser):
    connect(connected, scopes="openid email profile", sync_roles=False)
    chief, _ = newcomer(connected, "chief", USERS, Role.SUPERADMIN)
    for number in FURTHER_ROUNDS:
        person, user = newcomer(connected, number, USERS)
        callbacks = [Browser().away(connected, each.key) for each in (person, chief, person)]
        promote = boss_browser.post(
            reverse("accounts:user", args=[user.pk]),
            {"email": user.email, "first_name": "", "last_name": "", "role": Role.SUPERADMIN},
        )

        answers = lanes.race(number, [*callbacks, promote], spread=True)

        assert answers[-1].status == 303
        assert User.objects.get(pk=user.pk).role == Role.SUPERADMIN
        assert {answer.status for answer in answers[:-1]} <= ANSWERED
        User.objects.filter(pk=user.pk).delete()


def test_deleted_while_a_callback_runs(connected, lanes, boss_browser):
    # A photo is looked for as well, and found to be none.
    connect(connected, scopes="openid email profile User.Read")
    connected.tenant.app.consented.add("User.Read")
    for number in FURTHER_ROUNDS:
        person, user = newcomer(connected, number, USERS)
        browser = Browser()
        callback = browser.away(connected, person.key)
        delete = boss_browser.post(reverse("accounts:user-delete", args=[user.pk]))

        answers = lanes.race(number, [callback, delete], spread=True)

        assert answers[1].status == 303
        assert not User.objects.filter(pk=user.pk).exists()
        browser.take(answers[0])
        # Whoever comes after the deletion is somebody new.
        assert browser.signed_in() is User.objects.filter(username=person.key).exists()


def test_disconnected_while_a_callback_runs(connected, lanes, boss_browser):
    for number in ROUNDS:
        person, user = newcomer(connected, number, USERS)
        set_password(user, PASSWORD, actor=None)
        owner = Browser.of(User.objects.get(pk=user.pk))
        linked = LinkedIdentity.objects.get(user=user)
        browser = Browser()
        callback = browser.away(connected, person.key)
        disconnect = owner.post(reverse("sso:disconnect", args=[linked.pk]))

        answers = lanes.race(number, [callback, disconnect], spread=True)

        assert answers[1].status == 303
        assert not LinkedIdentity.objects.filter(user=user).exists()
        browser.take(answers[0])
        assert not browser.signed_in()
        assert owner.signed_in()
        # The address is not vouched for: the account is not taken over, and none is made.
        assert User.objects.filter(email=person.mail).get() == user


def test_two_superadmins_who_demote_or_deactivate_each_other(connected, lanes, boss):
    for number in ROUNDS:
        pair = [account(f"{name}{number}", Role.SUPERADMIN) for name in ("ada", "bea")]
        User.objects.filter(role=Role.SUPERADMIN).exclude(pk__in=[user.pk for user in pair]).update(
            is_active=False
        )
        browsers = [Browser.of(user) for user in pair]
        jobs = [
            browser.post(reverse("accounts:user-deactivate", args=[other.pk]))
            if number % 4 < 2
            else browser.post(
                reverse("accounts:user", args=[other.pk]),
                {"email": other.email, "first_name": "", "last_name": "", "role": Role.USER},
            )
            for browser, other in zip(browsers, reversed(pair), strict=True)
        ]

        lanes.race(number, jobs)

        left = User.objects.get(role=Role.SUPERADMIN, is_active=True)
        assert left in pair
        assert browsers[pair.index(left)].signed_in()
        assert browsers[1 - pair.index(left)].status(reverse("accounts:users")) != 200


def test_superadmins_who_sign_in_while_roles_change(connected, lanes, boss):
    """The last two lose their group at the same moment as somebody else gains it."""
    for number in ROUNDS:
        people, users = zip(
            *(newcomer(connected, f"{number}{name}", USERS, Role.SUPERADMIN) for name in "abc"),
            strict=True,
        )
        User.objects.filter(role=Role.SUPERADMIN).exclude(
            pk__in=[user.pk for user in users]
        ).update(is_active=False)
        rising, _ = newcomer(connected, f"{number}d", SUPERADMINS if number % 4 < 2 else ADMINS)
        callbacks = [Browser().away(connected, person.key) for person in (*people, rising)]

        answers = lanes.race(number, callbacks)

        assert [answer.location for answer in answers] == ["/"] * 4
        left = User.objects.filter(role=Role.SUPERADMIN, is_active=True)
        assert left.exists()
        if rising.groups == ADMINS:
            assert left.get() in users
