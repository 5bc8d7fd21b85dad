"""Groups received × role mapping → role, and the rows that matched (sign-in.md, Role)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from accounts.roles import ROLES, Role
from sso.rules.text import strip_edges

_SEPARATORS = re.compile(r"[,\r\n]")


@dataclass(frozen=True, slots=True)
class RoleMapping:
    """What each row of the mapping holds; a missing row is an empty one."""

    default_role: Role
    rows: Mapping[Role, tuple[str, ...]]

    def fills(self, role: Role) -> bool:
        return any(group_key(value) for value in self.rows.get(role, ()))


@dataclass(frozen=True, slots=True)
class RoleMatch:
    """The role that the groups give, each row that matched with the group, and the rest."""

    role: Role
    by_default: bool
    matched: tuple[tuple[Role, str], ...] = ()
    unmatched: tuple[str, ...] = ()


def group_key(value: str) -> str:
    """Return what two groups are compared by: trimmed and without case, nothing else."""
    return value.strip().lower()


def parse_row(text: str) -> tuple[str, ...]:
    """Split a row at commas and lines; blanks and repetitions fall out."""
    values = (strip_edges(part) for part in _SEPARATORS.split(text))
    first_of_its_kind = {group_key(value): value for value in reversed([*values]) if value}
    return tuple(reversed(first_of_its_kind.values()))


def match(values: Iterable[str], mapping: RoleMapping) -> RoleMatch:
    """Return the highest-ranked role whose row holds any of the groups, else the default."""
    received = tuple(values)
    rows = {
        role: {key for value in mapping.rows.get(role, ()) if (key := group_key(value))}
        for role in ROLES
    }
    matched = tuple(
        (role, value) for role in ROLES for value in received if group_key(value) in rows[role]
    )
    known = {value for _, value in matched}
    return RoleMatch(
        role=matched[0][0] if matched else mapping.default_role,
        by_default=not matched,
        matched=matched,
        unmatched=tuple(value for value in received if value not in known),
    )
