"""PatchMon while the cache that its processes share cannot be reached: it keeps working.

Each test runs twice: with a cache that refuses connections, and with one that hangs.
"""

from __future__ import annotations

import pytest

from entra_sim.server import EntraSim
from tests.fakes.cache import SharedCache


@pytest.fixture
def down(outage: SharedCache, connected: EntraSim) -> SharedCache:
    """PatchMon as the guide leaves it, started anew while the cache is missing."""
    outage.breaks()
    return outage
