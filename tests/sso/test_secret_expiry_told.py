"""The day on which the client secret expires is told in time, wherever people look (issue 5)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from accounts.services import create_user
from sso import conf
from sso.models import OIDCSettings
from tests.people import HOST
from tests.sso.conftest import connect
from tests.sso.expiries import API, LATER, SOON, TODAY, dated, metric, move_to, run
from tests.sso.pages import SETTINGS, press, reads

pytestmark = pytest.mark.django_db

FIELD = "client_secret_expires"


@pytest.fixture(autouse=True)
def clock():
    """Stand still at noon on the last of November, until a test moves on."""
    with time_machine.travel(TODAY, tick=False) as traveller:
        yield traveller


@pytest.mark.parametrize(
    ("day", "kind", "heading"),
    [
        (date(2026, 11, 11), "", ""),
        (date(2026, 11, 12), "amber", "The client secret expires in 30 days"),
        (date(2026, 11, 30), "amber", "The client secret expires in 12 days"),
        (date(2026, 12, 11), "amber", "The client secret expires tomorrow"),
        (date(2026, 12, 12), "red", "The client secret expires today"),
        (date(2026, 12, 13), "red", "The client secret expired on 12 Dec 2026"),
        (date(2027, 12, 13), "red", "The client secret expired on 12 Dec 2026"),
    ],
    ids=str,
)
def test_home_says_it_from_thirty_days_before_and_red_from_the_day_on(
    sim, administrator, clock, day, kind, heading
):
    move_to(clock, date(2026, 11, 1))
    dated(sim)
    move_to(clock, day)
    browser = Client(headers={"host": HOST})
    browser.force_login(administrator, backend="accounts.backends.PasswordBackend")

    page = browser.get("/")

    text = reads(page)
    if not heading:
        assert "client secret" not in text
        return
    assert heading in text
    assert "12 Dec 2026" in text
    assert "Certificates & secrets" in text
    callout = page.text[: page.text.index(heading)].rpartition('class="callout ')[2]
    assert callout.startswith(f"callout-{kind}")
    assert f'href="{SETTINGS}#id_client_secret"' in page.text
    assert 'id="id_client_secret"' in browser.get(SETTINGS).text


def test_home_costs_no_query_more(sim, admin_client):
    connect(sim)
    admin_client.get("/")
    with CaptureQueriesContext(connection) as without:
        admin_client.get("/")
    OIDCSettings.objects.update(client_secret_expires=SOON)

    with CaptureQueriesContext(connection) as with_it:
        assert "The client secret expires" in reads(admin_client.get("/"))

    assert len(with_it) == len(without) > 0


def test_home_says_it_to_administrators_alone(sim, administrator):
    dated(sim)
    user = create_user(
        usernames=["someone"], email="", first_name="", last_name="", role=Role.USER, actor=None
    )
    browser = Client(headers={"host": HOST})
    browser.force_login(user, backend="accounts.backends.PasswordBackend")

    assert "client secret" not in reads(browser.get("/"))


@pytest.mark.parametrize(
    ("values", "is_said"),
    [
        ({"enabled": True}, True),
        ({"enabled": False}, True),
        ({"enabled": False, "client_id": ""}, False),
        ({"enabled": False, "client_secret": ""}, False),
    ],
)
def test_home_says_it_while_sso_is_enabled_or_could_be(sim, admin_client, values, is_said):
    connect(sim, **values)
    OIDCSettings.objects.update(client_secret_expires=date(2026, 11, 1))

    assert ("The client secret expired" in reads(admin_client.get("/"))) is is_said


def test_the_badge_says_until_when(sim, admin_client):
    dated(sim)
    assert "Set expires 12 Dec 2026" in reads(admin_client.get(SETTINGS))

    OIDCSettings.objects.update(client_secret_expires=date(2026, 11, 1))
    assert "Set expired 1 Nov 2026" in reads(admin_client.get(SETTINGS))

    OIDCSettings.objects.update(client_secret_expires=None)
    assert "Set Show" in reads(admin_client.get(SETTINGS))


@pytest.mark.parametrize("day", [SOON, date(2026, 11, 1)], ids=str)
def test_the_check_warns_and_never_fails_by_the_date_alone(sim, admin_client, day):
    connect(sim)
    OIDCSettings.objects.update(client_secret_expires=day)

    steps = admin_client.post(f"{API}/check").json()["steps"]

    first = steps[0]
    assert (first["outcome"], len(first["findings"])) == ("warning", 1)
    (finding,) = first["findings"]
    assert f"{day.day} {day:%b} 2026" in finding["happened"]
    assert finding["field"] == "oidc_client_secret"
    assert finding["blade"].endswith("Certificates & secrets")
    # Step 5 has asked the provider, which accepts it.
    outcomes = {each["number"]: each["outcome"] for each in steps}
    assert outcomes[5] == "passed"
    assert "failed" not in outcomes.values()
    assert f"{day.day} {day:%b} 2026" in run("check")


def test_the_check_is_silent_while_the_day_is_far(sim, admin_client):
    dated(sim, LATER)

    first = admin_client.post(f"{API}/check").json()["steps"][0]

    assert first["outcome"] == "passed"


def test_a_check_that_warned_of_the_old_date_is_forgotten_with_it(sim, admin_client):
    dated(sim)
    admin_client.post(f"{API}/check")
    assert "with a warning at step 1" in reads(admin_client.get(SETTINGS))

    press(admin_client, client_secret_expires="2027-06-01")

    assert "with a warning at step 1" not in reads(admin_client.get(SETTINGS))


def test_status_says_it(sim, db):
    dated(sim)
    assert "The client secret expires in 12 days, on 12 Dec 2026." in run("status").splitlines()

    OIDCSettings.objects.update(client_secret_expires=date(2026, 11, 1))
    assert "The client secret expired on 1 Nov 2026." in run("status").splitlines()

    OIDCSettings.objects.update(client_secret_expires=None)
    assert "expire" not in run("status")


def test_the_metric_is_the_start_of_the_day(sim, client, settings, monkeypatch):
    settings.METRICS_TOKEN = "the-right-one"
    connect(sim)
    assert metric(client) == []

    OIDCSettings.objects.update(client_secret_expires=SOON)
    assert metric(client) == [datetime(2026, 12, 12, tzinfo=UTC).timestamp()]

    def gone():
        raise OperationalError

    # The other numbers are told while the database is not there.
    monkeypatch.setattr(conf, "current", gone)
    assert metric(client) == []


def test_the_guide_says_where_the_date_goes(admin_client):
    page = admin_client.get(SETTINGS)

    guide = page.text.partition('id="setup-guide"')[2]
    assert f'<a href="#id_{FIELD}">Secret expires on</a>' in guide
