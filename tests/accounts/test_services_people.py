from __future__ import annotations

import itertools

import pytest
from auditlog import get_logentry_model
from django.core.management import call_command
from django.db import IntegrityError, transaction

from accounts import services
from accounts.models import Installation, Session, User
from accounts.policy import AccountRefused, Refusal
from accounts.roles import ROLES, Role
from accounts.services import people

pytestmark = pytest.mark.django_db


def changes_of(user):
    entries = get_logentry_model().objects.filter(object_id=user.pk).order_by("pk")
    return [(entry.changes, entry.actor) for entry in entries]


def create(*usernames, role=Role.USER, actor=None, **more):
    details = {"email": "", "first_name": "", "last_name": ""} | more
    return services.create_user(usernames=usernames, role=role, actor=actor, **details)


def test_the_first_free_username_is_taken_whatever_its_case(make_person):
    make_person("Alice")
    make_person("alice2")

    user = create("alice", "ALICE2", "alice3")

    assert user.username == "alice3"
    assert not user.has_usable_password()


def test_of_two_that_race_for_one_username_the_second_takes_its_next(make_person, monkeypatch):
    make_person("dave")
    answers = iter([False, True, False])
    # As the second sees it: still free when it looks, taken when it writes.
    monkeypatch.setattr(people, "username_taken", lambda username: next(answers))

    assert create("dave", "dave2").username == "dave2"


def test_an_endless_supply_of_usernames_ends_at_the_first_free_one(make_person):
    make_person("dave")

    user = create(*itertools.islice((f"dave{n}" for n in itertools.count(2)), 3))

    assert user.username == "dave2"


def test_no_free_username_is_refused_and_makes_nobody(make_person):
    make_person("dave")

    with pytest.raises(AccountRefused) as refused:
        create("DAVE")

    assert refused.value.reason is Refusal.USERNAME_TAKEN
    assert User.objects.count() == 1


@pytest.mark.parametrize("role", ROLES)
def test_flags_follow_the_role_and_the_role_says_what_is_permitted(make_person, role):
    user = make_person("someone", role)

    assert user.is_staff == user.is_superuser == (role is Role.SUPERADMIN)
    assert user.has_perm("accounts.can_view_dashboard")
    assert user.has_perm("accounts.can_manage_settings") == (role.rank >= Role.ADMIN.rank)
    assert user.has_perm("accounts.can_manage_superusers") == (role is Role.SUPERADMIN)
    assert user.has_module_perms("accounts")
    assert user.has_module_perms("auth") == (role is Role.SUPERADMIN)


def test_permissions_cost_no_query(carol, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert not carol.has_perm("accounts.can_manage_users")


def test_an_inactive_account_is_permitted_nothing(make_person, alice, bob):
    services.deactivate(bob, actor=alice)

    assert not User.objects.get(pk=bob.pk).has_perm("accounts.can_view_dashboard")


@pytest.mark.parametrize(
    "flags",
    [
        {"is_superuser": True},
        {"is_staff": True},
        {"role": Role.SUPERADMIN},
        {"role": "owner"},
    ],
)
def test_the_database_refuses_flags_that_disagree_with_the_role(carol, flags):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=carol.pk).update(**flags)


def test_the_database_refuses_a_second_installation():
    Installation.load()

    with pytest.raises(IntegrityError), transaction.atomic():
        Installation.objects.create(pk=2)


