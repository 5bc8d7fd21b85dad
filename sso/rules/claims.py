"""Verified claims → Identity: with claimed_email the only home of vendors' claim names.

The rules are in sign-in.md, Who it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NewType

from sso.rules.claimed_email import is_plainly_true, read_email, verdict
from sso.rules.reasons import Reason, SignInRefused
from sso.rules.text import is_guid, is_storable, person_name

#: The contents of an ID token that `provider.tokens` has verified; nothing else makes one.
VerifiedClaims = NewType("VerifiedClaims", dict[str, Any])

SUBJECT_LIMIT = 255
NAME_LIMIT = 150
GROUP_LIMIT = 512
SESSION_ID_LIMIT = 255
LOGIN_HINT_LIMIT = 2048

# The last second of the year 9999: beyond it a number is no date that anyone means.
_LAST_MOMENT = 253_402_300_799
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_GUEST_MARK = "#ext#"


class GroupsSource(StrEnum):
    TOKEN = "token"  # noqa: S105 - the ID token
    USERINFO = "userinfo"
    GRAPH = "graph"
    #: The token says that there are more than it holds, and nothing has resolved that yet.
    OVERAGE = "overage"
    ABSENT = "absent"
    #: Asked for and not (wholly) answered: an outage, not a change of membership.
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class GroupsClaim:
    """The groups received; `ignored` when something there had a shape that is not accepted."""

    values: tuple[str, ...]
    source: GroupsSource
    ignored: bool = False

    @property
    def is_complete(self) -> bool:
        return self.source not in {GroupsSource.OVERAGE, GroupsSource.INCOMPLETE}

    def resolved_by(self, looked_up: GroupsClaim) -> GroupsClaim:
        """Return what a look-up found, with the app roles that only the token holds."""
        return GroupsClaim(
            values=tuple(dict.fromkeys((*self.values, *looked_up.values))),
            source=looked_up.source,
            ignored=self.ignored or looked_up.ignored,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the provider says it is; only issuer and subject (or Entra's two IDs) identify."""

    issuer: str
    subject: str
    tenant_id: str = ""
    object_id: str = ""
    email: str = ""
    #: True: the provider vouches for the address. False: it denies it. None: neither.
    email_verified: bool | None = None
    preferred_username: str = ""
    upn: str = ""
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    is_guest: bool = False
    groups: GroupsClaim = GroupsClaim(values=(), source=GroupsSource.ABSENT)
    #: When the person last typed a password there, in seconds; None where the token does not say.
    auth_time: int | None = None
    session_id: str = ""
    login_hint: str = field(default="", repr=False)
    #: Names of claims that were there and could not be used.
    ignored: tuple[str, ...] = ()

    @property
    def first_name(self) -> str:
        """Return the given name, or the whole name where the provider does not split it."""
        return self.given_name or ("" if self.family_name else self.name)

    @property
    def last_name(self) -> str:
        return self.family_name


def identity_from(
    claims: VerifiedClaims,
    *,
    is_entra: bool,
    userinfo: Mapping[str, Any] | None = None,
) -> Identity:
    """Read the claims of any shape into an Identity, or refuse.

    `userinfo` (its `sub` already compared) fills gaps and never overrides a signed claim.
    """
    if not isinstance(claims, dict):
        raise SignInRefused(Reason.CLAIMS, detail="The claims are not an object.")
    unsigned: Mapping[str, Any] = {} if userinfo is None or is_entra else userinfo
    texts = {
        name: _text(claims, unsigned, name)
        for name in ("name", "given_name", "family_name", "preferred_username", "upn")
    }
    email, email_from = read_email(claims, unsigned)
    groups = _groups(claims, unsigned, is_entra=is_entra)
    ignored = [name for name, text in texts.items() if text is None]
    if email is None:
        ignored.append("email")
    if groups.ignored:
        ignored.append("groups")
    identity = Identity(
        issuer=_required(claims, "iss", Reason.ISS, None),
        subject=_required(claims, "sub", Reason.SUB, SUBJECT_LIMIT),
        tenant_id=_guid(claims, "tid") if is_entra else "",
        object_id=_guid(claims, "oid") if is_entra else "",
        email=email or "",
        email_verified=verdict(claims, unsigned, email_from, is_entra=is_entra) if email else None,
        preferred_username=texts["preferred_username"] or "",
        upn=texts["upn"] or "",
        name=texts["name"] or "",
        given_name=texts["given_name"] or "",
        family_name=texts["family_name"] or "",
        groups=groups,
        auth_time=_seconds(claims.get("auth_time")),
        session_id=_token_like(claims.get("sid"), SESSION_ID_LIMIT),
        login_hint=_token_like(claims.get("login_hint"), LOGIN_HINT_LIMIT),
        ignored=tuple(ignored),
    )
    return replace(identity, is_guest=_is_guest(claims, identity))


