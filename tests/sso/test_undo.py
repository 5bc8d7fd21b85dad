"""The last change of the settings is taken back from Settings → Changes (issue 5)."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user
from accounts.sessions import SIGNED_IN_AT
from entra_sim import defaults
from sso import conf
from sso.environment import read_environment
from sso.models import LinkedIdentity, OIDCSettings, RoleMapping
from sso.services.settings import current_values, save_settings
from tests.people import HOST, PASSWORD
from tests.sso.pages import press, reads

pytestmark = pytest.mark.django_db

CHANGES = "/settings/changes"
UNDO = "/settings/changes/undo"
STAFF = "0b1e2c3d-1111-4222-8333-444455556666"
SECRET = "Pasted~Value.0123456789-abcdefghijklmnop"


def offered(page) -> str:
    """Return the change that the page offers to undo, '' when none."""
    found = re.search(r'name="save" value="(\w+)"', page.text)
    return found[1] if found else ""


def undo(browser, page=None, **values):
    page = browser.get(CHANGES) if page is None else page
    return browser.post(UNDO, {"save": offered(page), **values}, follow=True)


def browser_of(user: User) -> Client:
    browser = Client(headers={"host": HOST})
    browser.force_login(user, backend="accounts.backends.PasswordBackend")
    return browser


@pytest.fixture
def adele(administrator) -> User:
    return create_user(
        usernames=["adele"],
        email="",
        first_name="",
        last_name="",
        role=Role.ADMIN,
        actor=None,
        password=PASSWORD,
    )


def test_one_press_restores_settings_and_mapping_of_the_last_save(
    connected, administrator, admin_client
):
    before = current_values()
    press(
        admin_client,
        button_text="Company login",
        auto_create_users=False,
        host_manager_group=f"{STAFF}\n{defaults.ROLE_GROUPS['host_manager']}",
    )
    changed = admin_client.get(CHANGES)
    assert "boss" in reads(changed)
    assert "Auto-create users, Button Text, host manager" in reads(changed)

    answer = undo(admin_client, changed)

    assert current_values() == before
    assert "Undone: Auto-create users, Button Text, host manager." in reads(answer)
    newest = LogEntry.objects.filter(object_repr="OIDC / SSO settings").latest("pk")
    assert newest.actor == administrator
    assert newest.changes["button_text"] == ["Company login", "Sign in with Microsoft"]
    assert "Undo: the change of " in reads(answer)
    assert "by boss" in newest.changes["undo"][1]


def test_only_the_last_save_is_undone(connected, admin_client):
    press(admin_client, button_text="First")
    press(admin_client, scopes="openid email User.Read")

    undo(admin_client)

    assert conf.current().button_text == "First"
    assert conf.current().scopes == "openid email profile User.Read"


def test_an_undo_can_be_taken_back(connected, admin_client):
    press(admin_client, button_text="First")
    page = undo(admin_client)
    assert "Take the undo back" in reads(page)

    undo(admin_client, page)

    assert conf.current().button_text == "First"


def test_pressed_twice_it_undoes_once(connected, admin_client):
    press(admin_client, button_text="First")
    press(admin_client, button_text="Second")
    page = admin_client.get(CHANGES)

    undo(admin_client, page)
    again = undo(admin_client, page)

    assert conf.current().button_text == "First"
    assert "Nothing was undone" in reads(again)


def test_what_was_changed_since_is_not_overwritten(connected, admin_client):
    press(admin_client, button_text="First", scopes="openid email User.Read")
    page = admin_client.get(CHANGES)
    # Not by a save: as a restored backup would.
    OIDCSettings.objects.update(button_text="Theirs")

    answer = undo(admin_client, page)

    assert "Nothing was undone" in reads(answer)
    assert conf.current().button_text == "Theirs"
    assert conf.current().scopes == "openid email User.Read"


def test_a_secret_cannot_be_undone_and_it_says_so(connected, admin_client):
    press(admin_client, button_text="First", client_secret=SECRET)

    answer = undo(admin_client)

    assert conf.current().client_secret == SECRET
    assert conf.current().button_text == "Sign in with Microsoft"
    assert "client secret stays as it is" in reads(answer)

    press(admin_client, client_secret=defaults.SECRET_VALUE)
    page = admin_client.get(CHANGES)

    assert "cannot be undone" in reads(page)
    assert offered(page) == ""
    save_id = LogEntry.objects.latest("pk").additional_data["save"]
    refused = admin_client.post(UNDO, {"save": save_id}, follow=True)
    assert "cannot be undone" in reads(refused)
    assert conf.current().client_secret == defaults.SECRET_VALUE
    assert SECRET not in refused.text


def test_an_issuer_on_another_host_asks_for_the_secret_again(connected, admin_client):
    former = conf.current().issuer
    save_settings(
        {"enabled": False, "issuer": "https://login.example.org/", "client_secret": SECRET},
        actor=None,
    )

    answer = undo(admin_client)

    assert "Paste the client secret again" in reads(answer)
    assert conf.current().issuer == "https://login.example.org/"
    assert conf.current().issuer != former
    assert conf.current().client_secret == SECRET


def test_an_administrator_undoes_nothing_that_they_could_not_change(connected, adele):
    save_settings({"admin_group": STAFF}, actor=None)

    answer = undo(browser_of(adele))

    assert "Only a Super Admin" in reads(answer)
    assert RoleMapping.load().admin_group == STAFF


def test_what_asks_for_a_fresh_sign_in_asks_for_it_here_too(connected, admin_client):
    save_settings({"user_group": STAFF}, actor=None)
    page = admin_client.get(CHANGES)
    session = admin_client.session
    session[SIGNED_IN_AT] = int(time.time()) - 16 * 60
    session.save()

    asked = undo(admin_client, page)

    assert "Your PatchMon password" in reads(asked)
    assert "One thing needs your attention" not in reads(asked)
    assert RoleMapping.load().user_group == STAFF
    wrong = undo(admin_client, page, current_password="wrong")
    assert "This is not your PatchMon password" in reads(wrong)
    assert RoleMapping.load().user_group == STAFF

    undo(admin_client, page, current_password=PASSWORD)

    assert RoleMapping.load().user_group == defaults.ROLE_GROUPS["user"]


def test_roles_that_would_change_are_shown_first(connected, admin_client):
    ann = create_user(
        usernames=["ann"],
        email="",
        first_name="",
        last_name="",
        role=Role.HOST_MANAGER,
        actor=None,
    )
    LinkedIdentity.objects.create(
        user=ann,
        issuer=conf.current().issuer,
        subject="ann",
        groups=[STAFF],
        last_sign_in=timezone.now() - timedelta(days=1),
    )
    save_settings({"host_manager_group": STAFF}, actor=None)
    page = admin_client.get(CHANGES)

    shown = undo(admin_client, page)

    assert "1 of 1 person would change role" in reads(shown)
    assert "ann Host Manager User" in reads(shown)
    assert RoleMapping.load().host_manager_group == STAFF

    undo(admin_client, page, preview=shown.context["preview"]["digest"])

    assert RoleMapping.load().host_manager_group == defaults.ROLE_GROUPS["host_manager"]
    ann.refresh_from_db()
    assert ann.role == Role.HOST_MANAGER


def test_local_sign_in_is_not_switched_off_by_an_undo_that_nobody_could_confirm(
    connected, administrator
):
    User.objects.update(password="!")
    administrator.refresh_from_db()
    LinkedIdentity.objects.create(
        user=administrator,
        issuer=conf.current().issuer,
        subject="boss",
        last_sign_in=timezone.now(),
    )
    save_settings(
        {"disable_local_auth": True}, actor=None, confirmed=frozenset({"disable_local_auth"})
    )
    save_settings({"disable_local_auth": False}, actor=None)

    answer = undo(browser_of(administrator))

    assert "where you can confirm that" in reads(answer)
    assert conf.current().disable_local_auth is False


def test_while_the_environment_rules_nothing_is_undone(connected, admin_client, settings):
    press(admin_client, button_text="First")
    page = admin_client.get(CHANGES)
    settings.SSO_ENVIRONMENT = read_environment({"OIDC_BUTTON_TEXT": "x"}.get)

    answer = undo(admin_client, page)

    assert "configured via .env" in reads(answer)
    assert offered(answer) == ""
    assert OIDCSettings.load().button_text == "First"


def test_that_local_sign_in_was_forced_open_hides_no_change(connected, admin_client):
    press(admin_client, button_text="First")
    OIDCSettings.load()
    LogEntry.objects.log_create(
        OIDCSettings.load(), action=1, changes={"local sign-in": ["", "allowed"]}
    )

    undo(admin_client)

    assert conf.current().button_text == "Sign in with Microsoft"


def test_with_no_change_there_is_nothing_to_undo(admin_client):
    page = admin_client.get(CHANGES)

    assert offered(page) == ""
    assert "Last change of OIDC" not in reads(page)
    assert "Nothing was undone" in reads(admin_client.post(UNDO, {}, follow=True))
    assert admin_client.get(UNDO)["Location"] == CHANGES
