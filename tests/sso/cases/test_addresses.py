"""What an address opens, and what it does not (rp-cases 4.5, cases 103 to 106 and 109)."""

from __future__ import annotations

import pytest

from accounts.models import User
from accounts.roles import Role
from sso.models import LinkedIdentity
from sso.rules.reasons import Reason
from tests.sso.cases.front_door import Browser, assert_refused, connect
from tests.sso.cases.hostile import EMAIL
from tests.sso.cases.people import local, made, somebody

pytestmark = pytest.mark.django_db


@pytest.mark.case(103, "D3")
@pytest.mark.parametrize("verified", [None, False, True])
@pytest.mark.parametrize("role", [Role.ADMIN, Role.SUPERADMIN])
def test_no_address_hands_over_an_administrators_account(provider, log, verified, role):
    connect(provider)
    local("target@example.com", role)
    somebody(provider, "thief", email="target@example.com", email_verified=verified)
    browser = Browser(provider, log)
    browser.sign_in()

    reason = Reason.EMAIL_DENIED if verified is False else Reason.EMAIL_OF_ADMINISTRATOR
    assert_refused(browser, reason)


@pytest.mark.case(103, 106, "D3")
@pytest.mark.parametrize(
    ("verified", "reason"),
    [(None, Reason.EMAIL_UNVERIFIED), (False, Reason.EMAIL_DENIED)],
)
def test_an_address_that_nobody_vouches_for_links_nothing(provider, log, verified, reason):
    connect(provider)
    local("target@example.com")
    somebody(provider, "thief", email="target@example.com", email_verified=verified)
    browser = Browser(provider, log)
    browser.sign_in()

    attempt = assert_refused(browser, reason)
    assert attempt is not None
    assert attempt.email == "target@example.com"


@pytest.mark.case(104, "D3")
@pytest.mark.parametrize(
    "address",
    [
        "mıke@example.com",
        "ſam@example.com",
        "ｍike@example.com",
        "mіke@example.com",
        "mike@exаmple.com",
        "mike@xn--exmple-4nf.com",
        "mike@example.com.",
    ],
)
def test_a_look_alike_matches_nobody(provider, log, address):
    connect(provider)
    local("mike@example.com", username="mike")
    local("sam@example.com", username="sam")
    somebody(provider, "thief", email=address, email_verified=True)
    before = list(User.objects.order_by("pk").values("pk", "password", "email", "role"))
    browser = Browser(provider, log)
    browser.sign_in()

    assert made("thief").username not in {"mike", "sam"}
    assert list(User.objects.order_by("pk").values("pk", "password", "email", "role"))[:3] == before
    assert LinkedIdentity.objects.count() == 1


@pytest.mark.case(105)
@pytest.mark.parametrize("verified", ["false", 0, [], "no", "", None, {}, 0.0])
def test_nothing_but_a_clear_yes_vouches(provider, log, verified):
    connect(provider, trust_unverified_email=True)
    local("target@example.com")
    somebody(provider, "thief", email="target@example.com")
    provider.userinfo["email_verified"] = verified
    browser = Browser(provider, log)
    browser.sign_in()

    assert_refused(browser, Reason.EMAIL_DENIED)


@pytest.mark.case(105)
@pytest.mark.parametrize("verified", [True, "true"])
def test_a_clear_yes_links_an_ordinary_account(provider, log, verified):
    connect(provider)
    target = local("target@example.com")
    somebody(provider, "owner", email="target@example.com", email_verified=verified)
    browser = Browser(provider, log)
    browser.sign_in()

    assert browser.username == "local"
    target.refresh_from_db()
    assert not target.has_usable_password()


@pytest.mark.case(105)
def test_entras_word_counts_only_for_entra(provider, log):
    connect(provider)
    local("target@example.com")
    somebody(provider, "thief", email="target@example.com", xms_edov=True)
    provider.claims["xms_edov"] = True
    browser = Browser(provider, log)
    browser.sign_in()

    assert_refused(browser, Reason.EMAIL_UNVERIFIED)


@pytest.mark.case(106, "D3")
def test_a_recycled_mailbox_does_not_open_the_old_account(browser, provider):
    browser.sign_in()
    browser.logout()
    browser.remember()
    somebody(provider, "the-next-owner", email=EMAIL, email_verified=True)
    browser.sign_in()

    assert_refused(browser, Reason.EMAIL_LINKED_ALREADY)


@pytest.mark.case(109, "D23", "D24", "D25")
@pytest.mark.parametrize(
    "address",
    [
        [],
        ["a@example.com"],
        {"a": 1},
        5,
        None,
        "",
        "   ",
        "a@example.com\nBcc: all@example.com",
        "a\0@example.com",
        "a@example.com,b@example.com",
        '"a b"@x',
        "a" * 400 + "@example.com",
        "root",
        True,
    ],
    ids=range(14),
)
def test_an_address_that_is_none_leaves_the_account_without_one(provider, log, address):
    connect(provider)
    for subject in ("first", "second"):
        somebody(provider, subject)
        provider.userinfo["email"] = address
        browser = Browser(provider, log)
        browser.sign_in()
        assert browser.username

    assert [made(subject).email for subject in ("first", "second")] == ["", ""]
    assert User.objects.count() == 3
