from __future__ import annotations

import pytest
from auditlog import get_logentry_model

from accounts.models import Installation, Session, User
from accounts.roles import Role
from accounts.services import server_url

pytestmark = pytest.mark.django_db

USERS = "/admin/accounts/user/"


def save(browser, user, **more):
    fields = {
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "role": user.role,
        "is_active": "on" if user.is_active else "",
    }
    return browser.post(f"{USERS}{user.pk}/change/", fields | more)


def test_a_role_changes_through_the_service(alice, carol, signed_in):
    browser = signed_in(alice)
    signed_in(carol)

    answer = save(browser, carol, role="superadmin")

    user = User.objects.get(pk=carol.pk)
    assert answer.status_code == 302
    assert (user.role, user.is_superuser) == (Role.SUPERADMIN, True)
    assert not Session.objects.filter(user=carol).exists()
    entry = get_logentry_model().objects.order_by("-pk").first()
    assert entry.changes == {"role": ["User", "Super Admin"]}
    assert entry.actor == alice


def test_an_account_is_added_deactivated_and_deleted(alice, signed_in):
    browser = signed_in(alice)

    browser.post(f"{USERS}add/", {"username": "dave", "role": "host_manager"})
    dave = User.objects.get(username="dave")
    assert (dave.role, dave.has_usable_password()) == (Role.HOST_MANAGER, False)
    save(browser, dave, is_active="")
    assert not User.objects.get(pk=dave.pk).is_active
    browser.post(f"{USERS}{dave.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(pk=dave.pk).exists()


def test_the_last_superadmin_is_safe_here_too(alice, signed_in):
    browser = signed_in(alice)

    save(browser, alice, role="user", is_active="")
    deleted = browser.post(f"{USERS}{alice.pk}/delete/", {"post": "yes"}, follow=True)
    browser.post(USERS, {"action": "delete_selected", "_selected_action": alice.pk, "post": "yes"})

    user = User.objects.get(pk=alice.pk)
    assert (user.role, user.is_active) == (Role.SUPERADMIN, True)
    assert "cannot deactivate or delete your own account" in deleted.text


def test_a_role_that_follows_groups_is_read_only(alice, carol, signed_in, outside):
    outside.managed[carol.pk] = "It follows her groups."
    browser = signed_in(alice)

    save(browser, carol, role="readonly", first_name="Caroline")

    user = User.objects.get(pk=carol.pk)
    assert (user.role, user.first_name) == (Role.USER, "Caroline")


def test_the_pages_show_no_password(alice, carol, signed_in):
    browser = signed_in(alice)

    for path in (USERS, f"{USERS}add/", f"{USERS}{carol.pk}/change/"):
        page = browser.get(path)
        assert page.status_code == 200
        assert carol.password not in page.text


def test_the_installation_is_one_row_saved_through_the_service(alice, signed_in):
    browser = signed_in(alice)
    page = "/admin/accounts/installation/1/change/"

    assert browser.get("/admin/accounts/installation/")["Location"] == page
    assert "http://localhost:3000" in browser.get(page).text
    browser.post(page, {"server_url": "nonsense"})
    assert server_url() == "http://localhost:3000"
    typed = {"server_url": "https://patchmon.example.com/"}
    asked = browser.post(page, typed)
    assert "Confirm that this address leads to PatchMon" in asked.text
    assert server_url() == "http://localhost:3000"
    assert browser.post(page, {"server_url": "http://localhost:3000"}).status_code == 302
    browser.post(page, typed | {"confirm_server_url": "on"})
    assert server_url() == "https://patchmon.example.com"
    assert Installation.objects.count() == 1
    assert browser.get("/admin/accounts/installation/add/").status_code == 403


@pytest.mark.parametrize("role", [Role.READONLY, Role.USER, Role.HOST_MANAGER, Role.ADMIN])
def test_nobody_else_gets_in(alice, carol, make_person, signed_in, role):
    browser = signed_in(make_person("someone", role))

    assert browser.get(USERS).status_code in {302, 403}
    assert save(browser, carol, role="readonly").status_code in {302, 403}
    assert User.objects.get(pk=carol.pk).role == Role.USER


def test_a_role_that_cannot_be_changed_here_says_why(alice, carol, signed_in, outside):
    browser = signed_in(alice)
    reason = "The role follows the groups at Contoso at every sign-in."

    free = browser.get(f"{USERS}{carol.pk}/change/").text
    outside.managed[carol.pk] = reason
    managed = browser.get(f"{USERS}{carol.pk}/change/").text
    own = browser.get(f"{USERS}{alice.pk}/change/").text

    assert 'name="role"' in free
    assert reason not in free
    assert 'name="role"' not in managed
    assert reason in managed
    assert 'name="role"' not in own
    assert "Nobody changes their own role." in own
