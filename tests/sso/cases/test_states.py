"""A state and its browser: bound, used once, and for a while (rp-cases 4.3, cases 43 to 72)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import Session
from sso.models import SignInAttempt, UsedRoundTrip
from sso.rules.reasons import Reason
from sso.views.browser_key import COOKIE
from tests.people import HOST
from tests.sso.cases.front_door import CALLBACK, START, assert_refused, connect

pytestmark = pytest.mark.django_db


@pytest.mark.case(55, "D1")
def test_an_attackers_code_opened_in_the_victims_browser(open_browser, provider):
    attackers = open_browser().begin()
    victim = open_browser()

    victim.come_back(attackers)
    assert_refused(victim, None)

    # Neither does a victim who has begun a sign-in of their own.
    victim = open_browser()
    victim.begin()
    victim.come_back(attackers)
    assert_refused(victim, None)
    assert provider.asked["token"] == 0


@pytest.mark.case(55)
def test_a_victim_who_is_signed_in_stays_who_they_are(open_browser, provider):
    attackers = open_browser().begin()
    victim = open_browser()
    victim.sign_in()
    key = victim.session_data
    provider.asked.clear()

    assert victim.come_back(attackers)["Location"] == "/"

    assert victim.username == "alice"
    assert victim.session_data == key
    assert provider.asked["token"] == 0


@pytest.mark.case(57)
def test_a_state_counts_once_after_a_success(open_browser, provider):
    browser = open_browser()
    query = browser.begin()
    browser.come_back(query)
    browser.post("/logout")
    # Somebody who finds the address, in the same browser and with a new code.
    other = open_browser()
    other.cookies[COOKIE] = browser.cookies[COOKIE].value
    other.come_back(query | {"code": ["another"]})

    assert_refused(other, Reason.STATE_USED)
    assert provider.asked["token"] == 1


@pytest.mark.case(57)
def test_a_state_counts_once_after_a_failure(open_browser, provider):
    browser = open_browser()
    query = browser.begin()
    browser.come_back(query | {"error": ["server_error"]})
    browser.remember()

    browser.come_back(query)

    assert_refused(browser, Reason.STATE_USED)
    assert provider.asked["token"] == 0


@pytest.mark.case(58, "D39")
def test_of_two_callbacks_with_one_state_one_redeems_the_code(open_browser, provider):
    browser = open_browser()
    query = browser.begin()
    second = open_browser()
    second.cookies[COOKIE] = browser.cookies[COOKIE].value
    # While the first one waits for the provider.
    provider.while_redeeming = lambda: second.come_back(query)

    browser.come_back(query)

    assert browser.username == "alice"
    assert second.answer["Location"] == "/login"
    assert "Session expired" in second.page
    assert second.username == ""
    assert provider.asked["token"] == 1
    # The second was first to end.
    reasons = SignInAttempt.objects.order_by("pk").values_list("outcome", "reason")
    assert list(reasons) == [("refused", "state_used"), ("signed_in", "")]


@pytest.mark.case(59, "D38")
def test_a_state_lives_ten_minutes(open_browser, provider):
    browser = open_browser()
    query = browser.begin()
    with time_machine.travel(datetime.now(tz=UTC) + timedelta(seconds=601), tick=True):
        browser.come_back(query)
        assert_refused(browser, Reason.STATE_EXPIRED)
    assert provider.asked["token"] == 0


@pytest.mark.case(60, 85, "D40")
def test_sixty_other_starts_push_nothing_out_and_cost_no_row(open_browser, provider):
    browser = open_browser()
    query = browser.begin("/profile")
    for _ in range(60):
        browser.begin()

    assert Session.objects.count() == UsedRoundTrip.objects.count() == 0
    browser.come_back(query)

    assert browser.answer["Location"] == "/profile"
    assert browser.username == "alice"


@pytest.mark.case(61, "D42")
def test_an_old_cookie_does_not_bring_a_used_state_back(open_browser, provider):
    browser = open_browser()
    query = browser.begin()
    before = {name: morsel.value for name, morsel in browser.cookies.items()}
    browser.come_back(query)
    thief = open_browser()
    for name, value in before.items():
        thief.cookies[name] = value

    thief.come_back(query)

    assert_refused(thief, Reason.STATE_USED)
    assert provider.asked["token"] == 1


@pytest.mark.case(64, "D37")
@pytest.mark.parametrize(
    "query", [{"error": "x"}, {"error": "access_denied", "state": "unknown"}, {"state": "s"}, {}]
)
def test_no_address_signs_anybody_out(open_browser, provider, query):
    browser = open_browser()
    browser.sign_in()
    before, attempts = browser.session_data, SignInAttempt.objects.count()

    assert browser.come_back(query)["Location"] == "/"

    assert browser.session_data == before
    assert browser.username == "alice"
    assert SignInAttempt.objects.count() == attempts


@pytest.mark.case(64)
def test_a_genuine_error_signs_nobody_out_either(open_browser, provider):
    browser = open_browser()
    query = browser.begin()
    browser.sign_in()
    browser.come_back({"state": query["state"], "error": ["access_denied"]})

    assert browser.username == "alice"


@pytest.mark.case(67, 72)
def test_a_code_of_one_provider_is_not_taken_to_another(open_browser, provider, wire):
    from_the_first = open_browser()
    query = from_the_first.begin()
    second = type(provider)("https://other.example.com")
    second.register(wire)
    connect(second)
    from_the_first.remember()
    from_the_first.come_back(query)

    assert_refused(from_the_first, Reason.STALE_CONFIG)
    assert provider.asked["token"] == second.asked["token"] == 0


@pytest.mark.case(69, "D1")
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "head", "options"])
def test_a_callback_is_a_get(open_browser, provider, method):
    browser = open_browser()
    query = browser.begin()

    answer = getattr(browser, method)(f"{CALLBACK}?state={query['state'][0]}&code=c")

    assert answer.status_code == 405
    assert UsedRoundTrip.objects.count() == provider.asked["token"] == 0


@pytest.mark.case(69, "form-post-basic")
def test_a_form_that_is_posted_back_is_refused_and_never_asked_for(browser, provider):
    query = browser.begin()
    assert "response_mode" not in provider.authorizations[0]

    answer = Client(headers={"host": HOST}, enforce_csrf_checks=True).post(CALLBACK, query)

    assert answer.status_code in {403, 405}
    assert provider.asked["token"] == 0


@pytest.mark.case(70, "D50")
def test_the_code_of_another_journey_is_refused_by_pkce(open_browser, provider):
    stolen = open_browser().begin()
    browser = open_browser()
    query = browser.begin()
    browser.come_back(query | {"code": stolen["code"]})

    assert_refused(browser, Reason.GRANT_REFUSED)


@pytest.mark.case(43, 70)
def test_a_whole_answer_of_another_journey_is_refused_by_its_nonce(open_browser, provider):
    first = open_browser()
    first.sign_in()
    replayed = provider.id_token()
    browser = open_browser()
    provider.told["id_token"] = lambda _honest: replayed
    browser.sign_in()

    assert_refused(browser, Reason.NONCE)


@pytest.mark.case(72, 99)
@pytest.mark.parametrize(
    "values",
    [
        {"client_id": "another"},
        {"scopes": "openid"},
        {"redirect_uri": "https://patchmon.example.com/api/v1/auth/oidc/callback"},
        {"enabled": False},
    ],
    ids=lambda values: next(iter(values)),
)
def test_settings_that_change_meanwhile_end_the_journey(open_browser, provider, values):
    browser = open_browser()
    query = browser.begin()
    connect(provider, **values)
    browser.remember()
    browser.come_back(query)

    assert_refused(browser, Reason.STALE_CONFIG)
    assert provider.asked["token"] == 0


@pytest.mark.case(99, "D55")
def test_settings_saved_while_the_provider_is_asked_do_not_mix(open_browser, provider):
    browser = open_browser()
    provider.while_redeeming = lambda: connect(provider, client_id="another", sync_roles=False)
    browser.sign_in()

    # What this callback began with holds to its end, and the next one starts with the new.
    assert browser.username == "alice"
    assert SignInAttempt.objects.get().role_rule == "group"
    browser.get(START)
    assert provider.authorizations[-1]["client_id"] != "another"
    fresh = open_browser()
    fresh.begin()
    assert provider.authorizations[-1]["client_id"] == "another"
