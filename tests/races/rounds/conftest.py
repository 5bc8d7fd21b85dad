from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user
from entra_sim.server import EntraSim
from tests.people import PASSWORD
from tests.races.browsers import Browser
from tests.races.lanes import Lanes, open_lanes
from tests.sso.conftest import connect

# RACE_ROUNDS shortens a try by hand; a hundred of each is what counts.
ROUNDS = range(int(os.environ.get("RACE_ROUNDS", "100")))
# Races beside those that the rules name: fewer, for the time they take.
FURTHER_ROUNDS = ROUNDS[: max(1, len(ROUNDS) * 2 // 5)]


@pytest.fixture(scope="session")
def running_lanes(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Lanes]:
    url = urlsplit(os.environ["DATABASE_URL"])
    name = connection.settings_dict["NAME"]
    with open_lanes(url._replace(path=f"/{name}").geturl()) as lanes:
        yield lanes


@pytest.fixture
def lanes(running_lanes: Lanes) -> Lanes:
    running_lanes.forget()
    return running_lanes


@pytest.fixture(autouse=True)
def _no_deadlock() -> Iterator[None]:
    """Look into the server's log: a deadlock that something retried is one all the same."""
    log = Path(os.environ["POSTGRES_LOG"])
    before = log.stat().st_size
    yield
    with log.open("rb") as lines:
        lines.seek(before)
        written = lines.read().decode("utf-8", "replace")
    assert "deadlock detected" not in written, written[-6000:]


@pytest.fixture
def boss(transactional_db: None) -> User:
    """The local superadmin: made first, so that theirs is the lowest key."""
    return account("boss", Role.SUPERADMIN)


@pytest.fixture
def boss_browser(boss: User) -> Browser:
    return Browser.of(boss)


@pytest.fixture
def connected(boss: User, sim: EntraSim) -> EntraSim:
    connect(sim, scopes="openid email profile")
    # Without it no photo is asked for: half as many requests, and nothing in them to race for.
    sim.tenant.app.consented.discard("User.Read")
    return sim


def account(username: str, role: Role, *, email: str = "") -> User:
    return create_user(
        usernames=[username],
        email=email or f"{username}@example.org",
        first_name="",
        last_name="",
        role=role,
        actor=None,
        password=PASSWORD,
    )
