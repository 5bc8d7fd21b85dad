"""Django's settings, read once at start from the environment (product.md, Environment).

What administrators set in the pages lives in the database and is not here.
"""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from patchmon import logs
from patchmon.environment import Environment, kept_secret_key, load_dotenv
from patchmon.stores import is_shared
from sso.environment import BadVariable, BadVariables, read_environment

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = tomllib.loads((BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "version"
]

env = Environment(os.environ)

try:
    load_dotenv(BASE_DIR / ".env")
    DATA_DIR = env.folder("DATA_DIR", BASE_DIR / "data")
    PORT = env.number("PORT", 3000, low=1, high=65535)
    SERVER_URL = env.address("SERVER_URL", f"http://localhost:{PORT}")
    PRODUCTION = urlsplit(SERVER_URL).scheme == "https"
    PROCESSES = env.number("WEB_CONCURRENCY", 1, low=1, high=256)

    SECRET_KEY = env.secret_key("SECRET_KEY", required=PRODUCTION)
    if not SECRET_KEY:
        SECRET_KEY = kept_secret_key(DATA_DIR / "secret_key")
    DATABASES = {"default": env.database("DATABASE_URL", DATA_DIR / "patchmon.sqlite3")}
    CACHES = {"default": env.cache("CACHE_URL")}
    if PROCESSES > 1 and not is_shared(CACHES["default"]):
        raise BadVariable(
            "CACHE_URL",
            "names the memory of one process" if env.read("CACHE_URL") else "is not set",
            "more than one process needs one that they share, such as redis://host:6379/0",
        )
    if not is_shared(CACHES["default"]):
        # Django keeps 300 entries, so few that a visitor could push out the counters that hold
        # guesses at passwords back (accounts.throttle).
        CACHES["default"]["OPTIONS"] = {"MAX_ENTRIES": 20_000}
    ENCRYPTION_KEYS = env.fernet_keys("ENCRYPTION_KEYS")
    TRUST_PROXY = env.hops("TRUST_PROXY")
    LOG_FORMAT = env.choice("LOG_FORMAT", "json", ("json", "text"))
    LOG_LEVEL = env.choice("LOG_LEVEL", "info", ("debug", "info", "warning", "error"))
    SESSION_LIFETIME = int(env.duration("SESSION_LIFETIME", "12h").total_seconds())
    ATTEMPTS_KEPT = env.duration("ATTEMPTS_KEPT", "90d")

    SSO_ENVIRONMENT = read_environment(env.read)
    ROUND_TRIP_TTL = env.number("OIDC_SESSION_TTL", 600, low=30, high=3600)
    POST_LOGOUT_URI = env.link("OIDC_POST_LOGOUT_URI")
    METRICS_TOKEN = env.text("METRICS_TOKEN")
    PROVIDER_CA_BUNDLE = env.certificates("OIDC_CA_BUNDLE")
    PROVIDER_ALLOW_PRIVATE_ADDRESSES = env.switch("OIDC_ALLOW_PRIVATE_ADDRESSES", default=True)
    PROVIDER_PROXIES = {"https": proxy} if (proxy := env.link("HTTPS_PROXY")) else {}
    PROVIDER_NO_PROXY = env.text("NO_PROXY")
except (BadVariable, BadVariables) as problem:
    # One line each, never a traceback: it is read in a terminal or a container's log.
    sys.exit("\n".join(f"patchmon: {line}" for line in str(problem).splitlines()))

DEBUG = False
# The Server URL in force decides, and an administrator changes it without a restart:
# accounts.middleware.AcceptedHostMiddleware does what this setting would do.
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "patchmon.urls"
WSGI_APPLICATION = "patchmon.wsgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

INSTALLED_APPS = [
    "patchmon.apps.PatchmonConfig",
    # Their admin comes first, so that ours can take its place.
    "django.contrib.auth",
    "auditlog",
    "sso",
    "accounts",
    "patchmon.apps.PatchMonAdminConfig",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "csp",
    "heroicons",
    "rest_framework",
    "drf_spectacular",
]

MIDDLEWARE = [
    "accounts.middleware.TrustedProxyMiddleware",
    "patchmon.middleware.SecureCookiesMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "patchmon.middleware.KeptByNobodyMiddleware",
    "csp.middleware.CSPMiddleware",
    "accounts.middleware.AcceptedHostMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "accounts.middleware.ServerOriginCsrfMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.middleware.RefusedMeanwhileMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# Who signs in, and how.
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["sso.backends.OIDCBackend", "accounts.backends.PasswordBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
] + [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    }
]
PASSWORD_RESET_TIMEOUT = 3600
# How old a sign-in may be for a sensitive change (product.md, Settings → OIDC / SSO).
FRESH_SIGN_IN = 900  # seconds
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "accounts:login"

SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = SESSION_LIFETIME
SESSION_COOKIE_HTTPONLY = True
# Strict would lose the session on the way back from the provider, a cross-site redirect.
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_NAME = "__Host-patchmon" if PRODUCTION else "patchmon"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_NAME = "__Host-patchmon-csrf" if PRODUCTION else "patchmon-csrf"
# In a signed cookie: a visitor who is refused costs no database row.
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"

# What browsers may do with the pages.
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
# The proxy in front speaks TLS and redirects; doing it here too would loop behind one that
# TRUST_PROXY does not name. Sub-domains and preload lists are the domain owner's decision.
SILENCED_SYSTEM_CHECKS = [
    "security.W005",
    "security.W008",
    "security.W021",
    # accounts.middleware.ServerOriginCsrfMiddleware is a subclass of the one it looks for.
    "security.W003",
]
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "patchmon.static_files.StaticFilesStorage"},
}

# Forms are small; a body past this is refused before it is read.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200

LOGGING = logs.configure(log_format=LOG_FORMAT, level=LOG_LEVEL)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "sso.authentication.BearerToken",
        "sso.authentication.SessionOrNothing",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "sso.authentication.WithinScope",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["sso.parsers.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "PatchMon",
    "DESCRIPTION": "Single sign-on settings, sign-in activity and the signed-in profile.",
    "VERSION": VERSION,
    # The one whose schemas are JSON Schema, so that any validator reads them.
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    # Choices stand where they are used: each has few, and no name of its own.
    "POSTPROCESSING_HOOKS": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
}
AUDITLOG_DISABLE_REMOTE_ADDR = False
