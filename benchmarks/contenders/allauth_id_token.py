"""django-allauth's openid_connect provider where the ID token is enough, which it can be told."""

from __future__ import annotations

from benchmarks.contenders.allauth import *  # noqa: F403 - settings are made of settings
from benchmarks.contenders.allauth import APP, PROVIDER

SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        **PROVIDER,
        "APPS": [{**APP, "settings": {**APP["settings"], "fetch_userinfo": False}}],
    }
}
