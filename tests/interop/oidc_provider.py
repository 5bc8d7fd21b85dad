"""oidc-provider, from npm: JavaScript, certified by the OpenID Foundation."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urljoin

from tests.interop.browser import Browser, Page
from tests.interop.keys import SIGNING
from tests.interop.processes import ROOM, Process, command, free_port, installed
from tests.interop.provider import CALLBACK, OPERATORS, PEOPLE, SECRET, Person, Provider


class OidcProvider(Provider):
    """One client for each algorithm; `auth_method` is the only one that it takes.

    With `claims_in_token` the claims are in the ID token, otherwise userinfo alone has them, as
    OpenID Connect Core 5.4 has it for the code flow.
    """

    name: ClassVar[str] = "oidc-provider"

    def __init__(
        self, *, auth_method: str = "client_secret_basic", claims_in_token: bool = False
    ) -> None:
        self._auth_method = auth_method
        self._claims_in_token = claims_in_token
        self._port = free_port()
        self._folder = Path()
        self._process: Process | None = None
        self._operators: set[Person] = set()

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self._port}"

    @staticmethod
    def client_for(alg: str) -> str:
        return f"patchmon:{alg}"

    client_id = "patchmon:RS256"

    def start(self, folder: Path) -> None:
        installed(self.name, ROOM / "node_modules" / "oidc-provider")
        self._folder = folder
        script = str(ROOM / "oidc_provider.mjs")
        self._process = Process(
            [command(self.name, "node"), "--no-warnings", script, str(folder / "provider.json")],
            folder=folder,
            answers_at=f"{self.issuer}/.well-known/openid-configuration",
        )
        self._write()
        self._process.start()

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def rotate_keys(self) -> None:
        self._start_anew()

    def add_to_operators(self, person: Person) -> None:
        self._operators.add(person)
        self._start_anew()

    def _start_anew(self) -> None:
        self.stop()
        self._write()
        if self._process is not None:
            self._process.start()

    def _write(self) -> None:
        told = {
            "issuer": self.issuer,
            "port": self._port,
            "people": {person.username: self._claims(person) for person in PEOPLE},
            "configuration": self._configuration(),
        }
        (self._folder / "provider.json").write_text(json.dumps(told))

    def _claims(self, person: Person) -> dict[str, Any]:
        return {
            "email": person.email,
            "email_verified": True,
            "name": person.name,
            "given_name": person.first_name,
            "family_name": person.last_name,
            "groups": [*person.groups, *([OPERATORS] if person in self._operators else ())],
        }

    def _configuration(self) -> dict[str, Any]:
        return {
            "clients": [
                {
                    "client_id": self.client_for(alg),
                    "client_secret": SECRET,
                    "redirect_uris": [CALLBACK],
                    "token_endpoint_auth_method": self._auth_method,
                    "id_token_signed_response_alg": alg,
                }
                for alg in SIGNING
            ],
            "clientAuthMethods": [self._auth_method],
            "enabledJWA": {"idTokenSigningAlgValues": list(SIGNING)},
            "jwks": {"keys": [make() for make in SIGNING.values()]},
            "conformIdTokenClaims": not self._claims_in_token,
            "claims": {
                "openid": ["sub"],
                "email": ["email", "email_verified"],
                "profile": ["name", "given_name", "family_name"],
                "groups": ["groups"],
            },
            "cookies": {"keys": [secrets.token_hex(16)]},
        }

    def pass_pages(self, browser: Browser, page: Page, person: Person) -> Page:
        while not page.arrived and (form := page.form_with("prompt")) is not None:
            typed = {}
            if form.fields["prompt"] == "login":
                typed = {"login": person.username, "password": person.password}
            page = browser.send(page, form, **typed)
        return page

    def cancel(self, browser: Browser, url: str) -> str:
        """Go to the provider, press Cancel, and return where that leads."""
        page = browser.open(url)
        link = page.text.partition("/abort")[0].rpartition('href="')[2]
        return browser.open(urljoin(page.url, f"{link}/abort")).url
