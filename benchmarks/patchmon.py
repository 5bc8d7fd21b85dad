"""PatchMon as it is run: set up through its own commands, served by gunicorn as shipped."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks.processes import Process, free_port, run
from entra_sim import defaults

ADMINISTRATOR: Final = "admin"
BUTTON: Final = "/api/v1/auth/oidc/login"
CALLBACK: Final = "/api/v1/auth/oidc/callback"
SERVER: Final = ("-m", "gunicorn", "--config", "python:patchmon.gunicorn")


class PatchMon:
    """One installation in a folder of its own, with its database there or at `database_url`."""

    def __init__(self, folder: Path, *, database_url: str = "") -> None:
        self._folder = folder
        self._port = free_port()
        self.url = f"http://localhost:{self._port}"
        self.variables: Mapping[str, str] = {
            "DJANGO_SETTINGS_MODULE": "benchmarks.product_settings",
            "DATA_DIR": str(folder),
            "PORT": str(self._port),
            "SERVER_URL": self.url,
            **({"DATABASE_URL": database_url} if database_url else {}),
        }

    def prepare(self, issuer: str) -> None:
        """Make the database, a local administrator, and the connection to the tenant."""
        self._manage("migrate", "--verbosity", "0")
        self._manage("collectstatic", "--noinput", "--verbosity", "0")
        self._manage(
            *("createsuperuser", "--noinput", "--username", ADMINISTRATOR),
            *("--email", "admin@contoso.com"),
            DJANGO_SUPERUSER_PASSWORD=secrets.token_urlsafe(24),
        )
        document = self._folder / "settings.json"
        document.write_text(json.dumps(_settings(issuer)), encoding="utf-8")
        secret = defaults.SECRET_VALUE
        self._manage("sso", "import", str(document), "--secret-stdin", typed=secret)

    def server(self) -> Process:
        return Process(
            [
                *(sys.executable, *SERVER, "--bind", f"127.0.0.1:{self._port}"),
                "patchmon.wsgi:application",
            ],
            self.variables,
            answers_at=f"{self.url}/health/ready",
            log=self._folder / "server.log",
        )

    def _manage(self, *arguments: str, typed: str = "", **variables: str) -> None:
        run([sys.executable, "manage.py", *arguments], {**self.variables, **variables}, typed=typed)


def _settings(issuer: str) -> dict[str, object]:
    return {
        "oidc_enabled": True,
        "oidc_issuer_url": issuer,
        "oidc_client_id": defaults.CLIENT_ID,
        "oidc_scopes": "openid email profile User.Read",
        "oidc_sync_roles": True,
        **{f"oidc_{role}_group": group for role, group in defaults.ROLE_GROUPS.items()},
    }
