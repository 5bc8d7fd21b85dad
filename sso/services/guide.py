"""The setup guide in the page: which steps are done, and what goes where in this installation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from accounts.roles import ROLES, Role
from sso.conf import ENTRA_SCOPES, GROUP_FIELDS, Config
from sso.models import LinkedIdentity
from sso.provider.checkup.findings import Outcome
from sso.readiness import administrator_came_through_sso
from sso.rules.explanations import Blade
from sso.rules.hosts import host_of, is_loopback_host
from sso.rules.microsoft import cloud_of, is_microsoft_login_host
from sso.rules.portal import blade_link
from sso.services.checkup_runs import last_check

ISSUER_SHAPE: Final = "https://login.microsoftonline.com/<TENANT_ID>/v2.0"
# Only examples: PatchMon matches object IDs.
_GROUP_NAMES: Final[Mapping[Role, str]] = {
    Role.SUPERADMIN: "PatchMon SuperAdmins",
    Role.ADMIN: "PatchMon Admins",
    Role.HOST_MANAGER: "PatchMon Host Managers",
    Role.USER: "PatchMon Users",
    Role.READONLY: "PatchMon Readonly",
}
_LINKS: Final[Mapping[str, Blade]] = {
    "overview": Blade.OVERVIEW,
    "authentication": Blade.AUTHENTICATION,
    "secrets": Blade.SECRETS,
    "token": Blade.TOKEN_CONFIGURATION,
    "permissions": Blade.PERMISSIONS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideRow:
    """A row of the mapping: an example of a group's name, the field, and what it holds."""

    role: Role
    group: str
    field: str
    filled: bool

    @property
    def label(self) -> str:
        return self.role.value.replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """What the template fills in; `done` holds the numbers of the steps that need no more work."""

    done: frozenset[int]
    enforced: bool
    callback_url: str
    callback_fits_entra: bool
    issuer: str
    client_id: str
    scopes: str
    button_text: str
    rows: tuple[GuideRow, ...]
    portal: str
    apps: str
    links: Mapping[str, str]

    @property
    def next_step(self) -> int:
        """Return the first step that is not done, 0 when all are."""
        return next((number for number in range(1, 11) if number not in self.done), 0)


def guide(config: Config) -> Guide:
    """Derive the state of every step from the settings in force and from what has worked."""
    is_entra = not config.issuer or is_microsoft_login_host(host_of(config.issuer))
    callback = urlsplit(config.callback_url)
    return Guide(
        done=_done(config),
        enforced=config.disable_local_auth and config.enabled,
        callback_url=config.callback_url,
        callback_fits_entra=callback.scheme == "https" or is_loopback_host(callback.hostname or ""),
        issuer=config.issuer or ISSUER_SHAPE,
        client_id=config.client_id,
        scopes=ENTRA_SCOPES,
        button_text=config.button_text,
        rows=tuple(
            GuideRow(
                role=role,
                group=_GROUP_NAMES[role],
                field=GROUP_FIELDS[role],
                filled=config.mapping.fills(role),
            )
            for role in ROLES
        ),
        portal=_portal(config) if is_entra else "",
        apps=blade_link(Blade.OVERVIEW, issuer=config.issuer, client_id="") if is_entra else "",
        links={
            name: blade_link(blade, issuer=config.issuer, client_id=config.client_id)
            for name, blade in _LINKS.items()
        }
        if is_entra
        else {},
    )


def _portal(config: Config) -> str:
    """Return the start of the admin center, in the tenant of the issuer where it is known."""
    cloud = cloud_of(host_of(config.issuer)) if config.issuer else None
    if cloud is not None and cloud.portal_host:
        return (
            blade_link(Blade.USERS, issuer=config.issuer, client_id="")
            or f"https://{cloud.portal_host}/"
        )
    return "https://entra.microsoft.com/"


def _done(config: Config) -> frozenset[int]:
    people = LinkedIdentity.objects.filter(issuer=config.issuer, last_sign_in__isnull=False)
    came = bool(config.issuer) and people.exists()
    check = last_check(config)
    works = came or (check is not None and check.outcome in {Outcome.PASSED, Outcome.WARNING})
    registered = bool(config.issuer and config.client_id)
    mapped = any(config.mapping.fills(role) for role in GROUP_FIELDS)
    scopes = config.scopes.split()
    state = {
        # Only the provider knows what was registered there: a sign-in or a check has seen it.
        1: works,
        2: registered,
        3: config.secret_set and config.secret_readable,
        4: came and people.exclude(groups=[]).exists(),
        5: works and "User.Read" in scopes,
        6: mapped,
        7: registered and config.secret_set and "groups" not in scopes,
        8: config.sync_roles,
        9: mapped,
        10: config.enabled and administrator_came_through_sso(config.issuer),
    }
    return frozenset(number for number, is_done in state.items() if is_done)
