"""API tokens on the profile page, and what ends them (product.md, HTTP interface)."""

from __future__ import annotations

import hashlib
import re
import time
from datetime import timedelta

import pytest
import time_machine
from auditlog import get_logentry_model
from django.utils import timezone

from accounts import services
from accounts.models import ApiToken
from accounts.policy import AccountRefused, Refusal, Scope
from accounts.roles import Role
from accounts.services.tokens import MOST
from tests.accounts.conftest import PASSWORD
from tests.sso.pages import reads

pytestmark = pytest.mark.django_db

PROFILE = "/profile"
MAKE = "/profile/tokens"
TEXT = re.compile(r'id="api-token" value="([^"]+)"')
TOO_OLD = 15 * 60 + 1
EVERYTHING = [scope.value for scope in Scope]


@pytest.fixture
def clock():
    with time_machine.travel(int(time.time()), tick=False) as traveller:
        yield traveller


def make(browser, *, name="terraform", scopes=("profile:read",), lifetime="90", **more):
    fields = {"name": name, "scopes": list(scopes), "lifetime": lifetime}
    return browser.post(MAKE, fields | more)


def text_of(answer) -> str:
    found = TEXT.search(answer.text)
    assert found is not None
    return found[1]


def token_of(user, name="terraform"):
    return services.make_token(
        user,
        name=name,
        scopes=[Scope.PROFILE_READ],
        lifetime=timedelta(days=30),
        actor=user,
        fresh=True,
    )


def last_change():
    return get_logentry_model().objects.order_by("-pk").first()


def test_a_token_is_shown_once_and_kept_as_a_digest(alice, signed_in, clock):
    browser = signed_in(alice)

    answer = make(browser, scopes=EVERYTHING)

    text = text_of(answer)
    assert re.fullmatch(r"pm_[A-Za-z0-9_-]{43}", text)
    assert "no-store" in answer["Cache-Control"]
    row = ApiToken.objects.values().get()
    assert row["digest"] == hashlib.sha256(text.encode()).hexdigest()
    assert row["prefix"] == text[:8]
    assert row["scopes"] == EVERYTHING
    assert row["expires_at"] == timezone.now() + timedelta(days=90)
    assert text not in str(row)
    assert text not in browser.get(PROFILE).text
    assert text[:8] in browser.get(PROFILE).text
    assert browser.get(MAKE)["Location"] == PROFILE
    assert last_change().changes == {"API token": ["", "terraform"]}
    assert last_change().actor == alice
    assert text not in str(last_change().__dict__)


def test_what_a_service_returns_shows_no_token(carol):
    made = token_of(carol)

    assert made.text not in repr(made)


def test_a_plain_user_is_offered_and_given_their_own_profile_alone(carol, signed_in):
    browser = signed_in(carol)
    assert "settings:write" not in browser.get(PROFILE).text

    for scope in ("settings:read", "settings:write", "sign-ins:read", "everything"):
        answer = make(browser, scopes=["profile:read", scope])
        assert "scopes" in answer.context["token_form"].errors
    with pytest.raises(AccountRefused) as refused:
        services.make_token(
            carol,
            name="x",
            scopes=[Scope.SETTINGS_WRITE],
            lifetime=timedelta(days=30),
            actor=carol,
            fresh=True,
        )

    assert refused.value.reason is Refusal.NOT_ALLOWED
    assert not ApiToken.objects.exists()
    assert TEXT.search(make(browser).text)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"scopes": ()}, "scopes"),
        ({"lifetime": "3650"}, "lifetime"),
        ({"lifetime": "soon"}, "lifetime"),
    ],
)
def test_what_does_not_fit_makes_no_token(carol, signed_in, fields, where):
    answer = make(signed_in(carol), **fields)

    assert answer.status_code == 200
    assert set(answer.context["token_form"].errors) == {where}
    assert '<details class="disclosure" open>' in answer.text
    assert not ApiToken.objects.exists()


def test_reloading_the_page_makes_no_second_one(carol, signed_in):
    browser = signed_in(carol)
    make(browser)

    answer = make(browser)

    assert "You have an API token of this name" in answer.text
    assert ApiToken.objects.count() == 1


def test_nobody_has_tokens_without_end(carol, signed_in):
    for number in range(MOST):
        token_of(carol, f"token {number}")

    assert "Revoke one first" in make(signed_in(carol)).text
    assert ApiToken.objects.count() == MOST


# A fresh sign-in


def test_an_old_sign_in_is_asked_for_the_password(alice, signed_in, clock):
    browser = signed_in(alice)
    clock.shift(TOO_OLD)

    for typed, says in (("", "Type your PatchMon password"), ("wrong", "This is not your")):
        answer = make(browser, name="kept as typed", current_password=typed)
        assert says in answer.text
        assert 'value="kept as typed"' in answer.text
    assert not ApiToken.objects.exists()

    assert text_of(make(browser, current_password=PASSWORD))


def test_guesses_there_are_held_back(alice, signed_in, clock):
    browser = signed_in(alice)
    clock.shift(TOO_OLD)
    for _ in range(5):
        make(browser, current_password="wrong")

    answer = make(browser, current_password=PASSWORD)

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert not ApiToken.objects.exists()


