"""What the small sites around the other libraries have in common: Django's own defaults.

Where PatchMon's settings would be an advantage that has nothing to do with signing in (how SQLite
is opened), they have the same.
"""

from __future__ import annotations

import os

SECRET_KEY = os.environ["SITE_SECRET_KEY"]
ALLOWED_HOSTS = ["localhost"]
DEBUG = False
USE_TZ = True
ROOT_URLCONF = "benchmarks.contenders.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"

ISSUER = os.environ["SITE_ISSUER"]
# Where the simulated tenant serves what the issuer's discovery document names.
TENANT = ISSUER.removesuffix("/v2.0")
CLIENT_ID = os.environ["SITE_CLIENT_ID"]
CLIENT_SECRET = os.environ["SITE_CLIENT_SECRET"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["SITE_DATABASE"],
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
}
