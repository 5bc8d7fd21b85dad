"""Signing out at the provider too (product.md, POST /logout; entra-facts §7)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase

from sso import conf
from sso.conf import provider_label
from sso.provider import discovery
from sso.provider.deadline import Deadline
from sso.provider.discovery import Metadata
from sso.provider.failures import ProviderFailed
from sso.rules.claims import Identity
from sso.services.journey import METADATA_HOLDS, START_SECONDS

# What the session of a single sign-on remembers of it; _partials/nav.html reads the label.
ISSUER: Final = "provider_issuer"
LABEL: Final = "provider_label"
LOGIN_HINT: Final = "provider_login_hint"


def notes_for_sign_out(identity: Identity, metadata: Metadata) -> dict[str, str]:
    """Return what the session must remember to end the provider's too; nothing where it cannot."""
    if not metadata.end_session_endpoint:
        return {}
    return {
        ISSUER: metadata.issuer,
        LABEL: provider_label(metadata.issuer, identity.tenant_id),
        LOGIN_HINT: identity.login_hint,
    }


def provider_left(session: SessionBase) -> str:
    """Name the provider whose session can be ended with this one; '' for none."""
    return str(session.get(LABEL, ""))


def end_session_url(session: SessionBase) -> str:
    """Return where the browser signs out at the provider; '' where that cannot be said now.

    Without an id_token_hint: ID tokens are not kept. Entra takes its login_hint instead, and
    asks which account without one; others are told by the client ID who sends the person.
    """
    config = conf.current()
    if not config.issuer or session.get(ISSUER) != config.issuer:
        # Another provider by now: neither this person's hint nor their browser is for it.
        return ""
    try:
        metadata = discovery.metadata(
            config.issuer,
            max_age=METADATA_HOLDS,
            deadline=Deadline(START_SECONDS),
            allow_http=not config.enforce_https,
        )
    except ProviderFailed:
        return ""
    if not metadata.end_session_endpoint:
        return ""
    parameters = {
        "post_logout_redirect_uri": settings.POST_LOGOUT_URI or f"{config.server_url}/login"
    }
    if hint := session.get(LOGIN_HINT):
        parameters["logout_hint"] = hint
    if not metadata.is_entra:
        parameters["client_id"] = config.client_id
    joint = "&" if "?" in metadata.end_session_endpoint else "?"
    return f"{metadata.end_session_endpoint}{joint}{urlencode(parameters)}"