def needs_userinfo(claims: VerifiedClaims, *, is_entra: bool, groups_matter: bool) -> bool:
    """Say whether something needed is missing in the ID token (verification.md, Userinfo).

    Never for Entra, whose ID token has everything that its userinfo could add.
    """
    if is_entra:
        return False
    named = any(claims.get(name) is not None for name in ("name", "given_name", "family_name"))
    grouped = not groups_matter or claims.get("groups") is not None
    return not (claims.get("email") is not None and named and grouped)


def _required(claims: Mapping[str, Any], name: str, reason: Reason, limit: int | None) -> str:
    # A subject is compared byte for byte: padding or look-alikes would make two of one.
    value = claims.get(name)
    if not isinstance(value, str) or not _VISIBLE_ASCII.fullmatch(value):
        raise SignInRefused(reason, detail=f"{name} is missing or not printable ASCII text.")
    if limit is not None and len(value) > limit:
        raise SignInRefused(reason, detail=f"{name} is longer than {limit} characters.")
    return value


def _guid(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value.lower() if isinstance(value, str) and is_guid(value) else ""


def _seconds(value: Any) -> int | None:
    """Read a moment; nonsense is long ago, so that it is never taken for "does not say"."""
    if value is None:
        return None
    sound = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if sound and 0 <= value <= _LAST_MOMENT else 0


def _token_like(value: Any, limit: int) -> str:
    usable = isinstance(value, str) and len(value) <= limit and _VISIBLE_ASCII.fullmatch(value)
    return value if usable else ""


def _text(signed: Mapping[str, Any], unsigned: Mapping[str, Any], name: str) -> str | None:
    """Return a cleaned text, "" when the claim is not there, None when it is unusable."""
    # An empty text that is signed is the provider's word too: only what is not there has a gap.
    value = unsigned.get(name) if signed.get(name) is None else signed[name]
    if value is None:
        return ""
    return person_name(value, NAME_LIMIT) if isinstance(value, str) else None


def _is_guest(claims: Mapping[str, Any], identity: Identity) -> bool:
    # `idp` is only there when the person's home is elsewhere; `acct` is 0 for a member
    # (entra-facts §2.1). Whatever is unclear counts as a guest: that only ever withholds trust.
    addresses = (identity.upn, identity.preferred_username, identity.email)
    return (
        claims.get("idp") is not None
        or not _is_member(claims.get("acct"))
        or any(_GUEST_MARK in address.lower() for address in addresses)
    )


def _is_member(account_kind: Any) -> bool:
    if isinstance(account_kind, str):
        return account_kind == "0"
    return account_kind is None or (type(account_kind) is int and account_kind == 0)


def _groups(
    signed: Mapping[str, Any], unsigned: Mapping[str, Any], *, is_entra: bool
) -> GroupsClaim:
    """Read groups, and Entra's app roles, in any accepted shape (sign-in.md, Groups)."""
    found, source = signed.get("groups"), GroupsSource.TOKEN
    if found is None and unsigned.get("groups") is not None:
        found, source = unsigned["groups"], GroupsSource.USERINFO
    elif found is None:
        source = GroupsSource.ABSENT
    if is_entra and _is_overage(signed):
        source = GroupsSource.OVERAGE
    entries = [*_entries(found), *(_entries(signed.get("roles")) if is_entra else ())]
    # Display names are no identifiers in Entra: anyone may call a group as they like.
    names = [_group_name(entry, objects=not is_entra) for entry in entries]
    return GroupsClaim(
        values=tuple(dict.fromkeys(name for name in names if name is not None)),
        source=source,
        ignored=None in names,
    )


def _is_overage(claims: Mapping[str, Any]) -> bool:
    # Entra's own words; at another provider the same names may stand for anything.
    elsewhere = claims.get("_claim_names")
    return (isinstance(elsewhere, dict) and elsewhere.get("groups") is not None) or (
        is_plainly_true(claims.get("hasgroups"))
    )


def _entries(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, list):
        return value
    # One string is one group, never a list of characters; any other shape is one bad entry.
    return [value if isinstance(value, str) else _UNUSABLE]


#: Stands for a claim whose whole shape is not accepted: no group name, so it is ignored.
_UNUSABLE = object()


def _group_name(entry: Any, *, objects: bool) -> str | None:
    name = entry.get("name") if objects and isinstance(entry, dict) else entry
    if not isinstance(name, str):
        return None
    trimmed = name.strip()
    return trimmed if 0 < len(trimmed) <= GROUP_LIMIT and is_storable(trimmed) else None
