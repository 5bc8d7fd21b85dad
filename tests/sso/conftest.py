from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user
from entra_sim import defaults
from entra_sim.server import EntraSim
from sso.models import OIDCSettings
from sso.services.settings import save_settings
from tests.people import HOST, PASSWORD


@pytest.fixture
def administrator(db) -> User:
    """The local superadmin whom the wizard made; that nobody's first sign-in is the first."""
    return create_user(
        usernames=["boss"],
        email="boss@example.org",
        first_name="Bo",
        last_name="Ss",
        role=Role.SUPERADMIN,
        actor=None,
        password=PASSWORD,
    )


@pytest.fixture
def connected(administrator: User, sim: EntraSim) -> EntraSim:
    """PatchMon connected to the simulated tenant, as the guide leaves it."""
    connect(sim)
    return sim


def connect(sim: EntraSim, **values) -> None:
    groups = {f"{role}_group": group for role, group in defaults.ROLE_GROUPS.items()}
    save_settings(
        {
            "issuer": sim.issuer,
            "client_id": defaults.CLIENT_ID,
            "client_secret": defaults.SECRET_VALUE,
            "scopes": "openid email profile User.Read",
            "button_text": "Sign in with Microsoft",
            "sync_roles": True,
            "enabled": True,
            **groups,
            **values,
        },
        actor=None,
    )


@pytest.fixture
def admin_client(administrator: User) -> Client:
    client = Client(headers={"host": HOST})
    client.force_login(administrator, backend="accounts.backends.PasswordBackend")
    return client


class Browser(Client):
    """A browser that keeps the last answer."""

    last: Any


SignIn = Callable[..., Browser]


@pytest.fixture
def sign_in(sim: EntraSim) -> SignIn:
    """Press the button, pick a person, come back; returns the browser that did."""

    def run(person: str, *, target: str = "") -> Browser:
        browser = Browser(headers={"host": HOST})
        start = browser.get(reverse("sso:login"), {"next": target} if target else {})
        assert start.status_code == 302, start.content
        callback = sim.new_browser().sign_in(start["Location"], person)
        browser.last = browser.get(callback.removeprefix(f"http://{HOST}"))
        return browser

    return run


@pytest.fixture
def settings_row(db) -> OIDCSettings:
    return OIDCSettings.load()
