"""Cookies are Secure unless the Server URL in force is http (product.md, Environment)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user, set_server_url
from entra_sim.server import EntraSim
from tests.people import HOST, PASSWORD
from tests.sso.conftest import connect

pytestmark = pytest.mark.django_db

PROFILE = "/api/v1/auth/profile"
SSO = "/api/v1/auth/oidc/login"
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


class Window(Client):
    """A browser at one scheme: over http it neither keeps nor sends what is Secure."""

    def __init__(self, scheme: str, host: str = HOST) -> None:
        super().__init__(
            headers={"host": host, "origin": f"{scheme}://{host}"}, enforce_csrf_checks=True
        )
        self.scheme = scheme

    def request(self, **request: Any) -> Any:
        answer = super().request(**{**request, "wsgi.url_scheme": self.scheme})
        for name, cookie in list(self.cookies.items()):
            bound = name.startswith("__Host-")
            if (cookie["secure"] and self.scheme == "http") or (bound and not cookie["secure"]):
                del self.cookies[name]
        return answer

    def sign_in(self, next_page: str = "") -> Any:
        token = CSRF.search(self.get("/login").text)
        assert token is not None
        typed = {"username": "boss", "password": PASSWORD, "next": next_page}
        return self.post("/login", {**typed, "csrfmiddlewaretoken": token[1]})

    def signed_in(self) -> bool:
        return self.get(PROFILE).status_code == 200


@pytest.fixture
def production(settings) -> None:
    """What patchmon.settings makes of an https SERVER_URL in the environment."""
    settings.SERVER_URL = f"https://{HOST}"
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SESSION_COOKIE_NAME = "__Host-patchmon"
    settings.CSRF_COOKIE_NAME = "__Host-patchmon-csrf"


@pytest.fixture
def administrator(db) -> User:
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
    connect(sim)
    return sim


@pytest.fixture
def serve_at(django_capture_on_commit_callbacks) -> Callable[[str], None]:
    """Save a Server URL, as Settings → General does."""

    def save(address: str) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            set_server_url(address, actor=None)

    return save


def flags(window: Client) -> dict[str, bool]:
    return {name: bool(cookie["secure"]) for name, cookie in window.cookies.items()}


def told_something(window: Window) -> None:
    """Press a button whose answer leaves a message for the next page, in a cookie as well."""
    token = CSRF.search(window.get("/profile").text)
    assert token is not None
    window.post("/settings/oidc/import-env", {"csrfmiddlewaretoken": token[1]})


@pytest.mark.django_db(transaction=True)
def test_cookies_are_secure_once_the_server_url_is_https(settings):
    client = Client(headers={"host": "localhost:3000"})
    assert not client.get("/login").cookies["patchmon-csrf"]["secure"]

    set_server_url("https://patchmon.example.com", actor=None)

    secure = Client(headers={"host": "patchmon.example.com"})
    cookies = secure.get("/login").cookies
    assert cookies["patchmon-csrf"]["secure"] is True


def test_an_http_server_url_lets_people_in_though_the_environment_says_https(
    production, connected, serve_at
):
    serve_at(f"http://{HOST}")
    window = Window("http")

    window.get(SSO)
    assert window.sign_in().status_code in {302, 303}

    assert window.signed_in()
    told_something(window)
    assert flags(window) == {
        "messages": False,
        "patchmon": False,
        "patchmon-csrf": False,
        "patchmon-browser": False,
    }


def test_single_sign_on_comes_back_over_http_too(production, connected, serve_at):
    serve_at(f"http://{HOST}")
    window = Window("http")

    start = window.get(SSO)
    callback = connected.new_browser().sign_in(start["Location"], "alice")
    window.get(callback.removeprefix(f"http://{HOST}"))

    assert window.signed_in()


def test_signing_out_over_http_takes_the_cookie_back(production, administrator, serve_at):
    serve_at(f"http://{HOST}")
    window = Window("http")
    window.sign_in()
    token = CSRF.search(window.get("/profile").text)
    assert token is not None

    window.post("/logout", {"csrfmiddlewaretoken": token[1]})

    assert not window.signed_in()
    assert window.cookies["patchmon"].value == ""


def test_behind_https_every_cookie_is_secure_and_bound_to_the_host(production, connected):
    window = Window("https")

    window.get(SSO)
    window.sign_in()

    assert window.signed_in()
    told_something(window)
    assert flags(window) == {
        "messages": True,
        "__Host-patchmon": True,
        "__Host-patchmon-csrf": True,
        "__Host-patchmon-browser": True,
    }


def test_behind_https_a_cookie_that_anybody_could_plant_is_none(production, administrator):
    window = Window("https")
    window.sign_in()
    session = window.cookies["__Host-patchmon"].value
    victim = Window("https")
    victim.cookies["patchmon"] = session

    assert not victim.signed_in()


def test_cookies_follow_when_the_server_url_changes_back(production, administrator, serve_at):
    serve_at(f"http://{HOST}")
    Window("http").sign_in()
    serve_at(f"https://{HOST}")
    window = Window("https")

    window.sign_in()

    assert window.signed_in()
    assert set(flags(window).values()) == {True}
