"""Test sign-in as administrators meet it: the report, and all that must not happen."""

from __future__ import annotations

import html
import logging
import re
import time
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.core.cache import cache, caches
from django.test import Client

from accounts.models import Session, User
from accounts.roles import Role
from accounts.services import deactivate
from entra_sim import defaults
from entra_sim.browser import StoppedAtProvider
from sso import conf
from sso.encryption import encrypt
from sso.models import LinkedIdentity, SignInAttempt, UsedRoundTrip
from sso.services.activity import recent_activity
from sso.services.settings import save_settings
from tests.people import HOST, PASSWORD
from tests.sso.conftest import connect
from tests.sso.pages import SETTINGS, press, reads
from tests.sso.trials import REPORT, ROW, START, account, begin, browser_of, come_back, try_out

pytestmark = pytest.mark.django_db

ENABLE = f"{SETTINGS}/enable"
# What a test may write: its record, the used-up state, the session that holds the report's key.
OWN = (SignInAttempt, UsedRoundTrip, Session)


@pytest.fixture
def clock():
    with time_machine.travel(int(time.time()), tick=False) as traveller:
        yield traveller


def everything() -> dict[str, list[dict[str, Any]]]:
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values())
        for model in apps.get_models()
        if model not in OWN
    }


# The journey


def test_it_asks_which_account_to_use_on_a_page_that_goes_on_by_itself(connected, admin_client):
    card = admin_client.get(SETTINGS).text
    assert f'action="{START}" target="_blank" rel="noopener"' in card

    page = admin_client.post(START)

    url = page.context["url"]
    assert url.startswith(connected.url)
    assert "prompt=select_account" in url
    assert f'href="{html.escape(url)}" rel="noreferrer" data-continue' in page.text
    assert "Nobody is signed in to PatchMon" in reads(page)
    assert not SignInAttempt.objects.exists()


@pytest.mark.parametrize("role", [Role.READONLY, Role.USER, Role.HOST_MANAGER])
def test_whoever_may_not_manage_settings_may_not_test(connected, role):
    browser = browser_of(account("someone", "someone@example.org", role))
    connected.requests.clear()

    assert browser.post(START).status_code == 403
    assert browser.get(REPORT).status_code == 403
    assert browser.post(ROW, {"group": "x", "row": "user"}).status_code == 403
    assert list(connected.requests) == []


def test_a_visitor_is_led_to_the_sign_in_page(connected, client):
    for answer in (client.post(START), client.get(REPORT), client.post(ROW)):
        assert answer["Location"].startswith("/login?next=")


def test_another_site_starts_no_test(connected, administrator):
    browser = Client(enforce_csrf_checks=True, headers={"host": HOST})
    browser.force_login(administrator, backend="accounts.backends.PasswordBackend")

    assert browser.post(START).status_code == 403
    assert browser.post(ROW).status_code == 403


def test_the_address_alone_leads_back_to_the_page(connected, admin_client):
    assert admin_client.get(START)["Location"] == SETTINGS
    assert admin_client.get(ROW)["Location"] == REPORT
    assert "There is no report to show" in reads(admin_client.get(REPORT))


# What it does: nothing


@pytest.mark.parametrize(
    "person", ["sofia", "alice", "olga", "nora", "clash", "nomail", "bob", "mei"]
)
def test_it_signs_nobody_in_and_writes_nothing_but_its_record(connected, admin_client, person):
    account("admin", "admin@contoso.com", Role.ADMIN)
    admin_client.get(SETTINGS)
    before, key = everything(), admin_client.session.session_key
    sessions = Session.objects.count()

    page = try_out(admin_client, connected, person)

    assert page.status_code == 200
    assert everything() == before
    assert (Session.objects.count(), admin_client.session.session_key) == (sessions, key)
    assert admin_client.get("/api/v1/auth/profile").json()["username"] == "boss"
    attempt = SignInAttempt.objects.get()
    assert (attempt.outcome, attempt.username) == ("tested", "boss")
    assert (attempt.created_account, attempt.role_after) == (False, "")
    assert UsedRoundTrip.objects.count() == 1


