"""Pages that only a form leads to, and those that say that something went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.audit import audit_in_every_shape
from tests.browser.scene import Scene
from tests.browser.server import Server
from tests.browser.windows import Windows

pytestmark = pytest.mark.browser


def see(page: Page, heading: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    assert audit_in_every_shape(page) == []


def test_a_secret_that_was_not_typed(page: Page, windows: Windows) -> None:
    page.get_by_role("button", name="Save Client Secret").click()
    expect(page.get_by_role("alert")).to_contain_text("Paste the secret's Value first")
    see(page, "OIDC / SSO")
    assert windows.complaints == []


def test_a_token_and_a_refused_password(page: Page, windows: Windows) -> None:
    page.goto("/profile")
    page.get_by_text("Make a token").click()
    card = page.get_by_role("region", name="API tokens")
    card.get_by_label("Name").fill("Nightly report")
    card.get_by_label("Read who you are").check()
    card.get_by_role("button", name="Make token").click()
    made = page.get_by_role("region", name="API token Nightly report")
    expect(made.get_by_label("Token", exact=True)).not_to_have_value("")
    see(page, "Profile")
    page.get_by_role("button", name="Revoke Nightly report").click()
    dialog = page.get_by_role("dialog", name="Revoke Nightly report?")
    dialog.get_by_role("button", name="Revoke").click()
    steps.expect_toast(page, "The API token is revoked.")

    page.get_by_label("Current password").fill(steps.PASSWORD)
    page.get_by_label("New password", exact=True).fill("short")
    page.get_by_label("New password again").fill("and another")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was saved.")
    see(page, "Profile")
    assert windows.complaints == []


def test_a_form_that_cannot_be_taken(scene: Scene, windows: Windows) -> None:
    page = windows.open(storage_state=scene.superadmin)
    windows.refused.add(f"{scene.server.url}/settings/oidc/explain")
    form = page.locator("[data-explain-form]")
    page.goto(steps.SETTINGS)
    form.evaluate("(form) => { form.csrfmiddlewaretoken.remove(); form.submit(); }")
    see(page, "This form is no longer valid")

    page.goto(steps.SETTINGS)
    form.evaluate("(form) => { form.text.value = 'x'.repeat(2 ** 21); form.submit(); }")
    see(page, "PatchMon could not read this request")
    assert windows.complaints == []


def test_a_fault_of_the_server(scene: Scene, windows: Windows) -> None:
    page = windows.open(storage_state=scene.superadmin)
    windows.refused.add(f"{scene.server.url}/settings/changes")
    with without_changes(scene.server):
        page.goto("/settings/changes")
        see(page, "PatchMon failed to answer")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Changes")
    assert windows.complaints == []


@contextmanager
def without_changes(server: Server) -> Iterator[None]:
    """Take a table away from the server."""
    with server.database() as database:
        database.execute("ALTER TABLE auditlog_logentry RENAME TO elsewhere")
    try:
        yield
    finally:
        with server.database() as database:
            database.execute("ALTER TABLE elsewhere RENAME TO auditlog_logentry")


def test_another_address(scene: Scene, windows: Windows) -> None:
    """By a host that is not the Server URL's, and after the Server URL has become that host."""
    ours, other = scene.server.url, scene.server.url.replace("localhost", "127.0.0.1")
    page = windows.open()
    page.goto(other)
    see(page, "PatchMon has another address")
    page.get_by_role("link", name=f"Go to {ours}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")

    # Back at ours, the session of before is still good.
    for here, there, arrives in ((ours, other, "Sign in"), (other, ours, "Home")):
        steps.sign_in_with_password(page, target=f"{here}/login")
        page.goto(f"{here}/settings/general")
        page.get_by_label("Server URL").fill(there)
        page.get_by_role("button", name="Save").click()
        page.get_by_label("I can reach PatchMon at this new address").check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Server URL saved")
        if here == ours:
            see(page, "Server URL saved")
        page.get_by_role("link", name=f"Go to {there}").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(arrives)
    assert windows.complaints == []
