"""The configuration in force: the database's or the environment's, as one frozen value.

The only module that spells mozilla-django-oidc's settings names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.roles import Role
from accounts.services import READ_ONLY, server_url, server_url_of
from sso.encryption import CannotDecrypt, decrypt
from sso.environment import EnvironmentConfig
from sso.models import SINGLETON, OIDCSettings
from sso.models import RoleMapping as RoleMappingRow
from sso.rules.groups import RoleMapping, parse_row
from sso.rules.hosts import is_protected
from sso.rules.microsoft import is_microsoft_login_host

CALLBACK_PATH: Final = "/api/v1/auth/oidc/callback"
DEFAULT_SCOPES: Final = "openid email profile groups"
ENTRA_SCOPES: Final = "openid email profile User.Read"
DEFAULT_BUTTON_TEXT: Final = "Login with SSO"
GROUP_FIELDS: Final = {
    Role.SUPERADMIN: "superadmin_group",
    Role.ADMIN: "admin_group",
    Role.HOST_MANAGER: "host_manager_group",
    Role.USER: "user_group",
    Role.READONLY: "readonly_group",
}
_MAPPING: Final = "mapping_"
# What Enable needs, with the label that the page gives it.
REQUIRED: Final = {
    "issuer": "Issuer URL",
    "client_id": "Client ID",
    "client_secret": "Client Secret",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Hold one consistent reading of the configuration; its repr shows no secret."""

    environment_variables: tuple[str, ...] = ()
    version: int
    enabled: bool
    enforce_https: bool
    sync_roles: bool
    disable_local_auth: bool
    auto_create_users: bool
    trust_unverified_email: bool
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    secret_set: bool
    client_secret_expires: date | None
    redirect_uri: str
    scopes: str
    button_text: str
    mapping: RoleMapping
    server_url: str
    client_refused: bool
    local_sign_in_until: datetime | None

    @property
    def from_environment(self) -> bool:
        return bool(self.environment_variables)

    @property
    def secret_readable(self) -> bool:
        return bool(self.client_secret) or not self.secret_set

    @property
    def callback_url(self) -> str:
        """The address the provider sends people back to: never built from a request."""
        return self.redirect_uri or self.server_url + CALLBACK_PATH

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the required fields that are empty."""
        return tuple(
            name
            for name in REQUIRED
            if not (self.secret_set if name == "client_secret" else getattr(self, name))
        )

    @property
    def is_untouched(self) -> bool:
        """Say whether nobody has begun to connect a provider."""
        return not (self.issuer or self.client_id or self.secret_set)

    @property
    def not_https(self) -> tuple[str, ...]:
        """Names of our own addresses that are plain http although Enforce HTTPS is on."""
        ours = {"issuer": self.issuer, "callback": self.callback_url}
        return tuple(
            name
            for name, url in ours.items()
            if self.enforce_https and url and not is_protected(url)
        )

    @property
    def trip_version(self) -> str:
        """Digest of everything a round trip depends on (sign-in.md, The round trip)."""
        parts = [self.issuer, self.client_id, self.callback_url, self.scopes, self.enabled]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def scopes_for(self, *, is_entra: bool) -> str:
        """Return the scopes to ask for; left out in the environment they follow the provider."""
        return self.scopes or (ENTRA_SCOPES if is_entra else DEFAULT_SCOPES)


def provider_label(issuer: str, tenant_id: str = "") -> str:
    """Name a provider for people: "Microsoft" for Entra, its host for any other.

    Only Entra's identities have a tenant ID, so with one it is Entra wherever it is.
    """
    host = urlsplit(issuer).hostname or "your provider"
    return "Microsoft" if tenant_id or is_microsoft_login_host(host) else host


def credential_fingerprint(issuer: str, client_id: str, client_secret: str) -> str:
    """Digest of the credential, so that its refusal is forgotten with any part of it."""
    text = json.dumps([issuer, client_id, client_secret])
    return salted_hmac("sso.credential", text, algorithm="sha256").hexdigest()


def current(url: Callable[[], str] = server_url) -> Config:
    """Read the configuration in force; ``url`` tells the Server URL, as ``server_url`` does."""
    environment: EnvironmentConfig | None = settings.SSO_ENVIRONMENT
    if environment is None:
        return from_rows(*_rows(), url=url)
    return from_environment(environment, OIDCSettings.load(), url=url)


def for_request(request: HttpRequest) -> Config:
    """Read the configuration once for a request, however many of its parts ask for it.

    A request that changes something reads it anew each time: it may be another by then.
    """
    if request.method not in READ_ONLY:
        return current()
    config: Config | None = getattr(request, "sso_config", None)
    if config is None:
        config = current(partial(server_url_of, request))
        request.sso_config = config  # type: ignore[attr-defined]  # for this request alone
    return config


def _rows() -> tuple[OIDCSettings, RoleMappingRow]:
    """Read both singletons in one statement: read after each other, a save may lie between."""
    # _meta is Django's public name for it.
    names = [field.attname for field in RoleMappingRow._meta.concrete_fields]  # noqa: SLF001
    mapping = RoleMappingRow.objects.filter(pk=SINGLETON)
    columns = {f"{_MAPPING}{name}": Subquery(mapping.values(name)) for name in names}
    row = OIDCSettings.objects.filter(pk=SINGLETON).annotate(**columns).first()
    if row is None or getattr(row, f"{_MAPPING}id") is None:
        return OIDCSettings.load(), RoleMappingRow.load()
    return row, RoleMappingRow(**{name: getattr(row, f"{_MAPPING}{name}") for name in names})


def from_rows(
    row: OIDCSettings, mapping: RoleMappingRow, *, url: Callable[[], str] = server_url
) -> Config:
    """Read the configuration out of the two singletons."""
    try:
        client_secret = decrypt(row.client_secret_encrypted)
    except CannotDecrypt:
        # Fails closed: a wrong key means no secret, and readiness says so.
        client_secret = ""
    return Config(
        version=row.version,
        enabled=row.enabled,
        enforce_https=row.enforce_https,
        sync_roles=row.sync_roles,
        disable_local_auth=row.disable_local_auth,
        auto_create_users=row.auto_create_users,
        trust_unverified_email=row.trust_unverified_email,
        issuer=row.issuer,
        client_id=row.client_id,
        client_secret=client_secret,
        secret_set=bool(row.client_secret_encrypted),
        client_secret_expires=row.client_secret_expires,
        redirect_uri=row.redirect_uri,
        scopes=row.scopes,
        button_text=row.button_text,
        mapping=role_mapping(
            mapping.default_role,
            {role: getattr(mapping, name) for role, name in GROUP_FIELDS.items()},
        ),
        server_url=url(),
        client_refused=_is_refused(row, row.issuer, row.client_id, client_secret),
        local_sign_in_until=row.local_sign_in_until,
    )


def from_environment(
    environment: EnvironmentConfig, row: OIDCSettings, *, url: Callable[[], str] = server_url
) -> Config:
    """Read the configuration out of the variables; of the database only its state counts."""
    issuer = environment.text("issuer")
    client_id = environment.text("client_id")
    client_secret = environment.text("client_secret")
    complete = bool(issuer and client_id and client_secret)
    return Config(
        environment_variables=environment.present,
        version=row.version,
        enabled=environment.switch("enabled", default=complete),
        enforce_https=environment.switch("enforce_https", default=True),
        sync_roles=environment.switch("sync_roles", default=False),
        disable_local_auth=environment.switch("disable_local_auth", default=False),
        auto_create_users=environment.switch("auto_create_users", default=True),
        trust_unverified_email=environment.switch("trust_unverified_email", default=False),
        issuer=issuer,
        client_id=client_id,
        client_secret=client_secret,
        secret_set=bool(client_secret),
        # The one in the database, if any, is of the database's secret.
        client_secret_expires=None,
        redirect_uri=environment.text("redirect_uri"),
        scopes=environment.text("scopes"),
        button_text=environment.text("button_text", DEFAULT_BUTTON_TEXT),
        mapping=role_mapping(
            environment.text("default_role", Role.USER.value),
            {role: environment.text(name) for role, name in GROUP_FIELDS.items()},
        ),
        server_url=url(),
        client_refused=_is_refused(row, issuer, client_id, client_secret),
        local_sign_in_until=row.local_sign_in_until,
    )


def role_mapping(default_role: str, rows: dict[Role, str]) -> RoleMapping:
    """Turn the texts of the mapping table into the rules' own value."""
    return RoleMapping(
        default_role=Role(default_role), rows={role: parse_row(text) for role, text in rows.items()}
    )


def local_sign_in_forced(config: Config) -> bool:
    """Say whether `sso allow-local-login` holds the way back in open just now."""
    until = config.local_sign_in_until
    return until is not None and until > timezone.now()


def mozilla_setting(name: str, default: Any = None) -> Any:
    """Answer mozilla-django-oidc's own settings names with what PatchMon stands for.

    Its code paths that read them are overridden; these answers keep any that is left on the
    safe side.
    """
    fixed: dict[str, Any] = {
        "OIDC_VERIFY_SSL": True,
        "OIDC_USE_PKCE": True,
        "OIDC_USE_NONCE": True,
        "OIDC_ALLOW_UNSECURED_JWT": False,
        "OIDC_STORE_ACCESS_TOKEN": False,
        "OIDC_STORE_ID_TOKEN": False,
        "OIDC_CREATE_USER": False,
        "OIDC_RP_SIGN_ALGO": "RS256",
    }
    return fixed.get(name, default)


def _is_refused(row: OIDCSettings, issuer: str, client_id: str, client_secret: str) -> bool:
    return bool(row.client_refused) and row.client_refused == credential_fingerprint(
        issuer, client_id, client_secret
    )
