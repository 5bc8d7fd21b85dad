"""The users page at size, sessions that end, and the last superadmin (sign-in.md, Role)."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import services
from accounts.external import ExternalIdentity
from accounts.models import Session, User
from accounts.policy import AccountRefused, Refusal
from accounts.roles import Role
from tests.accounts.conftest import PASSWORD
from tests.sso.pages import reads

pytestmark = pytest.mark.django_db

NEW = "another long secret"


def usernames(answer):
    return [row.user.username for row in answer.context["rows"]]


def is_in(browser) -> bool:
    """Whether the very next request still has somebody signed in."""
    return bool(browser.get("/profile").status_code == 200)


def edit(browser, user, **more):
    fields = {
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "role": user.role,
    }
    return browser.post(f"/settings/users/{user.pk}", fields | more)


# The list, at size


@pytest.fixture
def many(alice) -> None:
    roles = (Role.USER, Role.READONLY, Role.HOST_MANAGER)
    User.objects.bulk_create(
        User(
            username=f"user{number:04}",
            email=f"user{number:04}@example.com",
            first_name="First",
            last_name=f"Last{number}",
            password="!" if number % 2 else "hash",
            role=roles[number % 3],
        )
        for number in range(300)
    )


def list_queries(browser, query: str) -> list[str]:
    """Return the statements by which one page of users was read."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert browser.get(f"/settings/users{query}").status_code == 200
    return [
        entry["sql"]
        for entry in captured
        if 'FROM "accounts_user"' in entry["sql"] and "LIMIT 51" in entry["sql"]
    ]


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "accounts_user_username_any_case"),
        ("?page=6", "accounts_user_username_any_case"),
        ("?role=user", "accounts_user_by_role"),
        ("?role=readonly&page=2", "accounts_user_by_role"),
        ("?q=user&state=active&way=password", "accounts_user_username_any_case"),
    ],
)
def test_a_page_of_users_is_read_along_an_index_and_never_sorted(
    many, alice, signed_in, query, index
):
    [sql] = list_queries(signed_in(alice), query)

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        else:
            # So few rows would be sorted for speed: what counts is that they need not be.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {sql}")
        plan = " | ".join(str(row[-1]) for row in cursor.fetchall())

    assert index in plan or connection.vendor != "sqlite"
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def test_a_page_of_users_costs_the_same_however_many_there_are(
    many, alice, bob, signed_in, django_assert_max_num_queries
):
    browser = signed_in(alice)
    # Whether single sign-on works has been asked within the last minute, as on any page before.
    browser.get("/settings/general")

    with django_assert_max_num_queries(5):
        full = browser.get("/settings/users")
    with django_assert_max_num_queries(5):
        last = browser.get("/settings/users?page=7")

    assert len(usernames(full)) == 50
    assert usernames(last) == ["user0298", "user0299"]
    assert not last.context["page"].has_next


def test_every_account_is_on_exactly_one_page(many, alice, signed_in):
    browser = signed_in(alice)

    seen = [
        name
        for page in range(1, 8)
        for name in usernames(browser.get(f"/settings/users?page={page}"))
    ]

    assert seen == ["alice", *(f"user{number:04}" for number in range(300))]


def test_a_search_of_many_words_is_bounded(many, alice, signed_in):
    browser = signed_in(alice)
    [sql] = list_queries(browser, "?q=" + "+".join("abcdefghij"))

    assert sql.count("LIKE") == 5 * 4


@pytest.mark.parametrize("search", ["%", "_", "\\", "' OR 1=1 --", "user0001\x00"])
def test_a_search_is_text_and_no_pattern(many, alice, signed_in, search):
    answer = signed_in(alice).get("/settings/users", {"q": search})

    assert answer.status_code == 200
    assert len(usernames(answer)) in {0, 50 if "\x00" in search else 0}


