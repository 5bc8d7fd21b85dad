"""How often the provider is asked for what everybody needs (verification.md, Cost of a sign-in)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import Session
from sso.models import SignInAttempt
from tests.people import HOST
from tests.sso.pages import SETTINGS, press

pytestmark = pytest.mark.django_db

JSON = "application/json"


def later(seconds: float) -> time_machine.travel:
    return time_machine.travel(timedelta(seconds=seconds), tick=True)


def start() -> int:
    """Press the button; return the status: 302 leads to the provider."""
    return Client(headers={"host": HOST}).get(reverse("sso:login")).status_code


def ready() -> bool:
    told = Client(headers={"host": HOST}).get("/api/v1/auth/oidc/config").json()
    return bool(told["enabled"])


def test_a_discovery_document_that_cannot_be_had_is_asked_for_once_a_minute(connected, caplog):
    connected.fail("discovery", 404)

    assert [start() for _ in range(4)] == [503] * 4

    assert connected.requests.count("discovery") == 1
    # Each is told the reason of the one that asked.
    assert caplog.text.count("'reason': 'discovery'") == 4
    with later(55):
        assert start() == 503
        assert connected.requests.count("discovery") == 1
    with later(61):
        assert start() == 503
        assert connected.requests.count("discovery") == 2


def test_readiness_does_not_ask_what_a_sign_in_has_just_found_out(connected):
    connected.fail("discovery", 404)
    assert start() == 503

    assert not ready()
    assert connected.requests.count("discovery") == 1
    connected.heal()
    with later(25):
        assert not ready()
        assert connected.requests.count("discovery") == 1
    # After its own thirty seconds it asks, and sign-ins have the document from it.
    with later(31):
        assert ready()
        assert start() == 302
        assert connected.requests.count("discovery") == 2


def test_a_sign_in_does_not_ask_what_readiness_has_just_found_out(connected):
    connected.fail("discovery", 404)
    assert not ready()

    assert start() == 503
    assert connected.requests.count("discovery") == 1


def test_a_sign_in_that_got_the_document_makes_sso_ready_without_a_request(connected):
    assert start() == 302

    assert ready()
    assert connected.requests.count("discovery") == 1


def test_nobody_waits_for_the_minute_once_the_settings_are_saved(
    connected, admin_client, django_capture_on_commit_callbacks
):
    connected.fail("discovery", 404)
    assert start() == 503
    connected.heal()

    with django_capture_on_commit_callbacks(execute=True):
        press(admin_client, button_text="Come in")

    assert start() == 302


def test_nor_once_the_check_has_passed(connected, admin_client, sign_in):
    connected.fail("keys", 404)
    sign_in("alice")
    assert SignInAttempt.objects.get().outcome == "refused"
    connected.heal()

    admin_client.post(f"{SETTINGS}/check")
    sign_in("alice")

    assert SignInAttempt.objects.order_by("-pk")[0].outcome == "signed_in"


def test_keys_that_cannot_be_had_are_asked_for_once_a_minute(connected, sign_in):
    connected.fail("keys", 200, body='{"keys": []}', content_type=JSON)

    for _ in range(3):
        sign_in("alice")

    assert connected.requests.count("keys") == 1
    refused = SignInAttempt.objects.values_list("outcome", "reason")
    assert list(refused) == [("refused", "provider_keys")] * 3
    assert not Session.objects.exists()
    connected.heal()
    with later(61):
        browser = sign_in("alice")
        assert browser.get("/api/v1/auth/profile").json()["username"] == "alice"
        assert connected.requests.count("keys") == 2


@pytest.mark.parametrize("fault", [{"status": 503}, {"delay": 2.0}, {}], ids=str)
def test_the_way_back_goes_on_with_the_document_at_hand(connected, fault):
    browser = Client(headers={"host": HOST})
    assert start() == 302
    with later(3500):
        away = browser.get(reverse("sso:login"))["Location"]
    connected.fail("discovery", **fault)
    connected.requests.clear()

    # More than an hour old by now, and good for a day.
    with later(3700):
        callback = connected.new_browser().sign_in(away, "alice")
        browser.get(callback.removeprefix(f"http://{HOST}"))

        assert browser.get("/api/v1/auth/profile").json()["username"] == "alice"
    asked = [entry.endpoint for entry in connected.requests if not entry.in_process]
    assert asked[0] == "token"
    assert "discovery" not in asked


def test_the_next_start_renews_it(connected):
    assert start() == 302

    with later(3700):
        assert start() == 302
        assert start() == 302
    assert connected.requests.count("discovery") == 2


def test_a_cache_that_was_emptied_has_the_document_asked_for_at_once(connected):
    connected.fail("discovery", 404)
    assert start() == 503
    connected.heal()
    cache.clear()

    assert start() == 302
