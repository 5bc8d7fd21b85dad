"""Check configuration and Explain an error, in place and as plain pages."""

from __future__ import annotations

from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.audit import audit_in_every_shape
from tests.browser.scene import Scene
from tests.browser.windows import Windows

pytestmark = pytest.mark.browser

STEPS: Final = 8
TYPED: Final = "Typed, not applied"
_WATCH: Final = """
(box) => {
  const [bar, list, status] = ["progress", "[data-check-steps]", "[data-check-status]"]
    .map((each) => box.querySelector(each));
  window.watched = [];
  new MutationObserver(() => watched.push([list.children.length, bar.value, status.textContent]))
    .observe(status, { childList: true });
}
"""


def test_a_check_goes_step_by_step_over_what_is_saved(page: Page, windows: Windows) -> None:
    page.get_by_label("Button Text").fill(TYPED)
    page.locator("[data-check]").evaluate(_WATCH)

    card = steps.check(page, "The last check passed.")

    assert page.evaluate("() => watched") == [
        [0, 0, "Checking …"],
        *([number, number, f"Step {number} of {STEPS} done."] for number in range(1, STEPS)),
        [STEPS, STEPS, "The last check passed."],
    ]
    expect(card.get_by_role("progressbar")).to_have_attribute("max", str(STEPS))
    expect(card.get_by_role("listitem").get_by_text("Passed", exact=True)).to_have_count(STEPS)
    unsaved = card.get_by_text("Typed, but not applied and so not checked")
    expect(unsaved).to_contain_text("Button Text.")
    expect(unsaved).not_to_contain_text("Issuer URL")
    expect(page.get_by_label("Button Text")).to_have_value(TYPED)
    assert steps.saved_settings(page)["oidc_button_text"] == steps.BUTTON
    assert audit_in_every_shape(page, "[data-check]") == []
    assert windows.complaints == []


def test_what_is_wrong_is_named_with_its_cure_and_its_field(
    page: Page, scene: Scene, windows: Windows
) -> None:
    page.get_by_label("Button Text").fill(TYPED)
    with steps.another_secret(scene.tenant):
        card = steps.check(page, "The last check failed at step 5 (Client ID and secret).")
        failed = card.locator('[data-outcome="failed"]')
        expect(failed).to_have_count(1)
        expect(failed).to_contain_text("The client secret is wrong.")
        expect(failed).to_contain_text("AADSTS7000215")
        expect(failed).to_contain_text("In Entra: App registrations → your app → Certificates")
        assert audit_in_every_shape(page, "[data-check]") == []

        failed.get_by_role("link", name="Here: Client Secret").click()
        expect(page.get_by_label("Client Secret", exact=True)).to_be_focused()
        expect(page.get_by_label("Button Text")).to_have_value(TYPED)
    # The tenant takes the secret again, and what was found before makes way.
    card = steps.check(page, "The last check passed.")
    expect(card.locator('[data-outcome="failed"]')).to_have_count(0)
    page.get_by_label("Button Text").fill(steps.BUTTON)
    page.reload()
    expect(page.locator(".page-title .pill")).to_have_text("Ready")
    assert windows.complaints == []


def test_both_without_javascript(scene: Scene, windows: Windows) -> None:
    page = windows.open(java_script_enabled=False, storage_state=scene.superadmin)
    page.goto(steps.SETTINGS)
    card = page.get_by_role("region", name="Check configuration")
    expect(card).to_contain_text("What you typed and did not apply is not checked")
    with steps.another_secret(scene.tenant):
        card.get_by_role("button", name="Check configuration").click()
        expect(page.get_by_role("heading", level=1, name="Check configuration")).to_be_visible()
        expect(page.get_by_text("The last check failed at step 5")).to_be_visible()
        expect(page.locator(".check-step")).to_have_count(STEPS)
        failed = page.locator('[data-outcome="failed"]')
        expect(failed).to_contain_text("The client secret is wrong.")
        failed.get_by_role("link", name="Here: Client Secret").click()
        expect(page.get_by_role("heading", level=1, name="OIDC / SSO")).to_be_visible()
        expect(page.get_by_label("Client Secret", exact=True)).to_be_focused()
    page.get_by_role("button", name="Check configuration").click()
    expect(page.get_by_text("The last check passed.")).to_be_visible()

    page.get_by_role("link", name="Back to OIDC / SSO").click()
    steps.explain(page, steps.PASTED)
    expect(page.get_by_role("heading", level=1, name="Explain an error")).to_be_visible()
    expect(page.get_by_role("heading", level=3)).to_have_text("AADSTS50011")
    expect(page.get_by_label("Error code or text")).to_have_value(steps.PASTED)
    assert windows.complaints == []


def test_an_error_is_explained_in_place(page: Page, windows: Windows) -> None:
    page.get_by_label("Button Text").fill(TYPED)
    card = steps.explain(page, "no code in here")
    expect(card.get_by_role("status")).to_contain_text("There is no error code in this text.")
    steps.explain(page, steps.PASTED)
    expect(card.get_by_role("heading", level=3)).to_have_text("AADSTS50011")
    answer = card.get_by_role("status")
    expect(answer).to_contain_text("is not registered in Entra")
    expect(answer).to_contain_text("as a redirect URI of the platform Web")
    expect(answer).to_contain_text("In Entra: App registrations → your app → Authentication")
    expect(answer.get_by_role("link", name="Here: Server URL")).to_be_visible()
    expect(card.get_by_label("Error code or text")).to_have_value(steps.PASTED)
    expect(page.get_by_label("Button Text")).to_have_value(TYPED)
    assert audit_in_every_shape(page, "[data-explain]") == []
    assert windows.complaints == []


def test_the_plain_pages_of_both(page: Page, windows: Windows) -> None:
    """As above, with scripts on for the audit, which are not asked about a form sent like this."""
    page.get_by_label("Error code or text").fill(steps.PASTED)
    send_as_a_page(page, "[data-explain-form]", "Explain an error")
    assert audit_in_every_shape(page) == []
    page.goto(steps.SETTINGS)
    send_as_a_page(page, "[data-check-form]", "Check configuration")
    expect(page.get_by_text("The last check passed.")).to_be_visible()
    assert audit_in_every_shape(page) == []
    assert windows.complaints == []


def send_as_a_page(page: Page, form: str, heading: str) -> None:
    page.locator(form).evaluate("(form) => form.submit()")
    expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
