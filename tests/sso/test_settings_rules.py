"""The table of repairs and refusals, each row through the page and through the API (product.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest
import responses
from django.test import Client

from accounts.roles import Role
from sso import conf
from sso.services.settings import save_settings
from tests.fakes.provider import TENANT, FakeProvider
from tests.sso.pages import SETTINGS, errors_of, form_data, press, reads

pytestmark = pytest.mark.django_db

API = "/api/v1/auth/oidc/settings"
MICROSOFT = "https://login.microsoftonline.com"
ENTRA = f"{MICROSOFT}/{TENANT}/v2.0"
OTHER = "https://sso.example.com/realms/main"
GUID = "9d2c8a41-52f3-4c6b-8e07-3f1a5b7c9d20"
VALUE = "Pasted~Value.0123456789-abcdefghijklmnop"
ENTRA_SCOPES = "openid email profile User.Read"
CALLBACK = "/api/v1/auth/oidc/callback"


class Front(Protocol):
    def __call__(self, **values: Any) -> dict[str, list[str]]: ...


def key_of(name: str) -> str:
    return "oidc_issuer_url" if name == "issuer" else f"oidc_{name}"


def by_page(browser: Client) -> Front:
    def save(**values: Any) -> dict[str, list[str]]:
        answer = press(browser, **values)
        assert answer.status_code in {200, 302, 303}
        return errors_of(answer)

    return save


def by_api(browser: Client) -> Front:
    def save(**values: Any) -> dict[str, list[str]]:
        body = {key_of(name): value for name, value in values.items()}
        answer = browser.put(API, body, content_type="application/json")
        assert answer.status_code in {200, 400}, answer.content
        if answer.status_code == 200:
            return {}
        names = {key_of(name): name for name in [*values, "client_secret", "issuer", "scopes"]}
        return {names.get(key, key): texts for key, texts in answer.json().items()}

    return save


FRONTS: dict[str, Callable[[Client], Front]] = {"page": by_page, "api": by_api}


@pytest.fixture(params=FRONTS)
def front(request: pytest.FixtureRequest, admin_client: Client) -> Front:
    return FRONTS[request.param](admin_client)


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """The network: what is registered answers, everything else cannot be reached."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def provider(wire: responses.RequestsMock) -> FakeProvider:
    fake = FakeProvider(OTHER)
    fake.register(wire)
    return fake


@pytest.fixture
def entra(wire: responses.RequestsMock) -> FakeProvider:
    fake = FakeProvider.for_entra()
    fake.register(wire)
    return fake


def refused(errors: dict[str, list[str]], name: str) -> str:
    """Return the one reason beside the one field that is refused, with nothing saved."""
    assert set(errors) == {name}
    config = conf.current()
    assert (config.issuer, config.client_id, config.redirect_uri) == ("", "", "")
    assert (config.secret_set, config.version) == (False, 1)
    return " ".join(errors[name])


# Spaces, tabs, zero-width characters around any value: removed


@pytest.mark.parametrize("around", [" ", "\t", "\u200b", "\ufeff", "\u00a0 \u2060"])
def test_what_surrounds_a_value_is_removed(provider, front, around):
    errors = front(
        **{
            name: f"{around}{value}{around}"
            for name, value in {
                "issuer": OTHER,
                "client_id": "patchmon",
                "client_secret": VALUE,
                "redirect_uri": f"https://front.example.com{CALLBACK}",
                "scopes": "openid email",
                "button_text": "Sign in",
                "user_group": "Staff",
            }.items()
        }
    )

    assert errors == {}
    config = conf.current()
    assert config.issuer == OTHER
    assert config.client_id == "patchmon"
    assert config.client_secret == VALUE
    assert config.redirect_uri == f"https://front.example.com{CALLBACK}"
    assert config.scopes == "openid email"
    assert config.button_text == "Sign in"
    assert config.mapping.rows[Role.USER] == ("Staff",)


# Issuer


