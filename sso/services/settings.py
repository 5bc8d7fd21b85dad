"""Save the settings: page, Django admin, API, file and .env import all end here."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final

import structlog
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.changes import record
from accounts.models import User
from accounts.policy import AccountRefused
from accounts.roles import Role
from accounts.services import lock_actor
from sso.conf import Config, from_rows
from sso.encryption import encrypt, mark_of
from sso.models import OIDCSettings, RoleMapping
from sso.provider import discovery
from sso.readiness import forget_answers
from sso.services.settings_checks import (
    EXPIRES,
    SECRET,
    SettingsRefused,
    check,
    enable_problems,
    superadmin_has_password,
)
from sso.services.settings_edits import SECRET_SEEN, SettingsConflict, edits_of

__all__ = [
    "EXPIRES",
    "FRESH",
    "MAPPING_FIELDS",
    "NO_ASSURANCE",
    "SECRET",
    "SECRET_SEEN",
    "SENSITIVE",
    "SETTING_FIELDS",
    "UNDO",
    "Assurance",
    "FreshSignInRequired",
    "Saved",
    "SettingsConflict",
    "SettingsRefused",
    "current_values",
    "enable_problems",
    "save_settings",
    "shown_values",
    "superadmin_has_password",
]

log = structlog.stdlib.get_logger(__name__)

SETTING_FIELDS: Final = (
    "enabled",
    "enforce_https",
    "sync_roles",
    "disable_local_auth",
    "auto_create_users",
    "trust_unverified_email",
    "issuer",
    "client_id",
    EXPIRES,
    "redirect_uri",
    "scopes",
    "button_text",
)
MAPPING_FIELDS: Final = (
    "default_role",
    "superadmin_group",
    "admin_group",
    "host_manager_group",
    "user_group",
    "readonly_group",
)
# What decides who gets in asks for a sign-in within the last fifteen minutes (product.md).
SENSITIVE: Final = frozenset(
    {
        "enabled",
        "issuer",
        "client_id",
        SECRET,
        "disable_local_auth",
        "trust_unverified_email",
        *MAPPING_FIELDS,
    }
)
# Shown in the change log instead of what was there: a secret is named, never shown.
SECRET_WORDS: Final = {True: "set", False: "not set"}
# What an undo is recorded by, beside the fields that it restores.
UNDO: Final = "undo"


class FreshSignInRequired(Exception):
    """Say which of the fields ask for a fresh sign-in; nothing was saved."""

    def __init__(self, fields: frozenset[str]) -> None:
        super().__init__(", ".join(sorted(fields)))
        self.fields = fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Assurance:
    """Which sensitive fields a person's session is good for; a note on why is recorded."""

    fields: frozenset[str] = frozenset()
    note: str = ""


