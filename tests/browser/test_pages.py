"""Every page, as each of the five roles and as nobody, in both themes and three widths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

import pytest
from django.urls import URLResolver, get_resolver, resolve
from playwright.sync_api import Page, expect

from accounts.roles import ROLES, Role
from tests.browser.audit import audit, audit_in_every_shape, ringless
from tests.browser.scene import Scene
from tests.browser.windows import PHONE, Windows
from tests.test_access_matrix import NOBODY, RULES
from tests.test_docs_access import functions_of

pytestmark = pytest.mark.browser

# Every page with what its heading begins with. Who may see it is in the table of all URLs
# (tests/test_access_matrix.py): whoever may not is refused below.
PAGES: Final = {
    "/": "Home",
    "/login": "Sign in",
    "/profile": "Profile",
    "/settings/general": "General",
    "/settings/users": "Users",
    "/settings/users/add": "Add user",
    "/settings/oidc": "OIDC / SSO",
    "/settings/sign-ins": "Sign-ins",
    "/settings/sign-ins?search=nobody": "Sign-ins",
    "/settings/sign-ins/link": "Link identities",
    "/settings/changes": "Changes",
}
# The same of addresses that only the scene knows.
MADE: Final = {
    "user": "Alice Martin",
    "superior": "admin",
    "sign-in": "Sign-in ",
    "refusal": "Sign-in ",
    "link": "Link this identity",
    "report": "Test sign-in",
    "password-link": "Set your password",
}
REFUSED: Final = "Your role does not allow this"
# What a form or a journey leads to, with the test that gets there and looks at it as closely.
LED_TO: Final = {
    "accounts:setup": "test_pages.py::test_the_wizard",
    "accounts:profile-password": "test_form_pages.py::test_a_token_and_a_refused_password",
    "accounts:profile-token-make": "test_form_pages.py::test_a_token_and_a_refused_password",
    "accounts:user-password-link": "test_trial.py::test_ones_own_address_is_connected",
    "sso:secret": "test_form_pages.py::test_a_secret_that_was_not_typed",
    "sso:enable": "test_fresh_sign_in.py::test_switching_sso_off_asks_for_the_password",
    "sso:login": "test_fresh_sign_in.py::test_switching_sso_off_asks_for_the_password",
    "sso:confirmed": "test_fresh_sign_in.py::test_without_a_password_one_confirms_at_the_provider",
    "sso:check": "test_settings_tools.py::test_the_plain_pages_of_both",
    "sso:explain": "test_settings_tools.py::test_the_plain_pages_of_both",
    "sso:test-sign-in": "test_trial.py::test_the_way_to_the_provider_is_a_page_of_ours",
    "sso:test-sign-in-row": "test_trial.py::test_a_row_that_would_change_a_role_asks_first",
    "sso:undo": "test_settings_changes.py::test_a_mapping_is_previewed_applied_and_undone",
}
NO_PAGE: Final = frozenset(
    {
        *("live", "ready", "schema", "metrics", "accounts:photo", "sso:sign-ins-export"),
        *("sso:callback", "sso:frontchannel-logout"),
        # They lead on to a page that is walked, or to the provider by the same way as Test sign-in.
        *("accounts:logout", "accounts:profile-sessions-end", "accounts:profile-session-end"),
        *("accounts:profile-token-revoke", "accounts:user-deactivate", "accounts:user-activate"),
        *("accounts:user-delete", "accounts:user-end-sessions", "sso:import-env", "sso:unlink"),
        *("sso:connect", "sso:confirm", "sso:disconnect"),
    }
)


@pytest.mark.parametrize("who", [NOBODY, *ROLES])
def test_each_page_is_shown_or_refused(scene: Scene, windows: Windows, who: str) -> None:
    page = windows.open(viewport=PHONE, storage_state=scene.states.get(who))
    pages = {path_of(scene, address): heading for address, heading in every_page(scene).items()}
    findings: list[str] = []
    for address in [each for each in pages if may_see(who, each)]:
        found = shown(page, address, pages.pop(address))
        if who == Role.SUPERADMIN:
            # Beside the navigation, which a phone folds away, and with tables in place of cards.
            found += audit(page) + ringless(page)
        findings += [f"{address}: {each}" for each in found]
    for address in pages:
        see_refusal(page, address, who)
    assert findings == []
    assert windows.complaints == []


def every_page(scene: Scene) -> dict[str, str]:
    return PAGES | {scene.addresses[name]: heading for name, heading in MADE.items()}


def path_of(scene: Scene, address: str) -> str:
    return address.removeprefix(scene.server.url)


def name_of(path: str) -> str:
    return resolve(path.partition("?")[0]).view_name


def may_see(who: str, path: str) -> bool:
    return who in RULES[name_of(path)].get("GET", ())


def shown(page: Page, address: str, heading: str) -> list[str]:
    """Open a page and return what is wrong with it."""
    answer = page.goto(address)
    assert answer is not None
    if answer.request.redirected_from:
        # Signing in is behind whoever is signed in: home is a page of its own.
        expect(page.get_by_role("heading", level=1)).to_have_text("Home")
        return []
    assert answer.status == 200, f"{address} answered {answer.status}"
    expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
    return audit_in_every_shape(page)


def see_refusal(page: Page, address: str, who: str) -> None:
    """Ask for a page without opening it: it is refused, and visitors are led to the sign-in."""
    answer = page.request.get(address, max_redirects=0)
    if who == NOBODY:
        assert answer.status == 302, address
        assert answer.headers["location"] == f"/login?next={quote(address)}"
    else:
        assert answer.status == 403, address
        assert re.search(rf"<h1>\s*{REFUSED}\s*</h1>", answer.text()), address


def test_the_page_of_a_refusal(scene: Scene, windows: Windows) -> None:
    page = windows.open(storage_state=scene.states[Role.READONLY])
    windows.refused.add(f"{scene.server.url}/settings/oidc")
    page.goto("/settings/oidc")
    expect(page.get_by_role("heading", level=1)).to_have_text(REFUSED)
    assert audit_in_every_shape(page) == []
    page.get_by_role("link", name="Go to the start page").click()
    expect(page.get_by_role("link", name="OIDC / SSO")).to_have_count(0)
    assert windows.complaints == []


def test_an_admin_reads_what_only_a_superadmin_changes(scene: Scene, windows: Windows) -> None:
    page = windows.open(storage_state=scene.states[Role.ADMIN])
    page.goto("/settings/oidc")
    page.get_by_role("heading", name="Role Mapping").click()
    for label in ("Issuer URL", "Client ID", "superadmin", "admin"):
        expect(page.get_by_label(label, exact=True)).to_be_disabled()
    expect(page.get_by_text("Only a Super Admin can change this")).to_have_count(4)
    for label in ("Scopes", "host manager", "user", "readonly"):
        expect(page.get_by_label(label, exact=True)).to_be_editable()

    page.goto(scene.addresses["superior"])
    expect(page.get_by_text("This account has a higher role than yours")).to_be_visible()
    for name in ("Save", "Make a password link", "End sessions", "Deactivate", "Delete"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
    page.goto(scene.addresses["user"])
    expect(page.get_by_role("button", name="Deactivate")).to_be_visible()
    for address in ("/settings/users/add", scene.addresses["user"]):
        page.goto(address)
        roles = page.get_by_label("Role").get_by_role("option")
        expect(roles).to_have_text(["Host Manager", "User", "Readonly"])
    assert windows.complaints == []


def test_the_pages_that_say_no(scene: Scene, windows: Windows) -> None:
    page = windows.open()
    for path, status, heading in (
        ("/password/MQ/dead-link", 403, "This link does not work"),
        ("/setup", 404, "There is no such page"),
        ("/nowhere", 404, "There is no such page"),
    ):
        windows.refused.add(f"{scene.server.url}{path}")
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == status
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        assert audit_in_every_shape(page) == []
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
    """Every address is walked, or reached in a test that there is, or shows no page."""
    walked = {name_of(path_of(scene, address)) for address in every_page(scene)}
    names = set(names_of(get_resolver()))
    assert names - walked - set(LED_TO) - NO_PAGE == set()
    assert (set(LED_TO) | NO_PAGE) - names == set(), "the address is gone"
    for path, name in (test.split("::") for test in LED_TO.values()):
        assert name in functions_of(f"tests/browser/{path}")


def test_the_audit_finds_what_is_wrong(windows: Windows) -> None:
    page = windows.open(viewport=PHONE)
    page.set_content(
        "<html lang=en><title>x</title><style>p { color: #ccc } "
        "input:focus { outline: 3px solid } button { outline: none }"
        "@media (prefers-color-scheme: dark) { html { background: #111 } strong { color: #222 } }"
        "</style><main><h1>x</h1><input><p>faint</p><strong>dim</strong><button>x</button>"
        "<div style='width:500px'>wide</div></main>"
    )
    findings = audit_in_every_shape(page)
    assert any("light: color-contrast:" in each and ": p:" in each for each in findings)
    assert any("dark: color-contrast:" in each and ": strong:" in each for each in findings)
    assert not any("light: color-contrast:" in each and "strong" in each for each in findings)
    page.set_viewport_size(PHONE)
    found = "\n".join([*audit(page), *ringless(page)])
    for expected in ("label:", "no name: <input", "px wide on 360", "no ring: <button"):
        assert expected in found
    assert "no ring: <input" not in found


def names_of(resolver: URLResolver, space: str = "") -> Iterator[str]:
    """Name PatchMon's own addresses, the API aside."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from names_of(pattern, f"{pattern.namespace}:" if pattern.namespace else "")
        elif pattern.name and not pattern.name.startswith("api-"):
            yield f"{space}{pattern.name}"
