"""The one line that leads an operator to the first-run wizard."""

from __future__ import annotations

from django.db import DatabaseError

from accounts.services import setup_open
from accounts.setup_code import setup_link


def setup_notice() -> str:
    """Return the line with the wizard's full link, or '' once it is closed."""
    try:
        return f"Set up PatchMon: {setup_link()}" if setup_open() else ""
    except DatabaseError:
        # Not migrated yet: /health/ready says so, and this process still answers.
        return ""
