"""What people do in PatchMon and at the tenant, step by step; the tests and the pictures use it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from playwright.sync_api import Locator, Page, expect

from entra_sim import defaults
from entra_sim.server import EntraSim
from entra_sim.tenant import Person
from tests.browser.server import Server

ADMINISTRATOR: Final = "admin"
# The address that one person of the tenant claims: that sign-in is refused.
ADDRESS: Final = "admin@contoso.com"
# Like no other text anywhere, so that a search for it finds it or nothing.
PASSWORD: Final = "Tidal-Quartz-Lantern-4471"
SCOPES: Final = "openid email profile User.Read"
BUTTON: Final = "Sign in with Microsoft"
SETTINGS: Final = "/settings/oidc"
CHANGES: Final = "/settings/changes"
# What Entra shows on a page of its own, as somebody copies it.
PASTED: Final = """Sorry, but we’re having trouble signing you in.
AADSTS50011: The redirect URI 'https://old.example.com/callback' specified in the request does not
match the redirect URIs configured for the application.
Trace ID: 4f2d4a0e-0000-4000-8000-000000000001"""
# Row of the table → role of PatchMon, as the guide's Step 9 writes them.
ROWS: Final = {
    "superadmin": "superadmin",
    "admin": "admin",
    "host manager": "host_manager",
    "user": "user",
    "readonly": "readonly",
}


def expect_toast(page: Page, text: str) -> None:
    expect(page.locator("[data-toasts]")).to_contain_text(text)


def set_up(page: Page, link: str) -> None:
    """Make the first account in the wizard, by the link that the server printed."""
    page.goto(link)
    page.get_by_label("Username").fill(ADMINISTRATOR)
    page.get_by_label("E-mail").fill(ADDRESS)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Set up PatchMon").click()
    expect_toast(page, f"You are signed in as {ADMINISTRATOR}.")


def sign_in_with_password(
    page: Page, username: str = ADMINISTRATOR, *, target: str = "/login"
) -> None:
    page.goto(target)
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Home")).to_be_visible()


def open_settings(page: Page) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="OIDC / SSO").click()
    expect(page.get_by_role("heading", level=1, name="OIDC / SSO")).to_be_visible()


def fill_oauth2(page: Page, tenant: EntraSim) -> None:
    """Paste the values of the registration, save the secret with its own button (Step 7)."""
    page.get_by_label("Issuer URL").fill(tenant.issuer)
    page.get_by_label("Client ID").fill(defaults.CLIENT_ID)
    page.get_by_label("Client Secret", exact=True).fill(defaults.SECRET_VALUE)
    page.get_by_role("button", name="Save Client Secret").click()
    expect_toast(page, "Client secret saved")
    page.get_by_label("Scopes").fill(SCOPES)
    page.get_by_label("Button Text").fill(BUTTON)


def fill_mapping(page: Page) -> None:
    """Open Role Mapping and paste the groups' Object IDs (Step 9)."""
    page.get_by_role("heading", name="Role Mapping").click()
    for row, role in ROWS.items():
        page.get_by_label(row, exact=True).fill(defaults.ROLE_GROUPS[role])


def apply(page: Page) -> None:
    # The toast of an earlier Apply must not be taken for this one's.
    with page.expect_navigation():
        page.get_by_role("button", name="Apply", exact=True).click()
    expect_toast(page, "OIDC settings saved")


def enable(page: Page) -> None:
    with page.expect_navigation():
        page.get_by_role("checkbox", name="Enable OIDC / SSO").check()
    expect_toast(page, "OIDC / SSO is enabled")


def connect_microsoft_account(page: Page, person: Person) -> None:
    page.goto("/profile")
    card = page.get_by_role("region", name="Connected accounts")
    card.get_by_label("Your PatchMon password").fill(PASSWORD)
    card.get_by_role("button", name="Connect a Microsoft account").click()
    pick(page, person)
    expect_toast(page, f"Your Microsoft account {person.mail} is connected.")


