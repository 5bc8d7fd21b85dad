from __future__ import annotations

import base64
import datetime as dt
import time
import uuid

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from entra_sim import defaults
from tests.entra_sim.client import CALLBACK, SCOPES

GUID = "11111111-2222-4333-8444-555555555555"


def refused(answer, code):
    body = answer.json()
    assert body["error_codes"] == [code]
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert body["trace_id"] in body["error_description"]
    assert not {"access_token", "id_token"} & set(body)
    expected = 401 if body["error"] == "invalid_client" else 400
    assert answer.status_code == expected
    return body["error"]


def basic(name, secret):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


def test_a_code_gives_tokens(client):
    answer = client.redeem(client.code())

    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    body = answer.json()
    assert set(body) == {
        *("token_type", "scope", "expires_in", "ext_expires_in", "access_token", "id_token"),
    }
    assert body["token_type"] == "Bearer"
    assert set(body["scope"].split()) == set(SCOPES.split())
    header = jwt.get_unverified_header(body["id_token"])
    assert set(header) == {"typ", "alg", "kid"}
    assert client.verified(body["id_token"])["nonce"] == client.nonce


def test_consented_scopes_come_along_unasked(client):
    assert "User.Read" in client.answer(scope="openid profile").get("scope").split()
    client.sim.tenant.app.consented.discard("User.Read")
    assert "User.Read" not in client.answer(scope="openid profile").get("scope").split()


def test_without_openid_there_is_no_id_token(client):
    assert "id_token" not in client.answer(scope="User.Read")


def test_a_plain_challenge_is_accepted(client):
    plain = {"code_challenge": client.verifier, "code_challenge_method": "plain"}
    assert client.redeem(client.code(**plain)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"client_secret": "wrong"}, "invalid_client", 7000215),
        ({"client_secret": defaults.SECRET_ID}, "invalid_client", 7000215),
        ({"client_secret": defaults.EXPIRED_SECRET_VALUE}, "invalid_client", 7000222),
        ({"client_secret": None}, "invalid_client", 7000218),
        ({"client_id": GUID}, "unauthorized_client", 700016),
        ({"client_id": None}, "invalid_request", 900144),
        ({"code_verifier": "x" * 43}, "invalid_grant", 501481),
        ({"code_verifier": None}, "invalid_grant", 501481),
        ({"redirect_uri": CALLBACK + "/"}, "invalid_grant", 500112),
        ({"redirect_uri": None}, "invalid_request", 900144),
        ({"grant_type": None}, "invalid_request", 900144),
        ({"grant_type": "password"}, "unsupported_grant_type", 70003),
        ({"code": None}, "invalid_request", 900144),
        ({"scope": "openid groups"}, "invalid_client", 650053),
    ],
)
def test_each_fault_has_its_code(client, changes, error, code):
    values = {"code": client.code(), **changes}
    assert refused(client.redeem(**values), code) == error


def test_an_invented_code_says_nothing_of_the_secret(client):
    assert refused(client.redeem("garbage", client_secret="wrong"), 9002313) == "invalid_grant"
    assert refused(client.redeem("1." + "A" * 128), 70000) == "invalid_grant"


def test_a_code_works_once(client):
    code = client.code()
    assert client.redeem(code).status_code == 200
    assert refused(client.redeem(code), 54005) == "invalid_grant"


def test_a_failed_redemption_uses_the_code_up(client):
    code = client.code()
    refused(client.redeem(code, code_verifier="x" * 43), 501481)
    refused(client.redeem(code), 54005)


def test_a_wrong_secret_does_not(client):
    code = client.code()
    refused(client.redeem(code, client_secret="wrong"), 7000215)
    assert client.redeem(code).status_code == 200


def test_a_code_lives_ten_minutes(client):
    young, old = client.code(), client.code()
    client.sim.tenant.clock_skew = 590
    assert client.redeem(young).status_code == 200
    client.sim.tenant.clock_skew = 610
    assert refused(client.redeem(old), 70008) == "invalid_grant"


def test_a_code_belongs_to_the_tenant_it_was_issued_by(client):
    client.sim.tenant.app.multi_tenant = True
    assert refused(client.redeem(client.code(), "common"), 700005) == "invalid_grant"


def test_unknown_tenants_are_refused_as_json(client):
    assert refused(client.redeem("1." + "A" * 128, GUID), 90002) == "invalid_tenant"


def test_a_disabled_app_and_a_planted_refusal(client):
    code = client.code()
    client.sim.tenant.app.token_refusal = 50076
    assert refused(client.redeem(code), 50076) == "interaction_required"
    client.sim.tenant.app.enabled = False
    assert refused(client.redeem(code), 7000112) == "unauthorized_client"


def test_whoever_left_since_gets_no_tokens(client):
    code = client.code()
    client.sim.tenant.people["alice"].enabled = False
    assert refused(client.redeem(code), 50057) == "invalid_grant"


def test_without_a_challenge_a_verifier_does_not_fit(client):
    without = {"code_challenge": None, "code_challenge_method": None}
    refused(client.redeem(client.code(**without)), 501481)
    assert client.redeem(client.code(**without), code_verifier=None).status_code == 200


def test_json_is_no_form(client):
    body = '{"grant_type": "client_credentials"}'
    answer = client.token(body, headers={"Content-Type": "application/json"})
    assert refused(answer, 900144) == "invalid_request"