def test_the_path_of_the_discovery_document_is_cut(provider, front):
    assert front(issuer=f"{OTHER}/.well-known/openid-configuration") == {}

    assert conf.current().issuer == OTHER


@pytest.mark.parametrize("named", [OTHER, f"{OTHER}/"])
@pytest.mark.parametrize("typed", [OTHER, f"{OTHER}/"])
def test_the_final_slash_is_as_the_provider_names_it(provider, front, named, typed):
    provider.document["issuer"] = named

    assert front(issuer=typed) == {}

    assert conf.current().issuer == named


def test_a_final_slash_at_entra_is_dropped(entra, front):
    assert front(issuer=f"{ENTRA}/", scopes=ENTRA_SCOPES) == {}

    assert conf.current().issuer == ENTRA


@pytest.mark.parametrize(
    "typed",
    ["https://SSO.example.com/realms/main", "https://sso.example.com/realms/MAIN"],
)
def test_nothing_else_is_normalised_in_silence(provider, front, typed):
    text = refused(front(issuer=typed), "issuer")

    assert OTHER in text


def test_a_verified_domain_becomes_the_tenants_guid(entra, front):
    assert front(issuer=f"{MICROSOFT}/contoso.com/v2.0", scopes=ENTRA_SCOPES) == {}

    assert conf.current().issuer == ENTRA
    assert entra.asked["discovery"] >= 1


@pytest.mark.parametrize(
    "typed",
    [
        f"{MICROSOFT}/{TENANT}",
        f"{MICROSOFT}/{TENANT}/",
        f"{MICROSOFT}/<TENANT_ID>/v2.0",
        f"{MICROSOFT}/{{tenant}}/v2.0",
        f"{MICROSOFT}/YOUR_TENANT_ID/v2.0",
        f"{MICROSOFT}/v2.0",
        MICROSOFT,
        f"https://sts.windows.net/{TENANT}/",
    ],
)
def test_an_entra_issuer_of_another_shape_is_refused_with_the_right_one(entra, front, typed):
    text = refused(front(issuer=typed, scopes=ENTRA_SCOPES), "issuer")

    assert "https://login.microsoftonline.com/" in text
    assert "/v2.0" in text
    assert entra.total == 0


@pytest.mark.parametrize("tenant", ["common", "organizations", "consumers", "COMMON"])
@pytest.mark.parametrize("trust", [False, True])
def test_an_issuer_of_several_tenants_is_refused(entra, front, tenant, trust):
    errors = front(
        issuer=f"{MICROSOFT}/{tenant}/v2.0", scopes=ENTRA_SCOPES, trust_unverified_email=trust
    )

    assert "issuer" in errors
    config = conf.current()
    assert (config.issuer, config.trust_unverified_email) == ("", False)
    assert entra.total == 0


def test_plain_http_is_refused_while_https_is_enforced(wire, front):
    assert "https" in refused(front(issuer="http://sso.example.com"), "issuer")

    assert len(wire.calls) == 0


def test_plain_http_is_accepted_with_enforce_https_off(wire, front):
    assert front(issuer="http://sso.example.com", enforce_https=False) == {}

    assert conf.current().issuer == "http://sso.example.com"


def test_plain_http_of_microsoft_is_refused_in_any_case(entra, front):
    typed = ENTRA.replace("https", "http")

    refused(front(issuer=typed, scopes=ENTRA_SCOPES, enforce_https=False), "issuer")

    assert entra.total == 0


def test_plain_http_on_loopback_is_accepted(sim, front):
    assert front(issuer=sim.issuer, scopes=ENTRA_SCOPES) == {}

    assert conf.current().issuer == sim.issuer


def test_enforcing_https_over_a_plain_http_issuer_is_refused(wire, front):
    front(issuer="http://sso.example.com", enforce_https=False)

    errors = front(enforce_https=True)

    assert errors
    assert conf.current().enforce_https is False


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.1.2",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "168.63.129.16",
        "metadata.google.internal",
        "2852039166",
        "0xa9.254.169.254",
        "0251.0376.0251.0376",
    ],
)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_link_local_and_metadata_addresses_are_refused_and_never_asked(wire, front, host, scheme):
    enforced = scheme == "https"

    refused(front(issuer=f"{scheme}://{host}/oidc", enforce_https=enforced), "issuer")

    assert conf.current().enforce_https is True
    assert len(wire.calls) == 0


