"""Put one group into one row of the role mapping, as a test sign-in's report offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from accounts.models import User
from accounts.roles import Role
from sso.conf import GROUP_FIELDS, Config
from sso.rules import repair
from sso.rules.groups import RoleMapping, group_key, parse_row
from sso.rules.repair import NotAcceptable, Note
from sso.services.preview import Approval, Preview, preview
from sso.services.settings import Assurance, Saved, save_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A row as it would be with the group in it, and what that would do to people."""

    role: Role
    group: str
    row: str
    notes: tuple[Note, ...]
    preview: Preview

    @property
    def field(self) -> str:
        return GROUP_FIELDS[self.role]


def add_to_row(
    group: str, role: Role, *, seen: Mapping[str, Any], config: Config, is_entra: bool
) -> Addition:
    """Add a group to the row as its editor saw it; raise NotAcceptable where a row cannot hold it.

    Nothing is saved.
    """
    before = parse_row(seen[GROUP_FIELDS[role]])
    separator = "\n" if "\n" in seen[GROUP_FIELDS[role]] else ", "
    repaired = repair.role_row(separator.join((*before, group)), microsoft=is_entra)
    after = parse_row(repaired.value)
    if group_key(group) not in {group_key(value) for value in after}:
        raise NotAcceptable(
            f"“{group}” cannot stand in a row: a comma or a line break separates two groups there."
            " Give the group another name at the provider."
        )
    rows = {**config.mapping.rows, role: after}
    for duplicate in repair.duplicate_groups(rows):
        if group_key(duplicate.group) == group_key(group):
            raise NotAcceptable(duplicate.message)
    mapping = RoleMapping(default_role=config.mapping.default_role, rows=rows)
    return Addition(
        role=role,
        group=group,
        row=repaired.value,
        notes=repaired.notes,
        preview=preview(replace(config, mapping=mapping)),
    )


def save_addition(
    addition: Addition,
    *,
    seen: Mapping[str, Any],
    actor: User,
    own_demotion: bool,
    assurance: Assurance,
) -> Saved:
    """Save the row; raises as save_settings does, and PreviewRequired where it does more by now."""
    return save_settings(
        {addition.field: addition.row},
        actor=actor,
        base=seen,
        assurance=assurance,
        approve=Approval(actor=actor, seen=addition.preview.digest, own_demotion=own_demotion),
    )
