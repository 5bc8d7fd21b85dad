"""The JSON interface of single sign-on (product.md, HTTP interface)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.test import Client

from accounts.models import User
from accounts.roles import Role, permissions_of
from accounts.services import create_user, set_server_url
from entra_sim import defaults
from sso import conf
from sso.models import OIDCSettings, RoleMapping
from sso.services.settings import save_settings
from tests.people import HOST, PASSWORD
from tests.sso.conftest import connect

pytestmark = pytest.mark.django_db

CONFIG = "/api/v1/auth/oidc/config"
SETTINGS = "/api/v1/auth/oidc/settings"
IMPORT = f"{SETTINGS}/import-from-env"
PROFILE = "/api/v1/auth/profile"
SIGN_INS = "/api/v1/auth/sign-ins"
SECRET = "Pasted~Value.0123456789-abcdefghijklmnop"
GROUP = "0b1e2c3d-1111-4222-8333-444455556666"
# product.md, Settings keys; the secret itself is written and never read.
KEYS = {
    "version",
    "configured_via_env",
    "env_preview",
    "callback_url",
    "oidc_enabled",
    "oidc_issuer_url",
    "oidc_client_id",
    "oidc_client_secret_set",
    "oidc_redirect_uri",
    "oidc_scopes",
    "oidc_button_text",
    "oidc_enforce_https",
    "oidc_sync_roles",
    "oidc_disable_local_auth",
    "oidc_auto_create_users",
    "oidc_trust_unverified_email",
    "oidc_default_role",
    "oidc_superadmin_group",
    "oidc_admin_group",
    "oidc_host_manager_group",
    "oidc_user_group",
    "oidc_readonly_group",
}


def browser_of(role: Role, username: str = "someone") -> Client:
    user = create_user(
        usernames=[username],
        email=f"{username}@example.org",
        first_name="Some",
        last_name="One",
        role=role,
        actor=None,
        password=PASSWORD,
    )
    browser = Client(headers={"host": HOST})
    browser.force_login(user, backend="accounts.backends.PasswordBackend")
    return browser


def put(browser: Client, body, method: str = "put"):
    return getattr(browser, method)(SETTINGS, body, content_type="application/json")


def rows() -> tuple[Any, Any]:
    OIDCSettings.load()
    RoleMapping.load()
    return OIDCSettings.objects.values().get(), RoleMapping.objects.values().get()


# Who is asking


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", SETTINGS),
        ("put", SETTINGS),
        ("patch", SETTINGS),
        ("post", IMPORT),
        ("get", PROFILE),
        ("get", SIGN_INS),
    ],
)
def test_without_a_sign_in_the_answer_is_401(settings_row, client, method, path):
    before = rows()

    answer = getattr(client, method)(
        path,
        *([{"oidc_button_text": "x"}] if method != "get" else []),
        content_type="application/json",
    )

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/json"
    assert "Location" not in answer
    assert rows() == before


@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
def test_a_password_in_a_header_signs_nobody_in(administrator, client, scheme):
    answer = client.get(
        PROFILE, headers={"authorization": f"{scheme} Ym9zczpjb3JyZWN0IGhvcnNlIGJhdHRlcnk="}
    )

    assert answer.status_code == 401


@pytest.mark.parametrize("role", [Role.READONLY, Role.USER, Role.HOST_MANAGER])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", SETTINGS),
        ("put", SETTINGS),
        ("patch", SETTINGS),
        ("post", IMPORT),
        ("get", SIGN_INS),
    ],
)
def test_without_the_permission_the_answer_is_403(settings_row, role, method, path):
    browser = browser_of(role)
    before = rows()

    answer = getattr(browser, method)(
        path,
        *([{"oidc_button_text": "x"}] if method != "get" else []),
        content_type="application/json",
    )

    assert answer.status_code == 403
    assert rows() == before


def test_the_session_needs_csrf(administrator, settings_row):
    browser = Client(enforce_csrf_checks=True, headers={"host": HOST})
    browser.force_login(administrator, backend="accounts.backends.PasswordBackend")
    before = rows()

    for method in ("put", "patch"):
        assert put(browser, {"oidc_button_text": "x"}, method).status_code == 403
    assert browser.post(IMPORT).status_code == 403
    assert rows() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("origin", "status"), [("https://patchmon.example", 200), ("https://evil.example", 403)]
)
def test_the_session_is_accepted_from_the_server_urls_origin_as_on_the_pages(
    administrator, settings_row, origin, status
):
    """Behind a proxy that ends TLS, the request itself is http."""
    set_server_url("https://patchmon.example", actor=None)
    browser = Client(enforce_csrf_checks=True, headers={"host": "patchmon.example"})
    browser.force_login(administrator, backend="accounts.backends.PasswordBackend")
    token = str(browser.get("/profile").context["csrf_token"])

    answer = browser.patch(
        SETTINGS,
        {"oidc_button_text": "From the page"},
        content_type="application/json",
        headers={"origin": origin, "x-csrftoken": token},
    )

    assert answer.status_code == status
    assert (conf.current().button_text == "From the page") is (status == 200)


def test_a_dead_token_does_not_hide_what_anyone_may_know(db):
    answer = Client(headers={"host": HOST, "authorization": "Bearer pm_dead"}).get(CONFIG)

    assert answer.status_code == 200


def test_a_deactivated_account_is_nobody(administrator):
    browser = browser_of(Role.ADMIN)
    User.objects.filter(username="someone").update(is_active=False)

    assert browser.get(SETTINGS).status_code == 401


# Config


def test_config_says_that_nothing_is_there_yet(db, client):
    answer = client.get(CONFIG)

    assert answer.json() == {
        "enabled": False,
        "buttonText": "Login with SSO",
        "disableLocalAuth": False,
        "syncRoles": False,
    }
    assert "no-store" in answer["Cache-Control"]


def test_config_says_ready_and_not_merely_switched_on(connected, client):
    assert client.get(CONFIG).json() == {
        "enabled": True,
        "buttonText": "Sign in with Microsoft",
        "disableLocalAuth": False,
        "syncRoles": True,
    }


def test_config_with_a_provider_that_is_down(connected, client):
    connected.fail("discovery", 503)

    assert client.get(CONFIG).json()["enabled"] is False


def test_config_says_enforced_and_not_merely_wished(connected, client, sign_in):
    OIDCSettings.objects.update(disable_local_auth=True)
    # No administrator has come through SSO: passwords are still taken.
    assert client.get(CONFIG).json()["disableLocalAuth"] is False

    sign_in("sofia")

    assert client.get(CONFIG).json()["disableLocalAuth"] is True


# Profile


def test_the_profile_is_that_of_whoever_is_signed_in(connected, sign_in):
    browser = sign_in("alice")

    told = browser.get(PROFILE).json()

    user = User.objects.get(username="alice")
    assert told.pop("last_login").startswith("20")
    assert told.pop("avatar_url") == user.avatar_url != ""
    assert told == {
        "id": user.pk,
        "username": "alice",
        "email": "alice@contoso.com",
        "first_name": "Alice",
        "last_name": "Martin",
        "role": "user",
        "is_active": True,
        "permissions": sorted(permissions_of(Role.USER)),
    }


@pytest.mark.parametrize("role", list(Role))
def test_the_profile_lists_exactly_the_roles_permissions(administrator, role):
    told = browser_of(role).get(PROFILE).json()

    assert told["role"] == role.value
    assert told["permissions"] == sorted(permissions_of(role))
    assert told["avatar_url"] is None


# Reading the settings


def test_settings_have_exactly_these_keys(admin_client):
    answer = admin_client.get(SETTINGS)

    assert set(answer.json()) == KEYS
    assert answer.json() == {
        "version": 1,
        "configured_via_env": False,
        "env_preview": None,
        "callback_url": "http://localhost:3000/api/v1/auth/oidc/callback",
        "oidc_enabled": False,
        "oidc_issuer_url": "",
        "oidc_client_id": "",
        "oidc_client_secret_set": False,
        "oidc_redirect_uri": "",
        "oidc_scopes": "openid email profile groups",
        "oidc_button_text": "Login with SSO",
        "oidc_enforce_https": True,
        "oidc_sync_roles": False,
        "oidc_disable_local_auth": False,
        "oidc_auto_create_users": True,
        "oidc_trust_unverified_email": False,
        "oidc_default_role": "user",
        "oidc_superadmin_group": "",
        "oidc_admin_group": "",
        "oidc_host_manager_group": "",
        "oidc_user_group": "",
        "oidc_readonly_group": "",
    }
    assert "no-store" in answer["Cache-Control"]


def test_settings_answer_json_whatever_is_asked_for(admin_client):
    answer = admin_client.get(SETTINGS, headers={"accept": "text/html"})

    assert "text/html" not in answer["Content-Type"]


# Writing them


@pytest.mark.parametrize("method", ["put", "patch"])
def test_keys_that_are_not_named_stay_as_they_are(connected, admin_client, method):
    before = admin_client.get(SETTINGS).json()

    answer = put(admin_client, {"oidc_button_text": "Company login"}, method)

    assert answer.status_code == 200
    assert answer.json() == before | {
        "oidc_button_text": "Company login",
        "version": before["version"] + 1,
    }
    assert answer.json() == admin_client.get(SETTINGS).json()
    assert conf.current().client_secret == defaults.SECRET_VALUE
    assert conf.current().enabled is True


def test_every_setting_can_be_written(sim, admin_client):
    body = {
        "oidc_issuer_url": sim.issuer,
        "oidc_client_id": defaults.CLIENT_ID,
        "oidc_client_secret": defaults.SECRET_VALUE,
        "oidc_redirect_uri": "http://localhost:3000/api/v1/auth/oidc/callback",
        "oidc_scopes": "openid email profile User.Read",
        "oidc_button_text": "Sign in with Microsoft",
        "oidc_enforce_https": False,
        "oidc_sync_roles": True,
        "oidc_auto_create_users": False,
        "oidc_trust_unverified_email": True,
        "oidc_default_role": "readonly",
        "oidc_superadmin_group": GROUP,
        "oidc_admin_group": defaults.ROLE_GROUPS["admin"],
        "oidc_host_manager_group": defaults.ROLE_GROUPS["host_manager"],
        "oidc_user_group": defaults.ROLE_GROUPS["user"],
        "oidc_readonly_group": defaults.ROLE_GROUPS["readonly"],
        "oidc_enabled": True,
    }

    answer = put(admin_client, body)

    assert answer.status_code == 200, answer.json()
    told = answer.json()
    assert told["oidc_client_secret_set"] is True
    assert "oidc_client_secret" not in told
    assert {key: told[key] for key in body if key in told} == {
        key: value for key, value in body.items() if key != "oidc_client_secret"
    }


def test_what_was_read_can_be_sent_back(connected, admin_client):
    told = admin_client.get(SETTINGS).json()

    answer = put(admin_client, told)

    assert answer.status_code == 200
    assert answer.json() == told


def test_a_secret_is_written_cleared_and_never_answered(admin_client):
    written = put(admin_client, {"oidc_client_secret": SECRET})
    assert written.json()["oidc_client_secret_set"] is True
    assert SECRET not in written.text
    assert conf.current().client_secret == SECRET

    cleared = put(admin_client, {"oidc_client_secret": ""})
    assert cleared.json()["oidc_client_secret_set"] is False
    assert conf.current().secret_set is False


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"oidc_nonsense": 1}, "oidc_nonsense"),
        ({"issuer": "https://sso.example.com"}, "issuer"),
        ({"enabled": True}, "enabled"),
        ({"client_secret": SECRET}, "client_secret"),
        ({"client_secret_encrypted": "x"}, "client_secret_encrypted"),
        ({"base": "x"}, "base"),
        ({"": 1}, ""),
        ({"oidc_enabled": "true"}, "oidc_enabled"),
        ({"oidc_enabled": 1}, "oidc_enabled"),
        ({"oidc_enabled": None}, "oidc_enabled"),
        ({"oidc_sync_roles": "no"}, "oidc_sync_roles"),
        ({"oidc_issuer_url": ["https://sso.example.com"]}, "oidc_issuer_url"),
        ({"oidc_client_id": 5}, "oidc_client_id"),
        ({"oidc_client_secret": None}, "oidc_client_secret"),
        ({"oidc_client_secret": {"value": SECRET}}, "oidc_client_secret"),
        ({"oidc_user_group": ["a", "b"]}, "oidc_user_group"),
        ({"oidc_default_role": "owner"}, "oidc_default_role"),
        ({"oidc_default_role": ""}, "oidc_default_role"),
        ({"oidc_default_role": True}, "oidc_default_role"),
        ({"version": "1"}, "version"),
        ({"version": True}, "version"),
        ({"version": 1.5}, "version"),
    ],
)
def test_an_unknown_key_or_a_wrong_type_refuses_the_whole_body(
    settings_row, admin_client, body, key
):
    before = rows()

    answer = put(admin_client, {"oidc_button_text": "Never", **body})

    assert answer.status_code == 400
    assert set(answer.json()) == {key}
    assert all(isinstance(text, str) and text for text in answer.json()[key])
    assert SECRET not in answer.text
    assert rows() == before


@pytest.mark.parametrize("body", ["[]", '"text"', "5", "null", "true", "{", "", "\ud83d"])
def test_a_body_that_is_no_object_is_refused(settings_row, admin_client, body):
    before = rows()

    answer = admin_client.put(
        SETTINGS, body.encode("utf-8", "surrogatepass"), content_type="application/json"
    )

    assert answer.status_code in {200, 400} if body == "" else answer.status_code == 400
    assert rows() == before


def test_a_deeply_nested_body_is_refused(settings_row, admin_client):
    answer = admin_client.put(SETTINGS, "[" * 100_000, content_type="application/json")

    assert answer.status_code == 400


@pytest.mark.parametrize("key", ["oidc_default_role", "oidc_button_text", "oidc_client_secret"])
def test_half_a_character_is_refused_at_its_key(settings_row, admin_client, key):
    before = conf.current()

    answer = admin_client.patch(
        SETTINGS, f'{{"{key}": "a\\ud800b"}}', content_type="application/json"
    )

    assert answer.status_code == 400
    assert answer.json() == {key: ["There is half a character in it: send whole ones."]}
    assert conf.current() == before


def test_half_a_character_is_no_key(settings_row, admin_client):
    answer = admin_client.patch(SETTINGS, '{"oidc_\\ud800": true}', content_type="application/json")

    assert answer.status_code == 400
    assert answer.json() == {"oidc_?": ["There is no setting of this name."]}


def test_a_form_is_no_json(settings_row, admin_client):
    answer = admin_client.put(
        SETTINGS, "oidc_button_text=x", content_type="application/x-www-form-urlencoded"
    )

    assert answer.status_code == 415


def test_several_refusals_come_together_and_nothing_is_saved(settings_row, admin_client):
    before = rows()

    answer = put(
        admin_client,
        {
            "oidc_redirect_uri": "https://front.example.com/",
            "oidc_client_secret": GROUP,
            "oidc_admin_group": "Staff",
            "oidc_user_group": "staff",
            "oidc_button_text": "Never",
        },
    )

    assert answer.status_code == 400
    assert set(answer.json()) == {
        "oidc_redirect_uri",
        "oidc_client_secret",
        "oidc_admin_group",
        "oidc_user_group",
    }
    assert rows() == before


def test_enabling_names_what_is_missing_and_saves_nothing(settings_row, admin_client):
    before = rows()

    answer = put(admin_client, {"oidc_enabled": True, "oidc_button_text": "Never"})

    assert answer.status_code == 400
    text = " ".join(answer.json()["oidc_enabled"])
    for label in ("Issuer URL", "Client ID", "Client Secret"):
        assert label in text
    assert rows() == before


def test_disabling_local_auth_is_refused_until_it_can_work(connected, admin_client):
    answer = put(admin_client, {"oidc_disable_local_auth": True})

    assert answer.status_code == 400
    assert set(answer.json()) == {"oidc_disable_local_auth"}
    assert conf.current().disable_local_auth is False


def test_another_issuer_host_asks_for_the_secret_again(sim, admin_client):
    connect(sim, enabled=False)

    answer = put(admin_client, {"oidc_issuer_url": "http://127.0.0.1:9/other"})

    assert answer.status_code == 400
    assert set(answer.json()) == {"oidc_client_secret"}
    assert conf.current().issuer == sim.issuer

    body = {"oidc_issuer_url": "http://127.0.0.1:9/other", "oidc_client_secret": SECRET}
    assert put(admin_client, body).status_code == 200
    assert conf.current().client_secret == SECRET


def test_an_emptied_issuer_does_not_carry_the_secret_to_another_host(sim, admin_client):
    connect(sim, enabled=False)
    put(admin_client, {"oidc_issuer_url": ""})

    put(admin_client, {"oidc_issuer_url": "http://127.0.0.1:9/other"})

    assert conf.current().client_secret == ""
    assert admin_client.get(SETTINGS).json()["oidc_client_secret_set"] is False


def test_a_change_is_recorded_with_who_made_it(administrator, admin_client):
    put(admin_client, {"oidc_client_secret": SECRET, "oidc_button_text": "x"})

    entry = LogEntry.objects.get(object_repr__contains="OIDC")
    assert entry.actor == administrator
    assert entry.changes == {
        "client_secret": ["not set", "set"],
        "button_text": ["Login with SSO", "x"],
    }


# Rank


@pytest.mark.parametrize("row", ["oidc_superadmin_group", "oidc_admin_group"])
def test_an_admin_cannot_fill_the_rows_of_administrators(administrator, row):
    browser = browser_of(Role.ADMIN)

    answer = put(browser, {row: GROUP, "oidc_user_group": "Staff"})

    assert answer.status_code == 400
    assert set(answer.json()) == {row}
    assert "Only a Super Admin" in answer.json()[row][0]
    assert conf.current().mapping.rows[Role.USER] == ()


@pytest.mark.parametrize("row", ["superadmin_group", "admin_group"])
@pytest.mark.parametrize(
    ("key", "value"),
    [("oidc_issuer_url", "http://127.0.0.1:9/x"), ("oidc_client_id", GROUP)],
)
def test_an_admin_keeps_issuer_and_client_id_while_such_a_row_is_filled(sim, row, key, value):
    connect(sim, enabled=False, client_secret="", superadmin_group="", admin_group="")
    save_settings({row: GROUP}, actor=None)
    browser = browser_of(Role.ADMIN)

    answer = put(browser, {key: value, "oidc_client_secret": SECRET, f"oidc_{row}": ""})

    assert answer.status_code == 400
    assert set(answer.json()) == {key, f"oidc_{row}"}
    config = conf.current()
    assert (config.issuer, config.client_id) == (sim.issuer, defaults.CLIENT_ID)
    assert config.secret_set is False


@pytest.mark.parametrize(
    ("role", "status"), [("readonly", 200), ("user", 200), ("host_manager", 400), ("admin", 400)]
)
def test_an_admin_sets_the_default_role_up_to_user(administrator, role, status):
    answer = put(browser_of(Role.ADMIN), {"oidc_default_role": role})

    assert answer.status_code == status
    assert (conf.current().mapping.default_role == role) is (status == 200)


def test_an_admin_may_send_back_what_only_a_superadmin_may_change(sim):
    save_settings({"superadmin_group": GROUP, "default_role": "admin"}, actor=None)
    browser = browser_of(Role.ADMIN)
    told = browser.get(SETTINGS).json()

    answer = put(browser, told | {"oidc_button_text": "Mine"})

    assert answer.status_code == 200
    assert answer.json()["oidc_superadmin_group"] == GROUP
    assert answer.json()["oidc_button_text"] == "Mine"


# Two at once


def test_a_stale_version_gets_409_with_both_values(admin_client):
    version = admin_client.get(SETTINGS).json()["version"]
    put(admin_client, {"version": version, "oidc_button_text": "From the first"})

    answer = put(
        admin_client,
        {"version": version, "oidc_button_text": "From the second", "oidc_scopes": "openid"},
    )

    assert answer.status_code == 409
    both = answer.json()["conflicts"]["oidc_button_text"]
    assert both == {"yours": "From the second", "theirs": "From the first"}
    told = admin_client.get(SETTINGS).json()
    assert told["oidc_button_text"] == "From the first"
    assert told["oidc_scopes"] == "openid email profile groups"


def test_a_stale_version_never_saves_a_secret_nor_shows_one(admin_client):
    put(admin_client, {"oidc_button_text": "newer"})

    answer = put(
        admin_client, {"version": 1, "oidc_client_secret": SECRET, "oidc_button_text": "mine"}
    )

    assert answer.status_code == 409
    assert SECRET not in answer.text
    assert conf.current().secret_set is False


def test_a_stale_version_with_a_secret_alone_gets_409(admin_client):
    put(admin_client, {"oidc_button_text": "newer"})

    answer = put(admin_client, {"version": 1, "oidc_client_secret": SECRET})

    assert answer.status_code == 409
    assert conf.current().secret_set is False


def test_a_right_version_is_saved_and_counted_on(admin_client):
    first = put(admin_client, {"version": 1, "oidc_button_text": "One"}).json()
    second = put(admin_client, {"version": first["version"], "oidc_button_text": "Two"}).json()

    assert (first["version"], second["version"]) == (2, 3)
    assert second["oidc_button_text"] == "Two"


# The rest


def test_importing_without_a_variable_is_400(admin_client):
    answer = admin_client.post(IMPORT)

    assert answer.status_code == 400
    assert conf.current().version == 1


def test_sign_ins_are_paged_newest_first(connected, sign_in, admin_client):
    sign_in("alice")
    connected.tenant.app.claims.overrides = {"exp": 1_700_000_000}
    sign_in("ravi")

    told = admin_client.get(SIGN_INS).json()

    assert (told["page"], told["has_next"]) == (1, False)
    refused, signed_in = told["results"]
    assert (refused["outcome"], refused["reason"]) == ("refused", "exp")
    assert (signed_in["outcome"], signed_in["username"]) == ("signed_in", "alice")
    assert signed_in["groups"] == [defaults.ROLE_GROUPS["user"]]
    assert (signed_in["role_rule"], signed_in["role_after"]) == ("group", "user")
    assert signed_in["reference"]
    for page in ("2", "x", "-1", "999999999999"):
        assert admin_client.get(SIGN_INS, {"page": page}).status_code == 200


def test_the_schema_describes_these_paths(admin_client):
    told = json.loads(admin_client.get("/api/v1/schema").content)

    assert told["openapi"].startswith("3.")
    assert {CONFIG, SETTINGS, IMPORT, PROFILE, SIGN_INS} <= set(told["paths"])
    assert {"get", "put", "patch"} <= set(told["paths"][SETTINGS])


@pytest.mark.parametrize("path", [CONFIG, SETTINGS, PROFILE, SIGN_INS])
def test_other_methods_are_405(admin_client, path):
    assert admin_client.delete(path).status_code == 405
