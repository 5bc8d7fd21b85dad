"""Database and cache: their addresses, judged before anything connects to them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
import psycopg
import redis
from psycopg import conninfo
from redis.backoff import NoBackoff
from redis.retry import Retry

from sso.environment import BadVariable

DATABASE_SCHEMES = frozenset({"sqlite", "postgres", "postgresql", "psql", "pgsql"})
CACHE_SCHEMES = frozenset({"locmemcache", "redis", "rediss", "rediscache"})
SQLITE = "django.db.backends.sqlite3"
REDIS = "django.core.cache.backends.redis.RedisCache"
#: PostgreSQL cuts longer names off, and Django refuses them.
DATABASE_NAME_LIMIT = 63
#: Options of Django and its driver that are none of PostgreSQL's.
DJANGO_OPTIONS = frozenset(
    {"assume_role", "isolation_level", "pool", "prepare_threshold", "server_side_binding"}
)
#: Options that are Django's own and none of Redis'.
DJANGO_CACHE_OPTIONS = frozenset({"serializer", "pool_class", "parser_class"})
# Redis' client would wait five seconds, at each read of a request. A second try finds nothing that
# the first did not: pages go on without it (accounts.shared_cache).
_REDIS_LIMITS: dict[str, object] = {
    "socket_connect_timeout": 1.0,
    "socket_timeout": 1.0,
    "retry": Retry(NoBackoff(), 0),
}
_DATABASE = (
    "use an address such as postgres://user:password@host:5432/name, in which a special character"
    " of the password is written like %40"
)
_CACHE = "use an address such as redis://host:6379/0"


def folder(name: str, text: str) -> Path:
    """Return the data folder, made where it was missing; its path is never quoted."""
    try:
        path = Path(text).resolve()
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError):
        raise BadVariable(
            name, "names a folder that cannot be made", "name one that may be written to"
        ) from None
    return path


def require_writable(name: str, path: Path) -> None:
    """Refuse a folder in which no file can be made."""
    try:
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError:
        raise BadVariable(
            name, "names a folder that cannot be written to", "give it to the server's own user"
        ) from None


def database(name: str, value: str | None, sqlite_file: Path) -> dict[str, object]:
    """Read the database's address into Django's settings for it; none is the SQLite file."""
    if value is None:
        require_writable("DATA_DIR", sqlite_file.parent)
        _check_file("DATA_DIR", str(sqlite_file))
        found: dict[str, object] = {"ENGINE": SQLITE, "NAME": str(sqlite_file)}
    else:
        _check_scheme(name, value, DATABASE_SCHEMES, _DATABASE)
        try:
            found = dict(environ.Env.db_url_config(value))
        except ValueError:
            raise BadVariable(name, "cannot be read", _DATABASE) from None
        if found["ENGINE"] == SQLITE:
            _check_file(name, str(found["NAME"]))
        else:
            _check_postgresql(name, value, found)
    if found["ENGINE"] == SQLITE:
        # Deferred transactions fail with "database is locked" as soon as two requests
        # read and then write; immediate ones wait their turn.
        return found | {
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            }
        }
    return found | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}


def _check_file(name: str, file: str) -> None:
    path = Path(file)
    try:
        sound = file != ":memory:" and path.parent.is_dir() and not path.is_dir()
    except (OSError, ValueError):
        sound = False
    if not sound:
        raise BadVariable(
            name,
            "leads to no file that could hold a database",
            "use a file in a folder that is there, as in sqlite:////folder/patchmon.sqlite3",
        )


def _check_postgresql(name: str, value: str, found: Mapping[str, object]) -> None:
    given = _options(found)
    database_name = str(found["NAME"])
    if not database_name and "service" not in given:
        raise BadVariable(name, "names no database", _DATABASE)
    if len(database_name) > DATABASE_NAME_LIMIT:
        raise BadVariable(
            name, "names a database that PostgreSQL cannot have", "use 63 characters at most"
        )
    if not value.isprintable() or " " in value:
        raise BadVariable(name, "holds a space or an invisible character", _DATABASE)
    try:
        conninfo.make_conninfo(
            **{key: each for key, each in given.items() if key not in DJANGO_OPTIONS}
        )
    except (psycopg.Error, TypeError, ValueError):
        raise BadVariable(
            name, "has an option that PostgreSQL does not know", "leave out what follows the ?"
        ) from None


def cache(name: str, value: str | None) -> dict[str, object]:
    """Read the cache's address into Django's settings for it; none is the process's memory."""
    value = value or "locmemcache://patchmon"
    _check_scheme(name, value, CACHE_SCHEMES, _CACHE)
    try:
        found: dict[str, object] = dict(environ.Env.cache_url_config(value))
        if found["BACKEND"] == REDIS:
            _check_redis(name, value, found)
            found["OPTIONS"] = _REDIS_LIMITS | _options(found)
    except ValueError:
        raise BadVariable(name, "cannot be read", _CACHE) from None
    return found | {"KEY_PREFIX": "patchmon"}


def _check_redis(name: str, value: str, found: Mapping[str, object]) -> None:
    parts = urlsplit(value)
    if not parts.netloc and not parts.path.strip("/"):
        raise BadVariable(name, "names no host", _CACHE)
    # Redis' own reader takes the first database for a path that is no number.
    number = parts.path.strip("/")
    if parts.hostname and number and not (number.isascii() and number.isdigit()):
        raise BadVariable(name, "names a database that is no number", _CACHE)
    if not value.isprintable() or " " in value or parts.fragment:
        raise BadVariable(
            name,
            "holds a #, a space or an invisible character",
            "write a special character of the password like %23",
        )
    ours = {key: each for key, each in _options(found).items() if key not in DJANGO_CACHE_OPTIONS}
    location = found["LOCATION"]
    addresses: list[str] = location if isinstance(location, list) else [str(location)]
    try:
        int(ours.get("db", 0))
        for address in addresses:
            redis.ConnectionPool.from_url(address, **ours).make_connection()
    except (TypeError, ValueError, redis.RedisError):
        raise BadVariable(
            name, "has an option that Redis does not know", "leave out what follows the ?"
        ) from None


def _options(found: Mapping[str, object]) -> dict[str, Any]:
    """Return what follows the ? of an address."""
    options = found.get("OPTIONS")
    return dict(options) if isinstance(options, Mapping) else {}


def is_shared(settings: Mapping[str, object]) -> bool:
    """Say whether all processes see the same cache: counters and locks have to be exact in it."""
    return settings["BACKEND"] == REDIS


def _check_scheme(name: str, value: str, known: frozenset[str], accepted: str) -> None:
    scheme, separator, _ = value.partition("://")
    if not separator or scheme.lower() not in known:
        raise BadVariable(name, "is of a kind that is not known", accepted)
