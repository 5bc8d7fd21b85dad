"""Entra's object ID beside the subject: who is found by it, and who keeps it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import User
from sso.models import LinkedIdentity, SignInAttempt
from sso.rules.reasons import Reason
from tests.fakes.provider import TENANT
from tests.people import PASSWORD
from tests.sso.cases.front_door import OBJECT_ID, Browser, assert_refused, connect, make_alice
from tests.sso.cases.people import local, somebody

pytestmark = pytest.mark.django_db

OTHER_ID = "11111111-51b2-4c5a-8f1b-5f9b5a0d4e11"


def tie(user: User, provider, subject: str, **values) -> LinkedIdentity:
    return LinkedIdentity.objects.create(
        user=user, issuer=provider.issuer, subject=subject, **values
    )


@pytest.fixture
def alice(entra) -> User:
    connect(entra)
    return make_alice(entra)


@pytest.mark.case(103)
def test_a_token_without_an_object_id_takes_none_away(entra, alice, log):
    entra.claims["oid"] = None
    browser = Browser(entra, log)
    browser.sign_in()
    assert browser.username == "alice"

    linked = LinkedIdentity.objects.get()
    assert (linked.tenant_id, linked.object_id) == (TENANT, OBJECT_ID)
    # So the registration can still be made anew.
    entra.claims["oid"] = OBJECT_ID
    somebody(entra, "new-sub", groups=[])
    later = Browser(entra, log)
    later.sign_in()
    assert later.username == "alice"
    assert LinkedIdentity.objects.get().subject == "new-sub"


@pytest.mark.case(103, 107)
def test_connecting_again_without_an_object_id_takes_none_away(entra, log):
    connect(entra)
    user = local("someone@example.com")
    linked = tie(user, entra, entra.subject, tenant_id=TENANT, object_id=OBJECT_ID)
    entra.claims["oid"] = None
    browser = Browser(entra, log)
    browser.force_login(user, backend="accounts.backends.PasswordBackend")
    page = browser.post(reverse("sso:connect"), {"current_password": PASSWORD})
    browser.come_back(entra.authorize(page.context["url"]))

    linked.refresh_from_db()
    assert SignInAttempt.objects.get().outcome == "linked"
    assert (linked.tenant_id, linked.object_id) == (TENANT, OBJECT_ID)


@pytest.mark.case(103)
@pytest.mark.parametrize("stored", ["", OTHER_ID])
def test_the_subject_decides_where_the_object_id_is_another_accounts(entra, log, alice, stored):
    """Alice's tie has the object ID; Bob's has the subject that comes with it."""
    bob = local("bob@example.com", username="bob")
    theirs = tie(bob, entra, "bobs", tenant_id=TENANT if stored else "", object_id=stored)
    before = LinkedIdentity.objects.values().get(user=alice)
    somebody(entra, "bobs", oid=OBJECT_ID, email="bob@example.com")
    browser = Browser(entra, log)
    browser.sign_in()

    assert browser.username == "bob"
    assert LinkedIdentity.objects.values().get(user=alice) == before
    theirs.refresh_from_db()
    assert (theirs.subject, theirs.object_id) == ("bobs", stored)
    assert theirs.last_sign_in is not None
    attempt = SignInAttempt.objects.get()
    assert (attempt.outcome, attempt.username) == ("signed_in", "bob")
    assert "object_id_elsewhere" in attempt.notes


@pytest.mark.case(103)
def test_a_confirmation_goes_by_the_subject_too(entra, log, alice):
    """Alice is not confirmed by a token that signs Bob in."""
    alice.set_unusable_password()
    alice.save()
    tie(local("bob@example.com", username="bob"), entra, "bobs")
    browser = Browser(entra, log)
    browser.force_login(alice, backend="accounts.backends.PasswordBackend")
    page = browser.post(reverse("sso:confirm"))
    somebody(entra, "bobs", oid=OBJECT_ID)
    browser.come_back(entra.authorize(page.context["url"]))

    assert SignInAttempt.objects.get().reason == "connect_other_user"
    assert "This could not be confirmed." in browser.get("/").content.decode()


@pytest.mark.case(114)
def test_a_refusal_names_the_account_to_administrators_alone(
    entra, log, alice, admin_client, administrator
):
    User.objects.filter(pk=alice.pk).update(is_active=False)
    browser = Browser(entra, log)
    browser.sign_in()

    assert_refused(browser, Reason.INACTIVE)
    attempt = SignInAttempt.objects.get()
    assert (attempt.user_id, attempt.username) == (alice.pk, "alice")
    page = admin_client.get(reverse("sso:sign-in", args=[attempt.reference])).content.decode()
    assert f'<a href="/settings/users/{alice.pk}">alice</a>' in page
    assert "the one it is about; nobody was let in" in page
    found = admin_client.get(reverse("sso:sign-ins"), {"search": "alice"})
    assert [row.reference for row in found.context["page"].object_list] == [attempt.reference]


def test_an_account_found_by_its_address_is_named_the_same_way(entra, log):
    connect(entra)
    user = local("target@example.com", username="target")
    pages = []
    for said in ({"email_verified": False}, {}, {"email": "boss@example.org"}):
        somebody(entra, "stranger", **{"email": "target@example.com", "groups": [], **said})
        entra.claims["email_verified"] = said.get(
            "email_verified", True if "email" in said else None
        )
        browser = Browser(entra, log)
        browser.sign_in()
        page = browser.page
        attempt = SignInAttempt.objects.order_by("-pk")[0]
        assert attempt.outcome == "refused"
        pages.append(page.replace(attempt.reference, "REFERENCE"))
        named = "boss" if "email" in said else user.username
        assert (attempt.user_id, attempt.username) == (User.objects.get(username=named).pk, named)
        assert named not in page.partition("Your sign-in with")[2].partition("</")[0]
    # Nobody learns from the text who has an account.
    sentences = {page.partition("Your sign-in with")[2].partition("</")[0] for page in pages}
    assert len(sentences) == 1


def test_several_accounts_of_one_address_are_none_in_particular(entra, log):
    connect(entra)
    local("target@example.com", username="one")
    local("target@example.com", username="two")
    somebody(entra, "stranger", email="target@example.com")
    Browser(entra, log).sign_in()

    attempt = SignInAttempt.objects.get()
    assert (attempt.reason, attempt.user_id, attempt.username) == ("email_ambiguous", None, "")
