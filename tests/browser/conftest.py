from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from entra_sim.server import EntraSim
from tests.browser import steps
from tests.browser.scene import Scene, furnished
from tests.browser.server import Server, tenant_for
from tests.browser.windows import NEEDED, Windows, chromium, chromium_path

FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    # Here rather than in a fixture: the summary then says it in one line for all.
    if not chromium_path():
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(NEEDED, pytrace=False)
        pytest.skip(NEEDED)


# For this folder only: while Playwright runs, its event loop keeps Django's ORM from other tests.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, chromium(playwright) as browser:
        yield browser


@pytest.fixture(scope="module")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """PatchMon on an empty data folder; asks for the browser first, to start in vain for nobody."""
    with Server(tmp_path_factory.mktemp("patchmon")) as server:
        yield server


@pytest.fixture(scope="module")
def tenant(server: Server) -> Iterator[EntraSim]:
    with tenant_for(server) as tenant:
        yield tenant


@pytest.fixture(scope="package")
def scene(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with furnished(browser, tmp_path_factory.mktemp("scene")) as scene:
        yield scene


@pytest.fixture
def windows(browser: Browser, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Windows]:
    """Private windows; a test that fails leaves a picture of each in its temporary folder."""
    server = (
        request.getfixturevalue("server")
        if "server" in request.fixturenames
        else request.getfixturevalue("scene").server
    )
    windows = Windows(browser, server.url)
    yield windows
    if request.node.stash.get(FAILED, False):
        for path in windows.photograph(tmp_path):
            sys.stdout.write(f"Screenshot: {path}\n")
    windows.close()


@pytest.fixture
def page(scene: Scene, windows: Windows) -> Page:
    """A superadmin's window on the settings page."""
    page = windows.open(storage_state=scene.superadmin)
    page.goto(steps.SETTINGS)
    return page


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report
