"""django-allauth's openid_connect provider, as its documentation sets it up, with PKCE on."""

from __future__ import annotations

from typing import Any

from benchmarks.contenders.base import *  # noqa: F403 - settings are made of settings
from benchmarks.contenders.base import (
    AUTHENTICATION_BACKENDS,
    CLIENT_ID,
    CLIENT_SECRET,
    INSTALLED_APPS,
    ISSUER,
    MIDDLEWARE,
)

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]
MIDDLEWARE = [*MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS = [
    *AUTHENTICATION_BACKENDS,
    "allauth.account.auth_backends.AuthenticationBackend",
]

# One press, as on the others' pages; by itself it asks once more on a page of its own.
SOCIALACCOUNT_LOGIN_ON_GET = True
# Nobody here reads mail.
ACCOUNT_EMAIL_VERIFICATION = "none"
APP: dict[str, Any] = {
    "provider_id": "entra",
    "name": "Microsoft",
    "client_id": CLIENT_ID,
    "secret": CLIENT_SECRET,
    "settings": {"server_url": ISSUER},
}
PROVIDER = {"OAUTH_PKCE_ENABLED": True}
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {**PROVIDER, "APPS": [APP]}}
