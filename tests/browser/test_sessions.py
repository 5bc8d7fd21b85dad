"""A session ended from another browser is over at its next request."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.scene import Scene
from tests.browser.windows import Windows

pytestmark = pytest.mark.browser


def test_ending_a_session_elsewhere_signs_that_browser_out(scene: Scene, windows: Windows) -> None:
    person = scene.tenant.tenant.people["hana"]
    here, elsewhere = windows.open(), windows.open()
    for page in (here, elsewhere):
        steps.sign_in_with_microsoft(page, person)
        expect(page.get_by_role("heading", level=1, name="Home")).to_be_visible()

    here.goto("/profile")
    here.get_by_role("button", name=re.compile("End the session of")).first.click()
    steps.expect_toast(here, "The session was ended.")

    elsewhere.goto("/profile")
    expect(elsewhere).to_have_url(re.compile(r"/login\?next=/profile$"))
    here.goto("/profile")
    expect(here.get_by_role("heading", level=1, name="Profile")).to_be_visible()
