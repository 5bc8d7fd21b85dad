"""Issuers as people type them, against what real providers call themselves."""

from __future__ import annotations

import pytest

from sso import conf
from tests.interop.patchmon import connect
from tests.interop.provider import ALICE

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.interop,
    pytest.mark.xdist_group("interop"),
]


@pytest.mark.parametrize("ending", ["", "/", "/.well-known/openid-configuration"])
def test_the_issuer_is_saved_as_the_provider_calls_itself(provider, settings_page, window, ending):
    connect(settings_page, provider, issuer=f"  {provider.issuer.rstrip('/')}{ending} ")

    assert conf.current().issuer == provider.issuer == provider.discovery()["issuer"]
    window.sign_in(provider, ALICE)
    assert window.profile["username"] == "alice"