def test_createsuperuser_makes_a_superadmin_and_closes_the_first_administrators_door(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")

    call_command("createsuperuser", username="root", email="root@example.com", interactive=False)

    user = User.objects.get(username="root")
    assert user.role == Role.SUPERADMIN
    assert user.is_staff
    assert user.is_superuser
    assert user.check_password("correct horse battery")
    assert services.claim_first_administrator() is False
    assert changes_of(user)[0][0]["role"] == ["", "Super Admin"]


@pytest.mark.parametrize("role", ROLES)
def test_an_administrator_closes_the_first_administrators_door(make_person, role):
    make_person("someone", role)

    assert services.claim_first_administrator() is (role.rank < Role.ADMIN.rank)


def test_the_first_administrators_place_is_taken_once():
    assert services.claim_first_administrator() is True
    assert services.claim_first_administrator() is False


def test_a_promotion_closes_the_first_administrators_door(carol):
    services.change_role(carol, Role.ADMIN, actor=None)

    assert services.claim_first_administrator() is False


def test_a_role_changes_with_its_flags_a_record_and_the_end_of_other_sessions(
    alice, carol, signed_in
):
    signed_in(carol)
    kept = signed_in(carol).session.session_key

    change = services.change_role(carol, Role.SUPERADMIN, actor=alice, keep_session=kept)

    assert (change.before, change.after) == (Role.USER, Role.SUPERADMIN)
    assert carol.is_superuser
    assert User.objects.get(pk=carol.pk).is_staff
    assert [row.session_key for row in Session.objects.filter(user=carol)] == [kept]
    assert changes_of(carol)[-1] == ({"role": ["User", "Super Admin"]}, alice)


def test_a_role_that_does_not_change_ends_and_records_nothing(carol, signed_in):
    signed_in(carol)
    before = len(changes_of(carol))

    change = services.change_role(carol, Role.USER, actor=None)

    assert not change.changed
    assert Session.objects.filter(user=carol).count() == 1
    assert len(changes_of(carol)) == before


def test_the_system_leaves_the_last_superadmin_the_role(alice, signed_in):
    signed_in(alice)

    change = services.change_role(alice, Role.USER, actor=None)

    assert change.kept_last_superadmin
    assert change.after is Role.SUPERADMIN
    assert User.objects.get(pk=alice.pk).role == Role.SUPERADMIN
    assert Session.objects.filter(user=alice).count() == 1


def test_an_inactive_superadmin_does_not_count_as_another(make_person, alice):
    other = make_person("other", Role.SUPERADMIN)
    services.deactivate(other, actor=alice)

    assert services.change_role(alice, Role.USER, actor=None).kept_last_superadmin
    assert services.change_role(other, Role.USER, actor=None).changed


def test_of_two_superadmins_who_demote_each_other_one_stays(make_person, alice):
    other = make_person("other", Role.SUPERADMIN)
    stale = User.objects.get(pk=other.pk)

    services.change_role(other, Role.ADMIN, actor=alice)
    with pytest.raises(AccountRefused):
        # As the second request sees it: both were superadmins when it began.
        services.change_role(alice, Role.ADMIN, actor=stale)

    assert User.objects.get(pk=alice.pk).role == Role.SUPERADMIN


@pytest.mark.parametrize(
    ("actor", "target", "role", "reason"),
    [
        ("bob", "alice", Role.USER, Refusal.HIGHER_RANK),
        ("bob", "bob", Role.USER, Refusal.OWN_ROLE),
        ("bob", "carol", Role.ADMIN, Refusal.GRANT_TOO_HIGH),
        ("bob", "carol", Role.SUPERADMIN, Refusal.GRANT_TOO_HIGH),
        ("carol", "bob", Role.USER, Refusal.NOT_ALLOWED),
        ("alice", "alice", Role.USER, Refusal.OWN_ROLE),
    ],
)
def test_rank_decides_who_changes_whose_role(alice, bob, carol, actor, target, role, reason):
    people = {"alice": alice, "bob": bob, "carol": carol}
    before = people[target].role

    with pytest.raises(AccountRefused) as refused:
        services.change_role(people[target], role, actor=people[actor])

    assert refused.value.reason is reason
    assert User.objects.get(pk=people[target].pk).role == before


def test_a_role_that_follows_groups_is_refused_with_its_reason(alice, carol, outside):
    outside.managed[carol.pk] = "Her role follows her groups."

    with pytest.raises(AccountRefused, match="follows her groups"):
        services.change_role(carol, Role.READONLY, actor=alice)

    assert services.change_role(carol, Role.READONLY, actor=None).changed


def test_details_change_with_the_address_they_are_found_by(alice, carol):
    changed = services.update_details(
        carol, actor=alice, email="Carol.New@Example.com", last_name="New"
    )

    assert changed
    assert services.with_email("carol.new@example.COM") == [carol]
    assert services.with_email("carol@example.com") == []
    assert changes_of(carol)[-1][0] == {
        "email": ["carol@example.com", "Carol.New@Example.com"],
        "last_name": ["Example", "New"],
    }
    assert not services.update_details(carol, actor=alice, last_name="New")


def test_nobody_has_an_empty_address(make_person):
    make_person("dave", email="")

    assert services.with_email("") == []


def test_one_changes_ones_own_name_but_not_ones_address(carol):
    assert services.update_details(carol, actor=carol, first_name="Caroline")

    with pytest.raises(AccountRefused):
        services.update_details(carol, actor=carol, email="elsewhere@example.com")

    assert User.objects.get(pk=carol.pk).email == "carol@example.com"


def test_somebody_without_the_right_adds_nobody(carol):
    with pytest.raises(AccountRefused):
        create("dave", actor=carol)

    assert not User.objects.filter(username="dave").exists()
