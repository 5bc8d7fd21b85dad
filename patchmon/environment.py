"""Typed readers for the variables of the environment; each refuses nonsense in one line."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from redis.backoff import NoBackoff
from redis.retry import Retry

from sso.environment import BadVariable, parse_switch

DURATION = re.compile(r"(\d{1,6})\s*([smhd]?)", re.ASCII)
DURATION_UNITS: Mapping[str, str] = {
    "": "seconds",
    "s": "seconds",
    "m": "minutes",
    "h": "hours",
    "d": "days",
}
SHORTEST_SECRET_KEY = 50
LONGEST = timedelta(days=3650)
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
DATABASE_SCHEMES = frozenset({"sqlite", "postgres", "postgresql", "psql", "pgsql"})
REDIS_SCHEMES = frozenset({"redis", "rediss", "rediscache"})
CACHE_SCHEMES = frozenset({"locmemcache"}) | REDIS_SCHEMES
CACHE_SECONDS = 1.0


class Environment:
    """Read variables from the process environment, each also from the file that NAME_FILE names."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def read(self, name: str) -> str | None:
        """Return the variable's text, or None where it is unset or empty."""
        path = self._environment.get(f"{name}_FILE", "")
        if path:
            try:
                return Path(path).read_text(encoding="utf-8").strip() or None
            except (OSError, UnicodeDecodeError):
                raise BadVariable(
                    f"{name}_FILE", "names a file that cannot be read", "name a readable text file"
                ) from None
        return self._environment.get(name, "").strip() or None

    def text(self, name: str, default: str = "") -> str:
        return self.read(name) or default

    def switch(self, name: str, *, default: bool) -> bool:
        value = self.read(name)
        return default if value is None else parse_switch(name, value)

    def number(self, name: str, default: int, *, low: int, high: int) -> int:
        value = self.read(name)
        if value is None:
            return default
        if not value.isascii() or not value.isdigit() or not low <= int(value[:12]) <= high:
            raise BadVariable(name, "is out of range", f"use a whole number from {low} to {high}")
        return int(value)

    def hops(self, name: str) -> int:
        """Read the number of trusted proxies; ``true`` is one of them."""
        value = (self.read(name) or "0").lower()
        if value in {"true", "false"}:
            return int(value == "true")
        return self.number(name, 0, low=0, high=10)

    def duration(self, name: str, default: str) -> timedelta:
        value = self.read(name) or default
        match = DURATION.fullmatch(value.strip().lower())
        if match is None or int(match[1]) == 0:
            raise BadVariable(
                name, "is no length of time", "use a number with s, m, h or d, such as 12h"
            )
        length = timedelta(**{DURATION_UNITS[match[2]]: int(match[1])})
        if length > LONGEST:
            raise BadVariable(name, "is longer than ten years", "use a shorter time")
        return length

    def choice(self, name: str, default: str, accepted: tuple[str, ...]) -> str:
        value = (self.read(name) or default).lower()
        if value not in accepted:
            raise BadVariable(name, "is not known", "use " + " or ".join(accepted))
        return value

    def address(self, name: str, default: str) -> str:
        """Read a web address without path, query or final slash."""
        value = self.read(name) or default
        accepted = "use an address such as https://patchmon.example.com"
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError:
            raise BadVariable(name, "is no web address", accepted) from None
        if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
            raise BadVariable(name, "is no web address", accepted)
        if parts.username is not None or parts.query or parts.fragment or parts.path.strip("/"):
            raise BadVariable(name, "has more than scheme, host and port", accepted)
        return f"{parts.scheme}://{parts.netloc.lower()}"

    def link(self, name: str) -> str:
        """Read a whole web address, empty where it is unset; its text is never quoted."""
        value = self.text(name)
        if not value:
            return ""
        try:
            parts = urlsplit(value)
            sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            sound = False
        if not sound or not value.isprintable() or " " in value:
            raise BadVariable(name, "is no web address", "use one that starts with https://")
        return value

    def secret_key(self, name: str, *, required: bool) -> str:
        """Read Django's secret key; behind https it has 50 characters or more."""
        value = self.text(name)
        accepted = "an https SERVER_URL needs one of 50 characters or more"
        if required and not value:
            raise BadVariable(name, "is not set", accepted)
        if required and len(value) < SHORTEST_SECRET_KEY:
            raise BadVariable(name, "is too short", accepted)
        return value

    def fernet_keys(self, name: str) -> list[str]:
        """Read encryption keys, separated by commas; none of them is ever quoted."""
        keys = [key.strip() for key in self.text(name).split(",") if key.strip()]
        for key in keys:
            try:
                Fernet(key)
            except ValueError:
                raise BadVariable(
                    name,
                    "holds something that is no Fernet key",
                    "make one with python -c 'from cryptography.fernet import Fernet; "
                    "print(Fernet.generate_key().decode())'",
                ) from None
        return keys

    def database(self, name: str, sqlite_file: Path) -> dict[str, object]:
        """Read the database's address into Django's settings for it."""
        value = self.read(name)
        if value is None:
            database: dict[str, object] = {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(sqlite_file),
            }
        else:
            self._check_scheme(name, value, DATABASE_SCHEMES, "postgres://user:password@host/name")
            try:
                database = dict(environ.Env.db_url_config(value))
            except ValueError:
                raise BadVariable(
                    name, "cannot be read", "use postgres://user:password@host:5432/name"
                ) from None
        if database["ENGINE"] == "django.db.backends.sqlite3":
            # Deferred transactions fail with "database is locked" as soon as two requests
            # read and then write; immediate ones wait their turn.
            database["OPTIONS"] = {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            }
        else:
            database["CONN_MAX_AGE"] = 60
            database["CONN_HEALTH_CHECKS"] = True
        return database

    def cache(self, name: str) -> dict[str, object]:
        """Read the cache's address into Django's settings for it."""
        value = self.read(name) or "locmemcache://patchmon"
        self._check_scheme(name, value, CACHE_SCHEMES, "redis://host:6379/0")
        cache: dict[str, object] = dict(environ.Env.cache_url_config(value))
        if value.partition("://")[0].lower() in REDIS_SCHEMES:
            # Its client would wait five seconds, at each read of a request. A second try finds
            # nothing that the first did not: pages go on without it (accounts.shared_cache).
            limits = {
                "socket_connect_timeout": CACHE_SECONDS,
                "socket_timeout": CACHE_SECONDS,
                "retry": Retry(NoBackoff(), 0),
            }
            cache["OPTIONS"] = limits | cast("dict[str, object]", cache.get("OPTIONS", {}))
        return cache | {"KEY_PREFIX": "patchmon"}

    @staticmethod
    def _check_scheme(name: str, value: str, known: frozenset[str], sample: str) -> None:
        if value.partition("://")[0].lower() not in known:
            raise BadVariable(
                name, "is of a kind that is not known", f"use an address such as {sample}"
            )


def load_dotenv(path: Path) -> None:
    """Take variables from a ``.env`` file; those of the process environment win."""
    if path.is_file():
        environ.Env.read_env(str(path), overwrite=False)


def kept_secret_key(path: Path) -> str:
    """Return the key kept in a file only its owner can read; make it at the first start."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii"
        ) as file:
            file.write(secrets.token_urlsafe(64))
        # Linking is atomic: of several processes that start together, all keep the first one's key.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text(encoding="ascii").strip()
