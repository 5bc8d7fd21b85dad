"""What an editor changed of the settings, and what somebody else changed meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from accounts.seen import ChangedMeanwhile, edited
from sso.encryption import CannotDecrypt, decrypt, mark_of
from sso.services.settings_checks import SECRET

# The mark of the stored secret, among the values that an editor saw.
SECRET_SEEN: Final = "secret_seen"  # noqa: S105 - the name of a value


class SettingsConflict(ChangedMeanwhile):
    """Say which settings somebody else changed meanwhile: name → (typed, saved by them).

    Of the secret, neither: only the mark of theirs.
    """


def edits_of(
    values: Mapping[str, Any],
    before: Mapping[str, Any],
    base: Mapping[str, Any] | None,
    *,
    stored: str,
) -> dict[str, Any]:
    """Return what the editor changed and what is not so already, the secret aside.

    ``stored`` is the secret as it is kept; another than the one whose mark is in ``base`` is a
    conflict where one was typed.
    """
    conflicts = _of_the_secret(values.get(SECRET), base, stored)
    shown = {name: value for name, value in values.items() if name != SECRET}
    try:
        wanted = edited(shown, before, base)
    except ChangedMeanwhile as changed:
        raise SettingsConflict({**changed.conflicts, **conflicts}) from None
    if conflicts:
        raise SettingsConflict(conflicts)
    return wanted


def _of_the_secret(
    typed: str | None, base: Mapping[str, Any] | None, stored: str
) -> dict[str, tuple[Any, Any]]:
    mark = mark_of(stored)
    if typed is None or base is None or base.get(SECRET_SEEN) in {None, mark}:
        return {}
    try:
        is_so_already = typed == decrypt(stored)
    except CannotDecrypt:
        is_so_already = False
    return {} if is_so_already else {SECRET: ("", mark)}
