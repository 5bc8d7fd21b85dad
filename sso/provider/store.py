"""What all processes share about the provider, in Django's cache.

A cache that is down must neither fail a sign-in nor open a throttle: reads find nothing, writes
are lost, and nothing can be claimed.
"""

from __future__ import annotations

import hashlib
from typing import Any

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

log = structlog.stdlib.get_logger(__name__)

_DOWN = (RedisError, OSError)


def key(kind: str, subject: str) -> str:
    """Return a cache key that no content of `subject` can break out of."""
    return f"sso:{kind}:{hashlib.sha256(subject.encode()).hexdigest()[:40]}"


def read(name: str) -> Any:
    try:
        return cache.get(name)
    except _DOWN as problem:
        _complain(problem)
        return None


def write(name: str, value: object, seconds: float) -> None:
    try:
        cache.set(name, value, seconds)
    except _DOWN as problem:
        _complain(problem)


def claim(name: str, value: object, seconds: float) -> bool:
    """Take `name` for some seconds, for one caller among all processes."""
    try:
        return bool(cache.add(name, value, seconds))
    except _DOWN as problem:
        _complain(problem)
        return False


def count(name: str, seconds: float) -> int:
    """Return how often this was counted, starting anew `seconds` after the first."""
    try:
        cache.add(name, 0, seconds)
        return int(cache.incr(name))
    except ValueError:  # gone between the two calls
        return 1
    except _DOWN as problem:
        _complain(problem)
        return 0


def drop(*names: str) -> None:
    try:
        cache.delete_many(names)
    except _DOWN as problem:
        _complain(problem)


def _complain(problem: Exception) -> None:
    log.warning("shared cache unreachable", _event="cache.unreachable", kind=type(problem).__name__)
