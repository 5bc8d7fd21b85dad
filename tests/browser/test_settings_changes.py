"""What a role mapping would do is shown before it is applied, and the last change is taken back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from entra_sim import defaults
from entra_sim.tenant import Person
from tests.browser import steps
from tests.browser.audit import audit_in_every_shape
from tests.browser.scene import PLAIN_USER, Scene
from tests.browser.windows import Windows

pytestmark = pytest.mark.browser

GROUP = defaults.ROLE_GROUPS["user"]


def test_a_mapping_is_previewed_applied_and_undone(
    page: Page, scene: Scene, windows: Windows
) -> None:
    steps.make_users_host_managers(page)
    preview = page.get_by_role("region", name="would change role at their next sign-in")
    expect(preview).to_be_focused()
    expect(preview.get_by_role("row", name=PLAIN_USER)).to_contain_text("Host Manager")
    expect(preview.get_by_role("row", name="hana")).to_have_count(0)
    assert audit_in_every_shape(page, "#preview") == []
    assert steps.saved_settings(page)["oidc_user_group"] == GROUP

    # Left without a question: it is what Cancel says.
    preview.get_by_role("link", name="Cancel").click()
    expect(preview).to_have_count(0)
    expect(page.locator("#id_user_group")).to_have_value(GROUP)
    assert steps.saved_settings(page)["oidc_user_group"] == GROUP

    steps.make_users_host_managers(page)
    preview.get_by_role("button", name="Apply these changes").click()
    steps.expect_toast(page, "OIDC settings saved")
    saved = steps.saved_settings(page)
    assert saved["oidc_user_group"] == ""
    assert GROUP in saved["oidc_host_manager_group"]

    come_as(windows.open(), scene.tenant.tenant.people["mei"], "Host Manager")
    undo_asks_about(page, "mei")
    saved = steps.saved_settings(page)
    assert saved["oidc_user_group"] == GROUP
    assert GROUP not in saved["oidc_host_manager_group"]
    come_as(windows.open(), scene.tenant.tenant.people["mei"], "User")
    assert windows.complaints == []


def come_as(page: Page, person: Person, role: str) -> None:
    steps.sign_in_with_microsoft(page, person)
    expect(page.get_by_role("main")).to_contain_text(f"Your role is {role}.")


def undo_asks_about(page: Page, username: str) -> None:
    """Press Undo, look at what it would do to somebody, cancel, press it again and confirm."""
    for press in ("Cancel", "Undo all the same"):
        steps.press_undo(page)
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text("Undo the last change of the settings")
        row = page.get_by_role("row", name=username)
        expect(row.get_by_role("cell")).to_have_text([username, "Host Manager", "User"])
        assert steps.saved_settings(page)["oidc_user_group"] == ""
        if press == "Cancel":
            assert audit_in_every_shape(page) == []
            page.get_by_role("link", name=press).click()
            expect(heading).to_have_text("Changes")
        else:
            page.get_by_role("button", name=press).click()
    steps.expect_toast(page, "Undone: host manager, user.")
