"""A shared cache that can be made unreachable, as Redis' client tells it, and reachable again."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.core.cache.backends.locmem import LocMemCache

from accounts import shared_cache

CACHES: Final = {
    "default": {"BACKEND": "tests.fakes.cache.BreakableCache", "LOCATION": "breakable"}
}


class BreakableCache(LocMemCache):
    """Hold what is written, and fail at every question while there is a problem."""

    problem: ClassVar[Exception | None] = None
    asked: ClassVar[int] = 0

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(super().get, *args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._ask(super().set, *args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._ask(super().add, *args, **kwargs))

    def incr(self, *args: Any, **kwargs: Any) -> int:
        return int(self._ask(super().incr, *args, **kwargs))

    def touch(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._ask(super().touch, *args, **kwargs))

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._ask(super().delete, *args, **kwargs))

    def _ask(self, operation: Any, *args: Any, **kwargs: Any) -> Any:
        cls = type(self)
        cls.asked += 1
        if cls.problem is not None:
            raise cls.problem
        return operation(*args, **kwargs)


class SharedCache:
    """The switch of it, and the time that passes until it is asked again."""

    def __init__(self, problem: Exception) -> None:
        self._problem = problem

    def breaks(self) -> None:
        BreakableCache.problem = self._problem

    def heals(self) -> None:
        """Answer again, and let the seconds pass in which nobody asks."""
        BreakableCache.problem = None
        self.is_asked_again()

    def is_asked_again(self) -> None:
        shared_cache._reach._ask_again = 0.0

    def a_minute_passes(self) -> None:
        """Let run out what lay there before the outage, and what is told once a minute."""
        shared_cache._reach._up_since -= 61
        shared_cache._reach._told_at -= 61

    @property
    def asked(self) -> int:
        return BreakableCache.asked
