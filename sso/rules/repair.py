"""What an administrator typed → repaired value, warning or refusal (product.md, its table).

Every function takes one field as typed and returns Repaired or raises NotAcceptable. None of
them calls out: what needs discovery gets its answer handed in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from accounts.roles import ROLES, Role
from sso.rules.groups import group_key, parse_row
from sso.rules.repair_urls import CALLBACK_PATH, DiscoveredIssuer, issuer, redirect_uri
from sso.rules.repaired import NotAcceptable, Note, NoteKind, Repaired, amber, info
from sso.rules.text import has_invisible, is_guid, is_storable, strip_edges

__all__ = [
    "CALLBACK_PATH",
    "DEFAULT_BUTTON_TEXT",
    "DEFAULT_SCOPES",
    "ENTRA_SCOPES",
    "SUPERADMIN_ROW_EMPTY",
    "DiscoveredIssuer",
    "DuplicateGroup",
    "NotAcceptable",
    "Note",
    "NoteKind",
    "Repaired",
    "button_text",
    "clean",
    "client_id",
    "client_secret",
    "duplicate_groups",
    "issuer",
    "redirect_uri",
    "role_row",
    "scopes",
]

DEFAULT_SCOPES = "openid email profile groups"
ENTRA_SCOPES = "openid email profile User.Read"
DEFAULT_BUTTON_TEXT = "Login with SSO"
SUPERADMIN_ROW_EMPTY = amber(
    "Sync roles is on and the superadmin row is empty: nobody is promoted to Super Admin through"
    " SSO, and those who are keep their role."
)

CLIENT_ID_LIMIT = 255
CLIENT_SECRET_LIMIT = 1024
SCOPES_LIMIT = 500
BUTTON_TEXT_LIMIT = 60
ROW_LIMIT = 4000
_NAMED_IN_A_WARNING = 5

#: RFC 6749 §3.3; a comma would be allowed, but nobody who types one means it.
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_SCOPE_SEPARATORS = re.compile(r"[\s,]+")


def clean(text: str) -> str:
    """Return the text without the spaces, tabs and zero-width characters around it."""
    return strip_edges(text)


def client_id(typed: str, *, microsoft: bool) -> Repaired:
    value = clean(typed)
    if not value:
        return Repaired("")
    if microsoft and not is_guid(value):
        raise NotAcceptable(
            "Entra's client IDs look like 11111111-2222-3333-4444-555555555555. Copy the"
            " Application (client) ID from the Overview page of your app in Entra."
        )
    if has_invisible(value) or " " in value:
        raise NotAcceptable("There is a space or an invisible character inside the client ID.")
    if len(value) > CLIENT_ID_LIMIT:
        raise NotAcceptable(f"A client ID has at most {CLIENT_ID_LIMIT} characters.")
    if microsoft and value != value.lower():
        return Repaired(value.lower(), (info("Written in small letters, as Entra does."),))
    return Repaired(value)


def client_secret(typed: str) -> Repaired:
    """Repair a secret. No message of a refusal holds any of it."""
    value = clean(typed)
    if is_guid(value):
        raise NotAcceptable("This looks like the Secret ID. Paste the Value column.")
    if has_invisible(value):
        raise NotAcceptable(
            "There is an invisible character inside. Copy the Value column once more."
        )
    if len(value) > CLIENT_SECRET_LIMIT:
        raise NotAcceptable(f"A client secret has at most {CLIENT_SECRET_LIMIT} characters.")
    return Repaired(value)


def scopes(typed: str, *, microsoft: bool) -> Repaired:
    notes: list[Note] = []
    words = [word for word in _SCOPE_SEPARATORS.split(clean(typed)) if word]
    unsound = next((word for word in words if not _SCOPE.fullmatch(word)), None)
    if unsound is not None:
        raise NotAcceptable(
            "Scopes are plain words with a space between them, for example"
            f" {ENTRA_SCOPES if microsoft else DEFAULT_SCOPES}."
        )
    if microsoft and any(word.lower() == "groups" for word in words):
        raise NotAcceptable(
            "Entra knows no scope “groups” and refuses the whole request. Which groups the token"
            " carries is set in Entra, under Token configuration. Use these scopes:"
            f" {ENTRA_SCOPES}",
            suggestion=ENTRA_SCOPES,
        )
    kept = list(dict.fromkeys("openid" if word.lower() == "openid" else word for word in words))
    if "openid" not in kept:
        kept.insert(0, "openid")
        notes.append(info("“openid” was put first: without it there is no sign-in."))
    value = " ".join(kept)
    if len(value) > SCOPES_LIMIT:
        raise NotAcceptable(f"Scopes have at most {SCOPES_LIMIT} characters in all.")
    return Repaired(value, tuple(notes))


def button_text(typed: str) -> Repaired:
    value = " ".join(clean(typed).split())
    if not value:
        return Repaired(DEFAULT_BUTTON_TEXT)
    if has_invisible(value):
        raise NotAcceptable("There is an invisible character inside the button's text.")
    if len(value) > BUTTON_TEXT_LIMIT:
        raise NotAcceptable(f"The button has room for {BUTTON_TEXT_LIMIT} characters.")
    return Repaired(value)


def role_row(typed: str, *, microsoft: bool) -> Repaired:
    """Repair a row of the mapping; values stay on lines when they were typed on lines."""
    values = parse_row(typed)
    separator = "\n" if "\n" in clean(typed) else ", "
    value = separator.join(values)
    if not all(map(is_storable, values)):
        raise NotAcceptable("There is an invisible character inside a group.")
    if len(value) > ROW_LIMIT:
        raise NotAcceptable(f"A row has at most {ROW_LIMIT} characters.")
    names = [name for name in values if not is_guid(name)] if microsoft else []
    if not names:
        return Repaired(value)
    named = ", ".join(f"“{name}”" for name in names[:_NAMED_IN_A_WARNING])
    more = " and others" if len(names) > _NAMED_IN_A_WARNING else ""
    return Repaired(
        value,
        (
            amber(
                f"{named}{more}: Entra sends object IDs, not names. Paste the Object ID from the"
                " group's page in Entra, unless this is the value of an app role."
            ),
        ),
    )


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """A group that stands in more than one row."""

    group: str
    roles: tuple[Role, ...]

    @property
    def message(self) -> str:
        *most, last = [f"the {role.label} row" for role in self.roles]
        return (
            f"“{self.group}” is in {', '.join(most)} and in {last}. A group can give one role"
            " only: take it out of one of them."
        )


def duplicate_groups(rows: Mapping[Role, tuple[str, ...]]) -> tuple[DuplicateGroup, ...]:
    """Return every group that is in two rows or more, compared as a sign-in compares them."""
    found: dict[str, dict[Role, str]] = {}
    for role in ROLES:
        for value in rows.get(role, ()):
            if key := group_key(value):
                found.setdefault(key, {}).setdefault(role, value)
    return tuple(
        DuplicateGroup(next(iter(by_role.values())), tuple(by_role))
        for by_role in found.values()
        if len(by_role) > 1
    )
