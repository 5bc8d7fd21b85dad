"""The names that tests share."""

from __future__ import annotations

HOST = "localhost:3000"
PASSWORD = "correct horse battery"
