"""The guide's Part B and "Optional: Enforce SSO Only", taken literally (seed/, issue 2)."""

from __future__ import annotations

import json
import re
import zlib
from binascii import Error as BinasciiError

import pytest
import requests
from django.core.signing import b64_decode
from playwright.sync_api import Page, expect

from entra_sim import defaults
from entra_sim.server import EntraSim
from tests.browser import steps
from tests.browser.server import Server
from tests.browser.windows import Windows

pytestmark = pytest.mark.browser

SIGNED = re.compile(r"[\w.-]{16,}:\w{4,}:[\w-]{27,}")


def test_the_guide_step_by_step(server: Server, tenant: EntraSim, windows: Windows) -> None:
    administrator = windows.open()
    steps.set_up(administrator, server.setup_link())
    settings_before_anything(administrator, server)
    step_7_fill_in_the_oauth2_configuration(administrator, tenant)
    step_8_configure_the_toggles(administrator)
    step_9_fill_in_the_role_mapping(administrator)
    step_10_turn_on_oidc(administrator, windows)
    steps.connect_microsoft_account(administrator, tenant.tenant.people["sofia"])
    alice = step_10_test_in_a_private_window(tenant, windows)
    her_role_follows_her_group(alice, tenant)
    enforce_sso_only(administrator, server, windows)
    the_way_back(administrator, tenant, windows)
    the_log_tells_the_groups(server)
    the_secrets_are_found_nowhere(administrator, server, windows)
    assert windows.complaints == []


def settings_before_anything(page: Page, server: Server) -> None:
    steps.open_settings(page)
    expect(page.get_by_label("Scopes")).to_have_value("openid email profile groups")
    expect(page.get_by_label("Button Text")).to_have_value("Login with SSO")
    expect(page.get_by_label("Callback URL", exact=True)).to_have_value(
        f"{server.url}/api/v1/auth/oidc/callback"
    )
    expect(page.get_by_label("Callback URL", exact=True)).not_to_be_editable()
    for toggle, is_on in {
        "Enable OIDC / SSO": False,
        "Enforce HTTPS": True,
        "Sync roles from IdP": False,
        "Disable local auth": False,
        "Auto-create users": True,
    }.items():
        expect(page.get_by_role("checkbox", name=toggle)).to_be_checked(checked=is_on)


def step_7_fill_in_the_oauth2_configuration(page: Page, tenant: EntraSim) -> None:
    badge = page.locator("[data-secret] .pill")
    expect(badge).to_have_text("Not set")
    page.get_by_label("Issuer URL").fill(tenant.issuer)
    page.get_by_label("Client ID").fill(defaults.CLIENT_ID)
    page.get_by_label("Client Secret", exact=True).fill(defaults.SECRET_VALUE)
    page.get_by_role("button", name="Save Client Secret").click()

    steps.expect_toast(page, "Client secret saved")
    expect(badge).to_have_text("Set")
    expect(page.get_by_label("Client Secret", exact=True)).to_have_value("")
    # Typed and not applied yet: still there, and not saved.
    expect(page.get_by_label("Issuer URL")).to_have_value(tenant.issuer)
    expect(page.get_by_label("Client ID")).to_have_value(defaults.CLIENT_ID)
    saved = page.request.get("/api/v1/auth/oidc/settings").json()
    assert saved["oidc_client_secret_set"] is True
    assert saved["oidc_issuer_url"] == ""

    page.get_by_label("Scopes").fill(steps.SCOPES)
    page.get_by_label("Button Text").fill(steps.BUTTON)
    steps.apply(page)
    saved = page.request.get("/api/v1/auth/oidc/settings").json()
    assert saved["oidc_issuer_url"] == tenant.issuer
    assert saved["oidc_client_id"] == defaults.CLIENT_ID
    assert saved["oidc_scopes"] == steps.SCOPES
    assert saved["oidc_button_text"] == steps.BUTTON


def step_8_configure_the_toggles(page: Page) -> None:
    expect(page.get_by_role("checkbox", name="Enable OIDC / SSO")).not_to_be_checked()
    page.get_by_role("checkbox", name="Enforce HTTPS").check()
    page.get_by_role("checkbox", name="Sync roles from IdP").check()
    expect(page.get_by_role("checkbox", name="Disable local auth")).not_to_be_checked()
    page.get_by_role("checkbox", name="Auto-create users").check()


