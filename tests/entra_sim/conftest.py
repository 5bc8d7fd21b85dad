from __future__ import annotations

import pytest
import requests

from entra_sim.server import EntraSim
from tests.entra_sim.client import CALLBACK, Client


@pytest.fixture(scope="session")
def running_sim():
    with EntraSim(callback_urls=[CALLBACK, "http://localhost:3000/login"]) as sim:
        yield sim


@pytest.fixture
def sim(running_sim):
    running_sim.reset()
    return running_sim


@pytest.fixture
def http():
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def client(sim, http):
    return Client(sim, http)
