from __future__ import annotations

import pytest

from tests.sso.conftest import administrator, connected, sign_in  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db


def test_without_a_token_there_is_no_such_page(client):
    assert client.get("/metrics").status_code == 404


def test_a_wrong_token_is_told_nothing(client, settings):
    settings.METRICS_TOKEN = "the-right-one"

    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer other"}).status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404


def test_sign_ins_and_readiness_are_counted(client, settings, connected, sign_in):  # noqa: F811
    settings.METRICS_TOKEN = "the-right-one"
    client.get("/login")
    sign_in("alice")
    connected.tenant.people["hana"].enabled = True
    connected.fail("token", 503, count=1)
    sign_in("hana")

    answer = client.get("/metrics", headers={"authorization": "Bearer the-right-one"})

    text = answer.content.decode()
    assert answer["Content-Type"].startswith("text/plain")
    assert "patchmon_sso_ready 1.0" in text
    assert 'patchmon_sign_ins_total{outcome="signed_in"} 1.0' in text
    assert 'patchmon_sign_ins_total{outcome="refused"} 1.0' in text
    assert 'patchmon_sign_in_refusals_total{reason="provider_status"} 1.0' in text
    assert 'patchmon_sso_readiness_changes_total{change="ready"} 1.0' in text