NO_ASSURANCE: Final = Assurance()
FRESH: Final = Assurance(fields=SENSITIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What a save changed, by field name.

    ``expiry_removed`` says that another secret took the place of one whose date was known, and
    came without its own.
    """

    changed: tuple[str, ...]
    version: int
    expiry_removed: bool = False


def shown_values() -> dict[str, Any]:
    """Return what a page shows: the current values, and under SECRET_SEEN the secret's mark."""
    row = OIDCSettings.load()
    mark = mark_of(row.client_secret_encrypted)
    return {**_values(row, RoleMapping.load()), SECRET_SEEN: mark}


def current_values() -> dict[str, Any]:
    """Return what the database holds, by field name, without the secret."""
    return _values(OIDCSettings.load(), RoleMapping.load())


def save_settings(
    values: Mapping[str, Any],
    *,
    actor: User | None,
    base: Mapping[str, Any] | None = None,
    confirmed: frozenset[str] = frozenset(),
    assurance: Assurance = NO_ASSURANCE,
    approve: Callable[[Config, frozenset[str]], None] | None = None,
    undoes: str = "",
) -> Saved:
    """Save the fields named in ``values``, all of them or none.

    ``base`` is what the editor saw: only what they changed is saved, and a field that somebody
    else changed meanwhile raises SettingsConflict with both values; so does another secret than
    the one whose mark is in ``base`` under SECRET_SEEN. ``values`` have gone
    through OIDCSettingsForm; a ``client_secret`` among them is saved too, and takes the date on
    which the stored one expires with it unless a new date is among them. Raises SettingsRefused
    where rank or the state of the installation forbids it, FreshSignInRequired where a person
    changes more than the ``assurance`` of their session covers, PermissionDenied where they may
    not change any of it by now. ``approve`` sees last, under the
    lock, what would be in force and which fields change; what it raises keeps all of it from
    being saved. ``undoes`` names the change that this one takes back.
    """
    OIDCSettings.load()
    RoleMapping.load()
    with transaction.atomic():
        if actor is not None:
            actor = _present(actor)
        row = OIDCSettings.objects.select_for_update().get(pk=1)
        mapping = RoleMapping.objects.select_for_update().get(pk=1)
        before = _values(row, mapping)
        config_before = from_rows(row, mapping)
        wanted = edits_of(values, before, base, stored=row.client_secret_encrypted)
        secret = values.get(SECRET)
        if secret is None and wanted.get("issuer") == "" and row.client_secret_encrypted:
            # Kept, it would go to whatever host is entered next.
            secret = ""
        if not wanted and secret is None:
            return Saved(changed=(), version=row.version)
        expiry_removed = _remove_expiry(wanted, before[EXPIRES], config_before, secret)
        sensitive = SENSITIVE & {*wanted, *([SECRET] if secret is not None else [])}
        if actor is not None and not sensitive <= assurance.fields:
            raise FreshSignInRequired(sensitive - assurance.fields)
        for name, value in wanted.items():
            setattr(row if name in SETTING_FIELDS else mapping, name, value)
        changes = {name: (_shown(before[name]), _shown(value)) for name, value in wanted.items()}
        if secret is not None:
            had = bool(row.client_secret_encrypted)
            row.client_secret_encrypted = encrypt(secret)
            changes[SECRET] = (
                SECRET_WORDS[had],
                "changed" if had and secret else SECRET_WORDS[bool(secret)],
            )
        config = from_rows(row, mapping)
        check(
            config_before,
            config,
            wanted,
            # Taken away is as good as given anew: the stored one goes to no other host.
            secret_given=secret is not None,
            actor=actor,
            confirmed=confirmed,
        )
        if approve is not None:
            approve(config, frozenset(wanted))
        row.version += 1
        row.changed_at = timezone.now()
        row.save()
        mapping.save()
        note = {"sign-in": ("", assurance.note)} if sensitive and assurance.note else {}
        if undoes:
            note[UNDO] = ("", undoes)
        _record(row, mapping, changes, note=note, actor=actor)
        transaction.on_commit(partial(_in_force, config_before, config, tuple(changes), actor))
    return Saved(changed=tuple(changes), version=row.version, expiry_removed=expiry_removed)


def _remove_expiry(
    wanted: dict[str, Any], stored: date | None, before: Config, secret: str | None
) -> bool:
    """Let the date go with the secret that it belonged to; say whether a new one is missing.

    A secret that is given again is still the same one: programs send it with every document.
    """
    if secret is None:
        return False
    if not secret:
        wanted.pop(EXPIRES, None)
    elif not before.secret_set or secret == before.client_secret or EXPIRES in wanted:
        return False
    if stored is not None:
        wanted[EXPIRES] = None
    return bool(secret) and stored is not None


def _present(actor: User) -> User:
    """Return the editor as they are now: the provider may have been asked since they came."""
    try:
        return lock_actor(actor, "accounts.can_manage_settings")
    except AccountRefused as refused:
        raise PermissionDenied(refused.sentence) from None


def _record(
    row: OIDCSettings,
    mapping: RoleMapping,
    changes: Mapping[str, tuple[str, str]],
    *,
    note: Mapping[str, tuple[str, str]],
    actor: User | None,
) -> None:
    save_id = secrets.token_hex(8)
    for instance, names in ((row, {*SETTING_FIELDS, SECRET}), (mapping, set(MAPPING_FIELDS))):
        theirs = {name: pair for name, pair in changes.items() if name in names}
        if theirs:
            record(instance, {**theirs, **note}, actor=actor, save_id=save_id)


def _in_force(before: Config, after: Config, changed: tuple[str, ...], actor: User | None) -> None:
    """Forget what was known under the old settings: the new ones hold everywhere at once."""
    for issuer in {before.issuer, after.issuer} - {""}:
        forget_answers(issuer)
        if before.issuer != after.issuer or before.enforce_https != after.enforce_https:
            discovery.forget(issuer)
    log.info(
        "oidc settings changed",
        _event="sso.settings.changed",
        fields=list(changed),
        actor=actor.username if actor is not None else "",
    )
    if after.sync_roles and not after.mapping.fills(Role.SUPERADMIN):
        log.warning("oidc superadmin row is empty", _event="sso.superadmin_row_empty", at="saving")


def _values(row: OIDCSettings, mapping: RoleMapping) -> dict[str, Any]:
    return {name: getattr(row, name) for name in SETTING_FIELDS} | {
        name: getattr(mapping, name) for name in MAPPING_FIELDS
    }


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "" if value is None else str(value)
