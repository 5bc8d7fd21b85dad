"""Save the settings: page, Django admin, API, file and .env import all end here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.changes import record
from accounts.models import User
from accounts.roles import Role
from sso.conf import REQUIRED, Config, from_rows
from sso.encryption import encrypt
from sso.models import OIDCSettings, RoleMapping
from sso.provider import discovery
from sso.readiness import administrator_came_through_sso, forget_answers
from sso.rules.hosts import is_loopback_host
from sso.rules.permissions import ONLY_SUPERADMINS_DEFAULT, locked_fields, may_set_default_role

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
SECRET: Final = "client_secret"  # noqa: S105 - the name of a field
# Shown in the change log instead of what was there: a secret is named, never shown.
SECRET_WORDS: Final = {True: "set", False: "not set"}

NOT_ENABLED: Final = (
    "Enable OIDC / SSO first and sign in through it once: without it nobody could get in."
)
NO_ADMINISTRATOR_YET: Final = (
    "No administrator has signed in through SSO yet. Connect your own account on your profile, "
    "or sign in through SSO as an Admin or Super Admin, then switch this on."
)
NO_WAY_BACK: Final = (
    "No active Super Admin has a password to fall back on when SSO breaks. Tick this box to "
    "switch local sign-in off all the same."
)


class SettingsRefused(Exception):
    """Say, field by field, why nothing was saved."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__(", ".join(errors))
        self.errors = dict(errors)


