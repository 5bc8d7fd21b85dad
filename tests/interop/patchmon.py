"""PatchMon as an administrator sets it up and people use it, through its pages alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from accounts.roles import Role
from sso.models import SignInAttempt
from tests.interop.browser import Browser
from tests.interop.provider import OPERATORS, PATCHMON, Person, Provider
from tests.people import HOST, PASSWORD
from tests.sso.pages import SETTINGS, errors_of, press

SIGN_IN = "/api/v1/auth/oidc/login"
WHO = "/api/v1/auth/profile"
# Several values and another case on purpose: sign-in.md, Role.
ROWS = {"host_manager_group": f"somebody-else, {OPERATORS.upper()}", "user_group": "unused"}


@dataclass(slots=True)
class Window:
    """One person's browser: its window on PatchMon and its window on the provider."""

    client: Client = field(default_factory=lambda: Client(headers={"host": HOST}))
    provider: Browser = field(default_factory=lambda: Browser(f"{PATCHMON}/"))

    def sign_in(self, provider: Provider, person: Person, *, target: str = "") -> Any:
        """Press the button, pass the provider's pages, and return PatchMon's last answer."""
        return self.come_back(provider.sign_in(self.provider, self.press_button(target), person))

    def press_button(self, target: str = "") -> str:
        """Return the provider's address that the button leads to."""
        answer = self.client.get(SIGN_IN, {"next": target} if target else {})
        assert answer.status_code == 302, answer.text
        return answer["Location"]

    def come_back(self, callback: str) -> Any:
        return self.client.get(callback.removeprefix(PATCHMON))

    @property
    def profile(self) -> dict[str, Any]:
        """Return who PatchMon takes this browser for; {} for a visitor."""
        answer = self.client.get(WHO)
        return answer.json() if answer.status_code == 200 else {}

    def sign_out(self) -> Any:
        return self.client.post("/logout")


def administrator_signs_in(username: str) -> Client:
    browser = Client(headers={"host": HOST})
    answer = browser.post("/login", {"username": username, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return browser


def connect(administrator: Client, provider: Provider, **typed: Any) -> Any:
    """Type the provider into the settings page, apply, and enable; the page afterwards."""
    values = {
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "client_secret": provider.client_secret,
        "scopes": provider.scopes,
        "sync_roles": True,
        "default_role": Role.READONLY.value,
        **ROWS,
        **typed,
    }
    applied = press(administrator, **values)
    assert applied.status_code in {302, 303}, errors_of(applied)
    enabled = administrator.post(f"{SETTINGS}/enable", {"enabled": "on"})
    assert enabled.status_code in {302, 303}
    return administrator.get(SETTINGS)


def only_attempt() -> SignInAttempt:
    return SignInAttempt.objects.get()
