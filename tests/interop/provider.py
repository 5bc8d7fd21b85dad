"""What the tests ask of every provider, whoever wrote it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import requests

from tests.interop.browser import Browser, Lost, Page
from tests.people import HOST

PATCHMON = f"http://{HOST}"
CALLBACK = f"{PATCHMON}/api/v1/auth/oidc/callback"
# Characters that RFC 6749 §2.3.1 has form-encoded before they go into a Basic header.
SECRET = "s3cret:with+every%2Fother &sign=~"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as every provider is told about them."""

    username: str
    first_name: str
    last_name: str
    groups: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def email(self) -> str:
        return f"{self.username}@example.org"

    @property
    def password(self) -> str:
        return f"{self.username}'s own Pass-phrase 7"


OPERATORS = "patchmon-operators"
ALICE = Person("alice", "Alice", "Adams", ("everybody", OPERATORS))
BORIS = Person("boris", "Boris", "Brandt", ())
# The one whose groups change: she joins the operators in a single test.
CARLA = Person("carla", "Carla", "Conti", ("everybody",))
PEOPLE = (ALICE, BORIS, CARLA)


class Provider(ABC):
    """A running server; made in a folder of its own."""

    name: ClassVar[str]
    client_id: str = "patchmon"
    client_secret: str = SECRET
    scopes: str = "openid email profile groups"

    @property
    @abstractmethod
    def issuer(self) -> str: ...

    @abstractmethod
    def start(self, folder: Path) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...

    @abstractmethod
    def rotate_keys(self) -> None:
        """Sign with new keys from now on, and publish the old ones no more."""

    @abstractmethod
    def add_to_operators(self, person: Person) -> None: ...

    @abstractmethod
    def pass_pages(self, browser: Browser, page: Page, person: Person) -> Page:
        """Sign in and agree on the provider's own pages; the page after the last one."""

    def sign_in(self, browser: Browser, url: str, person: Person) -> str:
        """Return the address of PatchMon's callback to which the provider sends the person."""
        page = self.pass_pages(browser, browser.open(url), person)
        if not page.arrived:
            where = page.url.partition("?")[0]
            raise Lost(f"{self.name} did not come back from {where}:\n{page.text[:3000]}")
        return page.url

    def discovery(self) -> dict[str, object]:
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        told: dict[str, object] = requests.get(url, timeout=10).json()
        return told

    def published_keys(self) -> set[str]:
        """Return the identifiers of the keys that are published."""
        keys = requests.get(str(self.discovery()["jwks_uri"]), timeout=10).json()["keys"]
        return {key["kid"] for key in keys}
