"""The eighteen variables: while any is set they are the configuration (product.md)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from entra_sim import defaults
from entra_sim.server import EntraSim
from sso import conf
from sso.environment import VARIABLES, BadVariables, read_environment
from sso.models import OIDCSettings, RoleMapping
from sso.services.settings import save_settings
from tests.people import HOST
from tests.sso.pages import SETTINGS, form_data, press, reads

pytestmark = pytest.mark.django_db

API = "/api/v1/auth/oidc/settings"
CONFIG = "/api/v1/auth/oidc/config"
GROUPS = {f"OIDC_{role.upper()}_GROUP": group for role, group in defaults.ROLE_GROUPS.items()}

SetVariables = Callable[..., None]


@pytest.fixture
def set_variables(settings) -> SetVariables:
    """Start the server anew with these variables."""

    def start(**variables: str) -> None:
        settings.SSO_ENVIRONMENT = read_environment(variables.get)

    return start


def three(sim: EntraSim) -> dict[str, str]:
    return {
        "OIDC_ISSUER_URL": sim.issuer,
        "OIDC_CLIENT_ID": defaults.CLIENT_ID,
        "OIDC_CLIENT_SECRET": defaults.SECRET_VALUE,
    }


@pytest.fixture
def by_env(administrator: User, sim: EntraSim, set_variables: SetVariables) -> EntraSim:
    set_variables(**three(sim))
    return sim


# Reading


def test_nothing_set_or_set_to_nothing_is_no_configuration():
    assert read_environment(lambda _name: None) is None
    assert read_environment(dict.fromkeys(VARIABLES, "").get) is None
    assert read_environment(dict.fromkeys(VARIABLES, "  ").get) is None


def test_there_are_eighteen_of_them():
    assert len(VARIABLES) == 18


@pytest.mark.parametrize("word", ["1", "true", "TRUE", "yes", "on", " On "])
def test_words_for_yes(word):
    found = read_environment({"OIDC_SYNC_ROLES": word}.get)
    assert found is not None
    assert found.switch("sync_roles", default=False) is True


@pytest.mark.parametrize("word", ["0", "false", "No", "off"])
def test_words_for_no(word):
    found = read_environment({"OIDC_AUTO_CREATE_USERS": word}.get)
    assert found is not None
    assert found.switch("auto_create_users", default=True) is False


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("OIDC_ENABLED", "maybe", "true or false"),
        ("OIDC_ENFORCE_HTTPS", "2", "true or false"),
        ("OIDC_DISABLE_LOCAL_AUTH", "yess", "true or false"),
        ("OIDC_DEFAULT_ROLE", "owner", "superadmin"),
    ],
)
def test_a_bad_value_names_the_variable_and_what_is_accepted(name, value, accepted):
    (line,) = refused(**{name: value})

    assert line.startswith(f"{name} ")
    assert accepted in line


TENANT = f"https://login.microsoftonline.com/{defaults.TENANT_ID}/v2.0"
ENTRA = {"OIDC_ISSUER_URL": TENANT}


def refused(**variables: str) -> list[str]:
    with pytest.raises(BadVariables) as caught:
        read_environment(variables.get)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("name", "value", "told", "beside"),
    [
        ("OIDC_ISSUER_URL", "not-a-url", "begin with https://", {}),
        (
            "OIDC_ISSUER_URL",
            "https://login.microsoftonline.com/<TENANT_ID>/v2.0",
            "in the place of the placeholder",
            {},
        ),
        (
            "OIDC_ISSUER_URL",
            "https://login.microsoftonline.com/common/v2.0",
            "stands for many tenants",
            {},
        ),
        ("OIDC_ISSUER_URL", TENANT.removesuffix("/v2.0"), "ends in /v2.0", {}),
        ("OIDC_ISSUER_URL", "http://id.example.com", "while Enforce HTTPS is on", {}),
        ("OIDC_ISSUER_URL", "https://169.254.169.254", "metadata address", {}),
        ("OIDC_CLIENT_ID", "PatchMon", "Application (client) ID", ENTRA),
        ("OIDC_CLIENT_ID", "patch mon", "space or an invisible character", {}),
        ("OIDC_SCOPES", "openid groups", "openid email profile User.Read", ENTRA),
        ("OIDC_SCOPES", 'openid "email"', "plain words", {}),
        (
            "OIDC_REDIRECT_URI",
            "https://patchmon.example.com/callback",
            "/api/v1/auth/oidc/callback",
            {},
        ),
        (
            "OIDC_REDIRECT_URI",
            "http://patchmon.example.com/api/v1/auth/oidc/callback",
            "begin with https://",
            {},
        ),
        ("OIDC_BUTTON_TEXT", "x" * 61, "room for 60 characters", {}),
        ("OIDC_USER_GROUP", "a\x00b", "invisible character", {}),
        ("OIDC_USER_GROUP", "x" * 4001, "at most 4000", {}),
        ("OIDC_ADMIN_GROUP", "b, A", "“A” is in OIDC_USER_GROUP too", {"OIDC_USER_GROUP": "a"}),
    ],
)
def test_what_the_page_refuses_stops_the_start(name, value, told, beside):
    (line,) = refused(**beside, **{name: value})

    assert line.startswith(f"{name} is refused: ")
    assert told in line


def test_a_secret_that_is_refused_is_in_no_line():
    for secret in (defaults.SECRET_ID, "in\u200bvisible-secret", "s" * 2000):
        (line,) = refused(OIDC_CLIENT_SECRET=secret)

        assert line.startswith("OIDC_CLIENT_SECRET is refused: ")
        assert secret[:8] not in line


def test_everything_that_is_wrong_is_told_at_once():
    lines = refused(
        OIDC_ENFORCE_HTTPS="perhaps",
        OIDC_ISSUER_URL="http://id.example.com",
        OIDC_DEFAULT_ROLE="owner",
        OIDC_CLIENT_SECRET=defaults.SECRET_ID,
        OIDC_ADMIN_GROUP="one",
        OIDC_READONLY_GROUP="one\u2028OIDC_ENABLED",
        OIDC_USER_GROUP="ONE",
    )

    # Whether https is wanted is not known, so that nothing is held against the issuer.
    assert sorted(line.partition(" ")[0] for line in lines) == [
        "OIDC_ADMIN_GROUP",
        "OIDC_CLIENT_SECRET",
        "OIDC_DEFAULT_ROLE",
        "OIDC_ENFORCE_HTTPS",
    ]
    assert defaults.SECRET_ID not in "".join(lines)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("OIDC_ISSUER_URL", f"\u200b {TENANT}/.well-known/openid-configuration", TENANT),
        ("OIDC_ISSUER_URL", f"{TENANT.upper().replace('HTTPS', 'https')}"[:-4] + "v2.0/", TENANT),
        # What only the provider could tell is left as it was typed.
        ("OIDC_ISSUER_URL", "https://login.microsoftonline.com/contoso.com/v2.0", None),
        ("OIDC_ISSUER_URL", "https://auth.example.com/application/o/patchmon/", None),
        ("OIDC_ISSUER_URL", "http://localhost:8400/tenant/v2.0", None),
        ("OIDC_CLIENT_ID", "\ufeffpatchmon\t", "patchmon"),
        ("OIDC_CLIENT_SECRET", "\u200bs3cret~value\u200b", "s3cret~value"),
        ("OIDC_SCOPES", "email", "openid email"),
        ("OIDC_SCOPES", "profile, OpenID", "profile openid"),
        ("OIDC_BUTTON_TEXT", " Company  login ", "Company login"),
        ("OIDC_USER_GROUP", "a,, a ,b", "a, b"),
    ],
)
def test_what_the_page_repairs_is_repaired_at_start(name, value, read):
    found = read_environment({name: value}.get)

    assert found is not None
    assert found.text(VARIABLES[name]) == (value if read is None else read)


def test_without_enforced_https_plain_http_starts():
    found = read_environment(
        {"OIDC_ISSUER_URL": "http://id.example.com", "OIDC_ENFORCE_HTTPS": "no"}.get
    )

    assert found is not None
    assert found.text("issuer") == "http://id.example.com"


def test_no_repr_shows_the_secret(by_env, settings):
    assert defaults.SECRET_VALUE not in repr(settings.SSO_ENVIRONMENT)
    assert defaults.SECRET_VALUE not in repr(conf.current())


# In force


def test_with_three_variables_and_nothing_else_sign_in_works(by_env, sign_in, client):
    assert "Login with SSO" in reads(client.get("/login"))
    assert client.get(CONFIG).json()["enabled"] is True

    browser = sign_in("alice")

    assert browser.last["Location"] == "/"
    profile = browser.get("/api/v1/auth/profile").json()
    assert (profile["username"], profile["role"]) == ("alice", "user")
    # Nothing was copied anywhere meanwhile.
    row = OIDCSettings.load()
    assert (row.issuer, row.client_id, row.client_secret_encrypted) == ("", "", "")


def test_unset_scopes_are_those_of_entra(by_env, client):
    start = client.get("/api/v1/auth/oidc/login")

    assert "scope=openid+email+profile+User.Read" in start["Location"]


def test_scopes_that_are_set_are_sent_as_they_are(administrator, sim, set_variables, client):
    set_variables(**three(sim), OIDC_SCOPES="openid email")

    assert "scope=openid+email&" in client.get("/api/v1/auth/oidc/login")["Location"]


@pytest.mark.parametrize(
    ("variables", "enabled"),
    [
        ({}, True),
        ({"OIDC_ENABLED": "true"}, True),
        ({"OIDC_ENABLED": "false"}, False),
        ({"OIDC_CLIENT_SECRET": ""}, False),
        ({"OIDC_CLIENT_ID": ""}, False),
        ({"OIDC_ISSUER_URL": ""}, False),
    ],
)
def test_complete_and_not_switched_off_counts_as_enabled(
    administrator, sim, set_variables, client, variables, enabled
):
    set_variables(**(three(sim) | variables))

    assert conf.current().enabled is enabled
    assert client.get(CONFIG).json()["enabled"] is enabled


def test_one_variable_makes_the_environment_the_whole_configuration(connected, set_variables):
    set_variables(OIDC_BUTTON_TEXT="From the environment")

    config = conf.current()

    assert config.button_text == "From the environment"
    assert (config.issuer, config.client_id, config.secret_set) == ("", "", False)
    assert (config.enabled, config.enforce_https, config.auto_create_users) == (False, True, True)
    assert (config.sync_roles, config.disable_local_auth) == (False, False)
    assert config.mapping.default_role is Role.USER


def test_every_variable_is_in_force(administrator, sim, set_variables):
    set_variables(
        **three(sim),
        **GROUPS,
        OIDC_ENABLED="off",
        OIDC_REDIRECT_URI="http://localhost:3000/api/v1/auth/oidc/callback",
        OIDC_SCOPES="openid",
        OIDC_BUTTON_TEXT="Company login",
        OIDC_ENFORCE_HTTPS="no",
        OIDC_SYNC_ROLES="yes",
        OIDC_DISABLE_LOCAL_AUTH="yes",
        OIDC_AUTO_CREATE_USERS="no",
        OIDC_TRUST_UNVERIFIED_EMAIL="yes",
        OIDC_DEFAULT_ROLE="Readonly",
    )

    config = conf.current()

    assert len(config.environment_variables) == 18
    assert (config.enabled, config.scopes, config.button_text) == (False, "openid", "Company login")
    assert (config.enforce_https, config.sync_roles, config.disable_local_auth) == (
        False,
        True,
        True,
    )
    assert (config.auto_create_users, config.trust_unverified_email) == (False, True)
    assert config.mapping.default_role is Role.READONLY
    assert config.mapping.rows == {Role(role): (g,) for role, g in defaults.ROLE_GROUPS.items()}


def test_groups_from_the_environment_give_roles(administrator, sim, set_variables, sign_in):
    set_variables(**three(sim), **GROUPS, OIDC_SYNC_ROLES="true")

    sign_in("hana")

    assert User.objects.get(username="hana").role == Role.HOST_MANAGER


# The page


def test_the_banner_lists_what_is_set_and_never_the_secret(by_env, admin_client):
    page = admin_client.get(SETTINGS)

    text = reads(page)
    assert "OIDC is configured via .env" in text
    for name in three(by_env):
        assert name in text
    assert "OIDC_SCOPES" not in text
    assert defaults.SECRET_VALUE not in page.text
    assert "Load from .env" in text
    assert "callout-amber" in page.text


def test_the_fields_show_what_is_in_force_and_are_read_only(by_env, admin_client):
    page = admin_client.get(SETTINGS)

    # A disabled control sends nothing.
    assert set(form_data(page.text)) <= {"csrfmiddlewaretoken", "base"}
    assert f'value="{by_env.issuer}"' in page.text
    assert f'value="{defaults.CLIENT_ID}"' in page.text
    assert ">Apply<" not in page.text
    assert 'name="client_secret"' not in page.text
    assert "Not set" not in reads(page)


def test_page_and_api_show_the_scopes_that_are_asked_for(by_env, admin_client, client):
    sent = client.get("/api/v1/auth/oidc/login")["Location"]
    before = by_env.requests.count("discovery")

    told = admin_client.get(API).json()

    assert by_env.requests.count("discovery") == before
    assert "scope=openid+email+profile+User.Read" in sent
    assert told["oidc_scopes"] == "openid email profile User.Read"
    assert 'value="openid email profile User.Read"' in admin_client.get(SETTINGS).text


def test_another_provider_keeps_the_page_s_default_scopes(
    administrator, set_variables, admin_client
):
    set_variables(OIDC_ISSUER_URL="https://id.example.com")

    assert admin_client.get(API).json()["oidc_scopes"] == "openid email profile groups"


def test_nothing_can_be_saved_on_the_page_while_the_banner_is_up(by_env, admin_client):
    OIDCSettings.load()
    RoleMapping.load()
    before = (OIDCSettings.objects.values().get(), RoleMapping.objects.values().get())

    press(admin_client, button_text="Typed anyway", issuer="https://evil.example")
    press(admin_client, f"{SETTINGS}/secret", secret_action="save", client_secret="x" * 40)
    press(admin_client, f"{SETTINGS}/secret", secret_action="clear")
    admin_client.post(f"{SETTINGS}/enable", {"enabled": "off"})

    assert (OIDCSettings.objects.values().get(), RoleMapping.objects.values().get()) == before
    assert "read-only" in reads(admin_client.get(SETTINGS))
    assert conf.current().enabled is True


def test_without_a_variable_there_is_no_banner(admin_client):
    page = admin_client.get(SETTINGS)

    assert "configured via .env" not in reads(page)
    assert "Load from .env" not in reads(page)


def test_load_from_env_copies_every_value_and_the_secret(
    administrator, sim, set_variables, admin_client, sign_in
):
    set_variables(**three(sim), **GROUPS, OIDC_SYNC_ROLES="true", OIDC_BUTTON_TEXT="Company login")

    answer = admin_client.post(f"{SETTINGS}/import-env", follow=True)

    text = reads(answer)
    assert "One thing is left to do: remove the OIDC_* lines and restart" in text
    assert defaults.SECRET_VALUE not in answer.text
    # The environment stays in charge until those lines are gone …
    assert conf.current().from_environment is True
    set_variables()
    # … and from then on the database says the same.
    config = conf.current()
    assert config.from_environment is False
    assert (config.issuer, config.client_id) == (sim.issuer, defaults.CLIENT_ID)
    assert config.client_secret == defaults.SECRET_VALUE
    assert (config.enabled, config.sync_roles) == (True, True)
    assert config.button_text == "Company login"
    assert config.scopes == "openid email profile User.Read"
    assert sign_in("hana").get("/api/v1/auth/profile").json()["role"] == "host_manager"
    assert "configured via .env" not in reads(admin_client.get(SETTINGS))


@pytest.mark.parametrize("issuer", ["", "http://127.0.0.1:9/another"])
def test_load_from_env_leaves_no_secret_of_the_database_in_place(
    connected, set_variables, admin_client, issuer
):
    set_variables(OIDC_ISSUER_URL=issuer or connected.issuer, OIDC_CLIENT_ID=defaults.CLIENT_ID)

    admin_client.post(f"{SETTINGS}/import-env", follow=True)

    set_variables()
    config = conf.current()
    assert config.issuer == (issuer or connected.issuer)
    assert (config.secret_set, config.enabled) == (False, False)
    # Nor anything else that the environment leaves out.
    assert (config.sync_roles, config.button_text) == (False, "Login with SSO")
    assert config.mapping.rows == dict.fromkeys(Role, ())
    assert "not set" in reads(admin_client.get("/settings/changes"))


def test_load_from_env_that_says_enabled_without_a_secret_copies_nothing(
    connected, set_variables, admin_client
):
    variables = {**three(connected), "OIDC_CLIENT_SECRET": "", "OIDC_ENABLED": "true"}
    set_variables(**variables)

    text = reads(admin_client.post(f"{SETTINGS}/import-env", follow=True))

    assert "Client Secret is empty." in text
    set_variables()
    assert conf.current().client_secret == defaults.SECRET_VALUE


def test_load_from_env_with_nothing_set_says_so(admin_client):
    answer = admin_client.post(f"{SETTINGS}/import-env", follow=True)

    assert "nothing to load" in reads(answer)
    assert conf.current().version == 1


def test_load_from_env_of_values_that_are_refused_copies_nothing(
    administrator, sim, set_variables, admin_client
):
    # That it is Entra, only its own discovery document tells.
    set_variables(**(three(sim) | {"OIDC_CLIENT_ID": "PatchMon"}))

    answer = admin_client.post(f"{SETTINGS}/import-env", follow=True)

    text = reads(answer)
    assert "OIDC_CLIENT_ID: Entra's client IDs look like" in text
    assert defaults.SECRET_VALUE not in answer.text
    set_variables()
    assert (conf.current().issuer, conf.current().secret_set) == ("", False)


def test_an_admin_cannot_load_rows_of_administrators_from_the_environment(
    administrator, sim, set_variables
):
    from_env = three(sim) | GROUPS
    set_variables(**from_env)
    admin = User.objects.create_user("adele", role=Role.ADMIN)
    browser = Client(headers={"host": HOST})
    browser.force_login(admin, backend="accounts.backends.PasswordBackend")

    answer = browser.post(f"{SETTINGS}/import-env", follow=True)

    assert "Only a Super Admin" in reads(answer)
    set_variables()
    assert conf.current().mapping.rows[Role.SUPERADMIN] == ()


# The API


def test_the_api_says_what_is_set_and_shows_no_secret(by_env, admin_client):
    answer = admin_client.get(API)

    told = answer.json()
    assert told["configured_via_env"] is True
    assert told["env_preview"] == {
        "OIDC_ISSUER_URL": by_env.issuer,
        "OIDC_CLIENT_ID": defaults.CLIENT_ID,
        "OIDC_CLIENT_SECRET": "(set)",
    }
    assert told["oidc_client_secret_set"] is True
    assert told["oidc_issuer_url"] == by_env.issuer
    assert defaults.SECRET_VALUE not in answer.text


def test_the_api_saves_what_takes_effect_once_the_lines_are_gone(
    by_env, set_variables, admin_client
):
    answer = admin_client.put(API, {"oidc_button_text": "Later"}, content_type="application/json")

    assert answer.status_code == 200
    assert conf.current().button_text == "Login with SSO"
    set_variables()
    assert conf.current().button_text == "Later"


def test_the_api_imports(by_env, set_variables, admin_client):
    answer = admin_client.post(f"{API}/import-from-env")

    assert answer.status_code == 200
    assert answer.json()["configured_via_env"] is True
    assert defaults.SECRET_VALUE not in answer.text
    set_variables()
    assert conf.current().client_secret == defaults.SECRET_VALUE
    assert conf.current().enabled is True


def test_the_api_refuses_an_import_of_bad_values(administrator, sim, set_variables, admin_client):
    set_variables(**(three(sim) | {"OIDC_CLIENT_ID": "no-guid"}))

    answer = admin_client.post(f"{API}/import-from-env")

    assert answer.status_code == 400
    assert set(answer.json()) == {"oidc_client_id"}


# What depends on it


def test_a_secret_that_the_provider_refuses_ends_readiness_until_it_changes(
    administrator, sim, set_variables, sign_in, client
):
    set_variables(**(three(sim) | {"OIDC_CLIENT_SECRET": "not-the-secret-at-all"}))
    sign_in("alice")
    assert client.get(CONFIG).json()["enabled"] is False

    set_variables(**three(sim))

    assert client.get(CONFIG).json()["enabled"] is True


def test_a_journey_begun_before_a_restart_with_other_values_is_refused(
    by_env, set_variables, client
):
    start = client.get("/api/v1/auth/oidc/login")
    callback = by_env.new_browser().sign_in(start["Location"], "alice")
    set_variables(**three(by_env), OIDC_SCOPES="openid")

    client.get(callback.removeprefix(f"http://{HOST}"))

    assert client.get("/api/v1/auth/profile").status_code == 401
    assert by_env.requests.count("token") == 0


def test_home_tells_administrators_that_the_environment_is_in_charge(by_env, admin_client):
    assert "OIDC is configured via .env" in reads(admin_client.get("/"))


def test_a_saved_configuration_comes_back_when_the_lines_go(connected, set_variables):
    set_variables(OIDC_BUTTON_TEXT="From the environment")
    save_settings({"button_text": "From the page"}, actor=None)
    set_variables()

    assert conf.current().button_text == "From the page"
    assert conf.current().issuer == connected.issuer
