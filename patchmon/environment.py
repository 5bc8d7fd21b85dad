"""Typed readers for the variables of the environment; each refuses nonsense in one line."""

from __future__ import annotations

import contextlib
import io
import ipaddress
import os
import re
import secrets
import ssl
import stat
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet

from patchmon import stores
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
#: As much as a process's environment takes of one variable, and more than any needs.
LONGEST_FILE = 65_536
KEPT_KEY_CURE = "let the server write to it and delete that file, or set SECRET_KEY"
HOST_NAME = re.compile(r"[a-z0-9._-]{1,253}", re.ASCII)


class Environment:
    """Read variables from the process environment, each also from the file that NAME_FILE names."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def read(self, name: str) -> str | None:
        """Return the variable's text, or None where it is unset or empty."""
        path = self._environment.get(f"{name}_FILE", "")
        if path:
            unreadable = BadVariable(
                f"{name}_FILE",
                "names a file that cannot be read",
                "name a text file of 64 KiB at most",
            )
            return _contents(Path(path), unreadable).strip() or None
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
        host = _host(parts.hostname or "")
        if parts.scheme not in {"http", "https"} or not host or port == 0:
            raise BadVariable(name, "is no web address", accepted)
        if parts.username is not None or parts.query or parts.fragment or parts.path.strip("/"):
            raise BadVariable(name, "has more than scheme, host and port", accepted)
        return f"{parts.scheme}://{host}" + (f":{port}" if port else "")

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
        text = self.text(name)
        keys = [key.strip() for key in text.split(",") if key.strip()]
        if text and not keys:
            raise BadVariable(name, "holds no key", "leave it unset, or name one or more")
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

    def folder(self, name: str, default: Path) -> Path:
        """Read the path of a folder, and make it where it is missing."""
        return stores.folder(name, self.read(name) or str(default))

    def database(self, name: str, sqlite_file: Path) -> dict[str, object]:
        """Read the database's address into Django's settings for it."""
        return stores.database(name, self.read(name), sqlite_file)

    def cache(self, name: str) -> dict[str, object]:
        """Read the cache's address into Django's settings for it."""
        return stores.cache(name, self.read(name))

    def certificates(self, name: str) -> str:
        """Read the path of a file of PEM certificates, empty where it is unset."""
        path = self.text(name)
        if not path:
            return ""
        try:
            found = _regular_file(Path(path))
        except OSError:
            found = False
        if not found:
            raise BadVariable(name, "names no file", "name a file of PEM certificates")
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
        except OSError:
            raise BadVariable(
                name, "names a file that holds no certificates", "name a file of PEM certificates"
            ) from None
        return path


def _host(name: str) -> str:
    """Return a host as an address spells it; '' for what no host is called."""
    if HOST_NAME.fullmatch(name):
        return name
    try:
        return "" if "%" in name else f"[{ipaddress.IPv6Address(name)}]"
    except ValueError:
        return ""


def load_dotenv(path: Path) -> None:
    """Take variables from a ``.env`` file; those of the process environment win."""
    if path.is_file():
        text = _contents(path, BadVariable(".env", "cannot be read", "make it a small text file"))
        environ.Env.read_env(io.StringIO(text), overwrite=False)


def _contents(path: Path, unreadable: BadVariable) -> str:
    """Return a small file's text; a pipe or a device would be waited for, or never end."""
    try:
        if not _regular_file(path):
            raise unreadable
        with path.open("rb") as file:
            contents = file.read(LONGEST_FILE + 1)
        if len(contents) > LONGEST_FILE:
            raise unreadable
        return contents.decode("utf-8")
    except (OSError, ValueError):
        raise unreadable from None


def _regular_file(path: Path) -> bool:
    return stat.S_ISREG(path.stat().st_mode)


def kept_secret_key(path: Path) -> str:
    """Return the key kept in a file only its owner can read; make it at the first start."""
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise BadVariable(
            "DATA_DIR", "holds no secret_key that can be read or made", KEPT_KEY_CURE
        ) from None
    if len(key) < SHORTEST_SECRET_KEY:
        raise BadVariable("DATA_DIR", "holds a secret_key that is too short", KEPT_KEY_CURE)
    return key


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(64))
    # Linking is atomic: of several processes that start together, all keep the first one's key.
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
