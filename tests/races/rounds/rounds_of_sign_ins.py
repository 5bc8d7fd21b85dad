"""Callbacks that arrive together (spec/sign-in.md, The round trip and Who it is)."""

from __future__ import annotations

import pytest

from accounts.models import Session, User
from accounts.roles import Role
from entra_sim import defaults
from sso.models import LinkedIdentity, SignInAttempt, UsedRoundTrip
from tests.races.browsers import Browser
from tests.races.rounds.conftest import FURTHER_ROUNDS, ROUNDS, account

pytestmark = pytest.mark.django_db(transaction=True)

USERS = [defaults.ROLE_GROUPS["user"]]


def test_two_callbacks_with_one_state(connected, lanes):
    for number in ROUNDS:
        person = connected.tenant.add_person(f"p{number}", f"p{number}@contoso.com", groups=USERS)
        browser = Browser()
        callback = browser.away(connected, person.key)
        connected.requests.clear()

        answers = lanes.race(number, [callback, callback])

        # Nobody has a session when they start, so the second is told to begin again.
        assert sorted(answer.location for answer in answers) == ["/", "/login"]
        assert connected.requests.count("token") == 1
        # Used up once, and told of once as having come twice.
        assert UsedRoundTrip.objects.count() == 2 * (number + 1)
        told = SignInAttempt.objects.values_list("reason", flat=True)
        assert sorted(told) == [""] * (number + 1) + ["state_used"] * (number + 1)
        user = User.objects.get(username=person.key)
        assert Session.objects.filter(user=user).count() == 1
        for answer in answers:
            own = Browser()
            own.take(answer)
            assert own.signed_in() is (answer.location == "/")


def test_one_state_in_the_browser_of_somebody_signed_in_by_now(connected, lanes):
    """A double click: the one that comes second goes on as who is signed in, or starts again."""
    for number in FURTHER_ROUNDS:
        person = connected.tenant.add_person(f"p{number}", f"p{number}@contoso.com", groups=USERS)
        browser = Browser()
        first = browser.away(connected, person.key)
        second = browser.away(connected, person.key)
        browser.take(lanes.race(number, [first])[0])
        first, second = (browser.get(job.path) for job in (first, second))
        connected.requests.clear()

        answers = lanes.race(number, [second, second, first])

        assert [answer.status for answer in answers] == [302, 302, 302]
        # Of the three, one is new; it ends the session that the others may still come with.
        assert connected.requests.count("token") == 1
        assert {answer.location for answer in answers} <= {"/", "/login"}
        signed_in = SignInAttempt.objects.filter(outcome="signed_in")
        assert signed_in.count() == 2 * (number + 1)
        # Whoever came with the session that has ended is told of, once for each state.
        others = SignInAttempt.objects.exclude(outcome="signed_in")
        assert set(others.values_list("reason", flat=True)) <= {"state_used"}
        assert others.count() <= 2 * (number + 1)
        assert Session.objects.filter(user__username=person.key).count() == 1


def test_the_same_new_person_in_two_tabs(connected, lanes):
    for number in ROUNDS:
        person = connected.tenant.add_person(f"p{number}", f"p{number}@contoso.com", groups=USERS)
        browser = Browser()
        tabs = [browser.away(connected, person.key) for _ in range(2)]

        answers = lanes.race(number, tabs)

        assert [answer.location for answer in answers] == ["/", "/"]
        user = User.objects.get(email=person.mail)
        assert user.username == person.key
        assert LinkedIdentity.objects.filter(object_id=person.oid).get().user == user
        assert Session.objects.filter(user=user).count() == 2
        for answer in answers:
            own = Browser()
            own.take(answer)
            assert own.signed_in()
        attempts = SignInAttempt.objects.filter(user=user)
        assert sorted(attempts.values_list("created_account", flat=True)) == [False, True]


def test_two_people_with_one_username(connected, lanes):
    for number in ROUNDS:
        here = connected.tenant.add_person(f"p{number}", f"p{number}x@contoso.com", groups=USERS)
        there = connected.tenant.add_person(f"q{number}", f"p{number}x@fabrikam.example")
        browsers = [Browser(), Browser()]
        callbacks = [
            browser.away(connected, person.key)
            for browser, person in zip(browsers, (here, there), strict=True)
        ]

        answers = lanes.race(number, callbacks)

        assert [answer.location for answer in answers] == ["/", "/"]
        names = {
            User.objects.get(email=person.mail).username: person.oid for person in (here, there)
        }
        assert sorted(names) == [f"p{number}x", f"p{number}x2"]
        for name, object_id in names.items():
            assert LinkedIdentity.objects.get(user__username=name).object_id == object_id


def test_two_people_whose_vouched_address_is_one_accounts(connected, lanes):
    connected.tenant.app.claims.xms_edov = True
    for number in FURTHER_ROUNDS:
        theirs = account(f"local{number}", Role.USER, email=f"p{number}@contoso.com")
        people = [
            connected.tenant.add_person(f"{letter}{number}", theirs.email, groups=USERS)
            for letter in "pq"
        ]
        browsers = [Browser(), Browser()]
        callbacks = [
            browser.away(connected, person.key)
            for browser, person in zip(browsers, people, strict=True)
        ]

        answers = lanes.race(number, callbacks)

        assert sorted(answer.location for answer in answers) == ["/", "/login"]
        linked = LinkedIdentity.objects.get(user=theirs)
        winner = [answer.location for answer in answers].index("/")
        assert linked.object_id == people[winner].oid
        assert Session.objects.filter(user=theirs).count() == 1
        assert User.objects.count() == number + 2
        refused = SignInAttempt.objects.get(object_id=people[1 - winner].oid)
        assert refused.reason == "email_linked_already"


def test_one_person_whose_vouched_address_is_an_accounts_in_two_tabs(connected, lanes):
    connected.tenant.app.claims.xms_edov = True
    for number in FURTHER_ROUNDS:
        theirs = account(f"local{number}", Role.USER, email=f"p{number}@contoso.com")
        person = connected.tenant.add_person(f"p{number}", theirs.email, groups=USERS)
        browser = Browser()
        tabs = [browser.away(connected, person.key) for _ in range(2)]

        answers = lanes.race(number, tabs)

        assert [answer.location for answer in answers] == ["/", "/"]
        assert LinkedIdentity.objects.get(user=theirs).object_id == person.oid
        assert not User.objects.get(pk=theirs.pk).has_usable_password()
        assert User.objects.count() == number + 2