def test_an_existing_account_is_neither_changed_nor_linked(connected, admin_client):
    connected.tenant.app.claims.xms_edov = True
    alice = account("alice.m", "alice@contoso.com", Role.READONLY)
    before = everything()

    page = try_out(admin_client, connected, "alice")

    assert "would be linked and signed in" in page.context["heading"]
    assert everything() == before
    alice.refresh_from_db()
    assert (alice.role, alice.check_password(PASSWORD)) == (Role.READONLY, True)
    assert not LinkedIdentity.objects.exists()


def test_the_photo_is_looked_for_and_not_kept(connected, admin_client):
    page = try_out(admin_client, connected, "alice")

    assert re.search(r"Found: \d+ bytes", page.context["photo"])
    assert not apps.get_model("accounts", "ProfilePhoto").objects.exists()
    assert try_out(admin_client, connected, "nora").context["photo"] == "There is none."


def test_it_counts_for_nothing(connected, admin_client):
    connected.tenant.people["alice"].mail = "boss@example.org"
    try_out(admin_client, connected, "alice")
    try_out(admin_client, connected, "nora")

    attempt = SignInAttempt.objects.order_by("pk")[0]
    assert (attempt.outcome, attempt.reason) == ("tested", "email_of_administrator")
    assert attempt.can_be_linked is False
    activity = recent_activity(attempt.at)
    assert (activity.signed_in, activity.refused, activity.reasons) == (0, 0, ())
    assert cache.get("sso:metric:outcome:tested") == 2
    assert cache.get("sso:metric:reason:email_of_administrator") is None
    assert "Tested" in reads(admin_client.get("/settings/sign-ins?outcome=tested"))
    # No administrator has come through the provider by that.
    refused = press(admin_client, disable_local_auth=True, confirm_disable_local_auth=True)
    assert "No administrator has signed in through SSO yet" in reads(refused)


# What it says


PEOPLE = [
    *("sofia", "adam", "hana", "alice", "ravi", "tess", "nora", "olga"),
    *("bob", "nomail", "alice2", "clash", "mei"),
]


def predicted(page: Any) -> tuple[str, str, str]:
    """Read username, role now, and reason of refusal out of a report."""
    told = page.context
    if told["finding"]:
        return "", "", told["finding"]["happened"]
    return told["username"], told["role"].partition(" (now")[0], ""


def happened() -> tuple[str, str, str]:
    attempt = SignInAttempt.objects.order_by("-pk")[0]
    if attempt.outcome == "refused":
        return "", "", explained(attempt)
    return attempt.username, Role(attempt.role_after).label, ""


def explained(attempt: SignInAttempt) -> str:
    client = browser_of(User.objects.get(username="boss"))
    page = client.get(f"/settings/sign-ins/{attempt.reference}")
    return str(page.context["explanation"]["happened"])


@pytest.mark.parametrize("person", PEOPLE)
def test_a_real_sign_in_then_does_what_it_said(connected, admin_client, sign_in, person):
    account("admin", "admin@contoso.com", Role.ADMIN)
    account("alice", "other@example.org")

    said = predicted(try_out(admin_client, connected, person))
    assert SignInAttempt.objects.get().outcome == "tested"
    sign_in(person)

    assert said == happened()
    again = predicted(try_out(admin_client, connected, person))
    sign_in(person)
    assert again == happened()


@pytest.mark.parametrize(
    ("changes", "edov", "role", "active"),
    [
        ({}, False, Role.READONLY, True),
        ({}, True, Role.READONLY, True),
        ({}, True, Role.ADMIN, True),
        ({}, True, Role.READONLY, False),
        ({"trust_unverified_email": True}, False, Role.READONLY, True),
        ({"sync_roles": False}, True, Role.READONLY, True),
        ({"auto_create_users": False}, True, Role.READONLY, True),
        ({"superadmin_group": ""}, True, Role.HOST_MANAGER, True),
    ],
)
def test_so_it_does_to_an_account_with_the_same_address(
    connected, admin_client, sign_in, changes, edov, role, active
):
    connected.tenant.app.claims.xms_edov = edov
    theirs = account("alice.m", "alice@contoso.com", role)
    if not active:
        deactivate(theirs, actor=None)
    save_settings(changes, actor=None)

    said = predicted(try_out(admin_client, connected, "alice"))
    sign_in("alice")

    assert said == happened()


