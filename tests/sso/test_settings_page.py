"""Settings → OIDC / SSO as an administrator uses it (product.md, Settings → OIDC / SSO)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user, set_server_url
from entra_sim import defaults
from sso import conf
from sso.models import OIDCSettings, RoleMapping
from sso.services.settings import save_settings
from tests.people import HOST, PASSWORD
from tests.sso.conftest import connect
from tests.sso.pages import SETTINGS, errors_of, form_data, press, reads, typed_into

pytestmark = pytest.mark.django_db

SAVED = "OIDC settings saved"
SECRET = "Pasted~Value.0123456789-abcdefghijklmnop"
OTHER_SECRET = "Another~Value.9876543210-zyxwvutsrqponmlk"
SECRET_PATH = f"{SETTINGS}/secret"
ENTRA = "https://login.microsoftonline.com/0b1e2c3d-1111-4222-8333-444455556666/v2.0"
GROUP = "0b1e2c3d-1111-4222-8333-444455556666"


def browser_of(user: User) -> Client:
    browser = Client(headers={"host": HOST})
    browser.force_login(user, backend="accounts.backends.PasswordBackend")
    return browser


def make(username: str, role: Role) -> User:
    return create_user(
        usernames=[username],
        email=f"{username}@example.org",
        first_name="",
        last_name="",
        role=role,
        actor=None,
        password=PASSWORD,
    )


@pytest.fixture
def admin_of_rank_90(administrator) -> Client:
    return browser_of(make("adele", Role.ADMIN))


@pytest.fixture
def move_to(django_capture_on_commit_callbacks):
    """Change the Server URL as a commit would: every process reads it from then on."""

    def move(url: str) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            set_server_url(url, actor=None)

    return move


def rows() -> tuple[Any, Any]:
    OIDCSettings.load()
    RoleMapping.load()
    return OIDCSettings.objects.values().get(), RoleMapping.objects.values().get()


# Who may


def test_a_visitor_is_led_to_the_sign_in_page(administrator, client):
    for path in (SETTINGS, f"{SETTINGS}/secret", f"{SETTINGS}/enable", f"{SETTINGS}/import-env"):
        assert client.post(path)["Location"].startswith("/login?next=")
    assert client.get(SETTINGS)["Location"] == "/login?next=/settings/oidc"


@pytest.mark.parametrize("role", [Role.READONLY, Role.USER, Role.HOST_MANAGER])
def test_only_who_can_manage_settings_sees_or_saves(administrator, settings_row, role):
    browser = browser_of(make("someone", role))
    before = rows()

    for path in (SETTINGS, f"{SETTINGS}/secret", f"{SETTINGS}/enable", f"{SETTINGS}/import-env"):
        answer = browser.post(path, {"button_text": "Mine", "enabled": "on", "client_secret": "x"})
        assert answer.status_code == 403
    assert browser.get(SETTINGS).status_code == 403
    assert rows() == before


def test_a_form_from_another_site_changes_nothing(administrator):
    browser = Client(enforce_csrf_checks=True, headers={"host": HOST})
    browser.force_login(administrator, backend="accounts.backends.PasswordBackend")
    before = rows()

    answer = browser.post(SETTINGS, {"button_text": "Forged"})

    assert answer.status_code == 403
    assert rows() == before


# What a fresh page shows


def test_a_fresh_page_has_the_defaults_and_labels_of_the_guide(admin_client):
    page = admin_client.get(SETTINGS)

    data = form_data(page.text)
    ticked = {name for name, value in data.items() if value == "on"}
    assert ticked == {"enforce_https", "auto_create_users"}
    assert form_data(page.text, "enable-form")["enabled"] == "off"
    assert data["issuer"] == data["client_id"] == data["redirect_uri"] == ""
    assert data["scopes"] == "openid email profile groups"
    assert data["button_text"] == "Login with SSO"
    assert data["default_role"] == "user"
    assert {data[f"{role.value}_group"] for role in Role} == {""}
    text = reads(page)
    order = [
        "Enable OIDC / SSO",
        "Enforce HTTPS",
        "Sync roles from IdP",
        "Disable local auth",
        "Auto-create users",
        "Issuer URL",
        "Client ID",
        "Client Secret",
        "Callback URL",
        "Redirect URI",
        "Scopes",
        "Button Text",
        "PatchMon Role",
        "OIDC Mapped Role (IdP Group Name)",
        "Default (fallback)",
        "superadmin",
        "host manager",
        "readonly",
        "Setup guide",
    ]
    main = text[text.index("Let people sign in") :].partition("Configuration")[2]
    places = []
    at = 0
    for label in order:
        at = main.index(label, at)
        places.append(at)
    assert places == sorted(places)
    assert "Not set" in text
    assert "configured via .env" not in text
    assert "connect it on your profile" in text
    assert "no-store" in page["Cache-Control"]


def test_the_callback_url_is_the_server_urls_and_never_the_hosts(admin_client, move_to):
    here = "http://localhost:3000/api/v1/auth/oidc/callback"
    assert here in admin_client.get(SETTINGS).text
    assert admin_client.get(SETTINGS, headers={"host": "evil.example"}).status_code == 400

    move_to("https://patchmon.example.com")

    page = admin_client.get(SETTINGS, headers={"host": "patchmon.example.com"})
    assert 'value="https://patchmon.example.com/api/v1/auth/oidc/callback"' in page.text
    assert here not in page.text


def test_a_redirect_override_is_the_callback_url(admin_client):
    override = "https://front.example.com/api/v1/auth/oidc/callback"

    press(admin_client, redirect_uri=override)

    assert conf.current().callback_url == override
    assert admin_client.get(SETTINGS).text.count(override) >= 2


# Apply


def test_apply_saves_panel_toggles_and_mapping_together(sim, admin_client, administrator):
    answer = press(
        admin_client,
        issuer=sim.issuer,
        client_id=defaults.CLIENT_ID,
        client_secret=SECRET,
        scopes="openid email profile User.Read",
        button_text="Sign in with Microsoft",
        sync_roles=True,
        auto_create_users=False,
        default_role="readonly",
        superadmin_group=f" {GROUP} ,  c0ffee00-0000-4000-8000-000000000009",
        user_group=defaults.ROLE_GROUPS["user"],
    )

    assert answer.status_code in {302, 303}
    assert SAVED in reads(admin_client.get(SETTINGS))
    config = conf.current()
    assert config.issuer == sim.issuer
    assert config.client_secret == SECRET
    assert config.button_text == "Sign in with Microsoft"
    assert (config.sync_roles, config.auto_create_users, config.enforce_https) == (
        True,
        False,
        True,
    )
    assert config.mapping.default_role is Role.READONLY
    assert config.mapping.rows[Role.SUPERADMIN] == (GROUP, "c0ffee00-0000-4000-8000-000000000009")
    # Enable is no part of Apply.
    assert config.enabled is False
    assert sim.requests.count("token") == 0


def test_apply_saves_all_or_nothing_and_keeps_what_was_typed(settings_row, admin_client):
    before = rows()

    answer = press(
        admin_client,
        button_text="Typed and not saved",
        sync_roles=True,
        auto_create_users=False,
        client_secret=SECRET,
        redirect_uri="https://front.example.com/elsewhere",
        user_group=GROUP,
    )

    assert answer.status_code == 200
    assert set(errors_of(answer)) == {"client_secret", "redirect_uri"}
    assert rows() == before
    assert conf.current().secret_set is False
    assert not LogEntry.objects.filter(object_repr__contains="OIDC").exists()
    assert SAVED not in reads(answer)
    typed = form_data(answer.text)
    assert typed["button_text"] == "Typed and not saved"
    assert typed["redirect_uri"] == "https://front.example.com/elsewhere"
    assert typed["user_group"] == GROUP
    assert typed["sync_roles"] == "on"
    assert "auto_create_users" not in typed
    # The secret alone is never sent back.
    assert typed["client_secret"] == ""
    assert SECRET not in answer.text
    assert "Nothing was saved" in reads(answer)
    assert "Paste the secret's Value again" in reads(answer)


def test_a_refused_apply_without_a_secret_asks_for_none(admin_client):
    answer = press(admin_client, redirect_uri="https://front.example.com/elsewhere")

    assert set(errors_of(answer)) == {"redirect_uri"}
    assert "Value again" not in reads(answer)


def test_apply_with_nothing_changed_writes_nothing(settings_row, admin_client):
    before = rows()

    answer = press(admin_client)

    assert answer.status_code in {302, 303}
    assert rows() == before


def test_a_change_is_recorded_with_who_and_from_what_to_what(admin_client, administrator):
    press(admin_client, button_text="Company login", client_secret=SECRET)

    changes = LogEntry.objects.get(object_repr__contains="OIDC")
    assert changes.actor == administrator
    assert changes.changes == {
        "button_text": ["Login with SSO", "Company login"],
        "client_secret": ["not set", "set"],
    }


def test_too_long_a_value_is_refused_and_never_an_error_page(admin_client):
    for name in ("issuer", "client_id", "scopes", "button_text", "redirect_uri", "user_group"):
        answer = press(admin_client, **{name: "https://x.example/" + "x" * 5000})
        assert answer.status_code == 200, name
        assert name in errors_of(answer)


def test_nul_and_control_characters_are_refused_and_never_an_error_page(admin_client):
    before = rows()
    for name in ("issuer", "client_id", "scopes", "button_text", "redirect_uri", "user_group"):
        answer = press(admin_client, **{name: "a\x00b\x07c"})
        assert answer.status_code == 200, name
        assert name in errors_of(answer)
    assert rows() == before


def test_what_was_typed_is_shown_as_text(admin_client):
    answer = press(admin_client, button_text="<script>alert(1)</script>", redirect_uri="nonsense")

    assert "<script>alert(1)" not in answer.text
    assert form_data(answer.text)["button_text"] == "<script>alert(1)</script>"


def test_refused_scopes_are_replaced_by_one_press_without_a_script(admin_client):
    answer = press(admin_client, issuer=ENTRA, button_text="Typed")
    assert "scopes" in errors_of(answer)
    (button,) = re.findall(r"<button[^>]*name=\"use_scopes\"[^>]*>", answer.text)
    assert 'type="submit"' in button
    assert 'value="openid email profile User.Read"' in button

    done = press(admin_client, page=answer, use_scopes="openid email profile User.Read")

    assert done.status_code == 302
    config = conf.current()
    assert (config.issuer, config.button_text) == (ENTRA, "Typed")
    assert config.scopes == "openid email profile User.Read"


def test_scopes_by_a_button_are_judged_like_typed_ones(admin_client):
    answer = press(admin_client, issuer=ENTRA, use_scopes="openid groups")

    assert "scopes" in errors_of(answer)
    assert form_data(answer.text)["scopes"] == "openid groups"
    assert conf.current().issuer == ""


# The secret's own buttons


def test_save_saves_the_secret_alone_and_keeps_what_was_typed(admin_client):
    answer = press(
        admin_client,
        f"{SETTINGS}/secret",
        secret_action="save",
        client_secret=f" \u200b{SECRET}\t",
        issuer="https://not.applied.example",
        button_text="Not applied",
        sync_roles=True,
        enforce_https=False,
        default_role="admin",
        user_group="Staff\nGuests",
        trust_unverified_email=True,
    )

    config = conf.current()
    assert config.client_secret == SECRET
    assert (config.issuer, config.button_text, config.sync_roles) == ("", "Login with SSO", False)
    assert config.mapping.default_role is Role.USER
    typed = form_data(answer.text)
    assert typed["issuer"] == "https://not.applied.example"
    assert typed["button_text"] == "Not applied"
    assert typed["sync_roles"] == typed["trust_unverified_email"] == "on"
    assert "enforce_https" not in typed
    assert typed["default_role"] == "admin"
    assert typed["user_group"].splitlines() == ["Staff", "Guests"]
    assert typed["client_secret"] == ""
    assert SECRET not in answer.text
    assert "Client secret saved" in reads(answer)
    # The badge, and what it was before.
    assert 'aria-label="Clear Client Secret"' in answer.text
    assert "Not set" not in reads(answer)
    # What is on the page can be applied as it stands.
    press(admin_client, page=answer, issuer="")
    assert conf.current().button_text == "Not applied"
    assert conf.current().client_secret == SECRET


def test_clear_clears_the_secret_alone_and_keeps_what_was_typed(admin_client):
    save_settings({"client_secret": SECRET}, actor=None)

    answer = press(
        admin_client, f"{SETTINGS}/secret", secret_action="clear", button_text="Not applied"
    )

    config = conf.current()
    assert (config.secret_set, config.button_text) == (False, "Login with SSO")
    assert form_data(answer.text)["button_text"] == "Not applied"
    assert "Not set" in reads(answer)
    assert 'aria-label="Clear Client Secret"' not in answer.text
    assert LogEntry.objects.first().changes == {"client_secret": ["set", "not set"]}


def test_clear_takes_no_secret_that_was_typed(admin_client):
    press(admin_client, f"{SETTINGS}/secret", secret_action="clear", client_secret=SECRET)

    assert conf.current().secret_set is False


def test_save_with_nothing_pasted_says_so_and_keeps_the_stored_one(admin_client):
    save_settings({"client_secret": SECRET}, actor=None)

    answer = press(admin_client, f"{SETTINGS}/secret", secret_action="save", button_text="Typed")

    assert "client_secret" in errors_of(answer)
    assert conf.current().client_secret == SECRET
    assert form_data(answer.text)["button_text"] == "Typed"


def test_apply_without_a_secret_keeps_the_stored_one(admin_client):
    save_settings({"client_secret": SECRET}, actor=None)

    press(admin_client, button_text="Other")

    assert conf.current().client_secret == SECRET


UNSAVED = 'data-unsaved="true"'


def test_what_the_secrets_own_buttons_leave_unsaved_is_known_to_the_page(admin_client):
    save_settings({"user_group": "Staff\nGuests"}, actor=None)
    mine = {"secret_action": "save", "client_secret": SECRET}

    untouched = press(admin_client, SECRET_PATH, user_group="Staff\r\nGuests", **mine)
    typed = press(admin_client, SECRET_PATH, page=untouched, button_text="Typed", **mine)
    cleared = press(admin_client, SECRET_PATH, page=typed, secret_action="clear")
    unticked = press(admin_client, SECRET_PATH, auto_create_users=False, secret_action="clear")

    assert UNSAVED not in admin_client.get(SETTINGS).text
    assert UNSAVED not in untouched.text
    assert UNSAVED in typed.text
    assert UNSAVED in cleared.text
    assert UNSAVED in unticked.text


def test_a_refused_page_is_unsaved_where_it_differs_from_what_is_saved(admin_client):
    refused = press(admin_client, button_text="x" * 500)
    assert refused.status_code == 200
    assert UNSAVED in refused.text

    nothing_typed = press(admin_client, client_secret="0b1e2c3d-1111-4222-8333-444455556666")
    assert "client_secret" in errors_of(nothing_typed)
    assert UNSAVED not in nothing_typed.text


# Enable


def test_enable_names_every_value_that_is_missing(admin_client):
    answer = admin_client.post(f"{SETTINGS}/enable", {"enabled": ["off", "on"]}, follow=True)

    text = reads(answer)
    for label in ("Issuer URL", "Client ID", "Client Secret"):
        assert f"{label} is empty" in text
    assert conf.current().enabled is False


@pytest.mark.parametrize(
    ("missing", "label"),
    [("issuer", "Issuer URL"), ("client_id", "Client ID"), ("client_secret", "Client Secret")],
)
def test_enable_is_refused_until_the_last_value_is_there(sim, admin_client, missing, label):
    connect(sim, enabled=False, **{missing: ""})

    answer = admin_client.post(f"{SETTINGS}/enable", {"enabled": "on"}, follow=True)

    assert f"{label} is empty" in reads(answer)
    assert conf.current().enabled is False


def test_enable_saves_at_once_and_so_does_switching_off(sim, admin_client):
    connect(sim, enabled=False)

    on = admin_client.post(f"{SETTINGS}/enable", {"enabled": ["off", "on"]}, follow=True)
    assert conf.current().enabled is True
    assert "OIDC / SSO is enabled" in reads(on)
    assert "Ready" in reads(on)

    admin_client.post(f"{SETTINGS}/enable", {"enabled": "off"})
    assert conf.current().enabled is False
    assert conf.current().secret_set is True


def test_enable_uses_what_is_saved_and_not_what_is_typed(admin_client):
    admin_client.post(
        f"{SETTINGS}/enable",
        {"enabled": "on", "issuer": "https://sso.example.com", "client_id": "x"},
    )

    assert (conf.current().enabled, conf.current().issuer) == (False, "")


def test_apply_and_enable_does_both(sim, admin_client):
    answer = press(
        admin_client,
        issuer=sim.issuer,
        client_id=defaults.CLIENT_ID,
        client_secret=defaults.SECRET_VALUE,
        scopes="openid email profile User.Read",
        then="enable",
    )

    assert answer.status_code in {302, 303}
    assert conf.current().enabled is True


def test_apply_and_enable_saves_and_names_what_enable_still_needs(admin_client):
    answer = press(admin_client, button_text="Kept", then="enable")

    assert conf.current().button_text == "Kept"
    assert conf.current().enabled is False
    assert "Issuer URL is empty" in reads(admin_client.get(answer["Location"]))


def test_enable_with_an_unreachable_provider_says_that_it_is_not_ready(sim, admin_client):
    connect(sim, enabled=False)
    sim.fail("discovery", 503)

    answer = admin_client.post(f"{SETTINGS}/enable", {"enabled": "on"}, follow=True)

    assert "enabled, but not ready" in reads(answer)
    assert "Not ready" in reads(answer)


def test_enforce_https_refuses_enable_with_a_callback_in_the_clear(sim, admin_client, move_to):
    connect(sim, enabled=False)
    move_to("http://patchmon.example.com")
    host = {"host": "patchmon.example.com"}

    refused = admin_client.post(f"{SETTINGS}/enable", {"enabled": "on"}, headers=host, follow=True)
    assert "http://patchmon.example.com/api/v1/auth/oidc/callback is not https" in reads(refused)
    assert conf.current().enabled is False

    save_settings({"enforce_https": False}, actor=None)
    allowed = admin_client.post(f"{SETTINGS}/enable", {"enabled": "on"}, headers=host, follow=True)
    assert conf.current().enabled is True
    assert "only for local testing" in reads(allowed)


@pytest.mark.parametrize(
    ("field", "value"), [("issuer", ""), ("client_id", ""), ("client_secret", "")]
)
def test_what_enabled_sso_needs_is_not_taken_away(connected, admin_client, field, value):
    if field == "client_secret":
        answer = press(admin_client, f"{SETTINGS}/secret", secret_action="clear")
    else:
        answer = press(admin_client, **{field: value})

    assert "disable it first" in reads(answer)
    config = conf.current()
    assert (config.issuer, config.client_id) == (connected.issuer, defaults.CLIENT_ID)
    assert config.client_secret == defaults.SECRET_VALUE


# Amber


def test_sync_with_an_empty_superadmin_row_is_warned_of(admin_client):
    assert "superadmin row is empty" not in reads(admin_client.get(SETTINGS))

    press(admin_client, sync_roles=True)
    assert "superadmin row is empty" in reads(admin_client.get(SETTINGS))

    press(admin_client, superadmin_group=GROUP)
    assert "superadmin row is empty" not in reads(admin_client.get(SETTINGS))


def test_trusting_addresses_and_plain_http_are_amber_while_they_are_on(admin_client):
    before = reads(admin_client.get(SETTINGS))
    assert "E-mail addresses are trusted" not in before
    assert "Plain http is accepted" not in before

    press(admin_client, trust_unverified_email=True, enforce_https=False)

    page = admin_client.get(SETTINGS)
    assert "E-mail addresses are trusted" in reads(page)
    assert "only for local testing" in reads(page)
    assert 'callout-amber"' in page.text


# Two administrators at once


def test_two_administrators_who_change_different_fields_both_succeed(admin_client):
    first, second = admin_client.get(SETTINGS), admin_client.get(SETTINGS)

    press(admin_client, page=first, button_text="From the first", sync_roles=True)
    press(admin_client, page=second, scopes="openid email", user_group="Staff")

    config = conf.current()
    assert (config.button_text, config.scopes) == ("From the first", "openid email")
    assert config.sync_roles is True
    assert config.mapping.rows[Role.USER] == ("Staff",)


def test_two_administrators_who_change_one_field_see_both_values(admin_client):
    first, second = admin_client.get(SETTINGS), admin_client.get(SETTINGS)
    press(admin_client, page=first, button_text="From the first", user_group="Staff")

    answer = press(admin_client, page=second, button_text="From the second", scopes="openid email")

    (error,) = errors_of(answer)["button_text"]
    assert "From the first" in error
    assert "From the second" in error
    assert form_data(answer.text)["button_text"] == "From the second"
    config = conf.current()
    # Nothing is overwritten in silence, and nothing of the second is saved by halves.
    assert (config.button_text, config.scopes) == ("From the first", "openid email profile groups")

    # Having seen both, the second may insist; what the first changed elsewhere stays.
    press(admin_client, page=answer)
    config = conf.current()
    assert (config.button_text, config.scopes) == ("From the second", "openid email")
    assert config.mapping.rows[Role.USER] == ("Staff",)


def test_a_toggle_that_both_change_the_same_way_is_no_conflict(admin_client):
    first, second = admin_client.get(SETTINGS), admin_client.get(SETTINGS)

    press(admin_client, page=first, sync_roles=True)
    answer = press(admin_client, page=second, sync_roles=True, button_text="Second")

    assert errors_of(answer) == {}
    assert (conf.current().sync_roles, conf.current().button_text) == (True, "Second")


def test_saving_the_secret_meanwhile_is_no_conflict(admin_client):
    opened = admin_client.get(SETTINGS)
    press(admin_client, f"{SETTINGS}/secret", secret_action="save", client_secret=SECRET)

    answer = press(admin_client, page=opened, button_text="Other")

    assert errors_of(answer) == {}
    assert conf.current().client_secret == SECRET


def test_a_secret_that_somebody_else_saved_meanwhile_is_not_replaced_in_silence(admin_client):
    opened = admin_client.get(SETTINGS)
    press(admin_client, SECRET_PATH, secret_action="save", client_secret=SECRET)
    mine = {"secret_action": "save", "client_secret": OTHER_SECRET}

    answer = press(admin_client, SECRET_PATH, page=opened, button_text="Typed", **mine)

    (error,) = errors_of(answer)["client_secret"]
    assert error.startswith("Somebody else changed the client secret while this page was open")
    assert conf.current().client_secret == SECRET
    assert form_data(answer.text)["button_text"] == "Typed"
    assert not {SECRET, OTHER_SECRET} & set(form_data(answer.text).values())

    # Having been told, they may insist.
    press(admin_client, SECRET_PATH, page=answer, **mine)
    assert conf.current().client_secret == OTHER_SECRET


@pytest.mark.parametrize("theirs", [SECRET, ""])
def test_nor_is_one_applied_with_the_page(admin_client, theirs):
    save_settings({"client_secret": "the first of them all, 0123456789"}, actor=None)
    opened = admin_client.get(SETTINGS)
    action = "save" if theirs else "clear"
    press(admin_client, SECRET_PATH, secret_action=action, client_secret=theirs)

    answer = press(admin_client, page=opened, client_secret=OTHER_SECRET, button_text="Mine")

    assert "press Apply again" in errors_of(answer)["client_secret"][0]
    assert conf.current().client_secret == theirs
    assert conf.current().button_text == "Login with SSO"
    press(admin_client, page=answer, client_secret=OTHER_SECRET)
    assert (conf.current().client_secret, conf.current().button_text) == (OTHER_SECRET, "Mine")


def test_a_secret_that_somebody_else_saved_meanwhile_is_not_cleared_in_silence(admin_client):
    save_settings({"client_secret": OTHER_SECRET}, actor=None)
    opened = admin_client.get(SETTINGS)
    press(admin_client, SECRET_PATH, secret_action="save", client_secret=SECRET)

    answer = press(admin_client, SECRET_PATH, page=opened, secret_action="clear")

    assert "nothing was cleared" in errors_of(answer)["client_secret"][0]
    assert conf.current().client_secret == SECRET
    press(admin_client, SECRET_PATH, page=answer, secret_action="clear")
    assert conf.current().secret_set is False


def test_the_same_secret_saved_by_both_is_no_conflict(admin_client):
    opened = admin_client.get(SETTINGS)
    press(admin_client, SECRET_PATH, secret_action="save", client_secret=SECRET)

    answer = press(
        admin_client, SECRET_PATH, page=opened, secret_action="save", client_secret=SECRET
    )

    assert errors_of(answer) == {}
    assert conf.current().client_secret == SECRET


def test_what_an_editor_saw_cannot_be_forged(admin_client):
    opened = admin_client.get(SETTINGS)
    press(admin_client, page=opened, button_text="From the first")

    # Without a genuine base there is nothing to compare with, and no error page either.
    data = typed_into(form_data(opened.text), {"base": "forged:base", "scopes": "openid"})
    assert admin_client.post(SETTINGS, data).status_code in {200, 302, 303}


# Rank


def test_an_admin_sees_the_rows_of_administrators_read_only_with_the_reason(admin_of_rank_90):
    page = admin_of_rank_90.get(SETTINGS)

    data = form_data(page.text)
    assert {"superadmin_group", "admin_group"} & set(data) == set()
    assert {"issuer", "client_id", "default_role", "user_group"} <= set(data)
    assert reads(page).count("Only a Super Admin can change this row") == 2


def test_an_admin_cannot_fill_the_rows_of_administrators(admin_of_rank_90):
    press(admin_of_rank_90, superadmin_group=GROUP, admin_group=GROUP, user_group="Staff")

    mapping = conf.current().mapping
    assert mapping.rows[Role.SUPERADMIN] == mapping.rows[Role.ADMIN] == ()
    assert mapping.rows[Role.USER] == ("Staff",)


@pytest.mark.parametrize("row", ["superadmin_group", "admin_group"])
def test_an_admin_keeps_issuer_and_client_id_while_such_a_row_is_filled(sim, admin_of_rank_90, row):
    save_settings({"issuer": sim.issuer, "client_id": "before", row: GROUP}, actor=None)

    page = admin_of_rank_90.get(SETTINGS)
    assert {"issuer", "client_id", row} & set(form_data(page.text)) == set()
    assert "another provider would decide" in reads(page)
    press(
        admin_of_rank_90,
        page=page,
        issuer="https://evil.example",
        client_id="after",
        client_secret=SECRET,
        **{row: ""},
    )

    config = conf.current()
    assert (config.issuer, config.client_id) == (sim.issuer, "before")
    assert config.mapping.rows[Role(row.removesuffix("_group"))] == (GROUP,)


def test_an_admin_changes_issuer_and_client_id_while_both_rows_are_empty(sim, admin_of_rank_90):
    press(
        admin_of_rank_90,
        issuer=sim.issuer,
        client_id=defaults.CLIENT_ID,
        scopes="openid email profile User.Read",
    )

    assert conf.current().issuer == sim.issuer


@pytest.mark.parametrize(
    ("role", "allowed"),
    [("readonly", True), ("user", True), ("host_manager", False), ("admin", False)],
)
def test_an_admin_sets_the_default_role_up_to_user(admin_of_rank_90, role, allowed):
    answer = press(admin_of_rank_90, default_role=role, button_text="With it")

    config = conf.current()
    assert (config.mapping.default_role == role) is (allowed or role == "user")
    assert ("default_role" in errors_of(answer)) is not allowed
    assert (config.button_text == "With it") is allowed


def test_an_admin_cannot_touch_a_default_role_that_a_superadmin_raised(admin_of_rank_90):
    save_settings({"default_role": "host_manager"}, actor=None)

    press(admin_of_rank_90, default_role="readonly")

    assert conf.current().mapping.default_role is Role.HOST_MANAGER


def test_a_superadmin_changes_them_all(sim, admin_client):
    press(
        admin_client,
        issuer=sim.issuer,
        client_id=defaults.CLIENT_ID,
        scopes="openid email profile User.Read",
        superadmin_group=GROUP,
        admin_group="Admins",
        default_role="admin",
    )

    config = conf.current()
    assert config.mapping.default_role is Role.ADMIN
    assert config.mapping.rows[Role.SUPERADMIN] == (GROUP,)


# The stored secret goes to no other host


def test_another_issuer_host_asks_for_the_secret_again(sim, admin_client):
    connect(sim, enabled=False)

    answer = press(admin_client, issuer="http://127.0.0.1:9/other", button_text="Not saved")

    assert "client_secret" in errors_of(answer)
    config = conf.current()
    assert (config.issuer, config.button_text) == (sim.issuer, "Sign in with Microsoft")
    assert config.client_secret == defaults.SECRET_VALUE

    press(admin_client, page=answer, client_secret=SECRET)
    config = conf.current()
    assert config.issuer == "http://127.0.0.1:9/other"
    assert config.client_secret == SECRET


def test_an_emptied_issuer_does_not_carry_the_secret_to_another_host(sim, admin_client):
    connect(sim, enabled=False)
    press(admin_client, issuer="")

    press(admin_client, issuer="http://127.0.0.1:9/other")

    config = conf.current()
    assert config.issuer in {"", "http://127.0.0.1:9/other"}
    assert config.client_secret == ""
    assert config.secret_set is False


def test_another_path_on_the_same_host_keeps_the_secret(sim, admin_client):
    connect(sim, enabled=False, issuer=f"{sim.url}/{defaults.OTHER_TENANT_ID}/v2.0")

    answer = press(admin_client, issuer=sim.issuer)

    assert errors_of(answer) == {}
    assert conf.current().client_secret == defaults.SECRET_VALUE
