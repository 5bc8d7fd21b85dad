"""Chromium windows that remember every page they were shown and everything that went wrong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Response,
    ViewportSize,
    WebError,
)

NEEDED: Final = "Browser tests need Chromium: apt-get install chromium"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
ANSWERS_WITHIN: Final = 15_000
DESKTOP: Final = ViewportSize(width=1280, height=900)
TABLET: Final = ViewportSize(width=768, height=1024)
PHONE: Final = ViewportSize(width=360, height=740)
Theme = Literal["light", "dark"]
THEMES: Final[tuple[Theme, ...]] = ("light", "dark")

# The binding is out of reach of the page's Content-Security-Policy, and reports by itself: a page
# that was on the screen for a moment only is kept too.
_REPORT: Final = """
if (self === top) {
  addEventListener("securitypolicyviolation", (event) =>
    reportToTest("violation", location.href,
      `${event.effectiveDirective} blocked ${event.blockedURI} at ${event.sourceFile}`));
  addEventListener("load", () =>
    reportToTest("page", location.href, document.documentElement.outerHTML));
}
"""


def chromium_path() -> str:
    """Return where Chromium is, '' where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), "")


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
    try:
        yield browser
    finally:
        browser.close()


@dataclass
class Windows:
    """The windows of one test, each a private one; `origin` is PatchMon's own address."""

    browser: Browser
    origin: str
    pages: list[tuple[str, str]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    # Addresses that a test opens to be refused: the console names each answer past 399.
    refused: set[str] = field(default_factory=set)
    _contexts: list[BrowserContext] = field(default_factory=list)

    def open(
        self, *, theme: Theme = "light", viewport: ViewportSize = DESKTOP, **options: Any
    ) -> Page:
        """Open a private window: it shares nothing with the others."""
        context = self.browser.new_context(
            base_url=self.origin,
            color_scheme=theme,
            viewport=viewport,
            locale="en-GB",
            timezone_id="UTC",
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(ANSWERS_WITHIN)
        context.expose_binding("reportToTest", self._report)
        context.add_init_script(_REPORT)
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("response", self._response)
        self._contexts.append(context)
        return context.new_page()

    def cookies(self) -> list[str]:
        return [
            str(cookie.get("value", ""))
            for context in self._contexts
            for cookie in context.cookies(self.origin)
        ]

    def photograph(self, folder: Path) -> list[Path]:
        """Save what every open window shows, for a test that failed."""
        paths = []
        for number, page in enumerate(page for each in self._contexts for page in each.pages):
            path = folder / f"window-{number}.png"
            page.screenshot(path=path, full_page=True)
            paths.append(path)
        return paths

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        self._contexts.clear()

    def _report(self, source: Any, kind: str, address: str, text: str) -> None:
        if not address.startswith(self.origin):
            return
        if kind == "page":
            self.pages.append((address, text))
        else:
            self.complaints.append(f"{address}: Content-Security-Policy: {text}")

    def _console(self, message: ConsoleMessage) -> None:
        address = message.location["url"] or (message.page.url if message.page else "")
        is_ours = address.startswith(self.origin) and address not in self.refused
        if message.type in {"error", "warning"} and is_ours:
            self.complaints.append(f"{address}: console: {message.text}")

    def _error(self, error: WebError) -> None:
        self.complaints.append(f"{error.page.url if error.page else ''}: {error.error}")

    def _response(self, response: Response) -> None:
        is_ours = response.url.startswith(self.origin) and response.url not in self.refused
        if is_ours and response.status >= 400:
            self.complaints.append(f"{response.url}: answered {response.status}")