def step_9_fill_in_the_role_mapping(page: Page) -> None:
    expect(page.get_by_label("superadmin", exact=True)).not_to_be_visible()
    page.get_by_role("heading", name="Role Mapping").click()
    expect(page.get_by_role("columnheader")).to_have_text(
        ["PatchMon Role", "OIDC Mapped Role (IdP Group Name)"]
    )
    expect(page.get_by_label("Default (fallback)")).to_have_value("user")
    for row, role in steps.ROWS.items():
        if role != "superadmin":
            page.get_by_label(row, exact=True).fill(defaults.ROLE_GROUPS[role])
    steps.apply(page)
    # "If Sync Roles is on but the Superadmin row is empty, you'll see an amber warning."
    expect(page.locator(".callout-amber:visible")).to_contain_text("The superadmin row is empty")

    page.get_by_role("heading", name="Role Mapping").click()
    page.get_by_label("superadmin", exact=True).fill(defaults.ROLE_GROUPS["superadmin"])
    steps.apply(page)
    expect(page.locator(".callout-amber:visible")).to_have_count(0)
    saved = page.request.get("/api/v1/auth/oidc/settings").json()
    for role, group in defaults.ROLE_GROUPS.items():
        assert saved[f"oidc_{role}_group"] == group


def step_10_turn_on_oidc(page: Page, windows: Windows) -> None:
    before = windows.open()
    before.goto("/login")
    expect(before.get_by_role("link", name=steps.BUTTON)).to_have_count(0)

    page.get_by_role("checkbox", name="Enable OIDC / SSO").check()
    # "It saves immediately."
    steps.expect_toast(page, "OIDC / SSO is enabled")
    expect(page.get_by_role("checkbox", name="Enable OIDC / SSO")).to_be_checked()
    expect(page.locator(".page-title .pill")).to_have_text("Ready")


def step_10_test_in_a_private_window(tenant: EntraSim, windows: Windows) -> Page:
    page = windows.open()
    page.goto("/login")
    page.get_by_role("link", name=steps.BUTTON).click()
    assert page.url.startswith(tenant.url)
    steps.pick(page, tenant.tenant.people["alice"])

    expect(page).to_have_url(re.compile(r"^http://localhost:\d+/$"))
    profile = page.request.get("/api/v1/auth/profile").json()
    assert (profile["username"], profile["email"]) == ("alice", "alice@contoso.com")
    assert profile["role"] == "user"
    expect(page.get_by_role("main")).to_contain_text("Your role is User.")
    expect(page.get_by_role("link", name="OIDC / SSO")).to_have_count(0)
    the_photo_shows(page)
    return page


def the_photo_shows(page: Page) -> None:
    photo = page.get_by_role("main").locator(".avatar img")
    expect(photo).to_be_visible()
    assert photo.evaluate("async (image) => { await image.decode(); return image.naturalWidth; }")


def her_role_follows_her_group(page: Page, tenant: EntraSim) -> None:
    tenant.tenant.people["alice"].groups = [defaults.ROLE_GROUPS["admin"]]
    steps.sign_out(page)
    steps.sign_in_with_microsoft(page, tenant.tenant.people["alice"])

    expect(page.get_by_role("main")).to_contain_text("Your role is Admin.")
    expect(page.get_by_role("link", name="OIDC / SSO").first).to_be_visible()
    assert page.request.get("/api/v1/auth/profile").json()["username"] == "alice"


def enforce_sso_only(page: Page, server: Server, windows: Windows) -> None:
    page.goto(steps.SETTINGS)
    page.get_by_role("checkbox", name="Disable local auth").check()
    steps.apply(page)
    expect(page.get_by_role("checkbox", name="Disable local auth")).to_be_checked()

    private = windows.open()
    private.goto("/login")
    expect_only_the_button(private)
    private.goto("/admin/login/?next=/admin/")
    expect(private).to_have_url(re.compile(r"/login\?next=%2Fadmin%2F$"))
    expect_only_the_button(private)
    # Not hidden, but refused.
    answer = post_password(server)
    assert answer.status_code == 403
    assert "Passwords are not accepted while everybody signs in" in answer.text
    assert "patchmon" not in answer.cookies
    assert requests.get(f"{server.url}/api/v1/auth/oidc/config", timeout=10).json() == {
        "enabled": True,
        "buttonText": steps.BUTTON,
        "disableLocalAuth": True,
        "syncRoles": True,
    }


def expect_only_the_button(page: Page) -> None:
    expect(page.get_by_role("link", name=steps.BUTTON)).to_be_visible()
    expect(page.locator("input:not([type=hidden])")).to_have_count(0)


