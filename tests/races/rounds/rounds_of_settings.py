"""Settings that are saved while callbacks run: each sees one state of them, whole."""

from __future__ import annotations

import pytest

from accounts.models import User
from accounts.roles import Role
from entra_sim import defaults
from sso.models import SignInAttempt
from sso.services.settings import current_values, save_settings
from tests.races.browsers import Browser
from tests.races.http import Job
from tests.races.rounds.conftest import ROUNDS

pytestmark = pytest.mark.django_db(transaction=True)

USERS = [defaults.ROLE_GROUPS["user"]]
# Under either of the two, whoever is in the group of the users gets the role user.
BY_DEFAULT = {"sync_roles": False, "default_role": Role.USER, "user_group": ""}
BY_GROUP = {"sync_roles": True, "default_role": Role.READONLY, "user_group": USERS[0]}


def two_on_their_way(sim, number):
    people = [
        sim.tenant.add_person(f"p{number}{letter}", f"p{number}{letter}@contoso.com", groups=USERS)
        for letter in "ab"
    ]
    return people, [Browser().away(sim, person.key) for person in people]


def test_role_settings_are_one_or_the_other(connected, lanes):
    save_settings(BY_DEFAULT, actor=None)
    for number in ROUNDS:
        values = BY_GROUP if number % 2 == 0 else BY_DEFAULT
        people, callbacks = two_on_their_way(connected, number)
        save = Job(path="", method="save", data=values)

        answers = lanes.race(number, [save, *callbacks], spread=True)

        assert [answer.location for answer in answers[1:]] == ["/", "/"]
        assert current_values()["sync_roles"] is values["sync_roles"]
        attempts = SignInAttempt.objects.filter(email__in=[person.mail for person in people])
        assert {(a.role_rule, a.role_after) for a in attempts} <= {
            ("sync_off", Role.USER),
            ("group", Role.USER),
        }


def test_a_journey_begun_under_other_settings_is_refused_or_was_in_time(connected, lanes):
    refused = 0
    for number in ROUNDS:
        wanted = "openid email profile User.Read" if number % 2 == 0 else "openid email profile"
        people, callbacks = two_on_their_way(connected, number)
        save = Job(path="", method="save", data={"scopes": wanted})

        answers = lanes.race(number, [save, *callbacks], spread=True)

        for person, answer in zip(people, answers[1:], strict=True):
            assert answer.location in {"/", "/login"}
            exists = User.objects.filter(email=person.mail).exists()
            assert exists is (answer.location == "/")
            refused += answer.location == "/login"
        reasons = SignInAttempt.objects.filter(outcome="refused").values_list("reason", flat=True)
        assert list(reasons) == ["stale_config"] * refused
