"""mozilla-django-oidc alone, as its documentation sets it up, with PKCE on."""

from __future__ import annotations

from benchmarks.contenders.base import *  # noqa: F403 - settings are made of settings
from benchmarks.contenders.base import (
    AUTHENTICATION_BACKENDS,
    CLIENT_ID,
    CLIENT_SECRET,
    INSTALLED_APPS,
    TENANT,
)

INSTALLED_APPS = [*INSTALLED_APPS, "mozilla_django_oidc"]
AUTHENTICATION_BACKENDS = [
    *AUTHENTICATION_BACKENDS,
    "mozilla_django_oidc.auth.OIDCAuthenticationBackend",
]

OIDC_RP_CLIENT_ID = CLIENT_ID
OIDC_RP_CLIENT_SECRET = CLIENT_SECRET
OIDC_RP_SIGN_ALGO = "RS256"
OIDC_RP_SCOPES = "openid email profile"
OIDC_USE_PKCE = True
# It reads no discovery document: these are what the tenant's names.
OIDC_OP_AUTHORIZATION_ENDPOINT = f"{TENANT}/oauth2/v2.0/authorize"
OIDC_OP_TOKEN_ENDPOINT = f"{TENANT}/oauth2/v2.0/token"
OIDC_OP_JWKS_ENDPOINT = f"{TENANT}/discovery/v2.0/keys"
OIDC_OP_USER_ENDPOINT = f"{TENANT.rpartition('/')[0]}/oidc/userinfo"
