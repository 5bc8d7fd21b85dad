"""The configuration in force as values of the form, whichever place it comes from."""

from __future__ import annotations

from typing import Any

from sso.conf import DEFAULT_BUTTON_TEXT, GROUP_FIELDS, Config
from sso.provider import discovery
from sso.rules.hosts import host_of
from sso.rules.microsoft import is_microsoft_login_host


def values_in_force(config: Config) -> dict[str, Any]:
    """Return the configuration in force by field name, without the secret.

    What the environment leaves out has the page's defaults, the scopes of Entra excepted. Nobody
    is asked for it: where the issuer's host does not tell, the document held says what it is.
    """
    return {
        "enabled": config.enabled,
        "enforce_https": config.enforce_https,
        "sync_roles": config.sync_roles,
        "disable_local_auth": config.disable_local_auth,
        "auto_create_users": config.auto_create_users,
        "trust_unverified_email": config.trust_unverified_email,
        "issuer": config.issuer,
        "client_id": config.client_id,
        "client_secret_expires": config.client_secret_expires,
        "redirect_uri": config.redirect_uri,
        "scopes": config.scopes or config.scopes_for(is_entra=_is_entra(config.issuer)),
        "button_text": config.button_text or DEFAULT_BUTTON_TEXT,
        "default_role": config.mapping.default_role.value,
    } | {name: ", ".join(config.mapping.rows.get(role, ())) for role, name in GROUP_FIELDS.items()}


def _is_entra(issuer: str) -> bool:
    if not issuer or is_microsoft_login_host(host_of(issuer)):
        return bool(issuer)
    held = discovery.held(issuer)
    return held is not None and held.is_entra
