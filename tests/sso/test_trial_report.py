"""What the report of a test sign-in says, and what can be done from it."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from auditlog import get_logentry_model
from django.test import Client

from accounts.roles import Role
from entra_sim import defaults
from entra_sim.tenant import GroupsClaim
from sso.environment import read_environment
from sso.fresh_sign_in import with_fresh_sign_in
from sso.models import OIDCSettings, RoleMapping, SignInAttempt
from sso.services.settings import save_settings
from sso.views import trial
from tests.people import HOST, PASSWORD
from tests.sso.conftest import connect
from tests.sso.pages import reads
from tests.sso.trials import REPORT, ROW, account, browser_of, try_out

pytestmark = pytest.mark.django_db


# What it says


def test_the_report_shows_claims_and_groups_with_their_rows(connected, admin_client):
    tess = connected.tenant.people["tess"]
    tess.groups.append(defaults.UNMAPPED_GROUP)

    page = try_out(admin_client, connected, "tess")

    text = reads(page)
    claims = dict(page.context["claims"])
    assert claims["email"] == "tess@contoso.com"
    assert claims["oid"] == tess.oid
    assert claims["exp"].endswith("UTC)")
    assert "nonce" not in claims
    assert page.context["matched"] == [
        (defaults.ROLE_GROUPS["admin"], "admin"),
        (defaults.ROLE_GROUPS["user"], "user"),
    ]
    assert [group for group, _ in page.context["unmatched"]] == [defaults.UNMAPPED_GROUP]
    assert "A new account tess would be created" in text
    assert "The highest row of the mapping that holds one of the groups." in text
    assert "3 groups in the ID token." in text
    assert "neither vouches for the address nor denies it" in text
    assert "ms waiting for the provider" in text
    assert SignInAttempt.objects.get().reference in text


def test_more_groups_than_a_token_holds_come_from_graph(connected, admin_client):
    page = try_out(admin_client, connected, "olga")

    text = reads(page)
    assert "more groups than fit into a token, so Microsoft Graph was asked: 251 groups." in text
    assert page.context["matched"] == [(defaults.ROLE_GROUPS["host_manager"], "host manager")]
    assert len(page.context["unmatched"]) == 100
    assert "And 150 more." in text
    assert page.context["role"] == "Host Manager"


def test_an_outage_of_graph_is_told(connected, admin_client):
    connected.fail("graph", 503)

    page = try_out(admin_client, connected, "olga")

    assert "Microsoft Graph did not tell all of them" in page.context["groups_from"]
    assert "Not all groups could be read" in page.context["rule"]
    assert page.context["trial"].notes[0].startswith("graph:")


def test_without_a_groups_claim_it_says_where_to_add_one(connected, admin_client):
    save_settings({"scopes": "openid email profile"}, actor=None)
    connected.tenant.app.consented.remove("User.Read")
    connected.tenant.app.claims.groups = GroupsClaim.NONE

    page = try_out(admin_client, connected, "alice")

    assert "Token configuration" in page.context["groups_from"]
    assert page.context["matched"] == page.context["unmatched"] == []
    assert "User.Read was not granted" in page.context["photo"]


@pytest.mark.parametrize(
    ("person", "overrides", "verdict"),
    [
        ("alice", {"xms_edov": True}, "The provider vouches for the address"),
        ("alice", {"email_verified": False}, "denies that the address is verified"),
        ("alice", {}, "neither vouches"),
        ("bob", {}, "the person is a guest"),
        ("nomail", {}, "No usable address came"),
    ],
)
def test_the_verdict_on_the_address_is_in_words(
    connected, admin_client, person, overrides, verdict
):
    connected.tenant.app.claims.overrides = overrides

    assert verdict in try_out(admin_client, connected, person).context["email_verdict"]


def test_what_a_claim_holds_is_text_and_nothing_else(connected, admin_client):
    connected.tenant.app.claims.overrides = {
        "name": "<script>alert(1)</script>\u202egnp",
        "<b>": "x" * 5000,
        "groups": ["<i>staff</i>", "a,b"],
    }

    page = try_out(admin_client, connected, "alice")

    assert "<script>alert" not in page.text
    assert "<i>staff" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "\u202e" not in page.text
    assert "x" * 401 not in page.text


# One's own account


def test_an_address_of_ones_own_can_be_connected_from_here(connected, admin_client, administrator):
    connected.tenant.people["sofia"].mail = "boss@example.org"

    page = try_out(admin_client, connected, "sofia")
    assert page.context["pill"] == ("red", "Would be refused")
    assert "Connect this Microsoft account to mine" in page.text
    assert 'action="/profile/identities/connect"' in page.text

    going = admin_client.post("/profile/identities/connect", {"current_password": PASSWORD})
    callback = connected.new_browser().sign_in(going.context["url"], "sofia")
    admin_client.get(callback.removeprefix(f"http://{HOST}"))
    assert administrator.linked_identities.get().email == "boss@example.org"
    again = reads(try_out(admin_client, connected, "sofia"))
    assert "This Microsoft account is connected to yours" in again
    assert "Connect this Microsoft account" not in again


def test_nobody_elses_address_is_offered(connected, admin_client):
    assert try_out(admin_client, connected, "sofia").context["connect"] is None


def test_while_sso_is_off_it_says_when(administrator, sim, admin_client):
    connect(sim, enabled=False)
    sim.tenant.people["sofia"].mail = "boss@example.org"

    page = try_out(admin_client, sim, "sofia")

    assert "once SSO is enabled and ready" in reads(page)
    assert "/profile/identities/connect" not in page.text


# One click


@pytest.fixture
def unmatched(connected, admin_client):
    """A report with one group in no row."""
    connected.tenant.people["nora"].groups = [defaults.UNMAPPED_GROUP]
    return try_out(admin_client, connected, "nora")


def put(browser: Client, page: Any, row: str, **values: str) -> Any:
    base = re.search(r'name="base" value="([^"]*)"', page.text)
    data = {"base": base[1] if base else "", "group": defaults.UNMAPPED_GROUP}
    return browser.post(ROW, data | {f"row {defaults.UNMAPPED_GROUP}": row} | values)


def test_an_unmatched_group_is_put_into_a_row(unmatched, admin_client):
    assert unmatched.context["role"] == "User"

    answer = put(admin_client, unmatched, "host_manager")

    assert (answer.status_code, answer["Location"]) == (303, REPORT)
    row = RoleMapping.load().host_manager_group
    assert row == f"{defaults.ROLE_GROUPS['host_manager']}, {defaults.UNMAPPED_GROUP}"
    page = admin_client.get(REPORT)
    assert "is in the host manager row now" in reads(page)
    # The report says what a sign-in would do by now.
    assert page.context["role"] == "Host Manager"
    assert page.context["unmatched"] == []
    entry = get_logentry_model().objects.filter(object_repr="Role mapping").first()
    assert entry.actor.username == "boss"


def test_rank_decides_who_fills_which_row(unmatched, connected):
    browser = browser_of(account("adam.l", "adam.l@example.org", Role.ADMIN))
    page = try_out(browser, connected, "nora")
    assert [value for value, _ in page.context["row_choices"]] == [
        *("host_manager", "user", "readonly")
    ]
    before = RoleMapping.objects.values().get()

    for row in ("admin", "superadmin"):
        put(browser, page, row)
        assert "Only a Super Admin can change this row" in reads(browser.get(REPORT))

    assert RoleMapping.objects.values().get() == before
    put(browser, page, "readonly")
    assert defaults.UNMAPPED_GROUP in RoleMapping.load().readonly_group


def test_only_groups_of_ones_own_report_are_taken(unmatched, admin_client, connected):
    before = RoleMapping.objects.values().get()
    other = browser_of(account("other", "other@example.org", Role.SUPERADMIN))

    put(other, unmatched, "user")
    put(admin_client, unmatched, "owner")
    admin_client.post(ROW, {"group": "not in it", "row": "user"})

    assert "nothing was changed" in reads(admin_client.get(REPORT))
    assert RoleMapping.objects.values().get() == before


def test_a_row_that_somebody_else_changed_is_not_overwritten(unmatched, admin_client):
    save_settings({"user_group": "theirs"}, actor=None)

    put(admin_client, unmatched, "user")

    assert RoleMapping.load().user_group == "theirs"
    page = admin_client.get(REPORT)
    assert "Somebody else changed the user row to “theirs”" in reads(page)
    put(admin_client, page, "user")
    assert RoleMapping.load().user_group == f"theirs, {defaults.UNMAPPED_GROUP}"


def test_a_group_that_no_row_can_hold_is_refused(connected, admin_client):
    connected.tenant.app.claims.overrides = {"groups": ["a, b"]}
    page = try_out(admin_client, connected, "nora")
    before = RoleMapping.objects.values().get()

    admin_client.post(ROW, {"group": page.context["unmatched"][0][0], "row": "user"})

    assert "cannot stand in a row" in reads(admin_client.get(REPORT))
    assert RoleMapping.objects.values().get() == before


def test_it_asks_for_a_fresh_sign_in(unmatched, admin_client):
    session = admin_client.session
    session["signed_in_at"] -= 1000
    session.save()

    asked = put(admin_client, unmatched, "user")
    assert asked.status_code == 200
    assert defaults.UNMAPPED_GROUP not in RoleMapping.load().user_group

    data = hidden(asked)
    wrong = admin_client.post(ROW, data | {"current_password": "wrong"})
    assert "This is not your PatchMon password" in reads(wrong)
    assert defaults.UNMAPPED_GROUP not in RoleMapping.load().user_group
    admin_client.post(ROW, data | {"current_password": PASSWORD})
    assert defaults.UNMAPPED_GROUP in RoleMapping.load().user_group


def hidden(page: Any) -> dict[str, str]:
    return {
        html.unescape(name): html.unescape(value)
        for name, value in re.findall(
            r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text
        )
        if name != "csrfmiddlewaretoken"
    }


def test_what_it_does_to_people_is_shown_first(connected, admin_client, sign_in):
    connected.tenant.people["nora"].groups = [defaults.UNMAPPED_GROUP]
    sign_in("nora")
    page = try_out(admin_client, connected, "nora")

    asked = put(admin_client, page, "admin")

    assert "1 of 1 who have signed in would change role" in reads(asked)
    assert "nora: User → Admin" in reads(asked)
    assert defaults.UNMAPPED_GROUP not in RoleMapping.load().admin_group
    answer = admin_client.post(ROW, hidden(asked))
    assert answer.status_code == 303
    assert defaults.UNMAPPED_GROUP in RoleMapping.load().admin_group


def test_ones_own_demotion_is_confirmed_twice(connected, sign_in, administrator):
    save_settings({"default_role": "admin"}, actor=None)
    theirs = connected.tenant.people["nora"]
    theirs.groups = [defaults.UNMAPPED_GROUP]
    browser = sign_in("nora")
    page = try_out(browser, connected, "nora")
    assert page.context["role"] == "Admin"

    asked = put(browser, page, "readonly")
    assert "Lower my own role" in reads(asked)
    once = browser.post(ROW, hidden(asked))
    assert "Your own role would become lower" in reads(once)
    assert defaults.UNMAPPED_GROUP not in RoleMapping.load().readonly_group
    browser.post(ROW, hidden(once) | {"own_demotion": "on"})
    assert defaults.UNMAPPED_GROUP in RoleMapping.load().readonly_group


def test_what_it_does_by_the_time_it_is_saved_is_shown_first(
    connected, admin_client, sign_in, monkeypatch
):
    connected.tenant.people["nora"].groups = [defaults.UNMAPPED_GROUP]
    sign_in("nora")
    save_settings({"sync_roles": False}, actor=None)
    page = try_out(admin_client, connected, "nora")

    def slow(request, act):
        save_settings({"sync_roles": True}, actor=None)
        return with_fresh_sign_in(request, act)

    monkeypatch.setattr(trial, "with_fresh_sign_in", slow)
    asked = put(admin_client, page, "admin")

    assert "nora: User → Admin" in reads(asked)
    assert defaults.UNMAPPED_GROUP not in RoleMapping.load().admin_group
    admin_client.post(ROW, hidden(asked))
    assert defaults.UNMAPPED_GROUP in RoleMapping.load().admin_group


def test_values_of_the_environment_are_read_only(unmatched, admin_client, sim, settings):
    rows = RoleMapping.objects.values().get()
    settings.SSO_ENVIRONMENT = read_environment(
        {
            "OIDC_ISSUER_URL": sim.issuer,
            "OIDC_CLIENT_ID": defaults.CLIENT_ID,
            "OIDC_CLIENT_SECRET": defaults.SECRET_VALUE,
        }.get
    )

    page = try_out(admin_client, sim, "nora")
    assert [group for group, _ in page.context["unmatched"]] == [defaults.UNMAPPED_GROUP]
    assert "Put into row" not in page.text
    put(admin_client, unmatched, "user")
    assert "comes from the environment" in reads(admin_client.get(REPORT))
    assert RoleMapping.objects.values().get() == rows


def test_settings_that_changed_since_are_pointed_out(unmatched, admin_client):
    assert "have changed since this test" not in reads(unmatched)

    save_settings({"client_id": defaults.OTHER_TENANT_ID}, actor=None)

    assert "The settings have changed since this test" in reads(admin_client.get(REPORT))
    assert OIDCSettings.load().client_id == defaults.OTHER_TENANT_ID
