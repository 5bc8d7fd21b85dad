from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses
from django.core.cache import cache

from sso.provider import discovery, http
from sso.provider.deadline import Deadline
from sso.provider.document import Metadata
from tests.fakes.provider import FakeProvider


@pytest.fixture(autouse=True)
def _fresh_cache_and_pool() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()
    http._adapter.close()


@pytest.fixture
def deadline() -> Deadline:
    return Deadline(10)


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def provider(wire: responses.RequestsMock) -> FakeProvider:
    fake = FakeProvider()
    fake.register(wire)
    return fake


@pytest.fixture
def entra(wire: responses.RequestsMock) -> FakeProvider:
    fake = FakeProvider.for_entra()
    fake.register(wire)
    return fake


@pytest.fixture
def metadata(provider: FakeProvider, deadline: Deadline) -> Metadata:
    return discovery.metadata(provider.issuer, max_age=3600, deadline=deadline)


@pytest.fixture
def entra_metadata(entra: FakeProvider, deadline: Deadline) -> Metadata:
    return discovery.metadata(entra.issuer, max_age=3600, deadline=deadline)