def test_a_doubled_parameter_is_refused(client):
    pairs = [("grant_type", "authorization_code"), ("code", "a"), ("code", "b")]
    assert refused(client.token(pairs), 90100) == "invalid_request"


def test_get_is_refused_on_a_page(client):
    answer = client.get(client.url("oauth2/v2.0/token"))
    assert "AADSTS900561" in answer.text
    assert answer.headers["Content-Type"].startswith("text/html")


class TestBasic:
    def form(self, client):
        return {
            "grant_type": "authorization_code",
            "code": client.code(),
            "code_verifier": client.verifier,
            "redirect_uri": CALLBACK,
        }

    def test_form_encoded_credentials_are_accepted(self, client):
        client.sim.tenant.app.secrets[0].value = "a:b+c%d~ e"
        headers = basic(defaults.CLIENT_ID, "a%3Ab%2Bc%25d%7E+e")
        assert client.token(self.form(client), headers=headers).status_code == 200

    def test_two_ways_at_once_are_not(self, client):
        form = {**self.form(client), "client_secret": defaults.SECRET_VALUE}
        headers = basic(defaults.CLIENT_ID, defaults.SECRET_VALUE)
        assert refused(client.token(form, headers=headers), 90023) == "invalid_request"

    def test_nor_two_identifiers(self, client):
        form = {**self.form(client), "client_id": GUID}
        headers = basic(defaults.CLIENT_ID, defaults.SECRET_VALUE)
        assert refused(client.token(form, headers=headers), 90023) == "invalid_request"

    def test_nor_a_malformed_header(self, client):
        headers = {"Authorization": "Basic ***"}
        assert refused(client.token(self.form(client), headers=headers), 90023) == "invalid_request"


def test_a_secret_from_a_browser_is_refused(client):
    form = {
        "grant_type": "client_credentials",
        "client_id": defaults.CLIENT_ID,
        "client_secret": defaults.SECRET_VALUE,
    }
    answer = client.token(form, headers={"Origin": "https://evil.example"})
    assert refused(answer, 9002326) == "invalid_request"


class TestAppOnly:
    @pytest.mark.parametrize("resource", [defaults.GRAPH_PUBLIC_URL, ""])
    def test_the_right_values_give_a_token_without_a_person(self, client, resource):
        answer = client.app_only(scope=f"{resource or client.sim.url}/.default")

        body = answer.json()
        assert set(body) == {"token_type", "expires_in", "ext_expires_in", "access_token"}
        assert client.graph("me/memberOf", body["access_token"]).status_code == 400

    @pytest.mark.parametrize(
        ("changes", "error", "code"),
        [
            ({"client_secret": "wrong"}, "invalid_client", 7000215),
            ({"client_secret": defaults.SECRET_ID}, "invalid_client", 7000215),
            ({"client_secret": defaults.EXPIRED_SECRET_VALUE}, "invalid_client", 7000222),
            ({"client_secret": None}, "invalid_client", 7000218),
            ({"client_id": GUID, "client_secret": "wrong"}, "unauthorized_client", 700016),
            ({"scope": "User.Read"}, "invalid_scope", 70011),
            ({"scope": "https://nowhere.example/.default"}, "invalid_resource", 500011),
            ({"scope": None}, "invalid_request", 900144),
        ],
    )
    def test_the_first_wrong_value_is_named(self, client, changes, error, code):
        assert refused(client.app_only(**changes), code) == error

    def test_it_needs_a_tenant_and_a_service_principal(self, client):
        app = client.sim.tenant.app
        app.multi_tenant = True
        assert refused(client.app_only("common"), 9001023) == "invalid_request"
        app.service_principal = False
        assert refused(client.app_only(), 7000229) == "invalid_client"
        app.service_principal = True
        app.app_only_refusal = 53003
        assert refused(client.app_only(), 53003) == "interaction_required"


@pytest.fixture(scope="module")
def credential():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "patchmon")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return key, certificate


class TestCertificate:
    @pytest.fixture
    def app_only(self, client, credential):
        key, certificate = credential
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        client.sim.tenant.app.certificates.append(pem)
        thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256()))

        def ask(**changes):
            now = int(time.time())
            claims = {
                "aud": client.url("oauth2/v2.0/token"),
                "iss": defaults.CLIENT_ID,
                "sub": defaults.CLIENT_ID,
                "jti": str(uuid.uuid4()),
                "nbf": now,
                "exp": now + 300,
                **changes,
            }
            headers = {"x5t#S256": thumbprint.rstrip(b"=").decode()}
            assertion = jwt.encode(claims, key, algorithm="PS256", headers=headers)
            return client.app_only(
                client_secret=None,
                client_assertion=assertion,
                client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            )

        return ask

    def test_an_assertion_takes_the_place_of_the_secret(self, app_only):
        assert app_only().status_code == 200

    def test_its_times_subject_and_audience_are_checked(self, app_only):
        refused(app_only(exp=int(time.time()) - 900), 700024)
        refused(app_only(nbf=int(time.time()) + 900), 700024)
        refused(app_only(sub=GUID), 50048)
        refused(app_only(aud="https://elsewhere.example"), 50012)

    def test_a_certificate_nobody_registered_is_refused(self, client, app_only):
        client.sim.tenant.app.certificates.clear()
        refused(app_only(), 700027)

    def test_nor_is_anything_that_is_no_jwt(self, client):
        answer = client.app_only(
            client_secret=None,
            client_assertion="x",
            client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        )
        refused(answer, 50012)
