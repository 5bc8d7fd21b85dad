from __future__ import annotations

import pytest

from entra_sim import defaults

REAL_FIELDS = {
    "token_endpoint",
    "token_endpoint_auth_methods_supported",
    "jwks_uri",
    "response_modes_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
    "response_types_supported",
    "scopes_supported",
    "issuer",
    "request_uri_parameter_supported",
    "userinfo_endpoint",
    "authorization_endpoint",
    "device_authorization_endpoint",
    "http_logout_supported",
    "frontchannel_logout_supported",
    "end_session_endpoint",
    "claims_supported",
    "kerberos_endpoint",
    "tenant_region_scope",
    "cloud_instance_name",
    "cloud_graph_host_name",
    "msgraph_host",
    "rbac_url",
}


def discovery(client, tenant):
    return client.get(client.url("v2.0/.well-known/openid-configuration", tenant))


def test_discovery_has_the_real_fields_and_no_others(client):
    document = discovery(client, defaults.TENANT_ID).json()

    assert set(document) == REAL_FIELDS
    assert "code_challenge_methods_supported" not in document
    assert document["issuer"] == client.sim.issuer
    assert document["msgraph_host"] == client.sim.url.removeprefix("http://")


def test_a_verified_domain_gives_the_guid_of_the_tenant(client):
    by_domain = discovery(client, "contoso.onmicrosoft.com").json()
    assert by_domain == discovery(client, defaults.TENANT_ID).json()


@pytest.mark.parametrize("name", ["common", "organizations"])
def test_names_for_any_tenant_have_a_templated_issuer(client, name):
    document = discovery(client, name).json()

    assert document["issuer"] == f"{client.sim.url}/{{tenantid}}/v2.0"
    assert f"/{name}/oauth2/v2.0/authorize" in document["authorization_endpoint"]
    assert document["tenant_region_scope"] is None


@pytest.mark.parametrize(
    ("tenant", "error", "code"),
    [
        ("11111111-2222-4333-8444-555555555555", "invalid_tenant", 90002),
        ("nobody.example", "invalid_tenant", 90002),
        ("not a tenant", "invalid_request", 900023),
    ],
)
def test_unknown_tenants_get_json_with_marks(client, tenant, error, code):
    answer = discovery(client, tenant)

    assert answer.status_code == 400
    body = answer.json()
    assert (body["error"], body["error_codes"]) == (error, [code])
    for mark in ("trace_id", "correlation_id", "timestamp"):
        assert body[mark] in body["error_description"]
    assert body["error_uri"].endswith(f"/error?code={code}")


def test_an_issuer_without_v2_gets_the_old_document(client):
    document = client.get(client.url(".well-known/openid-configuration")).json()
    assert document["issuer"] == f"https://sts.windows.net/{defaults.TENANT_ID}/"


def test_keys_are_in_entras_shape(client):
    keys = client.get(client.url("discovery/v2.0/keys")).json()["keys"]

    assert len({key["kid"] for key in keys}) == 2
    for key in keys:
        assert "alg" not in key
        assert key["x5t"] == key["kid"]
        assert key["issuer"] == f"{client.sim.url}/{{tenantid}}/v2.0"


def test_rotation_signs_with_a_new_key_and_keeps_the_old_ones(client):
    before = {key["kid"] for key in client.get(client.url("discovery/v2.0/keys")).json()["keys"]}

    kid = client.sim.rotate_keys()

    after = {key["kid"] for key in client.get(client.url("discovery/v2.0/keys")).json()["keys"]}
    assert after == before | {kid}
    assert client.claims()["nonce"] == client.nonce


def test_an_emergency_rotation_drops_the_old_keys(client):
    kid = client.sim.rotate_keys(keep_old=False)
    client.sim.tenant.concrete_key_issuer = True

    (key,) = client.get(client.url("discovery/v2.0/keys")).json()["keys"]

    assert key["kid"] == kid
    assert key["issuer"] == client.sim.issuer
