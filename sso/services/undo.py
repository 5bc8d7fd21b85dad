"""Take back the last change of the settings or of the role mapping (product.md, Changes)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from auditlog import get_logentry_model
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils.dateparse import parse_date

from accounts.models import User
from sso.conf import Config
from sso.models import OIDCSettings, RoleMapping
from sso.services.settings import (
    EXPIRES,
    MAPPING_FIELDS,
    SECRET,
    SETTING_FIELDS,
    UNDO,
    Assurance,
    Saved,
    save_settings,
)

# A save writes an entry for the settings and one for the mapping. In between may stand entries
# that no save wrote, such as that local sign-in was forced open: those cannot be undone.
_LOOKED_THROUGH: Final = 20
_FIELDS: Final = (*SETTING_FIELDS, *MAPPING_FIELDS)
_SYSTEM: Final = "PatchMon"
_KEPT: Final = "The client secret stays as it is: PatchMon keeps no earlier one."
_KEPT_TOO: Final = "So does the date on which it expires."


@dataclass(frozen=True, slots=True, kw_only=True)
class LastChange:
    """What one save changed: field → (before, after), as values.

    The date on which the secret expires is not among the fields where the secret changed with it:
    the earlier one is of a secret that is gone.
    """

    save_id: str
    at: datetime
    actor: str
    fields: dict[str, tuple[Any, Any]]
    secret: bool
    expiry: bool
    is_undo: bool

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(_label(name) for name in self.fields)

    @property
    def lines(self) -> tuple[tuple[str, str, str], ...]:
        """Return of each field what it is called, what it is, and what it would be again."""
        return tuple(
            (_label(name), _word(after), _word(before))
            for name, (before, after) in self.fields.items()
        )

    @property
    def kept(self) -> str:
        """Say what an undo leaves as it is; '' for nothing."""
        if not self.secret:
            return ""
        return f"{_KEPT} {_KEPT_TOO}" if self.expiry else _KEPT

    @property
    def named(self) -> str:
        return f"the change of {self.at:%Y-%m-%d %H:%M:%S} UTC by {self.actor}"


def last_change() -> LastChange | None:
    """Return the newest save that the change log holds, None while there is none."""
    kinds = ContentType.objects.get_for_models(OIDCSettings, RoleMapping).values()
    newest = (
        get_logentry_model()
        .objects.filter(content_type__in=[kind.pk for kind in kinds])
        .select_related("actor")
        .order_by("-timestamp", "-pk")[:_LOOKED_THROUGH]
    )
    entries = [entry for entry in newest if _save_id(entry)]
    if not entries:
        return None
    save_id = _save_id(entries[0])
    changes: dict[str, list[str]] = {}
    for entry in entries:
        if _save_id(entry) == save_id:
            changes |= entry.changes or {}
    return LastChange(
        save_id=save_id,
        at=entries[0].timestamp,
        actor=(entries[0].additional_data or {}).get("actor") or _SYSTEM,
        fields={
            name: (_value(name, changes[name][0]), _value(name, changes[name][1]))
            for name in _FIELDS
            if name in changes and not (name == EXPIRES and SECRET in changes)
        },
        secret=SECRET in changes,
        expiry=EXPIRES in changes,
        is_undo=UNDO in changes,
    )


def undo(
    change: LastChange,
    *,
    actor: User,
    assurance: Assurance,
    approve: Callable[[Config, frozenset[str]], None],
) -> Saved:
    """Restore what the fields were before; raises as save_settings does.

    A field that has changed since raises SettingsConflict. The secret is kept nowhere, so it
    stays as it is.
    """
    return save_settings(
        {name: before for name, (before, _) in change.fields.items()},
        actor=actor,
        base={name: after for name, (_, after) in change.fields.items()},
        assurance=assurance,
        approve=approve,
        undoes=change.named,
    )


def _save_id(entry: Any) -> str:
    return str((entry.additional_data or {}).get("save", ""))


def _value(name: str, recorded: str) -> Any:
    if name == EXPIRES:
        return parse_date(recorded)
    is_switch = name in SETTING_FIELDS and isinstance(
        OIDCSettings._meta.get_field(name),  # noqa: SLF001 - Django's documented API
        models.BooleanField,
    )
    return recorded == "on" if is_switch else recorded


def _label(name: str) -> str:
    model = OIDCSettings if name in SETTING_FIELDS else RoleMapping
    return str(model._meta.get_field(name).verbose_name)  # type: ignore[union-attr]  # noqa: SLF001


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "empty" if value is None else str(value) or "empty"
