"""The real settings on an in-memory database, whatever this machine's environment says."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from sso.environment import VARIABLES

os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="patchmon-tests-")
os.environ["SECRET_KEY"] = "tests-only-" + "k" * 60
for name in (*VARIABLES, "SERVER_URL", "PORT", "CACHE_URL", "HTTPS_PROXY", "TRUST_PROXY"):
    # Set but empty: a developer's .env cannot reach the tests then.
    os.environ[name] = ""

from patchmon.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_ROOT = Path(tempfile.mkdtemp(prefix="patchmon-static-"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
