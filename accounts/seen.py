"""What an editor changed of what they were shown, and what somebody else changed meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_BOTH: Final = (
    "Somebody else changed this to “{theirs}” while you had “{mine}”. Nothing was saved: keep one "
    "of the two and press {button} again."
)


class ChangedMeanwhile(Exception):
    """Say which fields somebody else changed meanwhile: name → (typed, saved by them)."""

    def __init__(self, conflicts: Mapping[str, tuple[Any, Any]]) -> None:
        super().__init__(", ".join(conflicts))
        self.conflicts = dict(conflicts)


def edited(
    values: Mapping[str, Any], present: Mapping[str, Any], seen: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return what the editor changed and what is not so already.

    ``seen`` is what they were shown, as far as it is known: a field that they left as it was
    keeps what somebody else has made of it since, and one that both changed raises
    ChangedMeanwhile.
    """
    wanted: dict[str, Any] = {}
    conflicts: dict[str, tuple[Any, Any]] = {}
    for name, value in values.items():
        if value == present[name]:
            continue
        if seen is not None and name in seen:
            if value == seen[name]:
                continue
            if present[name] != seen[name]:
                conflicts[name] = (value, present[name])
                continue
        wanted[name] = value
    if conflicts:
        raise ChangedMeanwhile(conflicts)
    return wanted


def both_values(mine: Any, theirs: Any, *, button: str) -> str:
    """Tell the editor of a field what they typed and what somebody else saved."""
    return _BOTH.format(mine=_word(mine), theirs=_word(theirs), button=button)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "empty" if value is None else str(value) or "empty"
