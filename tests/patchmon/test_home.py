"""Home: who you are and what you may; for administrators the state of SSO (product.md, Pages)."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user
from entra_sim import defaults
from entra_sim.server import EntraSim
from sso.environment import read_environment
from sso.services.settings import save_settings
from tests.people import HOST, PASSWORD
from tests.sso.pages import reads

pytestmark = pytest.mark.django_db


def make(role: Role, username: str = "") -> User:
    return create_user(
        usernames=[username or role.value],
        email=f"{role.value}@example.org",
        first_name="Pat",
        last_name="Monroe",
        role=role,
        actor=None,
        password=PASSWORD,
    )


def browser_of(user: User) -> Client:
    browser = Client(headers={"host": HOST})
    browser.force_login(user, backend="accounts.backends.PasswordBackend")
    return browser


@pytest.fixture
def connected(sim: EntraSim) -> EntraSim:
    save_settings(
        {
            "issuer": sim.issuer,
            "client_id": defaults.CLIENT_ID,
            "client_secret": defaults.SECRET_VALUE,
            "scopes": "openid email profile User.Read",
            "enabled": True,
        },
        actor=None,
    )
    return sim


def test_with_no_account_home_leads_to_the_wizard(db, client):
    assert client.get("/")["Location"] == "/setup"
    assert client.get("/login").status_code == 200


def test_a_visitor_is_led_to_the_sign_in_page(db, client):
    make(Role.SUPERADMIN)

    assert client.get("/")["Location"] == "/login?next=/"


def test_it_says_who_one_is_and_what_ones_role_allows(db):
    make(Role.SUPERADMIN)

    page = browser_of(make(Role.READONLY)).get("/")

    text = reads(page)
    assert "Pat Monroe" in text
    assert "readonly@example.org" in text
    assert "Your role is Readonly" in text
    assert "View dashboard" in text
    assert "Manage settings" not in text
    assert "no-store" in page["Cache-Control"]


@pytest.mark.parametrize("role", [Role.READONLY, Role.USER, Role.HOST_MANAGER])
def test_the_state_of_sso_is_for_administrators(connected, role):
    make(Role.SUPERADMIN)
    text = reads(browser_of(make(role)).get("/"))

    assert "Single sign-on" not in text
    assert "Recent sign-ins" not in text
    assert "Needs attention" not in text


@pytest.mark.parametrize("role", [Role.SUPERADMIN, Role.ADMIN])
def test_administrators_see_that_it_is_off(db, role):
    text = reads(browser_of(make(role)).get("/"))

    assert "Single sign-on Off" in text
    assert "Recent sign-ins" in text
    assert "Single sign-on is not ready" not in text


@pytest.mark.parametrize("role", [Role.SUPERADMIN, Role.ADMIN])
def test_a_new_installation_leads_to_the_setup_guide(db, role):
    browser = browser_of(make(role))

    page = browser.get("/")

    assert "PatchMon is not connected to a provider yet." in reads(page)
    assert 'href="/settings/oidc#guide">Connect single sign-on</a>' in page.text
    assert 'id="guide"' in browser.get("/settings/oidc").text

    save_settings({"client_id": "patchmon"}, actor=None)
    assert "Connect single sign-on" not in browser.get("/").text


def test_administrators_see_that_it_is_ready(connected):
    assert "Single sign-on Ready" in reads(browser_of(make(Role.ADMIN)).get("/"))


def test_what_needs_attention_is_said_with_where_to_mend_it(connected):
    browser = browser_of(make(Role.ADMIN))
    save_settings({"sync_roles": True}, actor=None)
    connected.fail("discovery", 503)

    page = browser.get("/")

    text = reads(page)
    assert "Needs attention" in text
    assert "Single sign-on is not ready" in text
    assert "superadmin row is empty" in text
    assert 'href="/settings/oidc"' in page.text
    assert page.status_code == 200


def test_configured_by_the_environment_needs_attention(db, settings):
    settings.SSO_ENVIRONMENT = read_environment({"OIDC_BUTTON_TEXT": "x"}.get)

    assert "OIDC is configured via .env" in reads(browser_of(make(Role.ADMIN)).get("/"))


def test_names_are_text(db):
    user = make(Role.USER)
    User.objects.filter(pk=user.pk).update(first_name="<script>alert(1)</script>")

    assert "<script>alert(1)" not in browser_of(user).get("/").text
