"""Test sign-in: its report in a new tab, and what one can press there."""

from __future__ import annotations

from typing import Final

import pytest
from playwright.sync_api import Page, Route, expect

from entra_sim import defaults
from tests.browser import steps
from tests.browser.audit import audit_in_every_shape
from tests.browser.keyboard import tab_to
from tests.browser.scene import Scene
from tests.browser.windows import Windows

pytestmark = pytest.mark.browser

TYPED: Final = "Typed, not applied"
GROUP: Final = defaults.UNMAPPED_GROUP


def test_a_group_of_the_report_goes_into_a_row(page: Page, scene: Scene, windows: Windows) -> None:
    page.get_by_label("Button Text").fill(TYPED)
    report = steps.press_test_sign_in(page, scene.tenant.tenant.people["ravi"])
    expect(report.get_by_role("heading", level=2).first).to_contain_text("ravi")
    expect(report.get_by_role("row", name=defaults.ROLE_GROUPS["readonly"])).to_be_visible()

    # Nobody's role would change, so that one press does it.
    steps.put_into_row(report, "readonly")
    steps.expect_toast(report, f"“{GROUP}” is in the readonly row now.")
    expect(report.get_by_role("row", name=GROUP)).to_contain_text("readonly")
    assert GROUP in steps.saved_settings(page)["oidc_readonly_group"]
    expect(page.get_by_label("Button Text")).to_have_value(TYPED)

    steps.press_undo(report)
    steps.expect_toast(report, "Undone: readonly.")
    assert GROUP not in steps.saved_settings(page)["oidc_readonly_group"]
    assert windows.complaints == []


def test_a_row_that_would_change_a_role_asks_first(
    page: Page, scene: Scene, windows: Windows
) -> None:
    report = steps.press_test_sign_in(page, scene.tenant.tenant.people["ravi"])
    for press in ("Cancel", "Put into the user row"):
        steps.put_into_row(report, "user")
        expect(report.get_by_role("heading", level=1)).to_have_text(
            "Put this group into the user row"
        )
        expect(report.get_by_role("listitem").filter(has_text="ravi")).to_have_text(
            "ravi: Readonly → User"
        )
        assert GROUP not in steps.saved_settings(page)["oidc_user_group"]
        if press == "Cancel":
            assert audit_in_every_shape(report) == []
            report.get_by_role("link", name=press).click()
            expect(report.get_by_role("heading", level=1)).to_have_text("Test sign-in")
        else:
            report.get_by_role("button", name=press).click()
    steps.expect_toast(report, f"“{GROUP}” is in the user row now.")
    assert GROUP in steps.saved_settings(page)["oidc_user_group"]

    steps.press_undo(report)
    steps.expect_toast(report, "Undone: user.")
    assert GROUP not in steps.saved_settings(page)["oidc_user_group"]
    assert windows.complaints == []


def test_the_way_to_the_provider_is_a_page_of_ours(
    page: Page, scene: Scene, windows: Windows
) -> None:
    """It goes on by itself; here its script is held back, as where there is none."""

    def stand_still(route: Route) -> None:
        route.fulfill(content_type="text/javascript", body="")

    page.context.route("**/continue*.js", stand_still)
    with page.expect_popup() as popup:
        page.get_by_role("button", name="Test sign-in").click()
    way = popup.value
    expect(way.get_by_role("heading", level=1)).to_have_text("Test sign-in")
    assert audit_in_every_shape(way) == []
    way.get_by_role("link", name="Continue").click()
    assert way.url.startswith(scene.tenant.url)
    way.get_by_role("button", name="Cancel").click()

    # Cancelled there: a report says so, and says where to look.
    expect(way.get_by_role("heading", level=2)).to_have_text(
        "Nobody came back who could be verified."
    )
    assert audit_in_every_shape(way) == []
    assert windows.complaints == []


def test_ones_own_address_is_connected(page: Page, scene: Scene, windows: Windows) -> None:
    person = scene.tenant.tenant.people["nora"]
    page.goto("/settings/users/add")
    page.get_by_label("Username").fill(person.key)
    page.get_by_label("E-mail").fill(person.mail)
    page.get_by_label("Role").select_option("admin")
    page.get_by_role("button", name="Add user").click()
    page.get_by_role("button", name="Make a password link").click()
    assert audit_in_every_shape(page) == []
    account = page.url.removesuffix("/password-link")

    nora = windows.open()
    nora.goto(page.get_by_label("Link", exact=True).input_value())
    nora.get_by_label("New password", exact=True).fill(steps.PASSWORD)
    nora.get_by_label("New password again").fill(steps.PASSWORD)
    nora.get_by_role("button", name="Set password").click()
    steps.sign_in_with_password(nora, person.key)

    report = steps.run_test_sign_in(nora, person)
    card = report.get_by_role("region", name="Your own account")
    expect(card).to_contain_text("This Microsoft account has your e-mail address.")
    assert audit_in_every_shape(report) == []
    card.get_by_label("Your PatchMon password").fill(steps.PASSWORD)
    card.get_by_role("button", name="Connect this Microsoft account to mine").click()
    steps.pick(report, person)
    steps.expect_toast(report, f"Your Microsoft account {person.mail} is connected.")
    report = steps.run_test_sign_in(nora, person)
    expect(report.get_by_text("This Microsoft account is connected to yours")).to_be_visible()

    page.goto(account)
    delete_by_keyboard(page, person.key)
    nora.goto("/")
    expect(nora.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert windows.complaints == []


def delete_by_keyboard(page: Page, username: str) -> None:
    """Open the dialog, leave it by Escape, open it again and confirm."""
    opener = page.get_by_role("button", name="Delete")
    dialog = page.get_by_role("dialog", name=f"Delete {username}?")
    tab_to(page, opener)
    page.keyboard.press("Enter")
    # Whoever presses Enter once too often has cancelled.
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()

    page.keyboard.press("Enter")
    tab_to(page, dialog.get_by_role("button", name="Delete"))
    page.keyboard.press("Enter")
    steps.expect_toast(page, f"{username} was deleted.")
