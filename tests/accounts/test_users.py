from __future__ import annotations

import re

import pytest

from accounts.models import Session, User
from accounts.roles import Role
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db

NEW = "another long secret"
# An address by its form, and longer than its column: PostgreSQL would not store it.
TOO_LONG = f"{'a' * 243}@example.com"


def usernames(answer):
    return [row.user.username for row in answer.context["rows"]]


def edit(browser, user, **more):
    fields = {
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "role": user.role,
    }
    return browser.post(f"/settings/users/{user.pk}", fields | more)


def test_the_list_is_searched_filtered_and_says_how_people_sign_in(
    alice, bob, carol, make_person, signed_in, outside
):
    outside.names[carol.pk] = ("Microsoft",)
    make_person("dave", password=None)
    browser = signed_in(bob)

    page = browser.get("/settings/users")

    assert usernames(page) == ["alice", "bob", "carol", "dave"]
    assert "Microsoft, Password" in page.text
    assert "Nothing yet" in page.text
    assert usernames(browser.get("/settings/users?q=CAROL+example")) == ["carol"]
    assert usernames(browser.get("/settings/users?role=admin")) == ["bob"]
    assert usernames(browser.get("/settings/users?state=inactive")) == []
    assert len(usernames(browser.get("/settings/users?role=nonsense&page=x"))) == 4


def test_the_list_comes_in_pages_whose_number_nobody_counts(
    alice, signed_in, django_assert_max_num_queries
):
    User.objects.bulk_create(
        User(username=f"user{number:03}", password="!") for number in range(60)
    )
    browser = signed_in(alice)
    # Whether single sign-on works has been asked within the last minute, as on any page before.
    browser.get("/settings/users")

    with django_assert_max_num_queries(6):
        first = browser.get("/settings/users?q=user")
    second = browser.get("/settings/users?q=user&page=2")

    assert len(usernames(first)) == 50
    assert usernames(second)[0] == "user050"
    assert 'href="?q=user&amp;page=2"' in first.text
    assert not second.context["page"].has_next


def test_an_added_account_has_no_password_until_its_owner_sets_one_by_the_link(
    client, bob, alice, signed_in
):
    browser = signed_in(bob)
    fields = {"username": "dave", "email": "dave@example.com", "role": "user"}

    added = browser.post("/settings/users/add", fields)

    dave = User.objects.get(username="dave")
    assert added["Location"] == f"/settings/users/{dave.pk}"
    assert not dave.has_usable_password()

    page = browser.post(f"/settings/users/{dave.pk}/password-link")
    [link] = re.findall(r'value="http://localhost:3000(/password/[^"]+)"', page.text)
    assert link not in browser.get(f"/settings/users/{dave.pk}").text
    assert client.get(link).status_code == 200
    answer = client.post(link, {"new_password": NEW, "new_password_again": NEW})

    assert answer["Location"] == "/login"
    assert User.objects.get(username="dave").check_password(NEW)
    assert client.get(link).status_code == 403
    assert client.post(link, {"new_password": "x" * 20, "new_password_again": "x" * 20})
    assert User.objects.get(username="dave").check_password(NEW)
    assert client.get("/profile").status_code == 302, "setting a password signs nobody in"


def test_a_link_is_dead_after_an_hour_and_for_an_inactive_account(client, alice, carol, signed_in):
    browser = signed_in(alice)
    link = browser.post(f"/settings/users/{carol.pk}/password-link").context["link"]
    path = link.removeprefix("http://localhost:3000")
    assert client.get(path).status_code == 200

    browser.post(f"/settings/users/{carol.pk}/deactivate")

    assert client.get(path).status_code == 403
    for nonsense in ("/password/MQ/x-y", "/password/!!/x", "/password/w6k/x"):
        assert client.get(nonsense).status_code == 403


def test_a_link_does_nothing_while_no_password_is_accepted(
    client, alice, carol, signed_in, outside
):
    browser = signed_in(alice)
    link = browser.post(f"/settings/users/{carol.pk}/password-link").context["link"]
    path = link.removeprefix("http://localhost:3000")
    outside.accepted = False

    assert client.get(path).status_code == 403
    answer = client.post(path, {"new_password": NEW, "new_password_again": NEW})

    assert answer.status_code == 403
    assert User.objects.get(pk=carol.pk).check_password(PASSWORD)
    assert browser.post(f"/settings/users/{carol.pk}/password-link").status_code == 303


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"username": "CAROL"}, "This username is taken"),
        ({"username": "no spaces"}, "Enter a valid username"),
        ({"role": "superadmin"}, "Select a valid choice"),
        ({"role": "admin"}, "Select a valid choice"),
        ({"email": "nonsense"}, "valid email address"),
        ({"email": TOO_LONG}, "at most 254 characters"),
    ],
)
def test_an_account_that_does_not_fit_is_not_added(bob, carol, signed_in, fields, says):
    answer = signed_in(bob).post(
        "/settings/users/add", {"username": "dave", "email": "", "role": "user"} | fields
    )

    assert says in answer.text
    assert not User.objects.filter(username="dave").exists()


