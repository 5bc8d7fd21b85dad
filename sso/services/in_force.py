"""The configuration in force as values of the form, whichever place it comes from."""

from __future__ import annotations

from typing import Any

from sso.conf import DEFAULT_BUTTON_TEXT, DEFAULT_SCOPES, ENTRA_SCOPES, GROUP_FIELDS, Config


def values_in_force(config: Config, *, is_entra: bool) -> dict[str, Any]:
    """Return the configuration in force by field name, without the secret.

    What the environment leaves out has the page's defaults, the scopes of Entra excepted.
    """
    scopes = config.scopes or (ENTRA_SCOPES if is_entra else DEFAULT_SCOPES)
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
        "scopes": scopes,
        "button_text": config.button_text or DEFAULT_BUTTON_TEXT,
        "default_role": config.mapping.default_role.value,
    } | {name: ", ".join(config.mapping.rows.get(role, ())) for role, name in GROUP_FIELDS.items()}
