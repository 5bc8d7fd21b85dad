"""Home, "Needs attention": what went wrong lately, with where to mend it (issue 5)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.roles import Role
from accounts.services import create_user
from entra_sim import defaults
from entra_sim.server import EntraSim
from sso.models import OIDCSettings, SignInAttempt
from sso.services import activity
from sso.services.settings import save_settings
from tests.people import HOST, PASSWORD
from tests.sso.pages import reads

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(db) -> Client:
    user = create_user(
        usernames=["boss"],
        email="",
        first_name="",
        last_name="",
        role=Role.SUPERADMIN,
        actor=None,
        password=PASSWORD,
    )
    browser = Client(headers={"host": HOST})
    browser.force_login(user, backend="accounts.backends.PasswordBackend")
    return browser


def connect(sim: EntraSim, **values) -> None:
    save_settings(
        {
            "issuer": sim.issuer,
            "client_id": defaults.CLIENT_ID,
            "client_secret": defaults.SECRET_VALUE,
            "scopes": "openid email profile User.Read",
            "enabled": True,
            **values,
        },
        actor=None,
    )


def attempts(number: int, *, ago: timedelta, outcome: str = "refused") -> None:
    SignInAttempt.objects.bulk_create(
        SignInAttempt(
            reference=f"{outcome[:4]}{ago.total_seconds():.0f}{index}",
            at=timezone.now() - ago,
            outcome=outcome,
            reason="no_account" if outcome == "refused" else "",
        )
        for index in range(number)
    )


def test_with_nothing_wrong_nothing_is_asked_for(browser, sim):
    connect(sim)
    attempts(2, ago=timedelta(hours=1), outcome="signed_in")
    attempts(1, ago=timedelta(hours=1), outcome="tested")
    attempts(4, ago=timedelta(hours=25))

    assert "Needs attention" not in reads(browser.get("/"))


def test_refusals_of_the_last_day_are_counted_with_a_way_to_them(browser):
    attempts(3, ago=timedelta(hours=23))
    attempts(4, ago=timedelta(hours=25))

    page = browser.get("/")

    assert "3 sign-ins were refused in the last day" in reads(page)
    since = f"{timezone.now() - timedelta(days=1):%Y-%m-%d}"
    assert f'href="/settings/sign-ins?outcome=refused&amp;since={since}"' in page.text


def test_one_refusal_is_one(browser):
    attempts(1, ago=timedelta(minutes=1))

    assert "A sign-in was refused in the last day" in reads(browser.get("/"))


def test_very_many_are_not_counted_to_the_end(browser, monkeypatch):
    monkeypatch.setattr(activity, "MOST_REFUSALS", 5)
    monkeypatch.setattr("patchmon.home.MOST_REFUSALS", 5)
    attempts(7, ago=timedelta(hours=1))

    assert "5 or more sign-ins were refused in the last day" in reads(browser.get("/"))


def test_that_local_sign_in_is_forced_open_is_said_while_it_is(browser, sim):
    connect(sim)
    OIDCSettings.objects.update(disable_local_auth=True)
    assert "forced open" not in reads(browser.get("/"))

    call_command("sso", "allow-local-login", "--minutes", "30", verbosity=0)
    assert "Local sign-in is forced open" in reads(browser.get("/"))

    OIDCSettings.objects.update(local_sign_in_until=timezone.now() - timedelta(minutes=1))
    assert "forced open" not in reads(browser.get("/"))


def test_a_check_that_failed_is_said_until_one_passes_or_the_settings_change(browser, sim):
    connect(sim, client_secret="Another~Value.0123456789-abcdefghijklmn", enabled=False)
    assert "last check" not in reads(browser.get("/"))

    browser.post("/settings/oidc/check")
    page = browser.get("/")

    assert "The last check of the configuration failed" in reads(page)
    assert "at step 5" in reads(page)
    assert 'href="/settings/oidc#check-configuration"' in page.text
    save_settings({"client_secret": defaults.SECRET_VALUE}, actor=None)
    assert "last check" not in reads(browser.get("/"))
