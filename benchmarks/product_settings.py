"""PatchMon's own settings; only its collected static files are kept out of the tree."""

from __future__ import annotations

from patchmon.settings import *  # noqa: F403 - settings are made of settings
from patchmon.settings import DATA_DIR

STATIC_ROOT = DATA_DIR / "static"
