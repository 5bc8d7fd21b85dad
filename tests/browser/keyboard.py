"""PatchMon without a mouse: where the Tab key stops, and whether one sees it."""

from __future__ import annotations

from typing import Any, Final

from playwright.sync_api import Locator, Page

# A trap never ends; an honest page does, and a table of changes has a stop for each time in it.
MOST_STOPS: Final = 600
_STOP: Final = """
() => {
  const stop = document.activeElement;
  if (!stop || stop === document.body) return null;
  const style = getComputedStyle(stop), box = stop.getBoundingClientRect();
  return {
    what: stop.outerHTML.slice(0, 100),
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
    hidden: !!stop.closest("[aria-hidden=true]"),
  };
}
"""


def tab_through(page: Page) -> list[dict[str, Any]]:
    """Press Tab until the page is left; return every stop."""
    stops: list[dict[str, Any]] = []
    for _ in range(MOST_STOPS):
        stop = tab(page)
        if stop is None:
            return stops
        stops.append(stop)
    raise AssertionError(f"The Tab key does not leave the page: {stops[-3:]}")


def tab(page: Page) -> dict[str, Any] | None:
    """Press Tab; return where it stopped, None where it left the page."""
    page.keyboard.press("Tab")
    stop: dict[str, Any] | None = page.evaluate(_STOP)
    return stop


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until it stops there, and see every stop on the way."""
    for _ in range(MOST_STOPS):
        stop = tab(page)
        if stop is None:
            break
        assert not unseen(stop), stop
        if target.evaluate("(each) => each === document.activeElement"):
            return
    raise AssertionError(f"The Tab key does not come to {target}")


def unseen(stop: dict[str, Any]) -> bool:
    return not stop["ring"] or not stop["seen"] or stop["hidden"]
