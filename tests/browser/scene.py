"""A PatchMon that is in use: connected, with people of several roles and a refused sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page, expect

from accounts.roles import Role
from entra_sim import defaults
from entra_sim.server import EntraSim
from tests.browser import steps
from tests.browser.audit import audit
from tests.browser.server import Server, tenant_for
from tests.browser.windows import PHONE, Windows

PLAIN_USER: Final = "alice"
# Who of the tenant has which role; the superadmin is the wizard's.
PEOPLE: Final = {
    "adam": Role.ADMIN,
    "hana": Role.HOST_MANAGER,
    PLAIN_USER: Role.USER,
    "ravi": Role.READONLY,
}
FEW: Final = tuple(PEOPLE)
MANY: Final = ("adam", "hana", "ravi", "mei", "tess", PLAIN_USER)


@dataclass
class Scene:
    """What the tests of pages need to know of it."""

    server: Server
    tenant: EntraSim
    # Storage states of the browser, by role: who is signed in already.
    states: dict[str, Any] = field(default_factory=dict)
    # What only exists before, or is made by a press: name → address.
    addresses: dict[str, str] = field(default_factory=dict)
    wizard_findings: list[str] = field(default_factory=list)

    @property
    def superadmin(self) -> Any:
        return self.states[Role.SUPERADMIN]

    @property
    def user(self) -> Any:
        return self.states[Role.USER]


@contextmanager
def furnished(browser: Browser, folder: Path, people: tuple[str, ...] = FEW) -> Iterator[Scene]:
    """Start PatchMon and its tenant, and let people use them."""
    with Server(folder) as server, tenant_for(server) as tenant:
        scene = Scene(server, tenant)
        windows = Windows(browser, server.url)
        try:
            _furnish(scene, windows, people)
        finally:
            windows.close()
        yield scene


def _furnish(scene: Scene, windows: Windows, people: tuple[str, ...]) -> None:
    wizard = windows.open(viewport=PHONE)
    wizard.goto(scene.server.setup_link())
    scene.wizard_findings = audit(wizard)
    page = windows.open()
    steps.finish_the_guide(page, scene.tenant, scene.server.setup_link())
    # A group that no row names: some rows would change the first one's role, none the second's.
    for name in ("ravi", "tess"):
        scene.tenant.tenant.people[name].groups.append(defaults.UNMAPPED_GROUP)
    for name in people:
        visitor = windows.open()
        steps.sign_in_with_microsoft(visitor, scene.tenant.tenant.people[name])
        expect(visitor.get_by_role("heading", level=1, name="Home")).to_be_visible()
        if name in PEOPLE:
            scene.states[PEOPLE[name]] = visitor.context.storage_state()
    _cancel(windows.open())
    _come_in_vain(windows.open(), scene.tenant)
    report = steps.run_test_sign_in(page, scene.tenant.tenant.people["tess"])
    scene.states[Role.SUPERADMIN] = page.context.storage_state()
    scene.addresses = {**_addresses(page), "report": report.url.removeprefix(scene.server.url)}


def _cancel(page: Page) -> None:
    page.goto("/login")
    page.get_by_role("link", name=steps.BUTTON).click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()


def _come_in_vain(page: Page, tenant: EntraSim) -> None:
    steps.sign_in_with_microsoft(page, tenant.tenant.people["clash"])
    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()


def _addresses(page: Page) -> dict[str, str]:
    page.goto("/settings/sign-ins")
    refused = page.get_by_role("row").filter(has_text="Refused").get_by_role("link").first
    welcome = page.get_by_role("row").filter(has_text=PLAIN_USER).get_by_role("link").first
    found = {"refusal": _target(refused), "sign-in": _target(welcome)}
    found["link"] = f"{found['refusal']}/link"
    page.goto("/settings/users")
    found["user"] = _target(page.get_by_role("link", name=PLAIN_USER, exact=True))
    found["superior"] = _target(page.get_by_role("link", name=steps.ADMINISTRATOR, exact=True))
    page.goto(found["user"])
    page.get_by_role("button", name="Make a password link").click()
    found["password-link"] = page.get_by_label("Link", exact=True).input_value()
    return found


def _target(link: Any) -> str:
    return str(link.get_attribute("href"))
