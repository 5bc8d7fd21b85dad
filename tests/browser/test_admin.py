"""The Django admin in a real browser, under its own Content-Security-Policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from entra_sim import defaults
from tests.browser import steps
from tests.browser.scene import Scene
from tests.browser.windows import Windows

pytestmark = pytest.mark.browser

OIDC_SETTINGS = "/admin/sso/oidcsettings/1/change/"


def save(page: Page, button: str) -> None:
    # The message of an earlier save must not be taken for this one's.
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator(".messagelist .success")).to_be_visible()


def test_every_list_and_form_opens(scene: Scene, windows: Windows) -> None:
    page = windows.open(storage_state=scene.superadmin)
    page.goto("/admin/")
    lists = page.locator("#content .module th a").evaluate_all(
        "(links) => links.map((link) => link.getAttribute('href'))"
    )
    assert len(lists) >= 7
    for address in lists:
        page.goto(address)
        rows = page.locator("#result_list tbody th a")
        if rows.count():
            rows.first.click()
        expect(page.locator("#content h1")).to_be_visible()
    assert windows.complaints == []
    assert [address for address, text in windows.pages if defaults.SECRET_VALUE in text] == []


def test_a_button_text_saved_here_is_on_the_sign_in_page(scene: Scene, windows: Windows) -> None:
    page = windows.open(storage_state=scene.superadmin)
    page.goto(OIDC_SETTINGS)
    for text in ("Saved in the admin", steps.BUTTON):
        page.get_by_label("Button Text").fill(text)
        save(page, "Save and continue editing")
        nobody = windows.open()
        nobody.goto("/login")
        expect(nobody.get_by_role("link", name=text)).to_be_visible()
    # Saving without typing one keeps the secret, and shows it to nobody.
    expect(page.locator("#id_client_secret")).to_have_value("")
    assert page.request.get("/api/v1/auth/oidc/settings").json()["oidc_client_secret_set"] is True
    assert windows.complaints == []


def test_a_role_row_and_the_server_url_save(scene: Scene, windows: Windows) -> None:
    page = windows.open(storage_state=scene.superadmin)
    for address in ("/admin/sso/rolemapping/1/change/", "/admin/accounts/installation/1/change/"):
        page.goto(address)
        save(page, "Save and continue editing")
    mapping = page.request.get("/api/v1/auth/oidc/settings").json()
    assert mapping["oidc_admin_group"] == defaults.ROLE_GROUPS["admin"]
    assert windows.complaints == []


def test_a_user_saves(scene: Scene, windows: Windows) -> None:
    page = windows.open(storage_state=scene.superadmin)
    page.goto("/admin/accounts/user/?q=hana")
    page.get_by_role("link", name="hana").first.click()
    page.get_by_label("Last name").fill("Suzuki-Mori")
    save(page, "Save")
    page.goto("/settings/users?q=hana")
    expect(page.get_by_text("Hana Suzuki-Mori")).to_be_visible()
    assert windows.complaints == []