def test_users_are_narrowed_to_how_they_sign_in(alice, carol, make_person, signed_in, outside):
    dave = make_person("dave", password=None)
    make_person("erin", password=None)
    outside.names = {dave.pk: ("Microsoft",), carol.pk: ("Microsoft",)}
    browser = signed_in(alice)

    assert usernames(browser.get("/settings/users?way=outside")) == ["carol", "dave"]
    assert usernames(browser.get("/settings/users?way=password")) == ["alice", "carol"]
    assert usernames(browser.get("/settings/users?way=none")) == ["erin"]
    assert usernames(browser.get("/settings/users?way=outside&role=admin")) == []
    assert len(usernames(browser.get("/settings/users?way=nonsense"))) == 4
    assert "way=password&amp;page=" not in browser.get("/settings/users?way=password").text


def test_the_account_shows_its_identities_and_nobody_higher_unlinks_them(
    alice, bob, carol, signed_in, outside
):
    shown = ExternalIdentity(
        id=7,
        label="Microsoft",
        email="c@contoso.com",
        issuer="https://login.example/v2.0",
        object_id="object-id-of-carol",
        linked_at=carol.date_joined,
        last_sign_in=None,
        unlink_url="/unlink/here",
    )
    outside.known = {carol.pk: [shown], alice.pk: [shown]}
    browser = signed_in(bob)

    page = browser.get(f"/settings/users/{carol.pk}")

    assert "object-id-of-carol" in reads(page)
    assert "Unlink Microsoft c@contoso.com?" in reads(page)
    assert 'action="/unlink/here"' in page.text
    higher = browser.get(f"/settings/users/{alice.pk}")
    assert "object-id-of-carol" in reads(higher)
    assert "/unlink/here" not in higher.text


# Sessions that end


@pytest.mark.parametrize("role", ["admin", "readonly"])
def test_a_change_of_role_ends_every_session_of_the_account(alice, carol, signed_in, role):
    browser, carols, elsewhere = signed_in(alice), signed_in(carol), signed_in(carol)
    assert is_in(carols)

    edit(browser, carol, role=role)

    assert (is_in(carols), is_in(elsewhere), is_in(browser)) == (False, False, True)
    assert not Session.objects.filter(user=carol).exists()


def test_a_change_of_details_ends_no_session(alice, carol, signed_in):
    browser, carols = signed_in(alice), signed_in(carol)

    edit(browser, carol, first_name="Caro", email="caro@example.com")

    assert is_in(carols)


def test_a_deactivated_account_is_out_on_its_next_request_and_stays_out(
    alice, carol, signed_in, client
):
    browser, carols = signed_in(alice), signed_in(carol)

    browser.post(f"/settings/users/{carol.pk}/deactivate")

    assert carols.get("/profile")["Location"].startswith("/login?next=")
    assert carols.get("/api/v1/auth/profile").status_code == 401
    client.post("/login", {"username": "carol", "password": PASSWORD})
    assert not is_in(client)
    browser.post(f"/settings/users/{carol.pk}/activate")
    assert not is_in(carols), "a session that ended does not come back"


def test_a_row_that_went_inactive_behind_the_services_is_out_too(carol, signed_in):
    carols = signed_in(carol)
    User.objects.filter(pk=carol.pk).update(is_active=False)

    assert not is_in(carols)


def test_a_password_that_is_reset_ends_every_session(alice, carol, signed_in, client):
    carols = signed_in(carol)
    made = signed_in(alice).post(f"/settings/users/{carol.pk}/password-link")
    path = made.context["link"].removeprefix("http://localhost:3000")
    assert is_in(carols), "making the link alone ends nothing"

    client.post(path, {"new_password": NEW, "new_password_again": NEW})

    assert User.objects.get(pk=carol.pk).check_password(NEW)
    assert not is_in(carols)
    assert not Session.objects.filter(user=carol).exists()


def test_a_password_that_is_taken_away_ends_every_session(carol, signed_in):
    carols = signed_in(carol)

    services.make_password_unusable(carol, actor=None)

    assert not is_in(carols)


def test_a_deleted_account_is_out_on_its_next_request(alice, carol, signed_in):
    browser, carols = signed_in(alice), signed_in(carol)

    browser.post(f"/settings/users/{carol.pk}/delete")

    assert not is_in(carols)
    assert not Session.objects.filter(user=carol.pk).exists()