def post_password(server: Server) -> requests.Response:
    """Send the right password past the page, with everything a browser would send."""
    # The page has no form to take a token from; a cookie of one's own does.
    token = "t" * 32
    return requests.post(
        f"{server.url}/login",
        cookies={"patchmon-csrf": token},
        data={
            "csrfmiddlewaretoken": token,
            "username": steps.ADMINISTRATOR,
            "password": steps.PASSWORD,
        },
        headers={"Origin": server.url},
        allow_redirects=False,
        timeout=10,
    )


def the_way_back(page: Page, tenant: EntraSim, windows: Windows) -> None:
    """While the provider is away passwords are back; Apply asks it anew, so nobody has to wait."""
    tenant.stop()
    try:
        page.goto(steps.SETTINGS)
        page.get_by_label("Button Text").fill("Try Microsoft")
        steps.apply(page)
        expect(page.locator(".page-title .pill")).to_have_text("Not ready")
        private = windows.open()
        private.goto("/login")
        expect(private.get_by_text("Single sign-on is unavailable at the moment.")).to_be_visible()
        expect(private.get_by_role("link", name="Try Microsoft")).to_have_count(0)
        steps.sign_in_with_password(private)
    finally:
        tenant.start()
    page.get_by_label("Button Text").fill(steps.BUTTON)
    steps.apply(page)
    expect(page.locator(".page-title .pill")).to_have_text("Ready")
    private = windows.open()
    private.goto("/login")
    expect_only_the_button(private)


def the_log_tells_the_groups(server: Server) -> None:
    """`docker compose logs patchmon-server | grep -i "oidc groups"`."""
    lines = [line for line in server.output().splitlines() if "oidc groups" in line.lower()]
    received = [json.loads(line)["groups"] for line in lines]
    assert [defaults.ROLE_GROUPS["user"]] in received
    assert [defaults.ROLE_GROUPS["admin"]] in received
    assert any("oidc not ready" in line for line in server.output().splitlines())
    assert all(line.startswith("{") for line in server.output().splitlines() if "oidc" in line)


def the_secrets_are_found_nowhere(page: Page, server: Server, windows: Windows) -> None:
    for address in (
        *("/settings/general", "/settings/users", "/settings/sign-ins", "/profile"),
        *("/admin/", "/admin/sso/oidcsettings/1/change/", "/admin/auditlog/logentry/"),
    ):
        page.goto(address)
    for address in ("/api/v1/auth/oidc/settings", "/api/v1/auth/oidc/config"):
        windows.pages.append((address, page.request.get(address).text()))
    places = {
        "the output": server.output(),
        "what the server keeps": server.stored().decode("latin-1"),
        "the cookies": "\n".join(windows.cookies()),
        "the sessions": "\n".join(session_values(server)),
    }
    texts = [*places.items(), *windows.pages]
    texts += [
        (f"a signed value of {place}", each) for place, text in texts for each in opened(text)
    ]
    # Worth the search only if everything was collected, and opened.
    seen = {address.removeprefix(server.url) for address, _ in windows.pages}
    assert {"/", "/login", "/profile", "/settings/oidc", "/settings/oidc/secret"} <= seen
    # The form carries what it was rendered from, the issuer among it.
    signed = [text for place, text in texts if place.startswith("a signed value of http")]
    assert any(defaults.CLIENT_ID in text for text in signed)
    assert defaults.CLIENT_ID in places["what the server keeps"]
    assert any(place == "a signed value of the sessions" for place, _ in texts)
    for secret in (defaults.SECRET_VALUE, steps.PASSWORD):
        # A part of it would be too much as well.
        for part in (secret[:12], secret[-12:]):
            assert [place for place, text in texts if part in text] == []


def session_values(server: Server) -> list[str]:
    with server.database() as database:
        rows = database.execute("SELECT session_data FROM accounts_session").fetchall()
    assert rows
    return [str(row[0]) for row in rows]


def opened(text: str) -> list[str]:
    """Open everything that Django signed: it can be read by whoever holds it."""
    values = []
    for match in SIGNED.finditer(text):
        payload = match[0].split(":", 1)[0]
        try:
            data = b64_decode(payload.removeprefix(".").encode())
            values.append((zlib.decompress(data) if payload.startswith(".") else data).decode())
        except (BinasciiError, UnicodeDecodeError, ValueError, zlib.error):
            # Looked like one, and is none.
            continue
    return values
