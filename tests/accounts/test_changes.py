"""Settings → Changes (product.md, Pages)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from auditlog import get_logentry_model
from django.utils import timezone

from accounts.changes import record
from accounts.models import Session
from accounts.roles import Role
from accounts.services import (
    change_role,
    create_user,
    delete,
    set_password,
    set_server_url,
    update_details,
)
from sso.models import OIDCSettings, RoleMapping
from sso.services.settings import save_settings
from tests.accounts.conftest import PASSWORD
from tests.sso.pages import reads

pytestmark = pytest.mark.django_db

PAGE = "/settings/changes"
SECRET = "Zx8~never-shown-anywhere-01234567890"


def rows(page) -> list[tuple[str, str, str]]:
    """Return who, what and which fields of each row, newest first."""
    return [
        (
            change.actor,
            change.name,
            "; ".join(f"{f.name}: {f.before} → {f.after}" for f in change.fields),
        )
        for change in page.context["changes"]
    ]


@pytest.fixture
def page_of(alice, signed_in):
    browser = signed_in(alice)
    get_logentry_model().objects.all().delete()

    def ask(**wanted):
        page = browser.get(PAGE, wanted)
        assert page.status_code == 200
        return page

    return ask


def test_it_says_who_changed_what_from_what_to_what(alice, bob, carol, page_of):
    assert "Nothing has been changed yet" in reads(page_of())
    change_role(carol, Role.HOST_MANAGER, actor=alice)
    update_details(carol, actor=bob, email="new@example.com")
    set_server_url("https://patchmon.example.com", actor=alice, fresh=True)
    change_role(carol, Role.READONLY, actor=None)

    # The last one moved the server: asked for by its former name, it would not answer.
    set_server_url("http://localhost:3000", actor=alice, fresh=True)
    page = page_of()

    assert rows(page) == [
        (
            "alice",
            "Installation",
            "Server URL: https://patchmon.example.com → http://localhost:3000",
        ),
        ("PatchMon", "carol", "Role: Host Manager → Readonly"),
        (
            "alice",
            "Installation",
            "Server URL: http://localhost:3000 → https://patchmon.example.com",
        ),
        ("bob", "carol", "E-mail address: carol@example.com → new@example.com"),
        ("alice", "carol", "Role: User → Host Manager"),
    ]
    assert f'href="/settings/users/{carol.pk}"' in page.text
    assert "Role: User → Host Manager" in reads(page)
    assert f'datetime="{timezone.now():%Y-%m-%dT%H}' in page.text


def test_settings_and_mapping_are_in_it_and_secrets_by_name_only(carol, page_of):
    save_settings(
        {
            "issuer": "https://login.example.com/",
            "client_id": "patchmon",
            "client_secret": SECRET,
            "user_group": "people",
        },
        actor=None,
    )
    set_password(carol, SECRET, actor=None)

    page = page_of()

    shown = reads(page)
    assert "Issuer URL: https://login.example.com/" in shown
    assert "User: people" in shown
    assert "Client secret: " in shown
    assert "Password: changed" in shown
    for secret in (SECRET, SECRET[:8], PASSWORD, carol.password):
        assert secret not in page.text
    stored = OIDCSettings.load().client_secret_encrypted
    assert stored not in page.text


def test_what_somebody_did_stays_when_their_account_is_deleted(alice, bob, carol, page_of):
    update_details(carol, actor=bob, first_name="Caro")
    delete(bob, actor=alice)
    delete(carol, actor=alice)

    page = page_of()

    assert [(actor, name) for actor, name, _ in rows(page)] == [
        ("alice", "carol"),
        ("alice", "bob"),
        ("bob (deleted)", "carol"),
    ]
    assert f"/settings/users/{carol.pk}" not in page.text
    assert rows(page_of(actor="bob")) == rows(page)[2:]


def test_it_is_narrowed_by_actor_kind_object_and_time(alice, bob, carol, page_of):
    change_role(carol, Role.READONLY, actor=alice)
    update_details(carol, actor=bob, last_name="Changed")
    change_role(carol, Role.USER, actor=None)
    save_settings({"button_text": "Go"}, actor=alice)
    record(RoleMapping.load(), {"user_group": ("", "people")}, actor=bob)
    entries = get_logentry_model().objects
    entries.filter(actor=bob).update(timestamp=timezone.now() - timedelta(days=10))
    kinds = dict(page_of().context["filter_form"].fields["kind"].choices)
    key = {label: value for value, label in kinds.items()}
    today, earlier = timezone.now().date(), timezone.now().date() - timedelta(days=10)

    assert list(key) == ["Everything", "OIDC / SSO settings", "Role mapping", "User"]
    assert len(rows(page_of())) == 5
    assert {actor for actor, _, _ in rows(page_of(actor="BOB"))} == {"bob"}
    assert [actor for actor, _, _ in rows(page_of(actor="patchmon"))] == ["PatchMon"]
    assert [name for _, name, _ in rows(page_of(kind=key["Role mapping"]))] == ["Role mapping"]
    assert {name for _, name, _ in rows(page_of(name="CAR"))} == {"carol"}
    assert {actor for actor, _, _ in rows(page_of(since=today))} == {"alice", "PatchMon"}
    assert {actor for actor, _, _ in rows(page_of(until=earlier))} == {"bob"}
    assert len(rows(page_of(since=earlier, until=earlier, kind=key["User"]))) == 1
    assert rows(page_of(actor="nobody")) == []
    assert "No change matches this filter" in reads(page_of(actor="nobody"))


@pytest.mark.parametrize(
    "wanted", [{"kind": "x"}, {"since": "yesterday"}, {"until": "9999-99-99"}, {"page": "x"}]
)
def test_what_cannot_be_read_narrows_nothing(carol, page_of, wanted):
    change_role(carol, Role.READONLY, actor=None)

    assert len(rows(page_of(**wanted))) == 1


def test_it_comes_in_pages_that_cost_the_same_however_many_there_are(
    alice, carol, page_of, django_assert_max_num_queries
):
    for number in range(60):
        record(carol, {"role": ("", str(number))}, actor=alice)

    # Whether single sign-on works has been asked within the last minute, as on any page before.
    page_of()

    with django_assert_max_num_queries(8):
        first = page_of(actor="alice")
    second = page_of(actor="alice", page=2)

    assert len(rows(first)) == 50
    assert [fields for _, _, fields in rows(second)][-1] == "Role:  → 0"
    assert 'href="?actor=alice&amp;page=2"' in first.text
    assert not second.context["page"].has_next


def test_what_was_written_is_shown_as_text(alice, carol, page_of):
    update_details(carol, actor=alice, last_name="<script>alert(1)</script>")

    assert "<script>alert(1)" not in page_of().text


def test_a_change_and_its_record_are_one(alice, carol, monkeypatch):
    """No change without its record: when the record fails, nothing has changed."""

    def fail(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("accounts.services.people.record", fail)

    with pytest.raises(RuntimeError):
        change_role(carol, Role.ADMIN, actor=alice)

    carol.refresh_from_db()
    assert carol.role == Role.USER


def test_every_way_to_change_an_account_is_in_it(alice, page_of, signed_in):
    browser = signed_in(alice)
    dave = create_user(
        usernames=["dave"], email="", first_name="", last_name="", role=Role.USER, actor=alice
    )
    page = f"/settings/users/{dave.pk}"

    browser.post(f"{page}/deactivate")
    browser.post(f"{page}/activate")
    browser.post(f"{page}/password-link")
    browser.force_login(alice)
    signed_in(dave)
    browser.post(f"{page}/end-sessions")
    browser.post(f"{page}/delete")

    assert [fields for _, _, fields in rows(page_of(name="dave"))] == [
        "Username: dave → ; Role: User → ",
        "Sessions: 1 → ended",
        "Password:  → link made",
        "Active: inactive → active",
        "Active: active → inactive",
        "Username:  → dave; Role:  → User",
    ]
    assert not Session.objects.filter(user=dave.pk).exists()


@pytest.mark.parametrize("role", [Role.READONLY, Role.USER, Role.HOST_MANAGER, None])
def test_only_who_can_manage_settings_reads_it(client, alice, make_person, signed_in, role):
    browser = signed_in(make_person("someone", role)) if role else client

    answer = browser.get(PAGE)

    assert answer.status_code == (403 if role else 302)
    assert PAGE not in browser.get("/", follow=True).text


def test_admins_read_it_and_find_it_in_the_navigation(bob, alice, signed_in):
    browser = signed_in(bob)

    assert browser.get(PAGE).status_code == 200
    assert f'href="{PAGE}"' in browser.get("/").text


def test_it_is_only_read(alice, signed_in):
    assert signed_in(alice).post(PAGE).status_code == 405


def test_a_mapping_row_is_told_from_a_role(page_of):
    save_settings({"admin_group": "admins"}, actor=None)
    save_settings({"admin_group": ""}, actor=None)

    assert [fields for _, _, fields in rows(page_of())] == ["Admin: admins → ", "Admin:  → admins"]
    assert "admins → empty" in reads(page_of())
