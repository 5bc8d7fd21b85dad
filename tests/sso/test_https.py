"""Enforce HTTPS: issuer, its endpoints and the callback (product.md, Settings → OIDC / SSO)."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import responses
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.services import set_server_url
from sso import conf
from sso.environment import EnvironmentConfig, read_environment
from sso.provider import http
from sso.readiness import Cause, readiness
from sso.services.settings import save_settings
from tests.fakes.provider import FakeProvider
from tests.people import PASSWORD
from tests.sso.conftest import connect
from tests.sso.pages import SETTINGS, errors_of, form_data, press, reads

pytestmark = pytest.mark.django_db

CONFIG = "/api/v1/auth/oidc/config"
API = "/api/v1/auth/oidc/settings"
ADMIN = "/admin/sso/oidcsettings/1/change/"
REFUSED = "publishes a token_endpoint that is not https"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")


@pytest.fixture
def provider(administrator) -> Iterator[FakeProvider]:
    """An https issuer whose token endpoint is plain http; nothing is set up yet."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        fake = FakeProvider()
        fake.document["token_endpoint"] = "http://sso.example.com/token"
        fake.register(wire)
        yield fake
    http._adapter.close()


def saved(provider: FakeProvider, **values: Any) -> None:
    save_settings(
        {
            "issuer": provider.issuer,
            "client_id": provider.client_id,
            "client_secret": provider.client_secret,
            "scopes": "openid email",
            **values,
        },
        actor=None,
    )


def mend(provider: FakeProvider) -> None:
    provider.document["token_endpoint"] = f"{provider.issuer}/token"


# Saving


@pytest.mark.parametrize("named", ENDPOINTS)
def test_an_endpoint_that_is_not_https_is_told_apart_from_no_answer(provider, admin_client, named):
    mend(provider)
    provider.document[named] = "http://sso.example.com/x"

    press(admin_client, issuer=provider.issuer)

    page = reads(admin_client.get(SETTINGS))
    assert f"publishes a {named} that is not https" in page
    assert "could not be reached" not in page
    assert conf.current().issuer == provider.issuer


def test_an_issuer_with_such_an_endpoint_takes_no_place_while_sso_is_enabled(
    provider, sim, admin_client
):
    connect(sim)

    answer = press(admin_client, issuer=provider.issuer, client_secret="another~Value")

    (text,) = errors_of(answer)["issuer"]
    assert REFUSED in text
    assert "disable it first" in text
    assert conf.current().issuer == sim.issuer


# Enable, by every door


def by_page(browser: Client) -> str:
    return reads(browser.post(f"{SETTINGS}/enable", {"enabled": "on"}, follow=True))


def by_page_with_apply(browser: Client) -> str:
    data = form_data(browser.get(SETTINGS).text) | {"then": "enable"}
    return reads(browser.post(SETTINGS, data, follow=True))


def by_api(browser: Client) -> str:
    answer = browser.patch(API, {"oidc_enabled": True}, content_type="application/json")
    return str(answer.text)


def by_command(_browser: Client) -> str:
    try:
        call_command("sso", "enable", stdout=io.StringIO())
    except CommandError as refused:
        return str(refused)
    return ""


def by_file(tmp_path) -> Callable[[Client], str]:
    def run(_browser: Client) -> str:
        path = tmp_path / "settings.json"
        path.write_text(json.dumps({"oidc_enabled": True, "oidc_button_text": "Come in"}))
        try:
            call_command("sso", "import", path, stdout=io.StringIO())
        except CommandError as refused:
            return str(refused)
        return ""

    return run


def by_admin(browser: Client) -> str:
    data = form_data(browser.get(ADMIN).text, "oidcsettings_form") | {"enabled": "on"}
    return reads(browser.post(ADMIN, data, follow=True))


DOORS = {
    "page": by_page,
    "apply": by_page_with_apply,
    "api": by_api,
    "command": by_command,
    "file": by_file,
    "admin": by_admin,
}


@pytest.fixture(params=DOORS, ids=str)
def enable(request, admin_client, tmp_path) -> Callable[[], str]:
    door: Any = DOORS[request.param]
    if door is by_file:
        door = by_file(tmp_path)
    return lambda: door(admin_client)


