"""What the small scripts add to the pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from entra_sim import defaults
from tests.browser import steps
from tests.browser.scene import Scene
from tests.browser.windows import PHONE, Windows

pytestmark = pytest.mark.browser


def test_enter_in_a_field_applies(page: Page, windows: Windows) -> None:
    page.get_by_label("Button Text").press("Enter")
    steps.expect_toast(page, "OIDC settings saved")
    expect(page.locator("[data-secret] .pill")).to_have_text("Set")
    assert windows.complaints == []


def test_enter_in_the_secret_saves_it_alone(page: Page) -> None:
    page.get_by_label("Button Text").fill("Typed, not applied")
    page.get_by_label("Client Secret", exact=True).fill(defaults.SECRET_VALUE)
    page.get_by_label("Client Secret", exact=True).press("Enter")
    steps.expect_toast(page, "Client secret saved")
    expect(page.get_by_label("Button Text")).to_have_value("Typed, not applied")
    assert page.request.get("/api/v1/auth/oidc/settings").json()["oidc_button_text"] == steps.BUTTON


def test_apply_stays_in_sight_while_something_is_not_applied(page: Page) -> None:
    apply = page.get_by_role("button", name="Apply", exact=True)
    page.get_by_role("heading", name="Setup guide").scroll_into_view_if_needed()
    expect(apply).not_to_be_in_viewport()

    page.get_by_role("heading", name="Role Mapping").click()
    page.get_by_label("readonly", exact=True).fill("typed")
    page.get_by_role("heading", name="Setup guide").scroll_into_view_if_needed()
    expect(apply).to_be_in_viewport()

    page.get_by_label("readonly", exact=True).fill(defaults.ROLE_GROUPS["readonly"])
    page.get_by_role("heading", name="Setup guide").scroll_into_view_if_needed()
    expect(apply).not_to_be_in_viewport()


def test_untouched_scopes_follow_a_microsoft_issuer(page: Page) -> None:
    scopes, issuer = page.get_by_label("Scopes"), page.get_by_label("Issuer URL")
    microsoft = "https://login.microsoftonline.com/<TENANT_ID>/v2.0"

    scopes.fill("openid profile groups")
    issuer.fill(microsoft)
    issuer.blur()
    expect(scopes).to_have_value("openid profile groups")

    scopes.fill("openid email profile groups")
    issuer.fill("https://id.example.com")
    issuer.blur()
    expect(scopes).to_have_value("openid email profile groups")

    issuer.fill(microsoft)
    issuer.blur()
    expect(scopes).to_have_value(steps.SCOPES)
    expect(page.get_by_text("Entra knows no scope “groups”.")).to_be_visible()


def test_a_date_typed_beside_the_secret_is_saved_with_it_and_told_on_home(
    page: Page, windows: Windows
) -> None:
    # Another day would do as well, should midnight pass meanwhile.
    soon = datetime.now(tz=UTC).date() + timedelta(days=20)
    page.get_by_label("Client Secret", exact=True).fill(defaults.SECRET_VALUE)
    page.get_by_label("Secret expires on").fill(soon.isoformat())
    page.get_by_role("button", name="Save Client Secret").click()
    steps.expect_toast(page, "Client secret saved")
    expect(page.get_by_label("Secret expires on")).to_have_value(soon.isoformat())

    page.goto("/")
    expect(page.get_by_text("The client secret expires in")).to_be_visible()
    page.get_by_role("link", name="Open Client Secret").click()
    expect(page.get_by_label("Client Secret", exact=True)).to_be_in_viewport()

    page.get_by_label("Secret expires on").fill("")
    steps.apply(page)
    page.goto("/")
    expect(page.get_by_text("The client secret expires in")).to_have_count(0)
    assert windows.complaints == []


def test_the_secret_shows_while_it_is_typed(page: Page) -> None:
    secret = page.get_by_label("Client Secret", exact=True)
    secret.fill("typed")
    expect(secret).to_have_attribute("type", "password")
    page.get_by_role("button", name="Show").click()
    expect(secret).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide").click()
    expect(secret).to_have_attribute("type", "password")


def test_copy_takes_the_callback_url(page: Page, scene: Scene) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy Callback URL").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == f"{scene.server.url}/api/v1/auth/oidc/callback"


def test_enable_over_unsaved_fields_offers_to_apply_first(page: Page, windows: Windows) -> None:
    enabled = page.get_by_role("checkbox", name="Enable OIDC / SSO")
    enabled.uncheck()
    steps.expect_toast(page, "OIDC / SSO is off.")

    page.get_by_label("Button Text").fill("Enter with Microsoft")
    enabled.check()
    expect(page.get_by_text("You have typed changes that are not applied yet.")).to_be_visible()
    settings = page.request.get("/api/v1/auth/oidc/settings").json()
    assert (settings["oidc_enabled"], settings["oidc_button_text"]) == (False, steps.BUTTON)

    page.get_by_role("button", name="Apply and enable").click()
    steps.expect_toast(page, "OIDC settings saved")
    steps.expect_toast(page, "OIDC / SSO is enabled")
    settings = page.request.get("/api/v1/auth/oidc/settings").json()
    assert (settings["oidc_enabled"], settings["oidc_button_text"]) == (
        True,
        "Enter with Microsoft",
    )
    page.get_by_label("Button Text").fill(steps.BUTTON)
    steps.apply(page)
    assert windows.complaints == []


def test_the_chosen_theme_is_remembered(scene: Scene, windows: Windows) -> None:
    page = windows.open(storage_state=scene.user)
    page.goto("/")
    light = page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")
    page.get_by_role("button", name="Dark theme").click()
    page.goto("/profile")
    expect(page.get_by_role("button", name="Dark theme")).to_have_attribute("aria-pressed", "true")
    assert (
        page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor") != light
    )


def test_the_menu_of_a_phone(scene: Scene, windows: Windows) -> None:
    page = windows.open(viewport=PHONE, storage_state=scene.superadmin)
    page.goto("/")
    link = page.get_by_role("navigation", name="Main").get_by_role("link", name="OIDC / SSO")
    expect(link).to_have_count(0)
    page.get_by_role("button", name="Menu").click()
    link.click()
    expect(page.get_by_role("heading", level=1, name="OIDC / SSO")).to_be_visible()
    assert windows.complaints == []


def test_everything_works_without_javascript(scene: Scene, windows: Windows) -> None:
    page = windows.open(java_script_enabled=False)
    steps.sign_in_with_password(page)
    page.goto(steps.SETTINGS)
    page.get_by_label("Button Text").fill("Without scripts")
    steps.apply(page)
    # Without scripts the toggle waits for its own button.
    page.get_by_role("checkbox", name="Enable OIDC / SSO").uncheck()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("OIDC / SSO is off.")).to_be_visible()
    page.get_by_role("checkbox", name="Enable OIDC / SSO").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("OIDC / SSO is enabled")).to_be_visible()
    page.get_by_label("Button Text").fill(steps.BUTTON)
    steps.apply(page)
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