def test_sessions_that_an_administrator_ends_are_over(alice, carol, signed_in):
    browser, carols = signed_in(alice), signed_in(carol)

    browser.post(f"/settings/users/{carol.pk}/end-sessions")

    assert (is_in(carols), is_in(browser)) == (False, True)


# The last active superadmin


def is_safe(alice) -> bool:
    row = User.objects.get(pk=alice.pk)
    return (row.role, row.is_active, row.is_staff, row.is_superuser) == (
        Role.SUPERADMIN,
        True,
        True,
        True,
    ) and row.check_password(PASSWORD)


def test_no_page_takes_the_last_superadmin_away(alice, bob, signed_in):
    page = f"/settings/users/{alice.pk}"

    for actor in (alice, bob):
        browser = signed_in(actor)
        for role in (Role.ADMIN, Role.READONLY):
            edit(browser, alice, role=role)
        for action in ("deactivate", "delete"):
            browser.post(f"{page}/{action}")
        # A session that somebody else has ended would make the next path pass for nothing.
        assert is_in(browser)

    assert is_safe(alice)


def test_no_page_of_the_admin_takes_the_last_superadmin_away(alice, signed_in):
    browser = signed_in(alice)
    users = "/admin/accounts/user/"
    fields = {"email": alice.email, "first_name": "", "last_name": ""}

    browser.post(f"{users}{alice.pk}/change/", {**fields, "role": "user", "is_active": "on"})
    browser.post(f"{users}{alice.pk}/change/", {**fields, "role": "superadmin", "is_active": ""})
    browser.post(f"{users}{alice.pk}/delete/", {"post": "yes"})
    browser.post(users, {"action": "delete_selected", "_selected_action": alice.pk, "post": "yes"})

    assert is_safe(alice)


def test_no_command_takes_the_last_superadmin_away(alice, tmp_path, monkeypatch):
    """A file maps groups to roles; whom it would demote keeps the role at the next sign-in."""
    file = tmp_path / "settings.json"
    file.write_text('{"oidc_sync_roles": true, "oidc_default_role": "readonly"}')

    call_command("sso", "import", str(file), stdout=io.StringIO())
    call_command("sso", "disable", stdout=io.StringIO())
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    with pytest.raises(CommandError):
        call_command("createsuperuser", username="ALICE", email="", interactive=False)

    assert is_safe(alice)
    assert User.objects.count() == 1


def test_no_service_takes_the_last_superadmin_away(alice, make_person):
    gone = make_person("gone", Role.SUPERADMIN)
    services.deactivate(User.objects.get(pk=gone.pk), actor=None)

    # By the system, and by somebody who was a superadmin when their page was read.
    for actor, reason in ((None, Refusal.LAST_SUPERADMIN), (gone, Refusal.NOT_ALLOWED)):
        for act in (services.deactivate, services.delete):
            with pytest.raises(AccountRefused) as refused:
                act(alice, actor=actor)
            assert refused.value.reason is reason
    assert services.change_role(alice, Role.USER, actor=None).kept_last_superadmin
    with pytest.raises(AccountRefused):
        services.change_role(alice, Role.USER, actor=gone)

    assert is_safe(alice)


def test_the_database_itself_refuses_a_superadmin_without_the_flags(alice):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=alice.pk).update(is_superuser=False)

    assert is_safe(alice)


def test_of_two_superadmins_who_demote_each_other_on_two_pages_one_stays(
    alice, make_person, signed_in
):
    other = make_person("other", Role.SUPERADMIN)
    hers, theirs = signed_in(alice), signed_in(other)

    edit(hers, other, role="user")
    answer = edit(theirs, alice, role="user")

    assert answer["Location"].startswith("/login"), "the demotion ended their session"
    assert is_safe(alice)
    assert User.objects.get(pk=other.pk).role == Role.USER


def test_of_two_superadmins_the_first_may_go_and_the_last_stays(alice, make_person, signed_in):
    other = make_person("other", Role.SUPERADMIN)

    signed_in(other).post(f"/settings/users/{alice.pk}/deactivate")
    signed_in(other).post(f"/settings/users/{other.pk}/deactivate")

    assert not User.objects.get(pk=alice.pk).is_active
    assert User.objects.get(pk=other.pk).is_active
