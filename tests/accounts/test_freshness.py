"""A sensitive change asks for a sign-in within the last fifteen minutes: the Server URL."""

from __future__ import annotations

import time

import pytest
import time_machine

from accounts.policy import AccountRefused, Refusal
from accounts.services import server_url, set_server_url
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db

GENERAL = "/settings/general"
OLD = "http://localhost:3000"
NEW = "https://patchmon.example.com"
TOO_OLD = 15 * 60 + 1


@pytest.fixture
def clock():
    with time_machine.travel(int(time.time()), tick=False) as traveller:
        yield traveller


@pytest.fixture
def browser(alice, signed_in, clock):
    return signed_in(alice)


def save(browser, **more):
    return browser.post(GENERAL, {"server_url": NEW, "confirm_server_url": "on"} | more)


def test_a_fresh_sign_in_is_asked_nothing(browser, clock):
    page = browser.get(GENERAL)
    assert 'data-needed-in="900"' in page.text

    clock.shift(15 * 60 - 1)
    assert save(browser).status_code == 303
    assert server_url() == NEW


def test_later_the_password_is_asked_for_from_the_start(browser, clock):
    clock.shift(TOO_OLD)

    page = browser.get(GENERAL)

    assert 'data-needed-in="0"' in page.text
    assert 'name="current_password"' in page.text
    assert "fifteen minutes" in page.text
    assert "no-store" in page["Cache-Control"]


@pytest.mark.parametrize(
    ("typed", "says"), [("", "Type your PatchMon password here"), ("wrong", "This is not your")]
)
def test_a_missing_or_wrong_one_refuses_at_the_field_and_loses_nothing(browser, clock, typed, says):
    clock.shift(TOO_OLD)

    answer = save(browser, current_password=typed)

    assert answer.status_code == 200
    [error] = answer.context["password_form"].errors["current_password"]
    assert says in error
    assert f'value="{NEW}"' in answer.text
    assert server_url() == OLD


def test_the_right_one_saves_and_counts_as_a_fresh_sign_in(browser, clock):
    clock.shift(TOO_OLD)

    answer = save(browser, current_password=PASSWORD)

    assert answer.status_code == 303
    assert server_url() == NEW
    assert 'data-needed-in="900"' in browser.get(GENERAL).text
    clock.shift(TOO_OLD)
    later = browser.get(GENERAL, headers={"host": "patchmon.example.com"})
    assert 'data-needed-in="0"' in later.text


def test_what_changes_nothing_is_not_asked_for(browser, clock):
    clock.shift(TOO_OLD)

    assert browser.post(GENERAL, {"server_url": OLD}).status_code == 303


def test_a_clock_set_back_makes_no_session_fresh(alice, signed_in):
    with time_machine.travel(time.time() + 3600, tick=False):
        browser = signed_in(alice)

    assert 'data-needed-in="0"' in browser.get(GENERAL).text


def test_guessing_there_is_held_back_like_on_the_sign_in_page(browser, clock):
    clock.shift(TOO_OLD)
    for _ in range(5):
        assert save(browser, current_password="wrong").status_code == 200

    answer = save(browser, current_password=PASSWORD)

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert "Too many attempts." in answer.text
    assert f'value="{NEW}"' in answer.text
    assert server_url() == OLD


def test_an_account_without_a_password_confirms_at_its_provider(browser, alice, clock, outside):
    outside.confirm_path = "/somewhere/confirm"
    alice.set_unusable_password()
    alice.save(update_fields=["password"])
    browser.force_login(alice)
    clock.shift(TOO_OLD)

    page = browser.get(GENERAL)
    answer = save(browser, current_password="anything")

    assert 'formaction="/somewhere/confirm" formtarget="_blank"' in page.text
    assert 'name="current_password"' not in page.text
    assert "Confirm at your provider" in str(answer.context["password_form"].errors)
    assert server_url() == OLD


def test_no_password_counts_while_none_is_accepted(browser, clock, outside):
    outside.accepted = False
    clock.shift(TOO_OLD)

    answer = save(browser, current_password=PASSWORD)

    assert "no way to confirm" in answer.text
    assert server_url() == OLD


def test_the_admin_site_asks_as_well(browser, clock):
    path = "/admin/accounts/installation/1/change/"
    clock.shift(TOO_OLD)
    assert 'name="current_password"' in browser.get(path).text

    typed = {"server_url": NEW, "confirm_server_url": "on"}
    refused = browser.post(path, typed | {"current_password": "wrong"})

    assert "This is not your PatchMon password" in refused.text
    assert server_url() == OLD
    assert browser.post(path, typed | {"current_password": PASSWORD}).status_code == 302
    assert server_url() == NEW


def test_no_caller_forgets_to_ask(alice):
    with pytest.raises(AccountRefused) as refused:
        set_server_url(NEW, actor=alice)

    assert refused.value.reason is Refusal.NOT_FRESH
    assert server_url() == OLD
