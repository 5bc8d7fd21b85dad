"""What is wrong with the page on the screen: accessibility, names of fields, what does not fit."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Final

from playwright.sync_api import Page

from tests.browser.windows import DESKTOP, PHONE, TABLET

TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
# What looks at colours; all else is the same in either theme.
COLOURS: Final = ("color-contrast", "link-in-text-block")
# Without preload: nothing here plays, and what else would be fetched is for rules not asked for.
_RUN: Final = """
async ([type, values, within]) => {
  const { violations } = await axe.run(within || document, {
    runOnly: { type, values }, resultTypes: ["violations"], preload: false,
  });
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help}: ${node.target.join(" ")}: ` +
      [...node.any, ...node.all, ...node.none].map((check) => check.message).join("; ")));
}
"""
_OVERFLOW: Final = """
() => {
  const width = innerWidth;
  const cut = [...document.querySelectorAll(".table-wrap")]
    .filter((each) => each.scrollWidth > each.clientWidth)
    .map((each) => `table cut at ${each.clientWidth} of ${each.scrollWidth} px on ${width}`);
  if (document.scrollingElement.scrollWidth <= width) return cut;
  const wide = [...document.querySelectorAll("body *")].filter(
    (each) => each.getBoundingClientRect().right > width + 0.5);
  return [...cut, `${document.scrollingElement.scrollWidth} px wide on ${width}: ` +
    wide.slice(0, 5).map((each) => each.outerHTML.slice(0, 90)).join(" | ")];
}
"""
_UNNAMED: Final = """
() => [...document.querySelectorAll("input, select, textarea, button")]
  .filter((each) => each.type !== "hidden" && each.checkVisibility())
  .filter((each) => !each.closest("[aria-hidden=true]") && each.ariaHidden !== "true")
  .filter((each) => !each.labels?.length && !each.ariaLabel && !each.textContent.trim()
    && !each.getAttribute("aria-labelledby"))
  .map((each) => `no name: ${each.outerHTML.slice(0, 120)}`)
"""
# What the keyboard comes to, each focused as it would be: nothing but a ring tells where one is.
_RINGLESS: Final = """
() => {
  const kinds = "a[href], button, input, select, textarea, summary, [tabindex]";
  const stops = [...document.querySelectorAll(kinds)].filter(
    (each) => each.tabIndex >= 0 && !each.disabled && each.checkVisibility());
  const found = stops.filter((each) => {
    each.focus({ focusVisible: true });
    const { outlineStyle, outlineWidth } = getComputedStyle(each);
    const hasRing = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
    return document.activeElement !== each || !hasRing;
  });
  document.activeElement.blur();
  return found.map((each) => `no ring: ${each.outerHTML.slice(0, 120)}`);
}
"""
_OPEN_EVERYTHING: Final = (
    '() => document.querySelectorAll("details").forEach((each) => (each.open = true))'
)


@cache
def _axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def audit(page: Page, within: str = "") -> list[str]:
    """Return every finding on the page, with all that is folded opened.

    `within` (a selector) looks closely at one part alone, of a page that is looked at elsewhere.
    """
    page.evaluate(_OPEN_EVERYTHING)
    found = _ask_axe(page, "tag", TAGS, within)
    return [*overflow(page), *_strings(page, _UNNAMED), *found]


def audit_in_every_shape(page: Page, within: str = "") -> list[str]:
    """Audit the page as it stands on a phone in both themes, then widen it; typed text stays."""
    page.set_viewport_size(PHONE)
    findings = audit_in_both_themes(page, within)
    for size in (TABLET, DESKTOP):
        page.set_viewport_size(size)
        findings += overflow(page)
    return findings


def audit_in_both_themes(page: Page, within: str = "") -> list[str]:
    page.emulate_media(color_scheme="light")
    light = audit(page, within)
    page.emulate_media(color_scheme="dark")
    dark = _ask_axe(page, "rule", COLOURS, within)
    return [*(f"light: {each}" for each in light), *(f"dark: {each}" for each in dark)]


def _ask_axe(page: Page, kind: str, names: tuple[str, ...], within: str) -> list[str]:
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_axe())
    return _strings(page, _RUN, [kind, list(names), within])


def ringless(page: Page) -> list[str]:
    """Return what the keyboard comes to without one seeing it; takes the focus away."""
    return _strings(page, _RINGLESS)


def overflow(page: Page) -> list[str]:
    return _strings(page, _OVERFLOW)


def _strings(page: Page, script: str, argument: Any = None) -> list[str]:
    return [str(each) for each in page.evaluate(script, argument)]
