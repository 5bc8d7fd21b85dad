"""What all processes share, in Django's cache, and what holds while it cannot be reached.

A cache that is down fails no request and opens no throttle. While it cannot be reached each
process remembers for itself: what it counts and claims stays counted and claimed, only not for
the others. Asked again every few seconds, by one thread at a time, so that a cache that hangs
does not hold every request up.

What one process alone must not answer (`read_shared`) is not known meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from math import inf
from typing import Any, Final, TypeVar

import structlog
from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from redis.exceptions import RedisError

ASKED_AGAIN_AFTER: Final = 5.0  # seconds
TOLD_EVERY: Final = 60.0
# What was noted in one outage must not pass for news in the next; every throttle's window fits.
REMEMBERED_FOR: Final = 3600.0
# What has to be deleted late lives no longer than this, and its name may be in use again.
OWED_FOR: Final = 60.0
MOST_OWED: Final = 1000

log = structlog.stdlib.get_logger(__name__)

_DOWN: Final = (RedisError, OSError)
# As large as the cache of a process that needs no shared one (patchmon.settings).
_memory: Final = LocMemCache("patchmon-outage", {"OPTIONS": {"MAX_ENTRIES": 20_000}})

T = TypeVar("T")


class _Reach:
    """Whether the cache answered when this process last asked, and what it owes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._down_since: float | None = None
        self._up_since = -inf
        self._ask_again = 0.0
        self._told_at = -inf
        self._told_down = False
        # What to delete as soon as it answers, because it is out of date, with when that began.
        self._owed: dict[str, float] = {}

    @property
    def seconds(self) -> float | None:
        """For how long it has been answering; None while it does not."""
        return None if self._down_since is not None else time.monotonic() - self._up_since

    def may_ask(self) -> bool:
        if self._down_since is None:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._ask_again:
                return False
            # This thread finds out; the others go on without it meanwhile.
            self._ask_again = now + ASKED_AGAIN_AFTER
            return True

    def owe(self, *names: str) -> None:
        with self._lock:
            self._owed |= dict.fromkeys(names[: MOST_OWED - len(self._owed)], time.monotonic())

    def settle(self) -> None:
        """Delete what is owed, before anything is read that it contradicts."""
        if not self._owed:
            return
        with self._lock:
            owed = dict(self._owed)
        oldest = time.monotonic() - OWED_FOR
        cache.delete_many([name for name, since in owed.items() if since >= oldest])
        with self._lock:
            self._owed = {
                name: since for name, since in self._owed.items() if owed.get(name) != since
            }

    def failed(self, problem: Exception) -> None:
        now = time.monotonic()
        with self._lock:
            if self._down_since is None:
                self._down_since = now
            self._ask_again = now + ASKED_AGAIN_AFTER
            tell = now - self._told_at >= TOLD_EVERY
            if tell:
                self._told_at, self._told_down = now, True
        if tell:
            log.warning(
                "shared cache unreachable",
                _event="cache.unreachable",
                kind=type(problem).__name__,
            )

    def answered(self) -> None:
        if self._down_since is not None:
            self._is_back(time.monotonic())

    def _is_back(self, now: float) -> None:
        with self._lock:
            since, tell = self._down_since, self._told_down
            self._down_since, self._up_since, self._told_down = None, now, False
        if tell and since is not None:
            log.info(
                "shared cache reachable again",
                _event="cache.reachable",
                seconds=round(now - since, 1),
            )


_reach: Final = _Reach()


def is_reachable() -> bool:
    """Say whether the cache answered when this process last asked; asks nothing itself."""
    return _reach.seconds is not None


def reachable_for() -> float:
    """Return for how many seconds it has been answering this process; 0 while it does not."""
    return _reach.seconds or 0.0


def read(name: str) -> Any:
    return _anywhere(lambda held: held.get(name))


def write(name: str, value: object, seconds: float) -> None:
    _anywhere(lambda held: held.set(name, value, _kept(held, seconds)))


def claim(name: str, value: object, seconds: float) -> bool:
    """Take `name` for some seconds, for one caller among all processes.

    While the cache cannot be reached it is one caller of each process.
    """
    return _anywhere(lambda held: bool(held.add(name, value, _kept(held, seconds))))


def count(name: str, seconds: float, amount: int = 1) -> int:
    """Return how often this was counted, starting anew `seconds` after the first."""

    def counted(held: BaseCache) -> int:
        held.add(name, 0, _kept(held, seconds))
        try:
            total = int(held.incr(name, amount))
        except ValueError:  # gone between the two calls
            return amount
        if total == amount:
            # Django asks Redis whether it is there and counts then: what ran out in between is
            # made anew without an end, and would hold somebody back for ever.
            held.touch(name, _kept(held, seconds))
        return total

    return _anywhere(counted)


def uncount(name: str) -> None:
    """Count one less, where anything is counted."""

    def uncounted(held: BaseCache) -> None:
        if int(held.get(name, 0)) > 0:
            try:
                left = int(held.decr(name))
            except ValueError:  # gone between the two calls
                return
            if left < 0:
                # Gone even later than that, and made anew without an end (see above).
                held.delete(name)

    _anywhere(uncounted)


def drop(*names: str) -> None:
    """Delete here and, as soon as it can be reached, for all processes."""
    _memory.delete_many(names)
    _shared(lambda: cache.delete_many(names), otherwise=lambda: _reach.owe(*names))


def read_shared(name: str) -> Any:
    """Return what all processes hold to; None while it cannot be known."""
    return _shared(lambda: cache.get(name), otherwise=lambda: None)


def write_shared(name: str, value: object, seconds: float) -> bool:
    """Tell all processes, or say that they could not be told.

    What they knew before is deleted then, as soon as the cache can be reached.
    """

    def told() -> bool:
        cache.set(name, value, seconds)
        return True

    def untold() -> bool:
        _reach.owe(name)
        return False

    return _shared(told, otherwise=untold)


def _anywhere(operation: Callable[[BaseCache], T]) -> T:
    """Carry something out in the cache, or else in the memory of this process."""
    return _shared(lambda: operation(cache), otherwise=lambda: operation(_memory))


def _shared(operation: Callable[[], T], *, otherwise: Callable[[], T]) -> T:
    if not _reach.may_ask():
        return otherwise()
    try:
        _reach.settle()
        answer = operation()
    except _DOWN as problem:
        _reach.failed(problem)
        return otherwise()
    _reach.answered()
    return answer


def _kept(held: BaseCache, seconds: float) -> float:
    return min(seconds, REMEMBERED_FOR) if held is _memory else seconds
