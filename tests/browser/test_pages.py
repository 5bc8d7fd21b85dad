"""Every page, as each of those who may see it, in both themes and three widths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from django.urls import URLResolver, get_resolver, resolve
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.audit import audit, overflow
from tests.browser.scene import Scene
from tests.browser.windows import DESKTOP, PHONE, Theme, Windows

pytestmark = pytest.mark.browser

TABLET: Final = ViewportSize(width=768, height=1024)
THEMES: Final[tuple[Theme, ...]] = ("light", "dark")
ADMINISTRATION: Final = (
    *("/", "/profile", "/settings/general", "/settings/users", "/settings/users/add"),
    *("/settings/oidc", "/settings/sign-ins", "/settings/sign-ins?search=nobody"),
    *("/settings/sign-ins/link", "/settings/changes"),
)
MADE: Final = ("user", "sign-in", "refusal", "link", "report")
# Addresses that answer with something else than a page of their own; the wizard has its own test.
NOT_WALKED: Final = frozenset(
    {
        *("live", "ready", "schema", "accounts:setup", "accounts:photo"),
        *("accounts:profile-password", "accounts:profile-token-make", "metrics"),
        *("sso:login", "sso:callback", "sso:frontchannel-logout", "sso:confirmed"),
        *("sso:check", "sso:explain", "sso:test-sign-in", "sso:test-sign-in-row"),
        # A file, and a page that only a form leads to (tests/sso/test_undo.py).
        *("sso:sign-ins-export", "sso:undo"),
    }
)


@pytest.mark.parametrize("theme", THEMES)
def test_administrators_pages(scene: Scene, windows: Windows, theme: Theme) -> None:
    page = windows.open(theme=theme, viewport=PHONE, storage_state=scene.superadmin)
    made = (scene.addresses[name] for name in MADE)
    assert walk(page, *ADMINISTRATION, *made) == []
    assert windows.complaints == []


@pytest.mark.parametrize("theme", THEMES)
def test_a_plain_users_pages(scene: Scene, windows: Windows, theme: Theme) -> None:
    page = windows.open(theme=theme, viewport=PHONE, storage_state=scene.user)
    windows.refused.add(f"{scene.server.url}/settings/oidc")
    assert walk(page, "/", "/profile", "/settings/oidc") == []
    expect(page.get_by_role("heading", level=1)).to_have_text("Your role does not allow this")
    assert windows.complaints == []


@pytest.mark.parametrize("theme", THEMES)
def test_pages_of_nobody(scene: Scene, windows: Windows, theme: Theme) -> None:
    page = windows.open(theme=theme, viewport=PHONE)
    dead = "/password/MQ/dead-link"
    windows.refused |= {f"{scene.server.url}{path}" for path in (dead, "/setup")}
    assert walk(page, "/login", scene.addresses["password-link"], dead, "/setup") == []
    assert windows.complaints == []


def test_the_wizard(scene: Scene) -> None:
    assert scene.wizard_findings == []


def test_a_refused_password_and_a_refused_form(scene: Scene, windows: Windows) -> None:
    """Errors are tied to their fields and take no page out of shape."""
    nobody = windows.open(viewport=PHONE)
    nobody.goto("/login")
    nobody.get_by_label("Username").fill("admin")
    nobody.get_by_label("Password").fill("wrong")
    nobody.get_by_role("button", name="Sign in", exact=True).click()
    expect(nobody.get_by_role("alert")).to_contain_text("is not right")
    assert audit(nobody) == []

    page = windows.open(viewport=PHONE, storage_state=scene.superadmin)
    page.goto("/settings/oidc")
    page.get_by_label("Issuer URL").fill("not an address")
    page.get_by_role("button", name="Apply", exact=True).click()
    issuer = page.get_by_label("Issuer URL")
    expect(issuer).to_have_attribute("aria-invalid", "true")
    described = (issuer.get_attribute("aria-describedby") or "").split()
    assert [page.locator(f"#{each}").count() for each in described] == [1] * len(described)
    assert "id_issuer_error" in described
    page.get_by_role("alert").get_by_role("link", name="Issuer URL").click()
    expect(issuer).to_be_focused()
    assert audit(page) == []
    assert windows.complaints == []


def test_no_page_is_forgotten(scene: Scene) -> None:
    """Every address that shows a page is among those walked above."""
    walked = {
        resolve(address.removeprefix(scene.server.url).partition("?")[0]).view_name
        for address in (*ADMINISTRATION, *scene.addresses.values(), "/login")
    }
    assert set(pages_of(get_resolver())) - walked - NOT_WALKED == set()


def test_the_audit_finds_what_is_wrong(windows: Windows) -> None:
    page = windows.open(viewport=PHONE)
    page.set_content(
        "<html lang=en><title>x</title><main><h1>x</h1><input><p style='color:#ccc'>faint</p>"
        "<div style='width:500px'>wide</div></main>"
    )
    findings = "\n".join(audit(page))
    for expected in ("label:", "color-contrast:", "no name:", "px wide on 360"):
        assert expected in findings


def walk(page: Page, *addresses: str) -> list[str]:
    """Open each page at phone width, and widen it; return what is wrong with any."""
    findings = []
    for address in addresses:
        page.set_viewport_size(PHONE)
        page.goto(address)
        found = audit(page)
        page.set_viewport_size(TABLET)
        found += overflow(page)
        page.set_viewport_size(DESKTOP)
        found += audit(page)
        findings += [f"{address}: {each}" for each in found]
    return findings


def pages_of(resolver: URLResolver, space: str = "") -> Iterator[str]:
    """Name the views of PatchMon's own that answer a GET, the API aside."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from pages_of(pattern, f"{pattern.namespace}:" if pattern.namespace else "")
        elif pattern.name and not pattern.name.startswith("api-"):
            view = getattr(pattern.callback, "view_class", None)
            if view is None or hasattr(view, "get"):
                yield f"{space}{pattern.name}"
