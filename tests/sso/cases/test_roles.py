"""What groups give and take (rp-cases 4.6, cases 116 to 130), and who comes first."""

from __future__ import annotations

import time

import pytest

from accounts.models import Installation, User
from accounts.roles import Role
from accounts.services import change_role, create_user, deactivate
from sso.models import LinkedIdentity, SignInAttempt
from sso.rules.reasons import Reason
from tests.fakes.provider import Reply
from tests.sso.cases.front_door import Browser, assert_refused, connect, make_alice
from tests.sso.cases.hostile import GROUP, HostileProvider
from tests.sso.pages import reads

pytestmark = pytest.mark.django_db


def role_with(provider: HostileProvider, log, groups, **settings) -> Role:
    """Sign Alice in with these groups and say what she is then."""
    connect(provider, **settings)
    if groups is None:
        provider.userinfo.pop("groups", None)
    else:
        provider.userinfo["groups"] = groups
    Browser(provider, log).sign_in()
    linked = LinkedIdentity.objects.select_related("user").get(subject=provider.subject)
    assert SignInAttempt.objects.order_by("-pk")[0].outcome == "signed_in"
    return Role(linked.user.role)


@pytest.mark.case(116)
@pytest.mark.parametrize(
    "groups",
    ["not-operators", "operators,x", "operator", list(GROUP), [[GROUP]], "x operators", ""],
    ids=range(7),
)
def test_a_string_is_one_exact_name(provider, log, groups):
    assert role_with(provider, log, groups) == Role.USER


@pytest.mark.case(117)
@pytest.mark.parametrize(
    "groups",
    [{"operators": True}, 7, True, [7, None, True, {"id": GROUP}, ["operators"]], [{"name": 7}]],
    ids=range(5),
)
def test_shapes_that_are_not_accepted_are_ignored_and_noted(provider, log, groups):
    assert role_with(provider, log, groups) == Role.USER
    assert "ignored:groups" in SignInAttempt.objects.get().notes


@pytest.mark.case(117)
@pytest.mark.parametrize(
    "groups", [GROUP, [GROUP], [{"name": GROUP}], [7, {"name": GROUP}, None]], ids=range(4)
)
def test_accepted_shapes(provider, log, groups):
    assert role_with(provider, log, groups) == Role.HOST_MANAGER


@pytest.mark.case(118)
def test_without_groups_nobody_keeps_what_they_had(provider, log):
    assert role_with(provider, log, [GROUP]) == Role.HOST_MANAGER
    assert role_with(provider, log, None) == Role.USER
    assert any("oidc no groups in token" in line for line in log.lines)


@pytest.mark.case(119)
def test_ten_thousand_groups_are_read_in_no_time(provider, log):
    began = time.monotonic()
    groups = [f"group-{number:05}" for number in range(10_000)]
    assert role_with(provider, log, [*groups, GROUP]) == Role.HOST_MANAGER
    assert time.monotonic() - began < 2
    assert len(SignInAttempt.objects.get().groups) <= 1_000
    assert len(LinkedIdentity.objects.get().groups) <= 1_000


@pytest.mark.case(119)
def test_more_groups_than_an_answer_may_hold(provider, log):
    connect(provider)
    make_alice(provider)
    provider.userinfo["groups"] = ["g" * 500] * 3_000
    browser = Browser(provider, log)
    browser.sign_in()

    assert_refused(browser, Reason.PROVIDER_TOO_LARGE)


@pytest.mark.case(120)
@pytest.mark.parametrize(
    ("group", "role"),
    [
        (" operators ", Role.HOST_MANAGER),
        ("OPERATORS", Role.HOST_MANAGER),
        ("/operators", Role.USER),
        ("operators\u200b", Role.USER),
        ("оperators", Role.USER),
        ("operators/", Role.USER),
        ("ｏperators", Role.USER),
    ],
    ids=range(7),
)
def test_a_group_matches_trimmed_and_without_case_and_in_no_other_way(provider, log, group, role):
    assert role_with(provider, log, [group]) == role


@pytest.mark.case(121)
@pytest.mark.parametrize("row", ["", " ", ",", " , ,"])
def test_an_empty_row_grants_nothing(provider, log, row):
    values = {"superadmin_group": row, "admin_group": row, "host_manager_group": row}
    assert role_with(provider, log, ["", " ", ","], **values) == Role.USER


@pytest.mark.case(122)
@pytest.mark.parametrize("groups", [["a", "b", GROUP], [GROUP, "b", "a"], ["b", GROUP, "a", "a"]])
def test_the_highest_row_wins_in_any_order(provider, log, groups):
    values = {"admin_group": "a", "user_group": "b", "readonly_group": "a, b"}
    assert role_with(provider, log, groups, **values) == Role.ADMIN


@pytest.mark.case(123)
def test_a_display_name_is_no_group_of_entra(entra, log):
    connect(entra, host_manager_group="Operators")
    entra.claims["groups"] = [{"name": "Operators", "displayName": "Operators"}]
    Browser(entra, log).sign_in()

    assert User.objects.get(linked_identities__subject=entra.subject).role == Role.USER


@pytest.mark.case(124, 131, "D26", "D2")
def test_a_lost_group_is_a_lost_role_in_every_open_session(browser, provider, log):
    browser.sign_in()
    assert browser.username == "alice"
    provider.userinfo["groups"] = []
    second = Browser(provider, log)
    second.sign_in()

    assert User.objects.get(username="alice").role == Role.USER
    assert browser.username == ""
    assert second.username == "alice"


