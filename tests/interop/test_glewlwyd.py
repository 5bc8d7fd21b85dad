"""A second make of signatures: Glewlwyd's own JOSE library, whose `at_hash` must fit too."""

from __future__ import annotations

import pytest

from tests.interop.glewlwyd import Glewlwyd
from tests.interop.keys import SIGNING
from tests.interop.patchmon import connect, only_attempt
from tests.interop.provider import ALICE

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.interop,
    pytest.mark.xdist_group("interop"),
]


@pytest.mark.parametrize("alg", SIGNING)
def test_every_algorithm(servers, settings_page, window, alg):
    # One of its own: what it signs with stays as the last test left it.
    provider = servers.running("glewlwyd-algorithms", Glewlwyd())
    provider.sign_with(SIGNING[alg]())
    connect(settings_page, provider)

    window.sign_in(provider, ALICE)

    assert alg in provider.discovery()["id_token_signing_alg_values_supported"]
    attempt = only_attempt()
    assert (attempt.outcome, attempt.reason, attempt.detail) == ("signed_in", "", "")
    assert window.profile["username"] == "alice"
