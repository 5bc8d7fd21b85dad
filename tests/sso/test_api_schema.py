"""The OpenAPI document says what the API really takes and answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from entra_sim import defaults
from sso.services.settings import save_settings
from sso.settings_document import FIELDS
from tests.people import HOST

pytestmark = pytest.mark.django_db

API = "/api/v1/auth"
SETTINGS = f"{API}/oidc/settings"


@pytest.fixture
def document(admin_client) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(admin_client.get("/api/v1/schema").content)
    for schema in told["components"]["schemas"].values():
        # What is not described must not be there either.
        schema["additionalProperties"] = False
    return told


def faults(document: dict[str, Any], path: str, answer: Any, *, method: str = "get") -> list[str]:
    """Hold an answer against what the document says of its status; return what differs."""
    described = document["paths"][path][method]["responses"][str(answer.status_code)]
    schema = described["content"]["application/json"]["schema"]
    whole = {**schema, "components": document["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(answer.json())]


def test_what_is_read_is_as_described(document, connected, sign_in, admin_client):
    sign_in("alice")
    connected.tenant.app.claims.overrides = {"exp": 1_700_000_000}
    sign_in("ravi")

    for path in (f"{API}/oidc/config", SETTINGS, f"{API}/profile", f"{API}/sign-ins"):
        answer = admin_client.get(path)
        assert answer.status_code == 200
        assert faults(document, path, answer) == []


def test_a_check_is_as_described(document, connected, admin_client):
    save_settings({"client_secret": defaults.SECRET_ID + "-not-it"}, actor=None)
    path = f"{SETTINGS}/check"

    answer = admin_client.post(path)

    assert answer.json()["outcome"] == "failed"
    assert faults(document, path, answer, method="post") == []


def test_refusals_are_as_described(document, connected, admin_client):
    def patch(values, **headers):
        return admin_client.patch(SETTINGS, values, content_type="application/json")

    mistake = patch({"oidc_scopes": "openid groups"})
    assert mistake.status_code == 400
    assert faults(document, SETTINGS, mistake, method="patch") == []

    conflict = patch({"version": 0, "oidc_button_text": "Mine"})
    assert conflict.status_code == 409
    assert faults(document, SETTINGS, conflict, method="patch") == []

    nobody = Client(headers={"host": HOST}).get(SETTINGS)
    assert nobody.status_code == 401
    assert faults(document, SETTINGS, nobody) == []


def test_what_is_taken_is_described(document):
    body = document["paths"][SETTINGS]["patch"]["requestBody"]["content"]["application/json"]
    name = body["schema"]["$ref"].rpartition("/")[2]
    schema = document["components"]["schemas"][name]

    assert set(schema["properties"]) == set(FIELDS)
    assert not schema.get("required")


def test_the_check_of_this_file_sees_a_difference(document, admin_client):
    del document["components"]["schemas"]["Profile"]["properties"]["username"]

    assert faults(document, f"{API}/profile", admin_client.get(f"{API}/profile"))
