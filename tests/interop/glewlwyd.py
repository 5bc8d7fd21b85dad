"""Glewlwyd, from Debian: C, on a JOSE library of its own (Rhonabwy)."""

from __future__ import annotations

import gzip
import http
import json
import sqlite3
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import requests

from tests.interop.browser import Browser, Page
from tests.interop.keys import Jwk, ec_key
from tests.interop.processes import SERVERS, Process, free_port, installed
from tests.interop.provider import CALLBACK, OPERATORS, PEOPLE, Person, Provider

FILES = SERVERS / "glewlwyd" / "usr"
PROGRAM = FILES / "bin" / "glewlwyd"
MODULES = FILES / "lib" / "glewlwyd"
TABLES = FILES / "share" / "doc" / "glewlwyd" / "database" / "init.sqlite3.sql.gz"
# As the package's tables come; nobody but these tests reaches the server.
ADMINISTRATOR = {"username": "admin", "password": "password"}
INSTANCE = "patchmon"


class Glewlwyd(Provider):
    """Its issuer has a path and ends in a slash; its pages are a script that calls an API."""

    name: ClassVar[str] = "Glewlwyd"
    # Each scope must exist there and be given to the person: only what it knows is asked for.
    scopes = "openid"

    def __init__(self) -> None:
        self._port = free_port()
        self._process: Process | None = None
        self._administrator = requests.Session()
        self._administrator.trust_env = False

    @property
    def _api(self) -> str:
        return f"http://localhost:{self._port}/api"

    @property
    def issuer(self) -> str:
        return f"{self._api}/{INSTANCE}/"

    def start(self, folder: Path) -> None:
        installed(self.name, PROGRAM, TABLES)
        database = sqlite3.connect(folder / "glewlwyd.db")
        with database:
            database.executescript(gzip.decompress(TABLES.read_bytes()).decode())
        database.close()
        (folder / "glewlwyd.conf").write_text(self._settings(folder))
        self._process = Process(
            [str(PROGRAM), f"--config-file={folder / 'glewlwyd.conf'}"],
            folder=folder,
            answers_at=f"http://localhost:{self._port}/config",
        )
        self._process.start()
        self._set_up()

    def stop(self) -> None:
        self._administrator.close()
        if self._process is not None:
            self._process.stop()

    def rotate_keys(self) -> None:
        self.sign_with(ec_key())

    def sign_with(self, key: Jwk) -> None:
        """Sign with this key and publish it alone; its `alg` is the only one listed."""
        self._administer("PUT", f"mod/plugin/{INSTANCE}", self._plugin(key))
        self._administer("PUT", f"mod/plugin/{INSTANCE}/reset")

    def add_to_operators(self, person: Person) -> None:
        told = self._user(person) | {"groups": [*person.groups, OPERATORS]}
        self._administer("PUT", f"user/{person.username}", told)

    def _settings(self, folder: Path) -> str:
        values: dict[str, str | int | bool] = {
            "port": self._port,
            "bind_address": "127.0.0.1",
            "external_url": f"http://localhost:{self._port}",
            "login_url": "login.html",
            "api_prefix": "api",
            "log_mode": "console",
            "log_level": "WARNING",
            "cookie_secure": False,
            "session_expiration": 3600,
            "session_key": "GLEWLWYD2_SESSION_ID",
            "admin_session_authentication": "cookie",
            "profile_session_authentication": "cookie",
            "allow_multiple_user_per_session": True,
            "login_api_enabled": True,
            "admin_scope": "g_admin",
            "profile_scope": "g_profile",
            "user_module_path": str(MODULES / "user"),
            "client_module_path": str(MODULES / "client"),
            "user_auth_scheme_module_path": str(MODULES / "scheme"),
            "plugin_module_path": str(MODULES / "plugin"),
            "use_secure_connection": False,
            # Not read, but without them it believes that TLS is on.
            "secure_connection_key_file": "none",
            "secure_connection_pem_file": "none",
            "hash_algorithm": "SHA512",
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        path = json.dumps(str(folder / "glewlwyd.db"))
        return "\n".join([*lines, f'database = {{ type = "sqlite3"; path = {path}; }};', ""])

    def _administer(self, method: str, path: str, told: dict[str, Any] | None = None) -> Any:
        answer = self._administrator.request(method, f"{self._api}/{path}", json=told, timeout=10)
        if not answer.ok:
            raise RuntimeError(f"{self.name} refused {method} {path}: {answer.text[:500]}")
        return answer.json() if answer.content else None

    def _set_up(self) -> None:
        self._administer("POST", "auth/", ADMINISTRATOR)
        users = self._administer("GET", "mod/user/database")
        users["parameters"]["data-format"]["groups"] = _property(multiple=True)
        for name in ("given_name", "family_name"):
            users["parameters"]["data-format"][name] = _property(multiple=False)
        self._administer("PUT", "mod/user/database", users)
        self._administer("PUT", "mod/user/database/reset")
        for person in PEOPLE:
            self._administer("POST", "user/", self._user(person))
        self._administer("POST", "client/", self._client())
        self._administer("POST", "mod/plugin/", self._plugin(ec_key()))

    def _user(self, person: Person) -> dict[str, Any]:
        return {
            "username": person.username,
            "password": person.password,
            "name": person.name,
            "email": person.email,
            "given_name": person.first_name,
            "family_name": person.last_name,
            "groups": list(person.groups),
            "scope": ["g_profile", "openid"],
            "enabled": True,
        }

    def _client(self) -> dict[str, Any]:
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "name": "PatchMon",
            "confidential": True,
            "enabled": True,
            "redirect_uri": [CALLBACK],
            "authorization_type": ["code"],
            "token_endpoint_auth_method": ["client_secret_post", "client_secret_basic"],
            "scope": [],
        }

    def _plugin(self, key: Jwk) -> dict[str, Any]:
        return {
            "module": "oidc",
            "name": INSTANCE,
            "display_name": INSTANCE,
            "enabled": True,
            "parameters": {
                "iss": self.issuer,
                "oauth-as-iss-id": True,
                "jwks-private": json.dumps({"keys": [key]}),
                "jwks-show": True,
                "access-token-duration": 3600,
                "refresh-token-duration": 3600,
                "code-duration": 60,
                "refresh-token-rolling": False,
                "allow-non-oidc": False,
                "auth-type-code-enabled": True,
                "auth-type-token-enabled": False,
                "auth-type-id-token-enabled": True,
                "auth-type-password-enabled": False,
                "auth-type-client-enabled": False,
                "auth-type-refresh-enabled": False,
                "pkce-allowed": True,
                "pkce-required": True,
                "pkce-method-plain-allowed": False,
                "subject-type": "public",
                "name-claim": "mandatory",
                "email-claim": "mandatory",
                "claims": [
                    {"name": name, "user-property": name, "type": "string", "mandatory": True}
                    for name in ("groups", "given_name", "family_name")
                ],
            },
        }

    def pass_pages(self, browser: Browser, page: Page, person: Person) -> Page:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}
        self._call(browser, "POST", "auth/", _signs_in(person))
        self._call(browser, "PUT", f"auth/grant/{self.client_id}", {"scope": "openid"})
        # What its own script adds: the person has seen the pages by now.
        return browser.open(f"{asked['callback_url']}&g_continue")

    def _call(self, browser: Browser, method: str, path: str, told: dict[str, Any]) -> None:
        answer = browser.session.request(method, f"{self._api}/{path}", json=told, timeout=10)
        if answer.status_code != http.HTTPStatus.OK:
            raise RuntimeError(f"{self.name} refused {method} {path}: {answer.status_code}")


def _property(*, multiple: bool) -> dict[str, bool]:
    return {"multiple": multiple, "read": True, "write": True, "profile-read": True}


def _signs_in(person: Person) -> dict[str, str]:
    return {"username": person.username, "password": person.password}