@pytest.mark.case(125)
def test_the_last_superadmin_is_kept_and_everybody_hears_of_it(provider, log, administrator):
    connect(provider, superadmin_group="chiefs")
    LinkedIdentity.objects.create(
        user=administrator, issuer=provider.issuer, subject=provider.subject
    )
    browser = Browser(provider, log)
    browser.sign_in()

    administrator.refresh_from_db()
    assert (administrator.role, administrator.is_superuser) == (Role.SUPERADMIN, True)
    attempt = SignInAttempt.objects.get()
    assert (attempt.outcome, attempt.role_rule) == ("signed_in", "kept_last_superadmin")
    home = browser.get("/")
    assert f"{administrator.username} is Super Admin against their groups" in reads(home)
    assert f'href="/settings/sign-ins/{attempt.reference}">See the sign-in' in home.text

    # Once there is another Super Admin, the groups count again and there is nothing to tell.
    create_user(
        usernames=["second"],
        email="second@example.org",
        first_name="",
        last_name="",
        role=Role.SUPERADMIN,
        actor=None,
    )
    assert "against their groups" not in reads(browser.get("/"))


@pytest.fixture
def empty(wire) -> HostileProvider:
    """A provider of an installation that has no account yet."""
    fake = HostileProvider()
    fake.register(wire)
    return fake


@pytest.mark.case(126)
def test_of_two_first_sign_ins_one_is_first(empty, log, db):
    connect(empty)
    second = Browser(empty, log)

    def overtake() -> None:
        empty.while_redeeming = lambda: None
        empty.subject, empty.userinfo = "second", {"sub": "second", "email": "two@example.com"}
        second.sign_in()
        empty.subject, empty.userinfo = "first", {"sub": "first", "email": "one@example.com"}

    empty.while_redeeming = overtake
    first = Browser(empty, log)
    first.sign_in()

    assert (first.username, second.username) == ("one", "two")
    assert User.objects.get(username="two").role == Role.SUPERADMIN
    assert User.objects.get(username="one").role == Role.USER
    assert Installation.load().administrator_existed


@pytest.mark.case(126)
def test_a_lie_never_becomes_the_first_administrator(empty, log, db):
    connect(empty)
    empty.told["claims"] = lambda claims: claims | {"nonce": "another"}
    browser = Browser(empty, log)
    browser.sign_in()

    assert_refused(browser, Reason.NONCE)
    assert not User.objects.exists()
    assert not Installation.load().administrator_existed


@pytest.mark.case(126)
def test_the_first_administrator_comes_once_in_the_life_of_an_installation(empty, log, db):
    connect(empty)
    Browser(empty, log).sign_in()
    User.objects.all().delete()
    empty.subject = empty.userinfo["sub"] = "later"
    Browser(empty, log).sign_in()

    assert [user.role for user in User.objects.all()] == [Role.HOST_MANAGER]


@pytest.mark.case(127)
def test_a_first_sign_in_closes_the_wizard(empty, log, client, db):
    connect(empty)
    Browser(empty, log).sign_in()

    assert User.objects.get().role == Role.SUPERADMIN
    for answer in (client.get("/setup"), client.post("/setup", {"username": "x"})):
        assert answer.status_code == 404
    assert User.objects.count() == 1


@pytest.mark.case(128, "D24")
def test_the_same_new_person_in_two_tabs_is_one_account(open_browser, provider, log):
    browser, other = open_browser(), open_browser()
    provider.subject = provider.userinfo["sub"] = "new"
    provider.userinfo["email"] = "new@example.com"

    def overtake() -> None:
        provider.while_redeeming = lambda: None
        other.sign_in()

    provider.while_redeeming = overtake
    browser.sign_in()

    assert browser.username == other.username == "new"
    assert User.objects.filter(email="new@example.com").count() == 1


@pytest.mark.case(129, "D24")
def test_two_new_people_with_one_name_get_two_accounts(open_browser, provider):
    browser, other = open_browser(), open_browser()

    def be(subject: str) -> None:
        provider.subject = subject
        provider.userinfo = {"sub": subject, "email": f"bob@{subject}.example"}

    def overtake() -> None:
        provider.while_redeeming = lambda: None
        be("one")
        other.sign_in()
        be("two")

    provider.while_redeeming = overtake
    browser.sign_in()

    assert (other.username, browser.username) == ("bob", "bob2")


@pytest.mark.case(130)
def test_a_deactivation_while_the_provider_is_asked_counts(browser, provider, administrator):
    def deactivate_her() -> None:
        deactivate(User.objects.get(username="alice"), actor=administrator)
        browser.remember()

    provider.while_redeeming = deactivate_her
    browser.sign_in()

    assert_refused(browser, Reason.INACTIVE)


@pytest.mark.case(130)
def test_a_demotion_while_the_provider_is_asked_counts(browser, provider):
    connect(provider, sync_roles=False)
    change_role(User.objects.get(username="alice"), Role.ADMIN, actor=None)
    provider.while_redeeming = lambda: change_role(
        User.objects.get(username="alice"), Role.READONLY, actor=None
    )
    browser.sign_in()

    assert browser.username == "alice"
    assert browser.get("/settings/users").status_code == 403


@pytest.mark.case(118, 124)
def test_an_outage_of_userinfo_changes_nobodys_role(browser, provider):
    provider.told["userinfo"] = lambda _honest: Reply(503)
    browser.sign_in()

    assert_refused(browser, Reason.PROVIDER_STATUS)
