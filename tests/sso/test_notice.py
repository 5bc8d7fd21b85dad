"""That SSO broke is seen where nobody asks: on every page, in log and metrics (sign-in.md)."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client

from sso import conf
from sso.readiness import Cause, lately
from tests.sso.conftest import connect
from tests.sso.pages import reads

pytestmark = pytest.mark.django_db

NOTICE = "Single sign-on is not ready. Passwords are accepted meanwhile."
PAGES = (
    *("/", "/profile", "/settings/users", "/settings/sign-ins", "/settings/general"),
    *("/settings/changes", "/profile/confirmed", "/admin/", "/admin/accounts/user/"),
    *("/admin/sso/oidcsettings/1/change/", "/admin/sso/signinattempt/"),
)


def later(seconds: float) -> time_machine.travel:
    return time_machine.travel(timedelta(seconds=seconds), tick=True)


@pytest.fixture
def ready(connected, client):
    """SSO is ready, and somebody has just seen so."""
    assert client.get("/api/v1/auth/oidc/config").json()["enabled"] is True
    connected.requests.clear()
    return connected


@pytest.fixture
def scraped(settings, client: Client):
    settings.METRICS_TOKEN = "the-right-one"

    def run() -> str:
        answer = client.get("/metrics", headers={"authorization": "Bearer the-right-one"})
        assert answer.status_code == 200
        return str(answer.text)

    return run


@pytest.mark.parametrize("path", PAGES)
def test_the_first_page_of_an_outage_shows_it_and_has_it_logged(ready, admin_client, caplog, path):
    ready.fail("discovery", 503)
    assert NOTICE not in reads(admin_client.get(path))

    with later(600):
        page = admin_client.get(path)

    assert page.status_code == 200
    assert reads(page).count(NOTICE) == 1
    assert 'href="/settings/oidc"' in page.text
    assert caplog.text.count("oidc not ready") == 1
    assert ready.requests.count("discovery") == 1


@pytest.mark.parametrize("path", PAGES)
def test_the_first_page_afterwards_shows_it_no_more(connected, admin_client, caplog, path):
    caplog.set_level(logging.INFO)
    connected.fail("discovery", 503)
    assert NOTICE in reads(admin_client.get("/settings/users"))
    connected.heal()

    with later(61):
        assert NOTICE not in reads(admin_client.get(path))

    assert caplog.text.count("oidc ready") == 1


def test_the_pages_of_everybody_else_ask_nothing(ready, sign_in, caplog):
    browsers = [sign_in(person) for person in ("alice", "hana")]
    ready.fail("discovery", 503)
    ready.requests.clear()

    with later(600):
        for browser in browsers:
            for path in ("/", "/api/v1/auth/profile", "/profile/confirmed"):
                assert NOTICE not in reads(browser.get(path))

    assert len(ready.requests) == 0
    assert "oidc not ready" not in caplog.text


def test_it_is_asked_for_once_a_minute_whatever_comes_of_it(ready, admin_client):
    ready.fail("discovery", 503)
    for seconds, asked in ((61, 1), (110, 1), (122, 2)):
        with later(seconds):
            for _ in range(3):
                assert NOTICE in reads(admin_client.get("/settings/users"))
            assert ready.requests.count("discovery") == asked


def test_several_pages_ask_one_at_a_time(connected):
    connected.fail("discovery", status=503, delay=0.3)
    config = conf.current()
    found: list[Cause] = []
    crowd = [
        threading.Thread(target=lambda: found.append(lately(lambda: config).cause))
        for _ in range(6)
    ]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()

    assert found == [Cause.PROVIDER_UNREACHABLE] * 6
    assert connected.requests.count("discovery") == 1


def test_a_page_waits_three_seconds_at_most(ready, admin_client, monkeypatch):
    monkeypatch.setattr("sso.readiness.ASK_SECONDS", 0.2)
    ready.fail("discovery", delay=2.0)

    with later(61):
        began = time.monotonic()
        assert NOTICE in reads(admin_client.get("/settings/users"))
        assert time.monotonic() - began < 1.5


def test_what_sign_ins_run_into_is_shown_at_once(ready, sign_in, admin_client):
    ready.fail("token", 503)
    for _ in range(5):
        assert NOTICE not in reads(admin_client.get("/settings/users"))
        sign_in("alice")

    page = reads(admin_client.get("/settings/users"))

    assert NOTICE in page
    assert "five requests in a row without an answer" in page
    with later(31):
        assert NOTICE not in reads(admin_client.get("/settings/users"))


def test_a_client_that_is_accepted_again_takes_it_away_at_once(ready, sign_in, admin_client):
    ready.tenant.app.secrets[0].expired = True
    sign_in("alice")
    assert NOTICE in reads(admin_client.get("/settings/users"))
    ready.tenant.app.secrets[0].expired = False

    sign_in("alice")

    assert NOTICE not in reads(admin_client.get("/settings/users"))


def test_switching_sso_off_takes_it_away_at_once(
    ready, admin_client, django_capture_on_commit_callbacks
):
    ready.fail("discovery", 503)
    cache.clear()
    assert NOTICE in reads(admin_client.get("/settings/users"))

    with django_capture_on_commit_callbacks(execute=True):
        connect(ready, enabled=False)

    assert NOTICE not in reads(admin_client.get("/settings/users"))


def test_metrics_and_log_tell_of_an_outage_that_nobody_else_has_noticed(ready, scraped, caplog):
    assert "patchmon_sso_ready 1.0" in scraped()
    ready.fail("discovery", 503)

    with later(600):
        text = scraped()

    assert "patchmon_sso_ready 0.0" in text
    assert 'patchmon_sso_state{cause="provider_unreachable"} 1.0' in text
    assert 'patchmon_sso_state{cause="ready"} 0.0' in text
    assert 'patchmon_sso_readiness_changes_total{change="not_ready"} 1.0' in text
    assert caplog.text.count("oidc not ready") == 1
    assert ready.requests.count("discovery") == 1


def test_metrics_do_without_a_database(connected, scraped, monkeypatch):
    def down() -> conf.Config:
        raise OperationalError

    monkeypatch.setattr(conf, "current", down)

    text = scraped()

    assert "patchmon_sso_ready" not in text
    assert "patchmon_sign_ins_total" in text
    assert len(connected.requests) == 0
