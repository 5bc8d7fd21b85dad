"""Test sign-ins as a browser makes them."""

from __future__ import annotations

from typing import Any

from django.test import Client

from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user
from tests.people import HOST, PASSWORD
from tests.sso.pages import SETTINGS

START = f"{SETTINGS}/test-sign-in"
REPORT = f"{START}/report"
ROW = f"{START}/row"


def begin(browser: Client) -> str:
    page = browser.post(START)
    assert page.status_code == 200, page.content
    return str(page.context["url"])


def come_back(browser: Client, callback: str) -> Any:
    back = browser.get(callback.removeprefix(f"http://{HOST}"))
    assert back["Location"] == REPORT
    assert back["Referrer-Policy"] == "no-referrer"
    return browser.get(REPORT)


def try_out(browser: Client, sim, person: str) -> Any:
    return come_back(browser, sim.new_browser().sign_in(begin(browser), person))


def account(username: str, email: str, role: Role = Role.USER) -> User:
    return create_user(
        usernames=[username],
        email=email,
        first_name="",
        last_name="",
        role=role,
        actor=None,
        password=PASSWORD,
    )


def browser_of(user: User) -> Client:
    browser = Client(headers={"host": HOST})
    browser.force_login(user, backend="accounts.backends.PasswordBackend")
    return browser
