from __future__ import annotations

import time

import pytest

from entra_sim import defaults
from entra_sim.tenant import GroupsClaim

ROLE = defaults.ROLE_GROUPS


def test_the_claims_of_an_ordinary_person(client):
    claims = client.claims("alice")

    assert set(claims) == {
        *("aud", "iss", "iat", "nbf", "exp", "aio", "rh", "sub", "tid", "uti", "ver", "nonce"),
        *("oid", "name", "preferred_username", "given_name", "family_name", "email", "groups"),
    }
    assert claims["iss"] == client.sim.issuer
    assert claims["tid"] == defaults.TENANT_ID
    assert claims["ver"] == "2.0"
    assert claims["email"] == "alice@contoso.com"
    assert claims["groups"] == [ROLE["user"]]
    # Five minutes back, and sixty-five minutes long.
    assert claims["iat"] == claims["nbf"]
    assert abs(time.time() - 300 - claims["iat"]) < 5
    assert claims["exp"] - claims["iat"] == 65 * 60


def test_without_the_profile_scope_there_is_no_name_and_no_object_id(client):
    assert not {"oid", "name", "preferred_username"} & set(client.claims(scope="openid"))


@pytest.mark.parametrize("role", list(ROLE))
def test_each_role_has_a_person(client, role):
    person = {"user": "alice", "superadmin": "sofia", "host_manager": "hana"}
    key = person.get(role) or {"admin": "adam", "readonly": "ravi"}[role]
    assert client.claims(key)["groups"][0] == ROLE[role]


def test_the_people_of_the_other_cases(client):
    assert client.claims("tess")["groups"] == [ROLE["user"], ROLE["admin"]]
    assert "groups" not in client.claims("nora")
    assert "email" not in client.claims("nomail")
    assert client.claims("alice2")["email"] == "alice@fabrikam.example"
    assert client.claims("clash")["email"] == "admin@contoso.com"
    assert client.claims("mei")["name"] == "王美丽 ليلى حسن"
    assert defaults.DIRECTORY_ROLE in client.claims("adam")["groups"]


def test_a_renamed_person_keeps_subject_and_object_id(client):
    before, after = client.claims("rena_before"), client.claims("rena")

    assert (before["sub"], before["oid"]) == (after["sub"], after["oid"])
    assert before["email"] != after["email"]
    assert before["preferred_username"] != after["preferred_username"]
    client.sim.tenant.people["rena"].rename(upn="r@contoso.com", mail="r@contoso.com", name="R")
    assert client.claims("rena")["name"] == "R"
    assert client.claims("rena")["sub"] == after["sub"]


def test_a_guest_is_told_by_home_and_name(client):
    client.sim.tenant.app.claims.acct = True
    claims = client.claims("bob")

    assert claims["idp"] == f"https://sts.windows.net/{defaults.GUEST_HOME_TENANT_ID}/"
    assert "#EXT#" in claims["preferred_username"]
    assert claims["acct"] == 1
    assert client.claims("alice")["acct"] == 0


def test_a_new_registration_has_other_subjects(client):
    before = client.claims("alice")
    client.sim.tenant.app.client_id = defaults.CLIENT_ID.replace("3d8f", "4d8f")
    url = client.authorize_url(client_id=client.sim.tenant.app.client_id)
    code = client.sim.sign_in(url, "alice").partition("code=")[2].partition("&")[0]
    answer = client.redeem(code, client_id=client.sim.tenant.app.client_id)

    assert answer.status_code == 200
    assert before["aud"] == defaults.CLIENT_ID
    client.sim.tenant.app.claims.overrides["aud"] = defaults.CLIENT_ID
    code = client.sim.sign_in(url, "alice").partition("code=")[2].partition("&")[0]
    after = client.verified(
        client.redeem(code, client_id=client.sim.tenant.app.client_id).json()["id_token"]
    )
    assert after["oid"] == before["oid"]
    assert after["sub"] != before["sub"]


def test_optional_claims_by_switch(client):
    switches = client.sim.tenant.app.claims
    switches.sid = switches.login_hint = switches.upn = True
    first, second = client.claims(), client.claims()
    assert first["sid"] == second["sid"]
    assert first["login_hint"] == client.sim.tenant.people["alice"].login_hint
    assert first["upn"] == "alice@contoso.com"
    switches.email = switches.names = False
    assert not {"email", "given_name", "family_name"} & set(client.claims())


@pytest.mark.parametrize("value", [True, 1, "1", "true"])
def test_xms_edov_in_the_shapes_that_have_been_seen(client, value):
    client.sim.tenant.app.claims.xms_edov = value

    assert client.claims("alice")["xms_edov"] == value
    assert type(client.claims("alice")["xms_edov"]) is type(value)
    assert "xms_edov" not in client.claims("nomail")
    client.sim.tenant.people["alice"].domain_verified = False
    assert client.claims("alice")["xms_edov"] is False


def test_overrides_lie_over_the_claims(client):
    client.sim.tenant.app.claims.overrides = {"email_verified": False, "oid": None}
    claims = client.claims()
    assert claims["email_verified"] is False
    assert "oid" not in claims


class TestGroups:
    def test_above_two_hundred_only_a_pointer_to_the_retired_graph(self, client):
        claims = client.claims("olga")

        assert "groups" not in claims
        assert claims["_claim_names"] == {"groups": "src1"}
        endpoint = claims["_claim_sources"]["src1"]["endpoint"]
        assert endpoint.startswith("https://graph.windows.net/")
        assert endpoint.endswith("/getMemberObjects")

    def test_the_limit_itself_still_fits(self, client):
        olga = client.sim.tenant.people["olga"]
        olga.groups = [f"group-{number}" for number in range(200)]
        assert len(client.claims("olga")["groups"]) == 200

    def test_nested_groups_are_in_the_claim(self, client):
        olga = client.sim.tenant.people["olga"]
        olga.groups = olga.groups[17:18]
        assert client.claims("olga")["groups"] == [*olga.groups, ROLE["host_manager"]]

    def test_switched_off_or_only_assigned_ones(self, client):
        app = client.sim.tenant.app
        app.claims.groups = GroupsClaim.NONE
        assert "groups" not in client.claims("tess")
        app.claims.groups = GroupsClaim.ASSIGNED
        app.assigned = {ROLE["admin"]}
        assert client.claims("tess")["groups"] == [ROLE["admin"]]

    def test_a_change_is_in_the_next_token(self, client):
        code = client.code("alice")
        client.sim.tenant.people["alice"].groups = [ROLE["admin"]]
        assert client.verified(client.redeem(code).json()["id_token"])["groups"] == [ROLE["admin"]]


class TestOtherTenants:
    def test_common_signs_everybody_in_at_home(self, client):
        client.sim.tenant.app.multi_tenant = True

        mallory = client.claims("mallory", "common")
        alice = client.claims("alice", "organizations")
        bob = client.claims("bob", "common")

        assert mallory["email"] == alice["email"]
        assert mallory["tid"] == defaults.OTHER_TENANT_ID
        assert mallory["iss"] == f"{client.sim.url}/{defaults.OTHER_TENANT_ID}/v2.0"
        assert alice["iss"] == client.sim.issuer
        assert bob["tid"] == defaults.GUEST_HOME_TENANT_ID
        assert not {"idp", "groups"} & set(bob)

    def test_a_guest_is_another_person_at_home(self, client):
        client.sim.tenant.app.multi_tenant = True
        here, at_home = client.claims("bob"), client.claims("bob", "common")
        assert here["oid"] != at_home["oid"]
        assert here["sub"] != at_home["sub"]
