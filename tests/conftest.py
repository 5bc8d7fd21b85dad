from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client

from entra_sim.server import EntraSim
from tests.people import HOST


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Start every test as a fresh server does; what processes share lives in the cache."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def client() -> Client:
    return Client(headers={"host": HOST})


@pytest.fixture(scope="session")
def running_sim() -> Iterator[EntraSim]:
    with EntraSim(port=0) as sim:
        yield sim


@pytest.fixture
def sim(running_sim: EntraSim) -> Iterator[EntraSim]:
    """The simulated tenant as the guide's Part A leaves it, reset for each test."""
    running_sim.reset()
    running_sim.requests.clear()
    yield running_sim
    running_sim.heal()
