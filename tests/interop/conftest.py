from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user
from tests.interop.canaille import Canaille
from tests.interop.glewlwyd import Glewlwyd
from tests.interop.oidc_provider import OidcProvider
from tests.interop.patchmon import Window, administrator_signs_in
from tests.interop.processes import DidNotStart, NotInstalled
from tests.interop.provider import Provider
from tests.people import PASSWORD

REQUIRED = os.environ.get("REQUIRE_INTEROP") == "1"
KINDS: dict[str, type[Provider]] = {kind.name: kind for kind in (OidcProvider, Canaille, Glewlwyd)}


class Servers:
    """Every server that a test has asked for, started once and left running."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._running: dict[str, Provider] = {}
        self._cannot: dict[str, str] = {}

    def running(self, name: str, provider: Provider) -> Provider:
        """Return the server of this name, starting the given one where there is none yet."""
        if name in self._running:
            return self._running[name]
        if name not in self._cannot:
            try:
                provider.start(self._folders.mktemp(name))
            except (NotInstalled, DidNotStart) as problem:
                provider.stop()
                self._cannot[name] = str(problem)
            else:
                self._running[name] = provider
                return provider
        if REQUIRED:
            pytest.fail(self._cannot[name], pytrace=False)
        pytest.skip(self._cannot[name].partition("\n")[0])

    def stop(self) -> None:
        for provider in self._running.values():
            provider.stop()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    servers = Servers(tmp_path_factory)
    yield servers
    servers.stop()


@pytest.fixture(params=KINDS)
def provider(request: pytest.FixtureRequest, servers: Servers) -> Provider:
    """Each of the providers in turn, with alice and boris in it and PatchMon registered."""
    return servers.running(request.param, KINDS[request.param]())


@pytest.fixture
def administrator(db: None) -> User:
    return create_user(
        usernames=["boss"],
        email="boss@example.org",
        first_name="Bo",
        last_name="Ss",
        role=Role.SUPERADMIN,
        actor=None,
        password=PASSWORD,
    )


@pytest.fixture
def settings_page(administrator: User) -> Client:
    """The administrator's browser, freshly signed in with a password."""
    return administrator_signs_in(administrator.username)


@pytest.fixture
def windows() -> Iterator[list[Window]]:
    opened: list[Window] = []
    yield opened
    for window in opened:
        window.provider.close()


@pytest.fixture
def window(windows: list[Window]) -> Window:
    windows.append(Window())
    return windows[-1]


@pytest.fixture
def other_window(windows: list[Window]) -> Window:
    """A second browser, that knows nothing of the first."""
    windows.append(Window())
    return windows[-1]
