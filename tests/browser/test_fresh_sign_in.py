"""An old sign-in is asked whether it is still the same person, and nothing typed is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from entra_sim import defaults
from tests.browser import steps
from tests.browser.audit import audit_in_every_shape
from tests.browser.scene import Scene
from tests.browser.windows import Windows

pytestmark = pytest.mark.browser


def test_switching_sso_off_asks_for_the_password(scene: Scene, windows: Windows) -> None:
    page = windows.open()
    steps.sign_in_with_password(page)
    steps.age_session(page, scene.server)
    for press in ("Cancel", "Switch OIDC / SSO off"):
        page.goto(steps.SETTINGS)
        with page.expect_navigation():
            # Not uncheck: it would look for the box on the page that comes.
            page.get_by_role("checkbox", name="Enable OIDC / SSO").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
        if press == "Cancel":
            assert audit_in_every_shape(page) == []
            page.get_by_role("link", name=press).click()
            expect(page.get_by_role("checkbox", name="Enable OIDC / SSO")).to_be_checked()
        else:
            page.get_by_label("Your PatchMon password").fill(steps.PASSWORD)
            page.get_by_role("button", name=press).click()
    steps.expect_toast(page, "OIDC / SSO is off.")
    see_the_button_go_nowhere(scene, windows)
    # It has been asked for once; that counts for the next fifteen minutes.
    steps.enable(page)
    assert windows.complaints == []


def see_the_button_go_nowhere(scene: Scene, windows: Windows) -> None:
    """Follow the button of a sign-in page that was opened before."""
    nobody = windows.open()
    windows.refused.add(f"{scene.server.url}/api/v1/auth/oidc/login")
    nobody.goto("/api/v1/auth/oidc/login")
    expect(nobody.get_by_role("heading", level=1)).to_have_text("Single sign-on is unavailable")
    assert audit_in_every_shape(nobody) == []


def test_without_a_password_one_confirms_at_the_provider(scene: Scene, windows: Windows) -> None:
    person = scene.tenant.tenant.people["adam"]
    page = windows.open()
    steps.sign_in_with_microsoft(page, person)
    expect(page.get_by_role("heading", level=1, name="Home")).to_be_visible()
    steps.age_session(page, scene.server)
    page.goto(steps.SETTINGS)
    page.get_by_role("heading", name="Role Mapping").click()
    typed = f"{defaults.ROLE_GROUPS['readonly']}, {defaults.UNMAPPED_GROUP}"
    page.get_by_label("readonly", exact=True).fill(typed)
    with page.expect_navigation():
        page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Your last sign-in is more than fifteen")
    assert audit_in_every_shape(page) == []

    with page.expect_popup() as popup:
        page.get_by_role("button", name="Confirm at your provider").click()
    steps.pick(popup.value, person)
    expect(popup.value.get_by_role("heading", level=1)).to_have_text("Thank you, it is you")
    assert audit_in_every_shape(popup.value) == []
    popup.value.close()

    expect(page.get_by_label("readonly", exact=True)).to_have_value(typed)
    steps.apply(page)
    assert defaults.UNMAPPED_GROUP in steps.saved_settings(page)["oidc_readonly_group"]
    steps.press_undo(page)
    steps.expect_toast(page, "Undone: readonly.")
    assert windows.complaints == []