def test_nobody_is_created_while_that_is_off(connected, admin_client, sign_in):
    save_settings({"auto_create_users": False}, actor=None)

    said = predicted(try_out(admin_client, connected, "nora"))
    sign_in("nora")

    assert said == happened()
    assert "Auto-create users is off" in said[2]


def test_it_works_before_sso_is_enabled(administrator, sim, admin_client, sign_in, client):
    connect(sim, enabled=False)

    page = try_out(admin_client, sim, "alice")

    assert "A new account alice would be created" in reads(page)
    assert "SSO is off" in reads(page)
    assert conf.current().enabled is False
    # And opens nothing to anybody else.
    assert client.get("/api/v1/auth/oidc/login").status_code == 503
    assert "The last test sign-in worked." in reads(admin_client.get(SETTINGS))
    enabled = admin_client.post(ENABLE, {"enabled": "on"}, follow=True)
    assert "The last test sign-in worked." in reads(enabled)
    sign_in("alice")
    assert User.objects.get(username="alice").role == Role.USER


def test_enable_says_what_the_last_test_found(administrator, sim, admin_client):
    connect(sim, enabled=False)
    sim.tenant.people["alice"].mail = "boss@example.org"
    try_out(admin_client, sim, "alice")

    said = reads(admin_client.post(ENABLE, {"enabled": "on"}, follow=True))
    assert "worked, but a real one would be refused: The address is an administrator's" in said

    # Under another secret it says nothing.
    save_settings({"client_secret": defaults.EXPIRED_SECRET_VALUE}, actor=None)
    assert "test sign-in worked" not in reads(admin_client.get(SETTINGS))


# When it fails


def test_a_wrong_secret_is_explained_with_the_reference(administrator, sim, admin_client):
    connect(sim, enabled=False, client_secret=defaults.EXPIRED_SECRET_VALUE)

    page = try_out(admin_client, sim, "alice")

    attempt = SignInAttempt.objects.get()
    assert (attempt.outcome, attempt.reason) == ("tested", "client_refused")
    text = reads(page)
    assert "Nobody came back who could be verified." in text
    assert attempt.reference in text
    assert "AADSTS7000222" in text
    assert attempt.trace_id in text
    assert "Certificates & secrets" in text
    assert defaults.EXPIRED_SECRET_VALUE not in page.text
    assert "claims" not in page.context
    said = reads(admin_client.post(ENABLE, {"enabled": "on"}, follow=True))
    assert "The last test sign-in failed" in said


def test_cancelling_is_a_report_too_and_says_nothing_of_the_settings(connected, admin_client):
    page = come_back(admin_client, connected.new_browser().cancel(begin(admin_client)))

    assert "cancelled" in reads(page)
    assert SignInAttempt.objects.get().reason == "cancelled"
    assert SignInAttempt.objects.get().outcome == "tested"
    assert "last test sign-in" not in reads(admin_client.get(SETTINGS))


@pytest.mark.parametrize("person", ["dora", "mallory"])
def test_whoever_is_stopped_at_the_provider_never_comes_back(connected, admin_client, person):
    before = everything()
    with pytest.raises(StoppedAtProvider):
        connected.new_browser().sign_in(begin(admin_client), person)

    assert "There is no report to show" in reads(admin_client.get(REPORT))
    assert not SignInAttempt.objects.exists()
    assert everything() == before


def test_another_tenants_token_is_refused_as_by_a_real_sign_in(connected, admin_client):
    connected.tenant.app.claims.overrides = {"tid": defaults.OTHER_TENANT_ID}

    page = try_out(admin_client, connected, "alice")

    assert SignInAttempt.objects.get().reason == "tenant"
    assert "another tenant" in reads(page)
    assert not User.objects.filter(username="alice").exists()


def test_settings_that_change_meanwhile_end_it(connected, admin_client):
    callback = connected.new_browser().sign_in(begin(admin_client), "alice")
    save_settings({"scopes": "openid email profile"}, actor=None)
    connected.requests.clear()

    page = come_back(admin_client, callback)

    assert "The settings changed while the person was at the provider." in reads(page)
    assert not connected.requests.count("token")


