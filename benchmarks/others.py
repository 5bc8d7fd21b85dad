"""The other libraries: each in a small site of its own, served as PatchMon is."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.processes import ROOT, Process, free_port, run
from entra_sim import defaults

PYTHON: Final = ROOT / ".venv-bench" / "bin" / "python"
SERVER: Final = ("-m", "gunicorn", "--config", "python:benchmarks.contenders.server")


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """One library, the settings module of its site, and its addresses below `prefix` there."""

    package: str
    # What sets it apart from another row of the same package.
    how: str = ""
    settings: str
    prefix: str
    urls: str
    button: str
    callback: str


LIBRARIES: Final = (
    Library(
        package="mozilla-django-oidc",
        settings="benchmarks.contenders.mozilla",
        prefix="oidc/",
        urls="mozilla_django_oidc.urls",
        button="/oidc/authenticate/",
        callback="/oidc/callback/",
    ),
    Library(
        package="django-allauth",
        settings="benchmarks.contenders.allauth",
        prefix="accounts/",
        urls="allauth.urls",
        button="/accounts/oidc/entra/login/",
        callback="/accounts/oidc/entra/login/callback/",
    ),
    Library(
        package="django-allauth",
        how="no userinfo",
        settings="benchmarks.contenders.allauth_id_token",
        prefix="accounts/",
        urls="allauth.urls",
        button="/accounts/oidc/entra/login/",
        callback="/accounts/oidc/entra/login/callback/",
    ),
)


class Site:
    """The site around one library, in a folder of its own."""

    def __init__(self, library: Library, folder: Path, issuer: str) -> None:
        self._folder = folder
        self._port = free_port()
        self.url = f"http://localhost:{self._port}"
        self._variables = {
            "DJANGO_SETTINGS_MODULE": library.settings,
            "SITE_PREFIX": library.prefix,
            "SITE_URLS": library.urls,
            "SITE_DATABASE": str(folder / "site.sqlite3"),
            "SITE_SECRET_KEY": secrets.token_urlsafe(64),
            "SITE_ISSUER": issuer,
            "SITE_CLIENT_ID": defaults.CLIENT_ID,
            "SITE_CLIENT_SECRET": defaults.SECRET_VALUE,
        }

    def prepare(self) -> None:
        run([str(PYTHON), "-m", "django", "migrate", "--verbosity", "0"], self._variables)

    def server(self) -> Process:
        return Process(
            [
                *(str(PYTHON), *SERVER, "--bind", f"127.0.0.1:{self._port}"),
                "django.core.wsgi:get_wsgi_application()",
            ],
            self._variables,
            answers_at=f"{self.url}/login",
            log=self._folder / "server.log",
        )


def versions() -> dict[str, str]:
    """Return the version of each package that the other libraries' environment has."""
    lines = run([str(PYTHON), "-m", "pip", "freeze", "--disable-pip-version-check"], {})
    return dict(line.split("==", 1) for line in lines.splitlines() if "==" in line)
