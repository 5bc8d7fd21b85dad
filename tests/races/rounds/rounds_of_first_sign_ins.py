"""The first administrator: once in the life of an installation (spec/sign-in.md)."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.urls import reverse

from accounts.models import Installation, User
from accounts.roles import Role
from accounts.setup_code import setup_code
from entra_sim import defaults
from sso.models import SignInAttempt
from tests.people import HOST, PASSWORD
from tests.races.browsers import Browser
from tests.races.http import Job
from tests.races.rounds.conftest import FURTHER_ROUNDS, ROUNDS
from tests.sso.conftest import connect

pytestmark = pytest.mark.django_db(transaction=True)

USERS = [defaults.ROLE_GROUPS["user"]]
AT_ONCE = 4
WIZARD = {
    "username": "boss",
    "email": "boss@example.org",
    "new_password": PASSWORD,
    "new_password_again": PASSWORD,
    "server_url": f"http://{HOST}",
}


@pytest.fixture
def empty(transactional_db, sim, lanes):
    """PatchMon connected by its file or its environment, before anybody has an account."""
    connect(sim, scopes="openid email profile")
    sim.tenant.app.consented.discard("User.Read")
    return sim


def forget_everybody() -> None:
    SignInAttempt.objects.all().delete()
    User.objects.all().delete()
    Installation.objects.update(administrator_existed=False)
    cache.clear()


def test_first_sign_ins_at_once_make_exactly_one_superadmin(empty, lanes):
    people = [
        empty.tenant.add_person(f"p{letter}", f"p{letter}@contoso.com", groups=USERS)
        for letter in "abcdefgh"[:AT_ONCE]
    ]
    for number in ROUNDS:
        forget_everybody()
        callbacks = [Browser().away(empty, person.key) for person in people]

        answers = lanes.race(number, callbacks)

        assert [answer.location for answer in answers] == ["/"] * AT_ONCE
        roles = sorted(User.objects.values_list("role", flat=True))
        assert roles == sorted([Role.SUPERADMIN, *[Role.USER] * (AT_ONCE - 1)])
        first = SignInAttempt.objects.get(role_rule="first_administrator")
        assert first.user is not None
        assert first.user.role == Role.SUPERADMIN
        assert Installation.load().administrator_existed


def test_the_wizard_and_a_first_sign_in_make_exactly_one_administrator(empty, lanes):
    person = empty.tenant.add_person("pa", "pa@contoso.com", groups=USERS)
    wizard = Job(
        path=f"{reverse('accounts:setup')}?code={setup_code()}", method="post", data=WIZARD
    )
    for number in ROUNDS:
        forget_everybody()
        callback = Browser().away(empty, person.key)
        # Either may be the earlier one, by as much as a callback takes.
        jobs = [callback, wizard] if number % 4 < 2 else [wizard, callback]

        race = lanes.race(number, jobs, spread=True)

        answers = {job.method: answer for job, answer in zip(jobs, race, strict=True)}

        assert answers["get"].location == "/"
        roles = dict(User.objects.values_list("username", "role"))
        if answers["post"].status == 303:
            assert roles == {"boss": Role.SUPERADMIN, "pa": Role.USER}
        else:
            assert answers["post"].status == 404
            assert roles == {"pa": Role.SUPERADMIN}
        rules = SignInAttempt.objects.values_list("role_rule", flat=True)
        assert list(rules) == ["group" if answers["post"].status == 303 else "first_administrator"]


def test_two_wizards_at_once_make_exactly_one_account(empty, lanes):
    path = f"{reverse('accounts:setup')}?code={setup_code()}"
    wizards = [
        Job(path=path, method="post", data=WIZARD | {"username": name})
        for name in ("boss", "chief")
    ]
    for number in FURTHER_ROUNDS:
        forget_everybody()

        answers = lanes.race(number, wizards)

        assert sorted(answer.status for answer in answers) == [303, 404]
        assert User.objects.get().role == Role.SUPERADMIN
        assert Installation.load().administrator_existed