@pytest.mark.parametrize(
    "typed",
    [
        "nonsense",
        "ftp://sso.example.com",
        "https://",
        "https://user:password@sso.example.com",
        "https://sso.example.com?tenant=1",
        "https://sso.example.com#x",
        "https://sso.example.com:99999",
        "https://[::1",
        "https://sso example.com",
        "https://sso.example.com\nhttps://evil.example",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_issuer_is_refused(wire, front, typed):
    refused(front(issuer=typed), "issuer")

    assert len(wire.calls) == 0


def test_an_issuer_that_does_not_answer_is_saved_as_typed(wire, front):
    assert front(issuer=OTHER) == {}

    assert conf.current().issuer == OTHER


def test_an_issuer_that_does_not_answer_is_said_in_amber(wire, admin_client):
    press(admin_client, issuer=OTHER)

    page = admin_client.get(SETTINGS)
    assert "could not be reached" in reads(page)
    assert "toast-warning" in page.text


def test_a_repair_is_said(provider, admin_client):
    press(admin_client, issuer=f"{OTHER}/.well-known/openid-configuration")

    assert "was cut off" in reads(admin_client.get(SETTINGS))


def test_the_page_asks_the_provider_only_about_a_new_issuer(provider, admin_client):
    press(admin_client, issuer=OTHER)
    asked = provider.total

    press(admin_client, button_text="Other")

    assert provider.total == asked


# Client ID


@pytest.mark.parametrize("typed", ["patchmon", GUID[:-1], f"{GUID} {GUID}", "api://patchmon"])
def test_entras_client_ids_are_guids(entra, front, typed):
    text = refused(front(issuer=ENTRA, client_id=typed, scopes=ENTRA_SCOPES), "client_id")

    assert "Application (client) ID" in text


def test_the_simulated_tenants_client_ids_are_guids_too(sim, front):
    errors = front(issuer=sim.issuer, client_id="patchmon", scopes=ENTRA_SCOPES)

    assert set(errors) == {"client_id"}


def test_a_client_id_elsewhere_is_whatever_it_is(provider, front):
    assert front(issuer=OTHER, client_id="PatchMon-1") == {}

    assert conf.current().client_id == "PatchMon-1"


# Secret


@pytest.mark.parametrize("typed", [GUID, f" {GUID.upper()}\u200b"])
def test_a_secret_that_is_a_guid_is_the_secret_id(front, typed):
    text = refused(front(client_secret=typed), "client_secret")

    assert text == "This looks like the Secret ID. Paste the Value column."


def test_the_secrets_own_save_refuses_the_secret_id(admin_client):
    answer = press(
        admin_client, f"{SETTINGS}/secret", secret_action="save", client_secret=GUID, scopes="typed"
    )

    assert errors_of(answer) == {
        "client_secret": ["This looks like the Secret ID. Paste the Value column."]
    }
    assert conf.current().secret_set is False
    assert form_data(answer.text)["scopes"] == "typed"
    assert GUID not in answer.text


# Scopes


@pytest.mark.parametrize(
    ("typed", "saved"),
    [
        ("email profile", "openid email profile"),
        ("profile openid", "profile openid"),
        ("OpenID email", "openid email"),
        ("", "openid"),
        ("openid,email, profile", "openid email profile"),
        ("openid  email\temail", "openid email"),
    ],
)
def test_openid_is_put_first_where_it_is_missing(front, typed, saved):
    assert front(scopes=typed) == {}

    assert conf.current().scopes == saved


@pytest.mark.parametrize("typed", ["openid email profile groups", "openid Groups"])
def test_groups_is_no_scope_of_entra(entra, front, typed):
    text = refused(front(issuer=ENTRA, client_id=GUID, scopes=typed), "scopes")

    assert ENTRA_SCOPES in text


def test_the_page_offers_entras_scopes_in_one_click(entra, admin_client):
    answer = press(admin_client, issuer=ENTRA, client_id=GUID)

    assert f'name="use_scopes" value="{ENTRA_SCOPES}"' in answer.text


def test_groups_is_a_scope_elsewhere(provider, front):
    assert front(issuer=OTHER, scopes="openid groups") == {}

    assert conf.current().scopes == "openid groups"


@pytest.mark.parametrize("typed", ['openid "email"', "openid é", "openid \\"])
def test_what_is_no_scope_is_refused(front, typed):
    refused(front(scopes=typed), "scopes")


# Role mapping


def test_a_group_name_at_entra_is_saved_with_an_amber_warning(entra, admin_client):
    press(
        admin_client,
        issuer=ENTRA,
        client_id=GUID,
        scopes=ENTRA_SCOPES,
        user_group="PatchMon Users",
        admin_group=GUID,
    )

    assert conf.current().mapping.rows[Role.USER] == ("PatchMon Users",)
    page = admin_client.get(SETTINGS)
    assert "Entra sends object IDs, not names" in reads(page)
    assert "“PatchMon Users”" in reads(page)
    assert page.text.count("toast-warning") == 1


def test_a_group_name_elsewhere_is_nothing_to_warn_of(provider, admin_client):
    press(admin_client, issuer=OTHER, user_group="PatchMon Users")

    assert "object IDs, not names" not in reads(admin_client.get(SETTINGS)).partition("Role Map")[0]


@pytest.mark.parametrize(
    ("first", "second"),
    [("Staff", "Staff"), ("Staff", " staff "), ("One, Staff", "Two\nSTAFF")],
)
def test_one_group_in_two_rows_is_refused_naming_both(front, first, second):
    errors = front(admin_group=first, readonly_group=second)

    assert set(errors) == {"admin_group", "readonly_group"}
    text = " ".join(errors["admin_group"])
    assert "Admin row" in text
    assert "Readonly row" in text
    assert conf.current().mapping.rows[Role.ADMIN] == ()
    assert conf.current().version == 1


def test_one_group_twice_in_one_row_is_kept_once(front):
    assert front(user_group="Staff, staff\nGuests,,\n ") == {}

    assert conf.current().mapping.rows[Role.USER] == ("Staff", "Guests")


def test_a_group_in_a_saved_row_counts_as_well(front):
    save_settings({"admin_group": "Staff"}, actor=None)

    errors = front(user_group="STAFF")

    assert errors["user_group"]
    assert conf.current().mapping.rows[Role.USER] == ()


# Redirect override


@pytest.mark.parametrize(
    "typed",
    [
        "https://front.example.com/login",
        "https://front.example.com",
        f"https://front.example.com{CALLBACK}/",
        f"https://front.example.com/sub{CALLBACK}",
        f"https://front.example.com{CALLBACK}#x",
        f"https://front.example.com{CALLBACK}?x=1",
        f"https://{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 60}.com{CALLBACK}",
        f"http://front.example.com{CALLBACK}",
        f"//front.example.com{CALLBACK}",
        CALLBACK,
        *(f"https://fro{sign}nt.example.com{CALLBACK}" for sign in "!$'(),;"),
    ],
)
def test_a_redirect_override_that_entra_or_we_would_not_take_is_refused(front, typed):
    refused(front(redirect_uri=typed), "redirect_uri")


@pytest.mark.parametrize(
    "typed", [f"https://front.example.com:8443{CALLBACK}", f"http://localhost:3000{CALLBACK}", ""]
)
def test_a_redirect_override_that_works_is_saved(front, typed):
    assert front(redirect_uri=typed) == {}

    assert conf.current().redirect_uri == typed


def test_an_empty_button_text_is_the_default_one(front):
    assert front(button_text="  ") == {}

    assert conf.current().button_text == "Login with SSO"
