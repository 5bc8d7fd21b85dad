from __future__ import annotations

import time


class Deadline:
    """Hold the moment by which a piece of work must be over, on a clock that is never set."""

    __slots__ = ("_ends",)

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def remaining(self) -> float:
        return max(0.0, self._ends - time.monotonic())

    @property
    def expired(self) -> bool:
        return self.remaining() == 0.0

    def capped(self, seconds: float) -> Deadline:
        """Return a deadline for a part of the work: in `seconds`, but never after this one."""
        return Deadline(min(seconds, self.remaining()))
