"""Settings are saved and checked; what cannot work says what mends it."""

from __future__ import annotations

import io
import time

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from sso import conf
from sso.models import OIDCSettings, SignInAttempt
from sso.services.checkup_runs import CHECKS_A_MINUTE
from tests.people import HOST, PASSWORD
from tests.sso.outage.visitors import WRONG
from tests.sso.pages import SETTINGS, errors_of, press, reads
from tests.sso.trials import REPORT, START, begin

pytestmark = pytest.mark.django_db

CHECK = f"{SETTINGS}/check"
LOST = "There is no report: the shared cache could not be reached"


# Settings


def test_settings_are_saved_and_in_force(down, connected, admin_client, client):
    answer = press(admin_client, button_text="Come in")

    assert errors_of(answer) == {}
    assert OIDCSettings.load().button_text == "Come in"
    assert "Come in" in client.get("/login").text


def test_a_sensitive_change_asks_for_the_password(down, admin_client):
    with time_machine.travel(time.time() + 16 * 60, tick=True):
        refused = press(admin_client, default_role="readonly")
        assert "Type your PatchMon password" in reads(refused)
        assert conf.current().mapping.default_role.value == "user"
        press(admin_client, default_role="readonly", current_password=PASSWORD)

    assert conf.current().mapping.default_role.value == "readonly"


def test_nor_is_it_a_place_to_guess_at(down, admin_client):
    with time_machine.travel(time.time() + 16 * 60, tick=True):
        for _ in range(5):
            wrong = press(admin_client, default_role="readonly", current_password=WRONG)
            assert "This is not your PatchMon password." in reads(wrong)
        answer = press(admin_client, default_role="readonly", current_password=PASSWORD)

    assert "Too many attempts. Wait 15 minutes and try again." in reads(answer)
    assert conf.current().mapping.default_role.value == "user"


def test_a_check_runs_whole_and_step_by_step_and_keeps_its_limit(down, admin_client):
    assert "The last check passed." in reads(admin_client.post(CHECK))
    step, answer = "fields", {}
    while step:
        answer = admin_client.post(CHECK, {"step": step}).json()
        assert answer["outcome"] == "passed"
        step = answer["next"]
    assert answer["summary"] == "The last check passed."
    for _ in range(CHECKS_A_MINUTE - 1):
        assert admin_client.post(CHECK).status_code == 200

    too_many = admin_client.post(CHECK)

    assert too_many.status_code == 429
    assert "Wait a minute, then check again." in reads(too_many)


def test_the_command_line_checks(down):
    told = io.StringIO()
    call_command("sso", "check", stdout=told)

    assert "passed" in told.getvalue().lower()


# Test sign-in


def test_no_test_sign_in_begins_and_the_page_names_the_cure(down, connected, admin_client):
    admin_client.get("/")
    connected.requests.clear()

    answer = admin_client.post(START)

    assert answer["Location"] == REPORT
    page = reads(admin_client.get(REPORT))
    assert LOST in page
    assert "Bring back the server that CACHE_URL names, then press Test sign-in." in page
    assert len(connected.requests) == 0
    assert not SignInAttempt.objects.exists()
    down.heals()
    admin_client.get("/")
    _come_back(admin_client, connected, begin(admin_client))
    assert "alice@contoso.com" in admin_client.get(REPORT).text


def test_a_test_sign_in_that_began_before_is_recorded_and_its_claims_are_kept_nowhere(
    outage, connected, admin_client, administrator
):
    url = begin(admin_client)
    outage.breaks()

    assert _come_back(admin_client, connected, url) == REPORT
    assert LOST in reads(admin_client.get(REPORT))
    attempt = SignInAttempt.objects.get()
    assert (attempt.outcome, attempt.username) == ("tested", "boss")
    assert User.objects.count() == 1
    kept = admin_client.session
    assert "alice@contoso.com" not in str(dict(kept.items()))
    # Once it is back the page says the same, until the next test has run.
    outage.heals()
    assert LOST in reads(admin_client.get(REPORT))
    _come_back(admin_client, connected, begin(admin_client))
    assert "alice@contoso.com" in admin_client.get(REPORT).text


def test_a_report_that_was_kept_before_is_there_again_afterwards(outage, connected, admin_client):
    _come_back(admin_client, connected, begin(admin_client))
    outage.breaks()
    assert LOST in reads(admin_client.get(REPORT))
    outage.heals()

    assert "alice@contoso.com" in admin_client.get(REPORT).text


def _come_back(browser: Client, sim, url: str) -> str:
    callback = sim.new_browser().sign_in(url, "alice")
    return str(browser.get(callback.removeprefix(f"http://{HOST}"))["Location"])
