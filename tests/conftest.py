from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.cache import cache
from django.template import Context, Template
from django.test import Client
from django.test.signals import template_rendered
from django.utils.safestring import SafeString
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from xdist.scheduler import LoadScopeScheduling

from accounts import shared_cache as guard
from entra_sim.server import EntraSim
from tests.fakes.cache import CACHES, BreakableCache, SharedCache
from tests.people import HOST

# What starts servers of its own, or a browser, keeps one worker busy; two would only wait for
# each other.
TOGETHER = ("tests/browser/", "tests/interop/", "tests/races/")


class FoldersTogether(LoadScopeScheduling):  # type: ignore[misc]
    """Keep a folder of slow tests on one worker, and spread the rest test by test.

    It stands in for xdist's own group marker, which the installed pytest does not read.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FoldersTogether:
    return FoldersTogether(config, log)


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Start every test as a fresh server does; what processes share lives in the cache."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def shared_cache(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[SharedCache]:
    """A shared cache that is reachable until the test breaks it."""
    with _breakable(settings, monkeypatch, RedisConnectionError("Connection refused.")) as made:
        yield made


@pytest.fixture(
    params=[RedisConnectionError("Connection refused."), RedisTimeoutError("Timeout reading.")],
    ids=["refuses", "hangs"],
)
def outage(
    request: pytest.FixtureRequest, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SharedCache]:
    """The same in each of the ways in which a cache is missing; the test breaks it."""
    with _breakable(settings, monkeypatch, request.param) as made:
        yield made


@contextmanager
def _breakable(
    settings: Any, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> Iterator[SharedCache]:
    settings.CACHES = CACHES
    monkeypatch.setattr(guard, "_reach", guard._Reach())
    cache.clear()
    guard._memory.clear()
    yield SharedCache(problem)
    BreakableCache.problem = None
    cache.clear()
    guard._memory.clear()


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


@pytest.fixture(autouse=True, scope="session")
def _pages_are_recorded_not_their_parts(django_test_environment: None) -> None:
    """Keep a page's context for ``response.context``, and none of its included parts'.

    Django's test client copies the context of every part, which costs more than rendering it.
    """
    setattr(Template, "_render", _render)  # noqa: B010 - Django's own name, unknown to its stubs


def _render(template: Template, context: Context) -> SafeString:
    if context.template is template:
        template_rendered.send(sender=template, template=template, context=context)
    return template.nodelist.render(context)
