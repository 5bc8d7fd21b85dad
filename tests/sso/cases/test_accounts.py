"""Who becomes whom (rp-cases 4.5, cases 45 and 103 to 115)."""

from __future__ import annotations

import pytest

from accounts.models import User
from accounts.roles import Role
from accounts.services import deactivate, delete
from sso.models import LinkedIdentity, SignInAttempt
from sso.rules.reasons import Reason
from tests.fakes.provider import TENANT
from tests.sso.cases.front_door import Browser, assert_refused, connect
from tests.sso.cases.hostile import EMAIL, ENTRA_GROUP, HostileProvider
from tests.sso.cases.people import local, made, somebody

pytestmark = pytest.mark.django_db


@pytest.mark.case(107, "D22", "D26")
def test_a_new_address_is_the_same_account(browser, provider):
    provider.userinfo["email"] = "alice@new.example"
    browser.sign_in()

    assert browser.username == "alice"
    alice = User.objects.get(username="alice")
    assert alice.email == "alice@new.example"
    assert alice.role == Role.HOST_MANAGER


@pytest.mark.case(107)
def test_a_new_address_that_a_local_account_has_is_left_to_it(browser, provider):
    local("taken@example.com")
    provider.userinfo["email"] = "taken@example.com"
    browser.sign_in()

    assert browser.username == "alice"
    assert User.objects.get(username="alice").email == EMAIL
    assert "email_kept" in SignInAttempt.objects.get().notes


@pytest.mark.case(108)
def test_overage_is_looked_up_at_graph_and_never_at_the_address_in_the_token(entra, log, wire):
    connect(entra)
    somebody(entra, "olga", groups=None)
    entra.groups = [ENTRA_GROUP]
    entra.claims |= {
        "_claim_names": {"groups": "src1"},
        "_claim_sources": {"src1": {"endpoint": "https://evil.example/groups"}},
    }
    browser = Browser(entra, log)
    browser.sign_in()

    assert made("olga").role == Role.HOST_MANAGER
    hosts = {call.request.url.split("/")[2] for call in wire.calls}
    assert hosts == {"login.microsoftonline.com", "graph.microsoft.com"}


@pytest.mark.case(108)
def test_overage_that_cannot_be_looked_up_is_no_lost_membership(entra, log):
    connect(entra)
    somebody(entra, "olga", groups=[ENTRA_GROUP])
    Browser(entra, log).sign_in()
    somebody(entra, "olga", groups=None, hasgroups="true")
    entra.told["groups"] = lambda _honest: {"value": "none"}
    Browser(entra, log).sign_in()

    assert made("olga").role == Role.HOST_MANAGER
    assert SignInAttempt.objects.order_by("-pk")[0].role_rule == "kept_incomplete"


@pytest.mark.case("oidcc-client-test-aggregated-claims", "oidcc-client-test-distributed-claims")
def test_claims_from_elsewhere_are_neither_fetched_nor_believed(browser, provider, wire):
    provider.userinfo |= {
        "groups": None,
        "_claim_names": {"groups": "a", "email": "b"},
        "_claim_sources": {
            "a": {"JWT": "e30.eyJncm91cHMiOlsib3BlcmF0b3JzIl19."},
            "b": {"endpoint": "https://evil.example/claims", "access_token": "x"},
        },
    }
    browser.sign_in()

    assert browser.username == "alice"
    assert User.objects.get(username="alice").role == Role.USER
    assert {call.request.url.split("/")[2] for call in wire.calls} == {"sso.example.com"}


@pytest.mark.parametrize(
    "elsewhere", [{"_claim_names": {"groups": "a"}}, {"hasgroups": True}], ids=["names", "mark"]
)
def test_entras_words_for_overage_hide_no_groups_of_another_provider(browser, provider, elsewhere):
    provider.claims |= elsewhere
    browser.sign_in()

    assert User.objects.get(username="alice").role == Role.HOST_MANAGER
    assert SignInAttempt.objects.get().role_rule != "kept_incomplete"
    assert provider.asked["userinfo"] == 1


def test_a_signed_empty_address_is_not_replaced_by_an_unsigned_one(provider, log):
    connect(provider)
    owner = local("owner@example.com")
    provider.claims |= {"email": ""}
    somebody(provider, "eve", email="owner@example.com", email_verified=True)
    Browser(provider, log).sign_in()

    assert made("eve").email == ""
    assert made("eve") != owner
    assert not owner.linked_identities.exists()


