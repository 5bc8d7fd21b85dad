"""Whoever comes while the shared cache is missing."""

from __future__ import annotations

from typing import Final

from django.test import Client

from tests.people import HOST, PASSWORD

WRONG: Final = "wrong horse battery"
BOSS: Final = {"username": "boss", "password": PASSWORD}


def who(browser: Client) -> str:
    """Return who is signed in there; '' for a visitor."""
    answer = browser.get("/api/v1/auth/profile")
    return str(answer.json()["username"]) if answer.status_code == 200 else ""


def visitor(host: str = HOST, **headers: str) -> Client:
    return Client(headers={"host": host, **headers})
