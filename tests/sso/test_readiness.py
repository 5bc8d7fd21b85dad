"""Whether SSO is ready, asked through the pages (sign-in.md, Ready, and the way back in)."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.test import Client

from entra_sim import defaults
from sso import conf
from sso.models import OIDCSettings
from sso.readiness import Cause, client_was_refused, readiness
from tests.people import HOST
from tests.sso.conftest import connect
from tests.sso.pages import SETTINGS, press, reads
from tests.sso.trials import try_out

pytestmark = pytest.mark.django_db

CONFIG = "/api/v1/auth/oidc/config"
BUTTON = "Sign in with Microsoft"
UNAVAILABLE = "Single sign-on is unavailable at the moment."


def later(seconds: float) -> time_machine.travel:
    return time_machine.travel(timedelta(seconds=seconds), tick=True)


def is_ready() -> bool:
    """Ask as any program would, and hold the sign-in page to the same answer."""
    browser = Client(headers={"host": HOST})
    ready = browser.get(CONFIG).json()["enabled"]
    page = browser.get("/login").text
    assert (BUTTON in page) is ready
    assert (UNAVAILABLE in page) is (not ready and conf.current().enabled)
    return ready


def test_ready_is_enabled_complete_and_answering(connected):
    assert is_ready()


def test_off_shows_neither_button_nor_excuse(sim, administrator):
    connect(sim, enabled=False)

    assert not is_ready()
    assert sim.requests.count("discovery") == 0


@pytest.mark.parametrize("missing", ["issuer", "client_id", "client_secret_encrypted"])
def test_incomplete_is_not_ready_and_asks_nobody(connected, missing):
    OIDCSettings.objects.update(**{missing: ""})
    connected.requests.clear()

    assert not is_ready()
    assert connected.requests.count("discovery") == 0


def test_a_secret_that_no_key_opens_is_not_ready(connected, settings, admin_client):
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    assert not is_ready()
    page = reads(admin_client.get(SETTINGS))
    assert "cannot be decrypted" in page
    # Enter it again, and it is.
    press(
        admin_client,
        f"{SETTINGS}/secret",
        secret_action="save",
        client_secret=defaults.SECRET_VALUE,
    )
    assert is_ready()


@pytest.mark.parametrize(
    "document",
    ["", "[]", "{}", "not json", '{"issuer": "https://evil.example"}', "<html></html>"],
)
def test_an_answer_that_is_no_valid_discovery_document_is_not_ready(connected, document):
    connected.fail("discovery", 200, body=document, content_type="application/json")

    assert not is_ready()


@pytest.mark.parametrize("status", [302, 404, 429, 500, 503])
def test_an_answer_of_another_status_is_not_ready(connected, status):
    connected.fail("discovery", status)

    assert not is_ready()


def test_a_dropped_connection_is_not_ready(connected):
    connected.fail("discovery", drop=True)

    assert not is_ready()


def test_an_answer_holds_a_minute(connected):
    assert is_ready()
    asked = connected.requests.count("discovery")

    with later(59):
        assert is_ready()
        assert connected.requests.count("discovery") == asked
    with later(61):
        assert is_ready()
        assert connected.requests.count("discovery") == asked + 1


def test_a_failure_holds_thirty_seconds(connected):
    connected.fail("discovery", 404)
    assert not is_ready()
    connected.heal()
    asked = connected.requests.count("discovery")

    with later(29):
        assert not is_ready()
        assert connected.requests.count("discovery") == asked
    with later(31):
        assert is_ready()
        assert connected.requests.count("discovery") == asked + 1


def test_the_pages_of_people_who_are_signed_in_never_wait_for_the_provider(connected, sign_in):
    browser = sign_in("alice")
    cache.clear()
    connected.requests.clear()

    for path in ("/", "/api/v1/auth/profile"):
        assert browser.get(path).status_code == 200
    assert len(connected.requests) == 0


def test_one_request_at_a_time_asks(connected):
    connected.fail("discovery", delay=0.3)
    cache.clear()
    connected.requests.clear()
    config = conf.current()
    verdicts: list[bool] = []

    def ask() -> None:
        verdicts.append(readiness(config).ready)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert verdicts == [True] * 6
    assert connected.requests.count("discovery") == 1


def test_a_slow_provider_is_given_three_seconds_at_most(connected, monkeypatch):
    monkeypatch.setattr("sso.readiness.ASK_SECONDS", 0.2)
    connected.fail("discovery", delay=1.0)
    cache.clear()

    assert readiness(conf.current()).cause is Cause.PROVIDER_UNREACHABLE


# A refused client


def test_a_refused_secret_is_remembered_without_the_cache_and_forgotten_with_the_secret(
    connected, sign_in, admin_client
):
    connected.tenant.app.secrets[0].expired = True
    assert is_ready()
    sign_in("alice")
    assert not is_ready()

    # A restart does not forget it.
    cache.clear()
    assert not is_ready()
    page = reads(admin_client.get(SETTINGS))
    assert "refused PatchMon's client ID or client secret" in page
    # Another of the values alone is another credential.
    connected.tenant.app.secrets[0].expired = False
    press(
        admin_client,
        f"{SETTINGS}/secret",
        secret_action="save",
        client_secret=defaults.EXPIRED_SECRET_VALUE,
    )
    assert is_ready()


def test_the_refusal_of_an_earlier_secret_does_not_touch_a_newer_one(connected):
    before = conf.current()
    connect(connected, client_secret=defaults.EXPIRED_SECRET_VALUE)

    # A callback that began before the secret was replaced comes to its end only now.
    client_was_refused(before)

    assert conf.current().client_refused is False


def test_an_unknown_client_ends_readiness(connected, sign_in):
    connected.tenant.app.token_refusal = 700016

    sign_in("alice")

    assert not is_ready()


def test_a_token_request_that_succeeds_takes_a_refusal_back(connected, client):
    start = client.get("/api/v1/auth/oidc/login")
    callback = connected.new_browser().sign_in(start["Location"], "alice")
    client_was_refused(conf.current())
    assert not is_ready()

    client.get(callback.removeprefix(f"http://{HOST}"))

    assert is_ready()


# What is said of it


def test_every_change_is_logged_once_with_its_cause(connected, caplog):
    caplog.set_level("INFO")
    assert is_ready()
    assert is_ready()
    assert told(caplog) == [("oidc ready", "sso.ready", "ready")]

    connected.fail("discovery", 503)
    with later(61):
        assert not is_ready()
        assert not is_ready()
        assert told(caplog)[1:] == [("oidc not ready", "sso.not_ready", "provider_unreachable")]
        connect(connected, enabled=False)
        assert not is_ready()
        assert not is_ready()
    assert told(caplog)[2:] == [("oidc off", "sso.off", "off")]


def told(caplog) -> list[tuple[str, str, str]]:
    """Return what was logged of readiness: message, event and cause."""
    lines = [record.msg for record in caplog.records if record.name == "sso.readiness"]
    return [(line["event"], line["_event"], line["cause"]) for line in lines]


def test_a_refusal_that_comes_after_its_secret_was_replaced_ends_nothing(connected, caplog):
    caplog.set_level("INFO")
    assert is_ready()
    before = conf.current()
    connect(connected, client_secret=defaults.EXPIRED_SECRET_VALUE)

    client_was_refused(before)

    assert told(caplog) == [("oidc ready", "sso.ready", "ready")]


def test_off_is_off_whatever_a_test_sign_in_meets(sim, administrator, admin_client, caplog):
    connect(sim, enabled=False, client_secret=defaults.EXPIRED_SECRET_VALUE)

    page = try_out(admin_client, sim, "alice")

    assert "client secret" in reads(page)
    for path in ("/", "/profile", "/settings/users", SETTINGS):
        assert "Single sign-on is not ready" not in reads(admin_client.get(path)), path
    assert "oidc not ready" not in caplog.text
    assert conf.current().client_refused is False


def test_administrators_read_the_cause_and_users_do_not(connected, client, admin_client):
    connected.fail("discovery", 503)

    page = reads(client.get("/login"))

    assert UNAVAILABLE in page
    assert "discovery" not in page
    assert "503" not in page
    assert "could not get a valid discovery document" in reads(admin_client.get(SETTINGS))
    assert "could not get a valid discovery document" in reads(admin_client.get("/"))


def test_health_does_not_depend_on_the_provider(connected, client):
    connected.stop()
    try:
        assert client.get("/health/ready").status_code == 200
        assert client.get("/health/live").status_code == 200
    finally:
        connected.start()
