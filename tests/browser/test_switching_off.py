"""Switching single sign-on off while something typed is not applied, and scopes by one press."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps

pytestmark = pytest.mark.browser

ASKED = "You have typed changes that are not applied yet."


def saved(page: Page) -> dict[str, Any]:
    settings: dict[str, Any] = page.request.get("/api/v1/auth/oidc/settings").json()
    return settings


def test_switching_off_over_unsaved_fields_asks_first(page: Page) -> None:
    enabled = page.get_by_role("checkbox", name="Enable OIDC / SSO")
    page.get_by_label("Button Text").fill("Typed, not applied")

    enabled.uncheck()
    expect(page.get_by_text(ASKED)).to_be_visible()
    expect(page.get_by_role("button", name="Apply and enable")).to_be_hidden()
    page.get_by_role("button", name="Cancel", exact=True).first.click()

    expect(page.get_by_text(ASKED)).to_be_hidden()
    expect(enabled).to_be_checked()
    expect(page.get_by_label("Button Text")).to_have_value("Typed, not applied")
    assert saved(page)["oidc_enabled"] is True

    enabled.uncheck()
    page.get_by_role("button", name="Switch off anyway").click()
    steps.expect_toast(page, "OIDC / SSO is off.")
    assert saved(page)["oidc_enabled"] is False
    assert saved(page)["oidc_button_text"] == steps.BUTTON

    enabled.check()
    steps.expect_toast(page, "OIDC / SSO is enabled")


def test_suggested_scopes_fill_the_field_and_save_nothing_yet(page: Page) -> None:
    scopes = saved(page)["oidc_scopes"]
    page.get_by_label("Scopes").fill("openid groups")
    page.get_by_role("button", name="Apply", exact=True).click()

    page.get_by_role("button", name="Use openid email profile User.Read").click()

    expect(page.get_by_label("Scopes")).to_have_value("openid email profile User.Read")
    expect(page.get_by_label("Scopes")).to_be_focused()
    assert saved(page)["oidc_scopes"] == scopes
