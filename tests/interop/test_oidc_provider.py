"""What oidc-provider can be told to do and others cannot: algorithms, methods, places, Cancel."""

from __future__ import annotations

import pytest

from accounts.models import User
from accounts.roles import Role
from sso.models import LinkedIdentity
from tests.interop.keys import SIGNING
from tests.interop.oidc_provider import OidcProvider
from tests.interop.patchmon import connect, only_attempt
from tests.interop.provider import ALICE

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.interop,
    pytest.mark.xdist_group("interop"),
]


@pytest.fixture(params=["client_secret_basic", "client_secret_post"])
def auth_method(request):
    return request.param


@pytest.fixture
def provider(servers, auth_method):
    """With Basic it is the one that all tests share; with post the claims are in the ID token."""
    if auth_method == "client_secret_basic":
        return servers.running(OidcProvider.name, OidcProvider())
    made = OidcProvider(auth_method=auth_method, claims_in_token=True)
    return servers.running(auth_method, made)


@pytest.mark.parametrize("alg", SIGNING)
def test_every_algorithm_under_either_method(provider, auth_method, alg, settings_page, window):
    connect(settings_page, provider, client_id=provider.client_for(alg))

    window.sign_in(provider, ALICE)

    attempt = only_attempt()
    assert (attempt.outcome, attempt.reason, attempt.detail) == ("signed_in", "", "")
    assert window.profile["role"] == Role.HOST_MANAGER
    in_token = auth_method == "client_secret_post"
    assert attempt.groups_source == ("token" if in_token else "userinfo")
    assert provider.discovery()["token_endpoint_auth_methods_supported"] == [auth_method]


def test_whoever_presses_cancel_is_told_so_and_nothing_happens(provider, settings_page, window):
    connect(settings_page, provider)

    answer = window.come_back(provider.cancel(window.provider, window.press_button()))

    assert answer["Location"] == "/login"
    assert window.profile == {}
    assert User.objects.count() == 1
    assert not LinkedIdentity.objects.exists()
    assert (only_attempt().outcome, only_attempt().reason) == ("refused", "cancelled")
    assert only_attempt().provider_error == "access_denied"


def test_the_answer_of_another_issuer_is_refused(provider, settings_page, window):
    connect(settings_page, provider)
    callback = provider.sign_in(window.provider, window.press_button(), ALICE)
    genuine, _, _ = callback.partition("&iss=")
    assert genuine != callback

    window.come_back(f"{genuine}&iss=http%3A%2F%2Flocalhost%3A1")

    assert window.profile == {}
    assert User.objects.count() == 1
    assert only_attempt().reason == "iss_param"


def test_an_answer_that_lost_its_promised_issuer_is_refused(provider, settings_page, window):
    connect(settings_page, provider)
    callback = provider.sign_in(window.provider, window.press_button(), ALICE)

    window.come_back(callback.partition("&iss=")[0])

    assert window.profile == {}
    assert only_attempt().reason == "iss_param"
