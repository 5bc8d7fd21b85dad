from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import responses

from accounts.models import User
from sso.provider import http
from tests.fakes.provider import TENANT
from tests.sso.cases.front_door import Browser, Log, connect, make_alice
from tests.sso.cases.hostile import HostileProvider
from tests.sso.cases.lies import Oddity

Tell = Callable[[Oddity], Browser]
OpenBrowser = Callable[..., Browser]


@pytest.fixture
def log() -> Iterator[Log]:
    handler = Log()
    handler.attach()
    yield handler
    handler.detach()


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock
    http._adapter.close()


@pytest.fixture
def provider(wire: responses.RequestsMock, administrator: User) -> HostileProvider:
    """Any provider but Entra, with nothing set up in PatchMon yet."""
    fake = HostileProvider()
    fake.register(wire)
    return fake


@pytest.fixture
def entra(wire: responses.RequestsMock, administrator: User) -> HostileProvider:
    fake = HostileProvider(f"https://login.microsoftonline.com/{TENANT}/v2.0", entra=True)
    fake.register(wire)
    return fake


@pytest.fixture
def open_browser(provider: HostileProvider, log: Log) -> OpenBrowser:
    """Set PatchMon up for the provider, with Alice; return what opens browsers."""
    connect(provider)
    make_alice(provider)

    def run(fake: HostileProvider = provider) -> Browser:
        return Browser(fake, log)

    return run


@pytest.fixture
def browser(open_browser: OpenBrowser) -> Browser:
    return open_browser()


@pytest.fixture
def tell(request: pytest.FixtureRequest, log: Log) -> Tell:
    """Let Alice sign in while a story is told; return her browser, back from the provider."""

    def run(story: Oddity) -> Browser:
        provider: HostileProvider = request.getfixturevalue("entra" if story.entra else "provider")
        story.prepare(provider)
        connect(provider, **story.settings)
        make_alice(provider)
        browser = Browser(provider, log)
        query = browser.begin()
        browser.come_back(story.callback(query) if story.callback else query)
        return browser

    return run