def pick(page: Page, person: Person) -> None:
    """Choose an account on the tenant's own page."""
    expect(page.get_by_role("heading", name="Pick an account")).to_be_visible()
    page.locator(f'button[name="person"][value="{person.key}"]').click()


def sign_in_with_microsoft(page: Page, person: Person, *, target: str = "/login") -> None:
    page.goto(target)
    page.get_by_role("link", name=BUTTON).click()
    pick(page, person)


def run_test_sign_in(page: Page, person: Person) -> Page:
    """Run Test sign-in; return the tab in which its report is."""
    page.goto(SETTINGS)
    return press_test_sign_in(page, person)


def press_test_sign_in(page: Page, person: Person) -> Page:
    with page.expect_popup() as popup:
        page.get_by_role("button", name="Test sign-in").click()
    pick(popup.value, person)
    expect(popup.value).to_have_url(re.compile(r"/settings/oidc/test-sign-in/report$"))
    return popup.value


def saved_settings(page: Page) -> dict[str, Any]:
    """Ask the API what is saved, whatever the page shows."""
    settings: dict[str, Any] = page.request.get("/api/v1/auth/oidc/settings").json()
    return settings


@contextmanager
def another_secret(tenant: EntraSim) -> Iterator[None]:
    """Let the tenant know another secret than the one that is saved."""
    secret = tenant.tenant.app.secrets[0]
    secret.value = defaults.SECRET_VALUE[::-1]
    try:
        yield
    finally:
        secret.value = defaults.SECRET_VALUE


def check(page: Page, ends: str) -> Locator:
    """Press Check configuration and wait for its last word; return the card."""
    card = page.get_by_role("region", name="Check configuration")
    card.get_by_role("button", name="Check configuration").click()
    expect(card.get_by_role("status")).to_have_text(ends)
    return card


def explain(page: Page, text: str) -> Locator:
    """Ask what a text means; return the card."""
    card = page.get_by_role("region", name="Explain an error")
    card.get_by_label("Error code or text").fill(text)
    card.get_by_role("button", name="Explain").click()
    return card


def make_users_host_managers(page: Page) -> None:
    """Move the group of the user row into the row above and press Apply, which asks first."""
    page.goto(SETTINGS)
    page.get_by_role("heading", name="Role Mapping").click()
    above = page.get_by_label("host manager", exact=True)
    above.fill(", ".join(defaults.ROLE_GROUPS[role] for role in ("host_manager", "user")))
    page.get_by_label("user", exact=True).fill("")
    with page.expect_navigation():
        page.get_by_role("button", name="Apply", exact=True).click()


def put_into_row(report: Page, row: str) -> None:
    """Put the group of the report that is in no row into one."""
    group = defaults.UNMAPPED_GROUP
    report.get_by_label(f"Row for {group}").select_option(row)
    report.get_by_role("button", name=f"Put {group} into this row").click()


def press_undo(page: Page) -> None:
    """Press Undo beside the last change of the settings; what it leads to is up to that change."""
    page.goto(CHANGES)
    card = page.get_by_role("region", name="Last change of OIDC / SSO")
    card.get_by_role("button", name="Undo").click()


def age_session(page: Page, server: Server) -> None:
    """Let it be an hour since whoever is signed in there has signed in."""
    cookies = page.context.cookies(server.url)
    server.age_session(next(each["value"] for each in cookies if each["name"] == "patchmon"))


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").first.click()
    expect_toast(page, "You are signed out.")


def finish_the_guide(page: Page, tenant: EntraSim, link: str) -> None:
    """Go through the guide's Part B as an administrator, from the wizard to Enable."""
    set_up(page, link)
    open_settings(page)
    fill_oauth2(page, tenant)
    page.get_by_role("checkbox", name="Sync roles from IdP").check()
    fill_mapping(page)
    apply(page)
    enable(page)
    connect_microsoft_account(page, tenant.tenant.people["sofia"])