def test_incomplete_settings_are_named_at_once(administrator, admin_client):
    answer = admin_client.post(START)

    assert (answer.status_code, answer["Location"]) == (303, REPORT)
    text = reads(admin_client.get(REPORT))
    assert "Still empty: Issuer URL, Client ID, Client Secret." in text
    assert "Reference" not in text
    assert not SignInAttempt.objects.exists()


def test_a_provider_that_is_down_is_named_at_once(administrator, sim, admin_client):
    connect(sim, enabled=False)
    sim.fail("discovery", 503)

    assert admin_client.post(START)["Location"] == REPORT
    assert "Failed" in reads(admin_client.get(REPORT))
    assert not SignInAttempt.objects.exists()


# Whose it is


def test_nobody_else_sees_the_report(connected, admin_client):
    try_out(admin_client, connected, "alice")
    token = admin_client.session["trial_report"]
    other = browser_of(account("other", "other@example.org", Role.SUPERADMIN))
    same = browser_of(User.objects.get(username="boss"))

    for browser in (other, same):
        assert "There is no report to show" in reads(browser.get(REPORT))
    # Not with the key either.
    session = other.session
    session["trial_report"] = token
    session.save()
    assert "There is no report to show" in reads(other.get(REPORT))
    assert "alice@contoso.com" in admin_client.get(REPORT).text


def kept_reports() -> dict[str, bytes]:
    held: dict[str, bytes] = caches["default"]._cache  # type: ignore[attr-defined]
    return {key: value for key, value in held.items() if ":sso:trial:" in key}


def test_it_lies_sealed_in_the_cache_for_a_quarter_of_an_hour(connected, admin_client, clock):
    try_out(admin_client, connected, "alice")

    held = caches["default"]._cache  # type: ignore[attr-defined]
    assert len(kept_reports()) == 1
    assert not [key for key, value in held.items() if b"alice@contoso.com" in value]
    clock.shift(14 * 60)
    assert "alice@contoso.com" in admin_client.get(REPORT).text
    clock.shift(2 * 60)
    assert "There is no report to show" in reads(admin_client.get(REPORT))


def test_what_another_version_has_kept_is_no_error(connected, admin_client):
    try_out(admin_client, connected, "alice")
    (key,) = kept_reports()
    name = key.removeprefix(cache.make_key(""))

    for held in (encrypt("{}"), encrypt("[1]"), "not ours", 7):
        cache.set(name, held)
        assert "There is no report to show" in reads(admin_client.get(REPORT))


def test_the_next_report_takes_the_place_of_the_last(connected, admin_client):
    try_out(admin_client, connected, "alice")
    page = try_out(admin_client, connected, "nora")

    assert "alice" not in page.text
    assert len(kept_reports()) == 1


def test_somebody_elses_journey_leaves_no_report_with_me(connected, admin_client):
    callback = connected.new_browser().sign_in(begin(admin_client), "alice")
    other = account("other", "other@example.org", Role.SUPERADMIN)
    admin_client.force_login(other, backend="accounts.backends.PasswordBackend")
    connected.requests.clear()

    page = come_back(admin_client, callback)

    assert "There is no report to show" in reads(page)
    assert "somebody else had begun it" in reads(page)
    assert not connected.requests.count("token")
    attempt = SignInAttempt.objects.get()
    assert (attempt.outcome, attempt.reason, attempt.username) == (
        "tested",
        "connect_other_user",
        "",
    )


def test_another_browser_ends_nothing(connected, admin_client, client):
    callback = connected.new_browser().sign_in(begin(admin_client), "alice")

    answer = client.get(callback.removeprefix(f"http://{HOST}"))

    assert answer["Location"] == "/login"
    assert not SignInAttempt.objects.exists()
    assert "There is no report to show" in reads(admin_client.get(REPORT))


def test_what_came_back_is_in_no_log(connected, admin_client, caplog):
    with caplog.at_level(logging.DEBUG):
        try_out(admin_client, connected, "alice")

    assert "oidc test sign-in" in caplog.text
    assert "oidc groups" in caplog.text
    assert "oidc signed in" not in caplog.text
    assert "Alice Martin" not in caplog.text