class SettingsConflict(Exception):
    """Say which fields somebody else changed meanwhile: name → (typed, saved by them)."""

    def __init__(self, conflicts: Mapping[str, tuple[Any, Any]]) -> None:
        super().__init__(", ".join(conflicts))
        self.conflicts = dict(conflicts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What a save changed, by field name."""

    changed: tuple[str, ...]
    version: int


def current_values() -> dict[str, Any]:
    """Return what the database holds, by field name, without the secret."""
    return _values(OIDCSettings.load(), RoleMapping.load())


def save_settings(
    values: Mapping[str, Any],
    *,
    actor: User | None,
    base: Mapping[str, Any] | None = None,
    confirmed: frozenset[str] = frozenset(),
) -> Saved:
    """Save the fields named in ``values``, all of them or none.

    ``base`` is what the editor saw: only what they changed is saved, and a field that somebody
    else changed meanwhile raises SettingsConflict with both values. ``values`` have gone
    through OIDCSettingsForm; a ``client_secret`` among them is saved too. Raises SettingsRefused
    where rank or the state of the installation forbids it.
    """
    OIDCSettings.load()
    RoleMapping.load()
    with transaction.atomic():
        row = OIDCSettings.objects.select_for_update().get(pk=1)
        mapping = RoleMapping.objects.select_for_update().get(pk=1)
        before = _values(row, mapping)
        wanted = _wanted(values, before, base)
        secret = values.get(SECRET)
        if secret is None and wanted.get("issuer") == "" and row.client_secret_encrypted:
            # Kept, it would go to whatever host is entered next.
            secret = ""
        if not wanted and secret is None:
            return Saved(changed=(), version=row.version)
        config_before = from_rows(row, mapping)
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
        _check(
            config_before,
            config,
            wanted,
            secret_given=bool(secret),
            actor=actor,
            confirmed=confirmed,
        )
        row.version += 1
        row.changed_at = timezone.now()
        row.save()
        mapping.save()
        _record(row, mapping, changes, actor=actor)
        transaction.on_commit(partial(_in_force, config_before, config, tuple(changes), actor))
    return Saved(changed=tuple(changes), version=row.version)


def save_secret(secret: str, *, actor: User | None) -> Saved:
    """Save the client secret alone; an empty one clears it."""
    return save_settings({SECRET: secret}, actor=actor)


def enable_problems(config: Config) -> dict[str, str]:
    """Name everything that keeps Enable from working, by field, each with what to do."""
    problems = {name: f"{REQUIRED[name]} is empty." for name in config.missing}
    if config.secret_set and not config.secret_readable:
        problems[SECRET] = "Client Secret cannot be decrypted: enter it again."
    if config.enforce_https:
        if config.issuer and not _is_protected(config.issuer):
            problems["issuer"] = "Issuer URL is not https, and Enforce HTTPS is on."
        if not _is_protected(config.callback_url):
            problems["enforce_https"] = (
                f"The callback URL {config.callback_url} is not https, and Enforce HTTPS is on. "
                "Change the Server URL under Settings → General."
            )
    return problems


def _wanted(
    values: Mapping[str, Any], before: Mapping[str, Any], base: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return what the editor changed and what is not so already."""
    wanted: dict[str, Any] = {}
    conflicts: dict[str, tuple[Any, Any]] = {}
    for name, value in values.items():
        if name == SECRET or value == before[name]:
            continue
        if base is not None and name in base:
            if value == base[name]:
                # Untouched here, changed by somebody else: theirs stays.
                continue
            if before[name] != base[name]:
                conflicts[name] = (value, before[name])
                continue
        wanted[name] = value
    if conflicts:
        raise SettingsConflict(conflicts)
    return wanted


def _check(
    before: Config,
    after: Config,
    wanted: Mapping[str, Any],
    *,
    secret_given: bool,
    actor: User | None,
    confirmed: frozenset[str],
) -> None:
    errors: dict[str, list[str]] = {}
    if actor is not None:
        _check_rank(before, after, wanted, Role(actor.role), errors)
    if after.enabled:
        problems = enable_problems(after)
        if problems and not before.enabled:
            errors["enabled"] = list(problems.values())
        else:
            known = enable_problems(before)
            errors |= {
                name: [f"{text} Single sign-on is enabled and needs it: disable it first."]
                for name, text in problems.items()
                if name not in known
            }
    host_before, host_after = urlsplit(before.issuer).netloc, urlsplit(after.issuer).netloc
    if (
        before.secret_set
        and host_before
        and host_after not in {"", host_before}
        and not secret_given
    ):
        text = (
            f"The issuer's host changes from {host_before} to {host_after}. Paste the client "
            "secret again, so that the stored one is never sent to another host."
        )
        errors[SECRET] = [text]
    if wanted.get("disable_local_auth"):
        _check_disable_local_auth(after, confirmed, errors)
    if errors:
        raise SettingsRefused(errors)


def _check_rank(
    before: Config,
    after: Config,
    wanted: Mapping[str, Any],
    role: Role,
    errors: dict[str, list[str]],
) -> None:
    locked = locked_fields(role, before.mapping)
    errors |= {name: [locked[name]] for name in wanted if name in locked}
    if "default_role" in wanted and not may_set_default_role(role, after.mapping.default_role):
        errors["default_role"] = [ONLY_SUPERADMINS_DEFAULT]


def _check_disable_local_auth(
    after: Config, confirmed: frozenset[str], errors: dict[str, list[str]]
) -> None:
    if not after.enabled:
        errors["disable_local_auth"] = [NOT_ENABLED]
    elif not administrator_came_through_sso():
        errors["disable_local_auth"] = [NO_ADMINISTRATOR_YET]
    elif "disable_local_auth" not in confirmed and not superadmin_has_password():
        errors["confirm_disable_local_auth"] = [NO_WAY_BACK]


def superadmin_has_password() -> bool:
    """Say whether an active superadmin could sign in with a password if SSO broke."""
    superadmins = User.objects.filter(role=Role.SUPERADMIN, is_active=True).only("password")
    return any(user.has_usable_password() for user in superadmins)


def _record(
    row: OIDCSettings,
    mapping: RoleMapping,
    changes: Mapping[str, tuple[str, str]],
    *,
    actor: User | None,
) -> None:
    for instance, names in ((row, {*SETTING_FIELDS, SECRET}), (mapping, set(MAPPING_FIELDS))):
        theirs = {name: pair for name, pair in changes.items() if name in names}
        if theirs:
            record(instance, theirs, actor=actor)


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


def _values(row: OIDCSettings, mapping: RoleMapping) -> dict[str, Any]:
    return {name: getattr(row, name) for name in SETTING_FIELDS} | {
        name: getattr(mapping, name) for name in MAPPING_FIELDS
    }


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def _is_protected(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or is_loopback_host(parts.hostname or "")