@pytest.mark.case(110, "D3")
def test_the_same_subject_of_another_issuer_is_somebody_else(browser, provider, log, wire):
    other = HostileProvider("https://other.example.com")
    other.register(wire)
    connect(other)
    stranger = Browser(other, log)
    somebody(other, provider.subject)
    stranger.sign_in()

    assert stranger.username not in {"", "alice"}
    assert LinkedIdentity.objects.filter(subject=provider.subject).count() == 2


@pytest.mark.case(45)
def test_subjects_that_differ_in_case_are_two_people(provider, log):
    connect(provider)
    names = set()
    for subject in ("ABC", "abc"):
        somebody(provider, subject, email="")
        browser = Browser(provider, log)
        browser.sign_in()
        names.add(browser.username)

    assert len(names) == LinkedIdentity.objects.count() == 2
    assert "" not in names


@pytest.mark.case(111, "D25")
@pytest.mark.parametrize(
    "name",
    [
        "boss",
        "BOSS",
        "ｂoss",
        "admin",
        "root",
        "superadmin",
        "system",
        "api",
        "setup",
        "../x",
        "\u202eboss",
        "\u200b",
        "...",
        "x" * 300,
        "日本",
    ],
    ids=range(15),
)
def test_a_username_is_safe_and_nobody_elses(provider, log, name):
    connect(provider)
    before = User.objects.values().get(username="boss")
    somebody(provider, "new", email=None, preferred_username=name)
    browser = Browser(provider, log)
    browser.sign_in()

    user = made("new")
    assert browser.username == user.username != "boss"
    assert 0 < len(user.username) <= 32
    assert user.username.isascii()
    assert not set(user.username) - set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    assert User.objects.values().get(username="boss") == before


@pytest.mark.case(112)
def test_a_display_name_is_only_text(provider, log, wire, admin_client):
    connect(provider)
    somebody(
        provider,
        "new",
        given_name="<script>alert(1)</script>",
        family_name="=cmd|'/c calc'!A1 \u202e" + "x" * 10_000,
        picture="http://10.0.0.1/x.svg",
    )
    Browser(provider, log).sign_in()

    user = made("new")
    assert len(user.last_name) <= 150
    assert "\u202e" not in user.last_name
    for address in ("/settings/users", f"/settings/users/{user.pk}", "/settings/sign-ins"):
        page = admin_client.get(address).content.decode()
        assert "<script>alert" not in page
        assert "10.0.0.1" not in page
    assert {call.request.url.split("/")[2] for call in wire.calls} == {"sso.example.com"}


@pytest.mark.case(113)
def test_a_stranger_is_refused_where_accounts_are_not_made(provider, log):
    connect(provider, auto_create_users=False)
    somebody(provider, "stranger")
    browser = Browser(provider, log)
    browser.sign_in()

    assert_refused(browser, Reason.NO_ACCOUNT)


@pytest.mark.case(114, "D48")
def test_a_deactivated_account_stays_out_and_as_it_was(browser, provider, administrator):
    alice = User.objects.get(username="alice")
    deactivate(alice, actor=administrator)
    browser.remember()
    browser.sign_in()

    assert_refused(browser, Reason.INACTIVE)


@pytest.mark.case(114)
def test_an_inactive_account_with_the_same_address_is_not_doubled(provider, log, administrator):
    connect(provider)
    deactivate(local("target@example.com"), actor=administrator)
    somebody(provider, "owner", email="target@example.com", email_verified=True)
    browser = Browser(provider, log)
    browser.sign_in()

    assert_refused(browser, Reason.INACTIVE)


@pytest.mark.case(115)
def test_whoever_was_deleted_comes_back_as_somebody_new(browser, provider, administrator):
    old = User.objects.get(username="alice")
    old_pk = old.pk
    delete(old, actor=administrator)
    provider.userinfo["groups"] = []
    browser.sign_in()

    new = made(provider.subject)
    assert new.pk != old_pk
    assert new.role == Role.USER
    assert not new.has_usable_password()


@pytest.mark.case(103)
def test_a_new_app_registration_is_the_same_person(entra, log):
    connect(entra)
    somebody(entra, "old-sub", groups=[ENTRA_GROUP])
    Browser(entra, log).sign_in()
    somebody(entra, "new-sub", groups=[ENTRA_GROUP], email="changed@example.com")
    browser = Browser(entra, log)
    browser.sign_in()

    linked = LinkedIdentity.objects.get()
    assert (linked.subject, linked.tenant_id) == ("new-sub", TENANT)
    assert User.objects.count() == 2
    assert browser.username == linked.user.username
