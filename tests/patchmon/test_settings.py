"""Bad values stop the server at start with one line (product.md, Environment)."""

from __future__ import annotations

import base64
import os
import runpy
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

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
    ("SERVER_URL", "http://patch mon"),
    ("SERVER_URL", "http://<patchmon>"),
    ("SERVER_URL", "http://*.example.com"),
    ("SERVER_URL", "http://pätchmon.example"),
    ("SERVER_URL", "http://[fe80::1%eth0]"),
    ("PORT", "0"),
    ("PORT", "http"),
    ("DATABASE_URL", f"mysql://user:{PASSWORD}@db/name"),
    ("DATABASE_URL", f"postgres://user:{PASSWORD}@db:port/name"),
    ("DATABASE_URL", "postgres"),
    ("DATABASE_URL", "postgres://"),
    ("DATABASE_URL", f"postgres://user:{PASSWORD}@db"),
    ("DATABASE_URL", f"postgres://user:{PASSWORD}@db/{'n' * 64}"),
    ("DATABASE_URL", f"postgres://user:{PASSWORD}@db/na me"),
    ("DATABASE_URL", f"postgres://user:{PASSWORD}@db/name?sslmoode=require"),
    # Memory that every connection has for itself.
    ("DATABASE_URL", "sqlite://"),
    ("DATABASE_URL", "sqlite://:memory:"),
    ("DATABASE_URL", "sqlite:////nowhere/at/all.sqlite3"),
    ("DATABASE_URL", "sqlite:////"),
    ("CACHE_URL", f"memcache://:{PASSWORD}@cache"),
    ("CACHE_URL", "redis"),
    ("CACHE_URL", "redis://"),
    ("CACHE_URL", f"redis://:{PASSWORD}@cache:notaport/0"),
    ("CACHE_URL", f"redis://:{PASSWORD}@cache:99999/0"),
    ("CACHE_URL", f"redis://:{PASSWORD}@cache/first"),
    ("CACHE_URL", f"redis://:{PASSWORD}@cache/0?db=first"),
    ("CACHE_URL", f"redis://:{PASSWORD}#1@cache/0"),
    ("CACHE_URL", f"redis://:{PASSWORD}@cache/0?unheard=of"),
    ("CACHE_URL", f"rediss://:{PASSWORD}@cache/0?ssl_cert_reqs=perhaps"),
    ("DATA_DIR", "pyproject.toml/data"),
    ("DATA_DIR", "x" * 5000),
    # Nobody can make a file there.
    ("DATA_DIR", "/proc"),
    ("ENCRYPTION_KEYS", PASSWORD),
    ("ENCRYPTION_KEYS", f"{KEY},{PASSWORD}"),
    ("ENCRYPTION_KEYS", ","),
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
    ("OIDC_CA_BUNDLE", "pyproject.toml"),
    ("OIDC_CA_BUNDLE", "tests"),
    ("OIDC_CA_BUNDLE", "x" * 5000),
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


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "endless", "huge", "long"])
@pytest.mark.parametrize("name", ["SECRET_KEY", "PORT", "METRICS_TOKEN", "OIDC_CLIENT_SECRET"])
def test_a_file_that_holds_no_value_is_one_line_too(start, tmp_path, kind, name):
    path = tmp_path / "value"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "endless":
        path = Path("/dev/zero")
    elif kind == "huge":
        with path.open("wb") as file:
            file.truncate(5_000_000_000)
    elif kind == "long":
        path = Path("x" * 5000)

    line = start(**{f"{name}_FILE": str(path)})

    assert line == (
        f"patchmon: {name}_FILE names a file that cannot be read; "
        "name a text file of 64 KiB at most."
    )


@pytest.mark.parametrize("contents", [None, b"", b"short", b"\xff\xfe" * 40])
def test_a_kept_key_that_is_none_is_one_line(start, tmp_path, contents):
    kept = tmp_path / "data" / "secret_key"
    kept.parent.mkdir()
    if contents is None:
        kept.mkdir()
    else:
        kept.write_bytes(contents)

    line = start(SECRET_KEY="")

    if not isinstance(line, str):
        pytest.fail("it was accepted")
    assert line.startswith("patchmon: DATA_DIR holds ")
    assert "\n" not in line


def test_a_folder_in_the_place_of_the_database_is_one_line(start, tmp_path):
    (tmp_path / "data" / "patchmon.sqlite3").mkdir(parents=True)

    assert start().startswith("patchmon: DATA_DIR leads to no file that could hold a database; ")


@pytest.mark.parametrize(
    "variables",
    [
        {"DATABASE_URL": "postgres:///name"},
        {"DATABASE_URL": "postgres://u:p%40w@db.example:5433/name?sslmode=require"},
        {"DATABASE_URL": "postgres://u:p#w@db/name?pool=true&application_name=patchmon"},
        {"CACHE_URL": "redis://u:p%23w@cache:6379/2"},
        {"CACHE_URL": "rediss://cache/0?ssl_cert_reqs=required&max_connections=20"},
        {"CACHE_URL": "redis://one:6379,two:6379/1"},
        {"CACHE_URL": "rediscache:///run/redis.sock"},
        {"CACHE_URL": "locmemcache://"},
        {"SERVER_URL": "http://[::1]:3000"},
        {"SERVER_URL": "http://patch_mon:3000/"},
    ],
)
def test_what_can_be_used_starts(start, variables):
    told = start(**variables)

    assert isinstance(told, dict), told


def test_certificates_start(start, tmp_path):
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(certificate())

    assert start(OIDC_CA_BUNDLE=str(bundle))["PROVIDER_CA_BUNDLE"] == str(bundle)


def certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = datetime.now(tz=UTC)
    return (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


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


@pytest.mark.parametrize("address", ["locmemcache://x", "filecache:///tmp/x", "dummycache://"])
def test_a_cache_that_processes_do_not_share_is_none(start, address):
    line = start(WEB_CONCURRENCY="2", CACHE_URL=address)

    if not isinstance(line, str):
        pytest.fail("it was accepted")
    assert line.startswith("patchmon: CACHE_URL ")
    assert "redis://" in line
    assert "\n" not in line


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
