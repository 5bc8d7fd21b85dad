from __future__ import annotations

import pytest
from auditlog import get_logentry_model

from accounts import services
from accounts.models import ProfilePhoto, Session, User
from accounts.policy import AccountRefused, Refusal
from accounts.roles import Role
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def last_change():
    return get_logentry_model().objects.order_by("-pk").first()


def test_a_deactivated_account_is_out_on_its_next_request(alice, carol, signed_in):
    browser = signed_in(carol)
    assert browser.get("/profile").status_code == 200

    assert services.deactivate(carol, actor=alice)

    assert browser.get("/profile").status_code == 302
    assert not Session.objects.filter(user=carol).exists()
    assert last_change().changes == {"is_active": ["active", "inactive"]}
    assert services.activate(carol, actor=alice)
    assert not services.activate(carol, actor=alice)


@pytest.mark.parametrize("act", [services.deactivate, services.delete])
@pytest.mark.parametrize("by_the_system", [True, False])
def test_the_last_superadmin_stays(make_person, alice, bob, act, by_the_system):
    actor = None if by_the_system else bob

    with pytest.raises(AccountRefused):
        act(alice, actor=actor)

    kept = User.objects.get(pk=alice.pk)
    assert kept.is_active
    assert kept.role == Role.SUPERADMIN


@pytest.mark.parametrize("act", [services.deactivate, services.delete])
def test_nobody_removes_themselves_or_somebody_higher(alice, bob, act):
    for target in (alice, bob):
        with pytest.raises(AccountRefused):
            act(target, actor=bob)

    assert User.objects.filter(is_active=True).count() == 2


def test_deleting_takes_the_sessions_and_leaves_a_record(alice, carol, signed_in):
    signed_in(carol)

    services.delete(carol, actor=alice)

    assert not User.objects.filter(username="carol").exists()
    assert not Session.objects.exists()
    assert last_change().changes == {"username": ["carol", ""], "role": ["User", ""]}
    assert last_change().actor == alice
    with pytest.raises(AccountRefused) as refused:
        services.activate(User(pk=999_999, role=Role.USER), actor=alice)
    assert refused.value.reason is Refusal.GONE


def test_a_password_is_set_without_leaving_a_trace_of_it(alice, carol, signed_in):
    signed_in(carol)

    services.set_password(carol, "a wholly new secret", actor=alice)

    assert User.objects.get(pk=carol.pk).check_password("a wholly new secret")
    assert not Session.objects.filter(user=carol).exists()
    assert "secret" not in str(last_change().changes)


def test_no_person_sets_a_password_while_none_is_accepted(alice, carol, outside):
    outside.accepted = False

    with pytest.raises(AccountRefused):
        services.set_password(carol, "a wholly new secret", actor=carol)
    with pytest.raises(AccountRefused):
        services.password_link(carol, actor=alice)
    assert User.objects.get(pk=carol.pk).check_password(PASSWORD)

    services.set_password(carol, "a wholly new secret", actor=None)
    assert User.objects.get(pk=carol.pk).check_password("a wholly new secret")


def test_a_password_is_taken_away_once(carol):
    assert services.make_password_unusable(carol, actor=None)
    assert not services.make_password_unusable(carol, actor=None)
    assert not User.objects.get(pk=carol.pk).has_usable_password()


def test_an_admin_makes_no_password_link_for_a_superadmin(alice, bob):
    with pytest.raises(AccountRefused):
        services.password_link(alice, actor=bob)


def test_a_photo_is_kept_replaced_and_forgotten(carol):
    services.store_photo(carol, b"bytes of a photo", "image/png")
    first = carol.avatar_url
    services.store_photo(carol, b"other bytes", "image/jpeg")

    assert first.startswith(f"/photos/{carol.pk}?v=")
    assert carol.avatar_url != first
    assert ProfilePhoto.objects.get(user=carol).content_type == "image/jpeg"

    services.store_photo(carol, None)

    assert User.objects.get(pk=carol.pk).avatar_url == ""
    assert ProfilePhoto.objects.get(user=carol).etag == ""