def test_enable_is_refused_and_names_the_endpoint(provider, enable):
    saved(provider)

    assert REFUSED in enable()

    assert conf.current().enabled is False
    mend(provider)
    # Asked anew at each press: nobody waits for what was found before.
    enable()
    assert conf.current().enabled is True


def test_what_enable_needs_is_on_the_page_until_the_provider_is_mended(provider, admin_client):
    saved(provider)
    by_page(admin_client)

    page = reads(admin_client.get(SETTINGS))
    assert "Before you can enable OIDC / SSO" in page
    assert page.count(REFUSED) == 1


def test_a_provider_that_gives_no_answer_keeps_nobody_from_enabling(enable, sim, administrator):
    connect(sim, enabled=False)
    sim.fail("discovery", 503)

    enable()

    assert conf.current().enabled is True


def test_loopback_is_left_aside(administrator, enable):
    with FakeProvider.serving() as provider:
        saved(provider)
        enable()

        assert conf.current().enabled is True
        assert readiness(conf.current()).ready
    http._adapter.close()


# Afterwards


def is_enabled(browser: Client) -> bool:
    return bool(browser.get(CONFIG).json()["enabled"])


def test_a_server_url_that_became_plain_http_ends_readiness(
    connected, sign_in, admin_client, caplog, django_capture_on_commit_callbacks
):
    sign_in("sofia")
    save_settings({"disable_local_auth": True}, actor=None)
    assert is_enabled(admin_client)

    with django_capture_on_commit_callbacks(execute=True):
        set_server_url("http://patchmon.example.com", actor=None)
    browser = Client(headers={"host": "patchmon.example.com"})

    assert not is_enabled(browser)
    page = browser.get("/login")
    assert "Single sign-on is unavailable at the moment." in page.text
    assert "Sign in with Microsoft" not in page.text
    told = {"username": "boss", "password": PASSWORD}
    assert browser.post("/login", told)["Location"] == "/"
    with time_machine.travel(timedelta(seconds=61), tick=True):
        text = reads(browser.get("/settings/users"))
    assert "Single sign-on is not ready" in text
    assert "the callback URL, which follows the Server URL under Settings → General" in text
    assert "'cause': 'not_https'" in caplog.text


@pytest.mark.parametrize("enforced", [True, False])
def test_the_same_through_the_environment(connected, settings, enforced):
    variables = {
        "OIDC_ISSUER_URL": connected.issuer,
        "OIDC_CLIENT_ID": "an-id",
        "OIDC_CLIENT_SECRET": "a~Secret",
        "OIDC_ENFORCE_HTTPS": str(enforced).lower(),
    }
    settings.SERVER_URL = "http://patchmon.example.com"
    settings.SSO_ENVIRONMENT = read_environment(variables.get)
    connected.requests.clear()

    browser = Client(headers={"host": "patchmon.example.com"})
    assert is_enabled(browser) is not enforced
    assert connected.requests.count("discovery") == (0 if enforced else 1)


def test_an_issuer_of_the_environment_that_is_plain_http_is_never_called(settings, client, db):
    values = {
        "issuer": "http://keycloak.internal/realms/main",
        "client_id": "an-id",
        "client_secret": "a~Secret",
    }
    # The start refuses it already (tests/sso/test_environment.py); this is the second lock.
    settings.SSO_ENVIRONMENT = EnvironmentConfig(present=("OIDC_ISSUER_URL",), values=values)
    with responses.RequestsMock() as wire:
        assert not is_enabled(client)
        assert len(wire.calls) == 0
    assert readiness(conf.current()).cause is Cause.NOT_HTTPS


def test_an_endpoint_that_became_plain_http_ends_readiness(provider, client):
    mend(provider)
    saved(provider, enabled=True)
    assert is_enabled(client)
    provider.document["token_endpoint"] = "http://sso.example.com/token"

    with time_machine.travel(timedelta(seconds=61), tick=True):
        assert not is_enabled(client)
        told = io.StringIO()
        call_command("sso", "status", stdout=told)

    assert told.getvalue().startswith("not_https: An address that has to be https is not")
    assert "The token_endpoint is not https." in told.getvalue()
