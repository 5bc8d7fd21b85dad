"""What the tests of the client secret's date have in common."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime

import time_machine
from django.core.management import call_command

from sso import conf
from tests.sso.conftest import connect

API = "/api/v1/auth/oidc/settings"
TODAY = datetime(2026, 11, 30, 12, tzinfo=UTC)
SOON = date(2026, 12, 12)
LATER = date(2027, 6, 1)


def move_to(clock: time_machine.Traveller, day: date) -> None:
    clock.move_to(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))


def stored() -> tuple[str, date | None]:
    """Return the secret and the day on which it expires."""
    config = conf.current()
    return config.client_secret, config.client_secret_expires


def dated(sim, day: date = SOON, **values) -> None:
    """Connect PatchMon, with a date beside its secret."""
    connect(sim, **values, client_secret_expires=day)


def run(*words: str) -> str:
    """Return what `manage.py sso` says."""
    out = io.StringIO()
    call_command("sso", *words, stdout=out, stderr=out)
    return out.getvalue()


def metric(client) -> list[float]:
    """Return what /metrics says of the date; the other numbers have to be there."""
    page = client.get("/metrics", headers={"authorization": "Bearer the-right-one"})
    assert "patchmon_sso_ready " in page.text
    name = "patchmon_sso_client_secret_expiry_timestamp_seconds "
    lines = [line for line in page.text.splitlines() if line.startswith(name)]
    return [float(line.removeprefix(name)) for line in lines]
