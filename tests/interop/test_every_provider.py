"""PatchMon with providers that others wrote, set up and used through its own pages."""

from __future__ import annotations

import logging

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Session, User
from accounts.roles import Role
from sso.models import LinkedIdentity, SignInAttempt
from tests.interop.patchmon import Window, connect, only_attempt
from tests.interop.provider import ALICE, BORIS, CARLA
from tests.sso.pages import reads

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.interop,
    pytest.mark.xdist_group("interop"),
]


def test_a_first_sign_in_creates_the_account_with_the_role_of_its_group(
    provider, settings_page, window
):
    connect(settings_page, provider)

    answer = window.sign_in(provider, ALICE, target="/profile")

    assert (answer.status_code, answer["Location"]) == (302, "/profile"), only_attempt().detail
    told = window.profile
    assert (told["username"], told["role"]) == ("alice", Role.HOST_MANAGER)
    assert (told["first_name"], told["last_name"]) == ("Alice", "Adams")
    assert told["email"] == ALICE.email
    user = User.objects.get(username="alice")
    assert not user.has_usable_password()
    assert not user.is_superuser
    attempt = only_attempt()
    assert (attempt.outcome, attempt.created_account) == ("signed_in", True)
    assert attempt.role_rule == "group"
    assert set(attempt.groups) == set(ALICE.groups)
    assert attempt.issuer == provider.issuer


def test_somebody_in_no_group_gets_the_default_role(provider, settings_page, window):
    connect(settings_page, provider)

    window.sign_in(provider, BORIS)

    assert (window.profile["username"], window.profile["role"]) == ("boris", Role.READONLY)
    attempt = only_attempt()
    assert (attempt.role_rule, attempt.groups) == ("default", [])


def test_the_second_sign_in_is_the_same_account(provider, settings_page, window, other_window):
    connect(settings_page, provider)
    window.sign_in(provider, ALICE)
    first = window.profile

    other_window.sign_in(provider, ALICE)

    assert other_window.profile["id"] == first["id"]
    # Nothing changed, so the first browser is still signed in.
    assert window.profile["id"] == first["id"]
    assert User.objects.count() == 2
    assert LinkedIdentity.objects.count() == 1
    newest = SignInAttempt.objects.first()
    assert newest is not None
    assert (newest.outcome, newest.created_account) == ("signed_in", False)


def test_the_role_follows_the_groups_at_the_next_sign_in(
    provider, settings_page, window, other_window
):
    connect(settings_page, provider)
    window.sign_in(provider, CARLA)
    assert window.profile["role"] == Role.READONLY

    provider.add_to_operators(CARLA)
    other_window.sign_in(provider, CARLA)

    assert other_window.profile["role"] == Role.HOST_MANAGER
    # A role that changes ends every other session of the account.
    assert window.profile == {}
    assert LinkedIdentity.objects.count() == 1


def test_new_keys_at_the_provider_are_found_at_the_next_sign_in(
    provider, settings_page, window, other_window
):
    connect(settings_page, provider)
    window.sign_in(provider, ALICE)
    before = provider.published_keys()

    provider.rotate_keys()
    other_window.sign_in(provider, ALICE)

    assert not before & provider.published_keys()
    assert other_window.profile["username"] == "alice"
    assert not SignInAttempt.objects.filter(outcome="refused").exists()


def test_signing_out_ends_the_session_of_this_browser_alone(
    provider, settings_page, window, other_window
):
    connect(settings_page, provider)
    window.sign_in(provider, ALICE)
    other_window.sign_in(provider, ALICE)
    stolen = window.client.cookies[settings.SESSION_COOKIE_NAME].value

    answer = window.sign_out()

    # Either the sign-in page, or a page of ours that goes on to the provider's.
    assert answer.status_code in {200, 303}
    assert window.profile == {}
    thief = Window(client=Client(headers=window.client.headers))
    thief.client.cookies[settings.SESSION_COOKIE_NAME] = stolen
    assert thief.profile == {}
    assert not Session.objects.filter(session_key=stolen).exists()
    assert other_window.profile["username"] == "alice"


def test_somebody_signed_out_can_sign_in_again(provider, settings_page, window):
    connect(settings_page, provider)
    window.sign_in(provider, ALICE)
    window.sign_out()

    answer = window.sign_in(provider, ALICE)

    newest = SignInAttempt.objects.first()
    assert newest is not None
    assert answer["Location"] == "/", newest.detail
    assert window.profile["username"] == "alice"
    assert LinkedIdentity.objects.count() == 1


def test_a_wrong_secret_is_told_apart_and_ends_readiness(provider, settings_page, window):
    connect(settings_page, provider, client_secret="not the one that was registered")

    answer = window.sign_in(provider, ALICE)

    assert answer["Location"] == "/login"
    assert window.profile == {}
    assert User.objects.count() == 1
    assert not LinkedIdentity.objects.exists()
    assert (only_attempt().outcome, only_attempt().reason) == ("refused", "client_refused")
    assert "unavailable at the moment" in reads(window.client.get("/login"))


def test_a_callback_opened_twice_signs_nobody_else_in(
    provider, settings_page, window, other_window
):
    connect(settings_page, provider)
    callback = provider.sign_in(window.provider, window.press_button(), ALICE)
    window.come_back(callback)

    answer = other_window.come_back(callback)

    assert answer["Location"] == "/login"
    assert other_window.profile == {}
    assert window.profile["username"] == "alice"
    assert SignInAttempt.objects.count() == 1


def test_neither_token_nor_code_nor_secret_is_logged(provider, settings_page, window, caplog):
    caplog.set_level(logging.DEBUG)
    connect(settings_page, provider)
    callback = provider.sign_in(window.provider, window.press_button(), ALICE)
    code = callback.partition("code=")[2].partition("&")[0]

    window.come_back(callback)

    assert window.profile["username"] == "alice"
    logged = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "oidc groups" in logged
    assert provider.client_secret not in logged
    assert code
    assert code not in logged
    # Every JWT begins with this: {" in base64url.
    assert "eyJ" not in logged
