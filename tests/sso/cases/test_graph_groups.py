"""Groups that only Graph knows, where it does not tell all of them (sign-in.md, Groups)."""

from __future__ import annotations

import pytest

from accounts.models import User
from accounts.roles import Role
from accounts.services import change_role
from sso.models import SignInAttempt
from sso.rules.reasons import Reason
from tests.fakes.provider import Reply
from tests.sso.cases.front_door import Browser, assert_refused, connect, make_alice
from tests.sso.cases.hostile import ENTRA_GROUP, HostileProvider

pytestmark = pytest.mark.django_db

OTHER = "00000000-0000-4000-8000-000000000001"


def denied_from(provider: HostileProvider, page: int, status: int) -> None:
    """Let Graph refuse the access token from this page of the groups on."""

    def answer(honest: object) -> object:
        return Reply(status) if provider.asked["groups"] >= page else honest

    provider.told["groups"] = answer


@pytest.fixture
def alice(entra) -> User:
    """A Host Manager by her groups, of which only Graph tells, a page each."""
    connect(entra)
    user = make_alice(entra)
    change_role(user, Role.HOST_MANAGER, actor=None)
    entra.claims["groups"] = None
    entra.groups, entra.page_size = [OTHER, ENTRA_GROUP], 1
    return user


@pytest.mark.case(108, 124)
@pytest.mark.parametrize("status", [401, 403])
def test_a_page_that_is_refused_changes_nobodys_role(entra, alice, log, status):
    denied_from(entra, 2, status)
    browser = Browser(entra, log)
    browser.sign_in()

    assert browser.username == "alice"
    alice.refresh_from_db()
    assert alice.role == Role.HOST_MANAGER
    attempt = SignInAttempt.objects.get()
    assert (attempt.role_rule, attempt.groups_source) == ("kept_incomplete", "incomplete")
    assert attempt.groups == [OTHER]
    assert entra.asked["groups"] == 2


@pytest.mark.case(108)
def test_a_page_that_is_refused_changes_nothing_where_the_one_before_was_empty(entra, alice, log):
    """Somebody may be in nothing but directory roles as far as the first page goes."""
    entra.groups = ["", ENTRA_GROUP]
    denied_from(entra, 2, 403)
    Browser(entra, log).sign_in()

    alice.refresh_from_db()
    assert alice.role == Role.HOST_MANAGER
    assert SignInAttempt.objects.get().groups == []


@pytest.mark.case(108, 124)
@pytest.mark.parametrize("status", [401, 403])
def test_never_let_in_and_no_overage_is_no_membership(entra, alice, log, status):
    denied_from(entra, 1, status)
    browser = Browser(entra, log)
    browser.sign_in()

    assert browser.username == "alice"
    alice.refresh_from_db()
    assert alice.role == Role.USER
    assert SignInAttempt.objects.get().role_rule == "default"


IDS = {
    "request-id": "8f6c1f0e-9f0a-4c3c-8d9e-111111111111",
    "client-request-id": "8f6c1f0e-9f0a-4c3c-8d9e-222222222222",
}
GRAPH_ERROR = {
    "code": "Authorization_RequestDenied",
    "message": "Insufficient privileges. AADSTS50105 may be why.",
    "innerError": IDS,
}


def test_graphs_own_error_is_on_record(entra, alice, log, admin_client):
    entra.told["groups"] = lambda _honest: Reply.json({"error": GRAPH_ERROR}, 403)
    browser = Browser(entra, log)
    browser.sign_in()

    assert browser.username == "alice"
    attempt = SignInAttempt.objects.get()
    assert attempt.outcome == "signed_in"
    assert attempt.provider_description.startswith("Authorization_RequestDenied: Insufficient")
    assert attempt.trace_id == IDS["request-id"]
    assert attempt.correlation_id == IDS["client-request-id"]
    page = admin_client.get(f"/settings/sign-ins/{attempt.reference}").content.decode()
    assert "What the provider said" in page
    assert attempt.trace_id in page
    assert "What happened, and what mends it" not in page


def test_graphs_error_does_not_explain_what_patchmon_refused(entra, alice, log, admin_client):
    entra.told["groups"] = lambda _honest: Reply.json({"error": GRAPH_ERROR}, 403)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    browser = Browser(entra, log)
    browser.sign_in()

    attempt = assert_refused(browser, Reason.INACTIVE)
    assert attempt is not None
    assert attempt.trace_id == IDS["request-id"]
    for page in (f"/settings/sign-ins/{attempt.reference}", "/settings/sign-ins"):
        assert "The account is deactivated." in admin_client.get(page).content.decode()


@pytest.mark.parametrize(
    ("groups", "reply"),
    [([], None), ([OTHER], Reply(503)), ([OTHER], Reply(403)), ([""], None)],
    ids=["in no group", "an outage", "never let in", "nothing that is a group"],
)
def test_whoever_greps_for_people_without_groups_finds_each(entra, alice, log, groups, reply):
    entra.groups = groups
    if reply is not None:
        entra.told["groups"] = lambda _honest: reply
    browser = Browser(entra, log)
    browser.sign_in()

    assert browser.username == "alice"
    assert "oidc no groups in token" in log.text
    assert "sso.groups.absent" in log.text
    assert "sso.groups.received" not in log.text


def test_whoever_has_groups_is_not_among_them(entra, alice, log):
    Browser(entra, log).sign_in()

    assert "oidc no groups in token" not in log.text
    assert "oidc groups" in log.text
    assert ENTRA_GROUP in log.text