def test_details_and_role_are_saved_and_said(alice, carol, signed_in):
    browser = signed_in(alice)
    signed_in(carol)

    edit(browser, carol, role="admin", email="new@example.com")

    user = User.objects.get(pk=carol.pk)
    assert (user.role, user.email) == (Role.ADMIN, "new@example.com")
    assert not Session.objects.filter(user=carol).exists()
    assert "carol is now Admin." in browser.get("/settings/users").text


def test_an_address_is_not_changed_into_one_that_no_column_holds(alice, carol, signed_in):
    browser = signed_in(alice)

    kept = edit(browser, carol, email=TOO_LONG[1:])
    answer = edit(browser, carol, email=TOO_LONG)

    assert (kept.status_code, answer.status_code) == (303, 200)
    assert "at most 254 characters" in answer.text
    assert User.objects.get(pk=carol.pk).email == TOO_LONG[1:]


def test_an_admin_neither_makes_admins_nor_touches_superadmins(alice, bob, carol, signed_in):
    browser = signed_in(bob)

    edit(browser, carol, role="admin")
    edit(browser, alice, email="taken@example.com")
    page = browser.get(f"/settings/users/{alice.pk}")

    assert User.objects.get(pk=carol.pk).role == Role.USER
    assert User.objects.get(pk=alice.pk).email == "alice@example.com"
    assert "This account has a higher role than yours" in page.text
    assert 'name="email"' not in page.text


def test_nobody_changes_their_own_role(alice, make_person, signed_in):
    make_person("other", Role.SUPERADMIN)
    browser = signed_in(alice)

    edit(browser, alice, role="user", first_name="Alicia")

    user = User.objects.get(pk=alice.pk)
    assert (user.role, user.first_name) == (Role.SUPERADMIN, "Alicia")
    assert "Nobody changes their own role" in browser.get(f"/settings/users/{alice.pk}").text


def test_a_role_that_follows_groups_is_read_only_with_the_reason(alice, carol, signed_in, outside):
    outside.managed[carol.pk] = "This role follows her groups."
    browser = signed_in(alice)

    edit(browser, carol, role="readonly")

    assert "This role follows her groups." in browser.get(f"/settings/users/{carol.pk}").text
    assert User.objects.get(pk=carol.pk).role == Role.USER


def test_accounts_are_deactivated_activated_ended_and_deleted(alice, carol, signed_in):
    browser, carols = signed_in(alice), signed_in(carol)
    page = f"/settings/users/{carol.pk}"

    browser.post(f"{page}/end-sessions")
    assert carols.get("/profile").status_code == 302
    browser.post(f"{page}/deactivate")
    assert not User.objects.get(pk=carol.pk).is_active
    browser.post(f"{page}/activate")
    assert User.objects.get(pk=carol.pk).is_active
    assert browser.post(f"{page}/delete")["Location"] == "/settings/users"
    assert not User.objects.filter(pk=carol.pk).exists()
    assert browser.get(page).status_code == 404


def test_ending_ones_own_sessions_keeps_this_one(alice, signed_in):
    browser = signed_in(alice)
    signed_in(alice)

    browser.post(f"/settings/users/{alice.pk}/end-sessions")

    assert browser.get("/profile").status_code == 200
    assert Session.objects.filter(user=alice).count() == 1


@pytest.mark.parametrize("action", ["deactivate", "delete"])
def test_the_last_superadmin_and_oneself_are_safe(alice, bob, signed_in, action):
    for actor, target in ((alice, alice), (bob, alice), (bob, bob)):
        answer = signed_in(actor).post(f"/settings/users/{target.pk}/{action}")
        assert answer.status_code == 303

    assert User.objects.filter(is_active=True).count() == 2


@pytest.mark.parametrize("role", [Role.READONLY, Role.USER, Role.HOST_MANAGER, None])
def test_nobody_below_admin_sees_or_does_any_of_it(
    client, alice, carol, make_person, signed_in, role
):
    browser = signed_in(make_person("someone", role)) if role else client
    page = f"/settings/users/{carol.pk}"
    actions = ["deactivate", "activate", "delete", "end-sessions", "password-link"]
    expected = 403 if role else 302

    answers = [browser.get(path) for path in ("/settings/users", "/settings/users/add", page)]
    answers += [browser.post(f"{page}/{action}") for action in actions]
    answers += [edit(browser, carol, first_name="Changed"), browser.post("/settings/users/add")]

    assert {answer.status_code for answer in answers} == {expected}
    user = User.objects.get(pk=carol.pk)
    assert (user.first_name, user.is_active) == ("Carol", True)
