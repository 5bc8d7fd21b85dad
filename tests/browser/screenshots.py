"""Pictures of the main pages at three widths in both themes: python -m tests.browser.screenshots.

With --docs also the two pictures of the README.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, FloatRect, Page, ViewportSize, sync_playwright

from tests.browser import steps
from tests.browser.scene import MANY, Scene, furnished
from tests.browser.server import ROOT, Server
from tests.browser.windows import NEEDED, THEMES, Windows, chromium, chromium_path

WIDTHS: Final = (360, 768, 1280)
HEIGHT: Final = 900
DOCS: Final = ROOT / "docs" / "images"


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if not chromium_path():
        sys.stderr.write(f"{NEEDED}\n")
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="patchmon-screenshots-") as folder,
        sync_playwright() as playwright,
        chromium(playwright) as browser,
    ):
        _wizard(browser, _subfolder(folder, "empty"), options.out)
        with furnished(browser, _subfolder(folder, "scene"), MANY) as scene:
            _pages(browser, scene, options.out)
            if options.docs:
                _docs(browser, scene)
            _states(browser, scene, options.out)
            # Last, since it switches single sign-on off.
            unsaved = {"oidc-unsaved": steps.SETTINGS}
            _shoot(Windows(browser, scene.server.url), options.out, unsaved, scene.superadmin)
    sys.stdout.write(f"Screenshots are in {options.out}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="screenshots", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "screenshots")
    parser.add_argument("--docs", action="store_true", help="renew docs/images/ too")
    return parser


def _subfolder(folder: str, name: str) -> Path:
    path = Path(folder) / name
    path.mkdir()
    return path


def _wizard(browser: Browser, folder: Path, out: Path) -> None:
    with Server(folder) as server:
        _shoot(Windows(browser, server.url), out, {"setup": server.setup_link()})


def _pages(browser: Browser, scene: Scene, out: Path) -> None:
    windows = Windows(browser, scene.server.url)
    made = scene.addresses
    _shoot(windows, out, {"sign-in": "/login", "password-link": made["password-link"]})
    _shoot(windows, out, {"home-user": "/", "not-allowed": "/settings/oidc"}, scene.user)
    _shoot(
        windows,
        out,
        {
            "home": "/",
            "profile": "/profile",
            "general": "/settings/general",
            "users": "/settings/users",
            "user-add": "/settings/users/add",
            "user": made["user"],
            "oidc": steps.SETTINGS,
            "oidc-mapping": steps.SETTINGS,
            "oidc-errors": steps.SETTINGS,
            "sign-ins": "/settings/sign-ins",
            "sign-ins-empty": "/settings/sign-ins?search=nobody",
            "sign-in-detail": made["sign-in"],
            "sign-in-refused": made["refusal"],
            "link": made["link"],
            "link-several": "/settings/sign-ins/link",
            "test-sign-in": made["report"],
            "changes": "/settings/changes",
            "menu": "/",
            "not-found": "/nowhere",
        },
        scene.superadmin,
    )


def _states(browser: Browser, scene: Scene, out: Path) -> None:
    """Take what is only there after a press, all of it while one page stands."""
    windows = Windows(browser, scene.server.url)
    page = windows.open(storage_state=scene.superadmin)
    page.goto(steps.SETTINGS)
    steps.check(page, "The last check passed.")
    steps.explain(page, steps.PASTED).get_by_role("heading", level=3).wait_for()
    _stand(page, out, "oidc-checked")
    page.goto(steps.SETTINGS)
    page.get_by_label("Button Text").fill("Typed, not applied")
    with steps.another_secret(scene.tenant):
        steps.check(page, "The last check failed at step 5 (Client ID and secret).")
        _stand(page, out, "oidc-check-failed")
        page.locator("[data-check-form]").evaluate("(form) => form.submit()")
        page.get_by_role("heading", level=1, name="Check configuration").wait_for()
        _stand(page, out, "check-plain")
    page.get_by_role("button", name="Check again").click()
    report = steps.run_test_sign_in(page, scene.tenant.tenant.people["ravi"])
    steps.put_into_row(report, "user")
    _stand(report, out, "test-sign-in-row")
    steps.make_users_host_managers(page)
    _stand(page, out, "oidc-preview")
    page.get_by_role("button", name="Apply these changes").click()
    steps.sign_in_with_microsoft(windows.open(), scene.tenant.tenant.people["mei"])
    steps.press_undo(page)
    _stand(page, out, "undo")
    page.get_by_role("button", name="Undo all the same").click()
    page.goto(scene.addresses["user"])
    page.get_by_role("button", name="Delete").click()
    _stand(page, out, "dialog")
    _old_sign_in(windows, scene, out)
    windows.close()


def _old_sign_in(windows: Windows, scene: Scene, out: Path) -> None:
    for way in ("password", "provider"):
        page = windows.open()
        if way == "password":
            steps.sign_in_with_password(page)
        else:
            steps.sign_in_with_microsoft(page, scene.tenant.tenant.people["adam"])
        steps.age_session(page, scene.server)
        page.goto(steps.SETTINGS)
        _stand(page, out, f"oidc-old-{way}")
        page.get_by_role("checkbox", name="Enable OIDC / SSO").click()
        page.get_by_role("heading", level=1, name="Confirm that it is you").wait_for()
        _stand(page, out, f"confirm-{way}")


def _stand(page: Page, out: Path, name: str) -> None:
    """Take the page as it stands in each theme at each width."""
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        for width in WIDTHS:
            page.set_viewport_size(ViewportSize(width=width, height=HEIGHT))
            page.screenshot(path=out / f"{name}-{width}-{theme}.png", full_page=True)


def _shoot(windows: Windows, out: Path, addresses: dict[str, str], state: Any = None) -> None:
    """Take each page in each theme, loaded anew, at each width."""
    for theme in THEMES:
        page = windows.open(theme=theme, storage_state=state)
        for name, address in addresses.items():
            for width in WIDTHS:
                page.set_viewport_size(ViewportSize(width=width, height=HEIGHT))
                page.goto(address)
                PREPARED.get(name, _as_it_is)(page)
                page.screenshot(path=out / f"{name}-{width}-{theme}.png", full_page=True)
    windows.close()


def _as_it_is(_page: Page) -> None:
    """Show the page as it opens."""


def _open_mapping(page: Page) -> None:
    page.get_by_role("heading", name="Role Mapping").click()


def _provoke_errors(page: Page) -> None:
    page.get_by_label("Issuer URL").fill("https://login.microsoftonline.com/common/v2.0")
    page.get_by_label("Scopes").fill("openid email profile groups")
    with page.expect_navigation():
        page.get_by_role("button", name="Apply", exact=True).click()


def _leave_unsaved(page: Page) -> None:
    enabled = page.get_by_role("checkbox", name="Enable OIDC / SSO")
    if enabled.is_checked():
        with page.expect_navigation():
            enabled.uncheck()
    page.get_by_label("Button Text").fill("Typed, not applied")
    enabled.check()


def _open_menu(page: Page) -> None:
    if page.get_by_role("button", name="Menu").is_visible():
        page.get_by_role("button", name="Menu").click()


PREPARED: Final[dict[str, Callable[[Page], None]]] = {
    "oidc-mapping": _open_mapping,
    "oidc-errors": _provoke_errors,
    "oidc-unsaved": _leave_unsaved,
    "menu": _open_menu,
}


def _docs(browser: Browser, scene: Scene) -> None:
    DOCS.mkdir(parents=True, exist_ok=True)
    windows = Windows(browser, scene.server.url)
    page = windows.open(storage_state=scene.superadmin)
    page.goto(steps.SETTINGS)
    # A reader's tenant is at Microsoft and their server has a name.
    shown = {
        "Issuer URL": f"https://login.microsoftonline.com/{scene.tenant.tenant.tenant_id}/v2.0",
        "Callback URL": "https://patchmon.example.com/api/v1/auth/oidc/callback",
    }
    for label, value in shown.items():
        field = page.get_by_label(label, exact=True)
        field.evaluate("(field, value) => { field.value = value; }", value)
    foot = page.locator("#apply").bounding_box()
    bottom = foot["y"] + foot["height"] + 30 if foot else HEIGHT
    clip = FloatRect(x=0, y=0, width=1280, height=bottom)
    page.screenshot(path=DOCS / "oidc-settings.png", full_page=True, clip=clip)
    nobody = windows.open(viewport=ViewportSize(width=640, height=600))
    nobody.goto("/login")
    nobody.screenshot(path=DOCS / "sign-in.png")
    windows.close()


if __name__ == "__main__":
    sys.exit(main())
