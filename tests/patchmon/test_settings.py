"""Bad values stop the server at start with one line (product.md, Environment)."""

from __future__ import annotations

import base64
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "hunter2-of-the-database"
LONG = "k" * 64
KEY = base64.urlsafe_b64encode(b"k" * 32).decode()


@pytest.fixture
def start(monkeypatch, tmp_path):
    """Read the settings as a start with these variables does: them, or the line it ends with."""
    for name in list(os.environ):
        if name.startswith("OIDC_") or name.endswith("_FILE"):
            monkeypatch.setenv(name, "")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SECRET_KEY", LONG)

    def read(**variables: str):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        try:
            return runpy.run_path(str(ROOT / "patchmon" / "settings.py"))
        except SystemExit as stopped:
            return str(stopped.code)

    return read


REFUSED = [
    ("SERVER_URL", "nonsense"),
    ("SERVER_URL", "https://patchmon.example.com/app"),
    ("PORT", "0"),
    ("PORT", "http"),
    ("DATABASE_URL", f"mysql://user:{PASSWORD}@db/name"),
    ("DATABASE_URL", f"postgres://user:{PASSWORD}@db:port/name"),
    ("CACHE_URL", f"memcache://:{PASSWORD}@cache"),
    ("ENCRYPTION_KEYS", PASSWORD),
    ("ENCRYPTION_KEYS", f"{KEY},{PASSWORD}"),
    ("TRUST_PROXY", "-1"),
    ("TRUST_PROXY", "everybody"),
    ("LOG_FORMAT", "xml"),
    ("LOG_LEVEL", "loud"),
    ("SESSION_LIFETIME", "soon"),
    ("SESSION_LIFETIME", "0h"),
    ("ATTEMPTS_KEPT", "forever"),
    # Further back than dates reach.
    ("ATTEMPTS_KEPT", "999999d"),
    ("OIDC_SESSION_TTL", "5"),
    ("OIDC_CA_BUNDLE", "nowhere.pem"),
    ("OIDC_ALLOW_PRIVATE_ADDRESSES", "sometimes"),
    ("OIDC_POST_LOGOUT_URI", "javascript:alert(1)"),
    ("HTTPS_PROXY", f"ftp://user:{PASSWORD}@proxy"),
    ("OIDC_ENABLED", "maybe"),
    ("OIDC_SYNC_ROLES", "2"),
    ("OIDC_DEFAULT_ROLE", "owner"),
    ("OIDC_CLIENT_SECRET_FILE", "nowhere"),
    ("WEB_CONCURRENCY", "0"),
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_a_bad_value_is_one_line_that_names_the_variable(start, name, value):
    line = start(**{name: value})

    if not isinstance(line, str):
        pytest.fail("it was accepted")
    assert line.startswith(f"patchmon: {name} ")
    assert "\n" not in line
    # What is accepted instead comes after the problem.
    assert "; " in line
    assert PASSWORD not in line


def test_all_that_is_wrong_with_single_sign_on_is_told_at_once(start):
    told = start(
        OIDC_ENABLED="maybe",
        OIDC_ISSUER_URL="https://login.microsoftonline.com/common/v2.0",
        OIDC_CLIENT_SECRET=f"{PASSWORD}\u200b{PASSWORD}",
        OIDC_SCOPES="groups",
    )

    if not isinstance(told, str):
        pytest.fail("it was accepted")
    assert [line.split()[:2] for line in told.splitlines()] == [
        ["patchmon:", "OIDC_ENABLED"],
        ["patchmon:", "OIDC_ISSUER_URL"],
        ["patchmon:", "OIDC_CLIENT_SECRET"],
        ["patchmon:", "OIDC_SCOPES"],
    ]
    assert PASSWORD not in told


def test_https_needs_a_secret_key(start):
    line = start(SERVER_URL="https://patchmon.example.com", SECRET_KEY="")

    assert line.startswith("patchmon: SECRET_KEY ")


def test_https_needs_a_long_secret_key(start):
    line = start(SERVER_URL="https://patchmon.example.com", SECRET_KEY=PASSWORD)

    if not isinstance(line, str):
        pytest.fail("it was accepted")
    assert line.startswith("patchmon: SECRET_KEY ")
    assert PASSWORD not in line


def test_several_processes_need_a_shared_cache(start):
    line = start(WEB_CONCURRENCY="2", CACHE_URL="")

    assert line.startswith("patchmon: CACHE_URL ")
    told = start(WEB_CONCURRENCY="2", CACHE_URL="redis://127.0.0.1:6379/0")
    assert told["PROCESSES"] == 2


def test_everything_has_a_default_that_runs_on_one_machine(start, tmp_path):
    told = start(SECRET_KEY="")

    assert told["SERVER_URL"] == "http://localhost:3000"
    assert told["DATABASES"]["default"]["NAME"] == str(tmp_path / "data" / "patchmon.sqlite3")
    assert told["SECRET_KEY"] == (tmp_path / "data" / "secret_key").read_text()
    assert (told["TRUST_PROXY"], told["ROUND_TRIP_TTL"]) == (0, 600)
    assert told["SESSION_LIFETIME"] == 12 * 3600
    assert told["ATTEMPTS_KEPT"].days == 90
    assert told["SSO_ENVIRONMENT"] is None
    assert told["PROVIDER_ALLOW_PRIVATE_ADDRESSES"] is True
    assert (told["LOG_FORMAT"], told["LOG_LEVEL"]) == ("json", "info")
    assert told["DEBUG"] is False


def test_the_port_is_in_the_default_server_url(start):
    assert start(PORT="8080")["SERVER_URL"] == "http://localhost:8080"


def test_cookies_are_secure_unless_the_server_url_is_http(start):
    plain = start(SERVER_URL="http://patchmon.example.com")
    assert (plain["SESSION_COOKIE_SECURE"], plain["CSRF_COOKIE_SECURE"]) == (False, False)

    secure = start(SERVER_URL="https://patchmon.example.com")
    assert (secure["SESSION_COOKIE_SECURE"], secure["CSRF_COOKIE_SECURE"]) == (True, True)
    assert secure["SESSION_COOKIE_NAME"].startswith("__Host-")
    assert secure["SECURE_HSTS_SECONDS"] > 0


def test_secrets_come_from_files_too(start, tmp_path):
    for name, value in {"key": LONG + "2", "secret": PASSWORD, "fernet": KEY}.items():
        (tmp_path / name).write_text(f"{value}\n")

    told = start(
        SECRET_KEY="",
        SECRET_KEY_FILE=str(tmp_path / "key"),
        OIDC_CLIENT_SECRET_FILE=str(tmp_path / "secret"),
        ENCRYPTION_KEYS_FILE=str(tmp_path / "fernet"),
    )

    assert told["SECRET_KEY"] == LONG + "2"
    assert told["ENCRYPTION_KEYS"] == [KEY]
    assert told["SSO_ENVIRONMENT"].present == ("OIDC_CLIENT_SECRET",)
    assert told["SSO_ENVIRONMENT"].text("client_secret") == PASSWORD


def test_the_operators_variables_freeze_nothing(start):
    told = start(OIDC_SESSION_TTL="60", OIDC_ALLOW_PRIVATE_ADDRESSES="no")

    assert told["SSO_ENVIRONMENT"] is None
    assert (told["ROUND_TRIP_TTL"], told["PROVIDER_ALLOW_PRIVATE_ADDRESSES"]) == (60, False)


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("SESSION_LIFETIME", {"SESSION_LIFETIME": "soon"}),
        ("OIDC_DEFAULT_ROLE", {"OIDC_DEFAULT_ROLE": "owner", "OIDC_CLIENT_SECRET": PASSWORD}),
        ("DATABASE_URL", {"DATABASE_URL": f"mysql://user:{PASSWORD}@db/name"}),
        ("SECRET_KEY", {"SERVER_URL": "https://patchmon.example.com", "SECRET_KEY": ""}),
    ],
)
def test_the_server_itself_stops_without_a_traceback(tmp_path, name, variables):
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": LONG,
        **variables,
    }
    run = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert line.startswith(f"patchmon: {name} ")
    assert "Traceback" not in run.stdout + run.stderr
    assert PASSWORD not in run.stdout + run.stderr
