"""Entra's object ID beside the subject: who is found by it, and who keeps it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import User
from sso.models import LinkedIdentity, SignInAttempt
from tests.fakes.provider import TENANT
from tests.people import PASSWORD
from tests.sso.cases.front_door import OBJECT_ID, Browser, connect, make_alice
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