def test_an_account_without_a_password_confirms_at_its_provider(
    make_person, signed_in, clock, outside
):
    outside.confirm_path = "/somewhere/confirm"
    browser = signed_in(make_person("dave", password=None))
    clock.shift(TOO_OLD)

    answer = make(browser, current_password="anything")

    assert "Confirm at your provider" in str(answer.context["token_password_form"].errors)
    assert 'id="token_current_password" formaction="/somewhere/confirm"' in answer.text
    assert not ApiToken.objects.exists()


def test_no_caller_of_the_service_forgets_to_ask(alice):
    with pytest.raises(AccountRefused) as refused:
        services.make_token(
            alice, name="x", scopes=[Scope.PROFILE_READ], lifetime=timedelta(days=30), actor=alice
        )

    assert refused.value.reason is Refusal.NOT_FRESH


def test_nobody_makes_one_for_somebody_else(alice, carol):
    with pytest.raises(AccountRefused) as refused:
        services.make_token(
            carol,
            name="x",
            scopes=[Scope.PROFILE_READ],
            lifetime=timedelta(days=30),
            actor=alice,
            fresh=True,
        )

    assert refused.value.reason is Refusal.NOT_ALLOWED


# Revoked


def test_a_token_is_revoked_on_the_profile(carol, signed_in):
    made, kept = token_of(carol), token_of(carol, "kept")
    browser = signed_in(carol)

    assert browser.post(f"/profile/tokens/{made.token.pk}/revoke")["Location"] == PROFILE

    assert services.find_token(made.text) is None
    assert services.find_token(kept.text)
    assert last_change().changes == {"API token": ["terraform", ""]}
    browser.post(f"/profile/tokens/{made.token.pk}/revoke")
    assert "gone already" in browser.get(PROFILE).text


def test_nobody_revokes_somebody_elses_by_its_number(alice, carol, make_person, signed_in):
    made = token_of(carol)

    for person in (make_person("dave"), alice):
        signed_in(person).post(f"/profile/tokens/{made.token.pk}/revoke")

    assert services.find_token(made.text)


@pytest.mark.parametrize(
    "end",
    [
        lambda user, by: services.deactivate(user, actor=by),
        lambda user, by: services.set_password(user, "another long secret", actor=by),
        lambda user, by: services.set_password(user, "another long secret", actor=None),
        lambda user, by: services.make_password_unusable(user, actor=by),
    ],
)
def test_they_end_with_the_accounts_ways_in(alice, carol, make_person, end):
    one, two = token_of(carol, "one"), token_of(carol, "two")
    other = token_of(make_person("dave"))

    end(carol, alice)

    services.activate(carol, actor=alice)
    assert services.find_token(one.text) is None
    assert services.find_token(two.text) is None
    assert services.find_token(other.text)
    changes = [entry.changes for entry in get_logentry_model().objects.all()]
    assert {"API tokens": ["one, two", ""]} in changes


def test_a_deleted_accounts_tokens_are_gone(alice, carol):
    made = token_of(carol)

    services.delete(carol, actor=alice)

    assert services.find_token(made.text) is None
    assert not ApiToken.objects.exists()


def test_a_change_of_role_or_ended_sessions_leave_them(alice, carol):
    made = token_of(carol)

    services.change_role(carol, Role.READONLY, actor=alice)
    services.end_sessions_of(carol, actor=alice)

    assert services.find_token(made.text)


# Found


def test_when_it_was_last_used_is_noted_once_a_minute(
    carol, signed_in, clock, django_assert_num_queries
):
    text = token_of(carol).text
    assert "Last used: not yet" in reads(signed_in(carol).get(PROFILE))

    with django_assert_num_queries(2):
        services.find_token(text)
    first = timezone.now()
    clock.shift(59)
    with django_assert_num_queries(1):
        services.find_token(text)
    assert ApiToken.objects.get().last_used == first
    clock.shift(1)
    services.find_token(text)

    assert ApiToken.objects.get().last_used == first + timedelta(minutes=1)


def test_it_ends_when_it_was_to_end(carol, signed_in, clock):
    text = token_of(carol).text
    clock.shift(timedelta(days=30).total_seconds() - 1)
    assert services.find_token(text)

    clock.shift(1)

    assert services.find_token(text) is None
    assert "Expired" in signed_in(carol).get(PROFILE).text


def test_an_account_that_went_inactive_behind_the_services_has_none(carol):
    text = token_of(carol).text
    type(carol).objects.update(is_active=False)

    assert services.find_token(text) is None


@pytest.mark.parametrize("text", ["", "pm_", "pm_" + "A" * 43, "\ud83d", "x" * 100_000, "\x00"])
def test_any_other_text_costs_one_look_up(carol, text, django_assert_num_queries):
    made = token_of(carol)

    with django_assert_num_queries(1):
        assert services.find_token(text) is None
    for near in (made.text[:-1], made.text + " ", made.text.upper(), made.token.digest):
        assert services.find_token(near) is None
    assert ApiToken.objects.get().last_used is None
