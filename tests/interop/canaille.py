"""Canaille, from PyPI: Python, on Flask and Authlib."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, ClassVar

from tests.interop.browser import Browser, Page
from tests.interop.keys import Jwk, rsa_key
from tests.interop.processes import SERVERS, DidNotStart, Process, environment, free_port, installed
from tests.interop.provider import CALLBACK, OPERATORS, PEOPLE, Person, Provider

PROGRAM = SERVERS / "venv" / "bin" / "canaille"
# Made by install.sh: its migrations take longer than everything else that a start does.
EMPTY_DATABASE = SERVERS / "canaille.sqlite"
COMMANDS_TAKE = 60
# Its access tokens hold nothing but person, client and second: two of one second are the same
# token, which its database refuses with a 500.
BETWEEN_SIGN_INS = 1.3


class Canaille(Provider):
    """It asks for name and password on two pages, and then whether PatchMon may know."""

    name: ClassVar[str] = "Canaille"

    def __init__(self) -> None:
        self._port = free_port()
        self._folder = Path()
        self._secret_key = secrets.token_urlsafe(32)
        self._process: Process | None = None
        self._signed_in: dict[Person, float] = {}

    @property
    def _host(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def issuer(self) -> str:
        return f"http://{self._host}"

    @property
    def _variables(self) -> dict[str, str]:
        return {"HOME": str(self._folder), "CANAILLE_CONFIG": str(self._folder / "canaille.toml")}

    def start(self, folder: Path) -> None:
        installed(self.name, PROGRAM, EMPTY_DATABASE)
        self._folder = folder
        self._write()
        shutil.copy(EMPTY_DATABASE, folder / "canaille.sqlite")
        self._run("restore", told=json.dumps(self._database()))
        self._process = Process(
            [
                *(str(PROGRAM), "run", "--bind", self._host),
                # In this one process, which does not wait for connections that are kept alive.
                *("--workers", "0", "--graceful-timeout", "0.2"),
            ],
            folder=folder,
            variables=self._variables,
            answers_at=f"{self.issuer}/.well-known/openid-configuration",
        )
        self._process.start()

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def rotate_keys(self) -> None:
        self.stop()
        self._write()
        if self._process is not None:
            self._process.start()

    def add_to_operators(self, person: Person) -> None:
        members = [other for other in PEOPLE if other == person or OPERATORS in other.groups]
        named = [f"--members={member.username}" for member in members]
        self._run("set", "group", OPERATORS, *named)

    def _run(self, *arguments: str, told: str = "") -> None:
        done = subprocess.run(  # noqa: S603 - our own arguments
            [str(PROGRAM), *arguments],
            cwd=self._folder,
            env=environment(self._variables),
            input=told,
            text=True,
            capture_output=True,
            timeout=COMMANDS_TAKE,
            check=False,
        )
        if done.returncode != 0:
            raise DidNotStart(f"canaille {arguments[0]} failed:\n{done.stderr[-2000:]}")

    def _write(self) -> None:
        (self._folder / "canaille.toml").write_text(
            f'SECRET_KEY = "{self._secret_key}"\n'
            # Without a name of its own it answers 500 to a wrong client secret.
            f'SERVER_NAME = "{self._host}"\n'
            'PREFERRED_URL_SCHEME = "http"\n'
            "[CANAILLE]\n"
            'DATABASE = "sql"\n'
            "[CANAILLE_SQL]\n"
            f'DATABASE_URI = "sqlite:///{self._folder / "canaille.sqlite"}"\n'
            "[CANAILLE_OIDC]\n"
            f"ACTIVE_JWKS = [{_inline_table(rsa_key())}]\n"
            # Nobody is trusted without being asked: the consent page is part of the way.
            "TRUSTED_DOMAINS = []\n"
        )

    def _database(self) -> dict[str, list[dict[str, Any]]]:
        groups = dict.fromkeys(group for person in PEOPLE for group in person.groups)
        return {
            "user": [
                {
                    "id": person.username,
                    "user_name": person.username,
                    "password": person.password,
                    "emails": [person.email],
                    "given_name": person.first_name,
                    "family_name": person.last_name,
                    "formatted_name": person.name,
                }
                for person in PEOPLE
            ],
            "group": [
                {
                    "id": group,
                    "display_name": group,
                    "members": [person.username for person in PEOPLE if group in person.groups],
                }
                for group in groups
            ],
            "client": [
                {
                    "id": self.client_id,
                    "client_id": self.client_id,
                    "client_secret": self.client_secret,
                    "client_name": "PatchMon",
                    "redirect_uris": [CALLBACK],
                    "token_endpoint_auth_method": "client_secret_post",
                    "grant_types": ["authorization_code"],
                    "response_types": ["code"],
                    "scope": self.scopes.split(),
                    "audience": [self.client_id],
                }
            ],
        }

    def sign_in(self, browser: Browser, url: str, person: Person) -> str:
        since = time.monotonic() - self._signed_in.get(person, 0)
        time.sleep(max(0, BETWEEN_SIGN_INS - since))
        callback = super().sign_in(browser, url, person)
        self._signed_in[person] = time.monotonic()
        return callback

    def pass_pages(self, browser: Browser, page: Page, person: Person) -> Page:
        while not page.arrived:
            if (form := page.form_with("password")) is not None:
                page = browser.send(page, form, password=person.password)
            elif (form := page.form_with("login")) is not None:
                page = browser.send(page, form, login=person.username)
            elif (form := page.form_with("answer")) is not None:
                page = browser.send(page, form, answer="accept")
            else:
                break
        return page


def _inline_table(jwk: Jwk) -> str:
    return "{" + ", ".join(f"{name} = {json.dumps(value)}" for name, value in jwk.items()) + "}"
