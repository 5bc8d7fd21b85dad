"""PatchMon without a mouse, from the sign-in page to Apply."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.keyboard import tab, tab_through, tab_to, unseen
from tests.browser.scene import Scene
from tests.browser.windows import PHONE, Windows

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    "address", ["/", "/profile", "/settings/oidc", "/settings/users", "/settings/changes"]
)
def test_every_stop_of_the_tab_key_is_visible(scene: Scene, windows: Windows, address: str) -> None:
    page = windows.open(storage_state=scene.superadmin)
    page.goto(address)
    stops = tab_through(page)
    assert "Skip to content" in stops[0]["what"]
    assert len(stops) > 8
    assert [stop for stop in stops if unseen(stop)] == []


def test_from_the_sign_in_page_to_apply(scene: Scene, windows: Windows) -> None:
    page = windows.open()
    page.goto("/login")
    tab_to(page, page.get_by_label("Username"))
    page.keyboard.type(steps.ADMINISTRATOR)
    tab_to(page, page.get_by_label("Password"))
    page.keyboard.type(steps.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Home")).to_be_visible()
    tab_to(page, page.get_by_role("link", name="OIDC / SSO", exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="OIDC / SSO")).to_be_visible()

    for text in ("By keyboard", steps.BUTTON):
        tab(page)
        expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("main")).to_be_focused()
        switch = page.get_by_role("checkbox", name="Auto-create users")
        tab_to(page, switch)
        page.keyboard.press("Space")
        expect(switch).not_to_be_checked()
        page.keyboard.press("Space")
        expect(switch).to_be_checked()
        tab_to(page, page.get_by_label("Button Text"))
        page.keyboard.press("ControlOrMeta+A")
        page.keyboard.type(text)
        tab_to(page, page.get_by_role("button", name="Apply", exact=True))
        # The toast of an earlier Apply must not be taken for this one's.
        with page.expect_navigation():
            page.keyboard.press("Enter")
        steps.expect_toast(page, "OIDC settings saved")
        assert steps.saved_settings(page)["oidc_button_text"] == text
    assert windows.complaints == []


def test_a_message_is_dismissed_and_a_table_folded_open(scene: Scene, windows: Windows) -> None:
    page = windows.open(storage_state=scene.superadmin)
    page.goto(steps.SETTINGS)
    steps.apply(page)
    tab_to(page, page.get_by_role("button", name="Dismiss"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("OIDC settings saved")).to_have_count(0)
    expect(page.get_by_role("main")).to_be_focused()

    tab_to(page, page.locator("#role-mapping > summary"))
    page.keyboard.press("Space")
    expect(page.get_by_label("superadmin", exact=True)).to_be_visible()
    tab_to(page, page.get_by_label("readonly", exact=True))
    assert windows.complaints == []


def test_the_menu_of_a_phone_by_keyboard(scene: Scene, windows: Windows) -> None:
    page = windows.open(viewport=PHONE, storage_state=scene.superadmin)
    page.goto("/")
    menu = page.get_by_role("button", name="Menu")
    link = page.get_by_role("navigation", name="Main").get_by_role("link", name="OIDC / SSO")
    tab_to(page, menu)
    page.keyboard.press("Enter")
    tab_to(page, link)
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()
    expect(menu).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, link)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="OIDC / SSO")).to_be_visible()
    assert windows.complaints == []
