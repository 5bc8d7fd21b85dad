"""A table's head stays in sight where the page is as wide as it gets."""

from __future__ import annotations

from typing import Final

import pytest
from playwright.sync_api import ViewportSize

from tests.browser.audit import overflow
from tests.browser.scene import Scene
from tests.browser.windows import Windows

pytestmark = pytest.mark.browser

LOW: Final = ViewportSize(width=1280, height=240)
# The last row at the end of a low window: what it is of is told by a head that has followed.
_SCROLLED: Final = """
() => {
  const rows = document.querySelectorAll("main tbody tr");
  rows[rows.length - 1].scrollIntoView({ block: "end" });
  const head = document.querySelector("main thead th").getBoundingClientRect();
  const table = document.querySelector("main table").getBoundingClientRect();
  return { head: Math.round(head.top), table: Math.round(table.top) };
}
"""


@pytest.mark.parametrize("path", ["/settings/sign-ins", "/settings/changes"])
def test_the_head_of_a_table_follows_the_window(scene: Scene, windows: Windows, path: str) -> None:
    page = windows.open(viewport=LOW, storage_state=scene.superadmin)
    page.goto(path)

    tops = page.evaluate(_SCROLLED)

    assert tops["table"] < 0, "the table is too short to tell"
    assert tops["head"] == 0
    assert overflow(page) == []
