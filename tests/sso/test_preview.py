"""What a role mapping would do is shown before it is applied (product.md, preview)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from accounts.services import change_role, create_user
from entra_sim import defaults
from sso import conf
from sso.models import LinkedIdentity, RoleMapping
from sso.services.settings import save_settings
from tests.sso.pages import SETTINGS, errors_of, form_data, press, reads, typed_into

pytestmark = pytest.mark.django_db

STAFF = "0b1e2c3d-1111-4222-8333-444455556666"
OPERATORS = "0b1e2c3d-1111-4222-8333-444455557777"
SECRET = "Pasted~Value.0123456789-abcdefghijklmnop"


def known(name: str, role: Role, *groups: str) -> User:
    """Somebody who has signed in through the provider, with the groups of that sign-in."""
    user = create_user(
        usernames=[name], email="", first_name="", last_name="", role=role, actor=None
    )
    came(user, *groups)
    return user


def came(user: User, *groups: str) -> None:
    LinkedIdentity.objects.create(
        user=user,
        issuer=conf.current().issuer,
        subject=user.username,
        groups=list(groups),
        last_sign_in=timezone.now() - timedelta(days=2),
    )


@pytest.fixture
def people(connected) -> None:
    """Three whom the mapping now gives what they have."""
    known("ann", Role.USER, defaults.ROLE_GROUPS["user"], STAFF)
    known("ben", Role.USER, defaults.ROLE_GROUPS["user"], STAFF)
    known("cleo", Role.READONLY, defaults.ROLE_GROUPS["readonly"])


def buttons(page) -> list[str]:
    return [line for line in page.text.splitlines() if 'name="preview"' in line]


def apply(browser, page, **values):
    """Press “Apply these changes” on a page that shows a preview."""
    return press(browser, page=page, preview=page.context["preview"]["digest"], **values)


def test_what_would_change_is_shown_and_nothing_is_saved(people, admin_client):
    before = RoleMapping.objects.values().get()
    log = LogEntry.objects.count()

    page = press(admin_client, host_manager_group=STAFF, button_text="Company login")

    assert page.status_code == 200
    text = reads(page)
    assert "2 of 3 people would change role at their next sign-in" in text
    assert "ann User Host Manager" in text
    assert "ben User Host Manager" in text
    assert "cleo" not in text
    assert "Apply these changes" in text
    assert "I give up my own role" not in text
    assert "client secret that you typed" not in text
    assert RoleMapping.objects.values().get() == before
    assert conf.current().button_text == "Sign in with Microsoft"
    assert LogEntry.objects.count() == log
    typed = form_data(page.text)
    assert (typed["host_manager_group"], typed["button_text"]) == (STAFF, "Company login")
    assert errors_of(page) == {}


def test_applying_what_was_shown_saves_it_and_changes_nobody_yet(people, admin_client):
    page = press(admin_client, host_manager_group=STAFF, button_text="Company login")

    answer = apply(admin_client, page)

    assert answer.status_code in {302, 303}
    assert "OIDC settings saved" in reads(admin_client.get(SETTINGS))
    assert conf.current().mapping.rows[Role.HOST_MANAGER] == (STAFF,)
    assert conf.current().button_text == "Company login"
    assert User.objects.get(username="ann").role == Role.USER


def test_apply_pressed_again_shows_it_again(people, admin_client):
    page = press(admin_client, host_manager_group=STAFF)

    again = press(admin_client, page=page)

    assert again.status_code == 200
    assert len(buttons(again)) == 1
    assert STAFF not in conf.current().mapping.rows[Role.HOST_MANAGER]


def test_only_the_outcome_that_was_shown_is_applied(people, admin_client):
    page = press(admin_client, host_manager_group=STAFF)

    # Typed over after the preview: it was of another mapping.
    other = apply(admin_client, page, host_manager_group="", readonly_group=OPERATORS)
    assert "3 of 3 people" not in reads(other)

    known("dora", Role.USER, STAFF)
    overtaken = apply(admin_client, page)

    assert overtaken.status_code == 200
    assert "3 of 4 people would change role" in reads(overtaken)
    assert STAFF not in conf.current().mapping.rows[Role.HOST_MANAGER]
    assert apply(admin_client, overtaken).status_code in {302, 303}


def test_the_digest_tells_a_demotion_from_a_promotion_to_the_same_role(people, admin_client):
    page = press(admin_client, host_manager_group=STAFF)
    change_role(User.objects.get(username="ann"), Role.ADMIN, actor=None)

    overtaken = apply(admin_client, page)

    assert "ann Admin Host Manager" in reads(overtaken)
    assert STAFF not in conf.current().mapping.rows[Role.HOST_MANAGER]


@pytest.mark.parametrize(
    "values",
    [
        {"button_text": "Company login"},
        {"auto_create_users": False},
        {"host_manager_group": OPERATORS},
        # Off: nobody's role follows the groups any more.
        {"sync_roles": False, "host_manager_group": STAFF},
    ],
)
def test_where_no_role_would_change_apply_saves_at_once(people, admin_client, values):
    answer = press(admin_client, **values)

    assert answer.status_code in {302, 303}


def test_before_anybody_came_through_sso_there_is_nothing_to_show(connected, admin_client):
    assert press(admin_client, host_manager_group=STAFF).status_code in {302, 303}


def test_switching_sync_on_and_the_default_role_are_previewed(people, admin_client):
    known("eve", Role.USER)
    page = press(admin_client, default_role="readonly")
    assert "1 of 4 people would change role" in reads(page)
    assert "eve User Readonly" in reads(page)

    save_settings({"sync_roles": False}, actor=None)
    change_role(User.objects.get(username="ben"), Role.READONLY, actor=None)
    page = press(admin_client, sync_roles=True)

    assert "ben Readonly User" in reads(page)
    assert conf.current().sync_roles is False
    assert apply(admin_client, page).status_code in {302, 303}
    assert conf.current().sync_roles is True


def test_twenty_are_listed_and_the_rest_counted(connected, admin_client):
    for number in range(23):
        known(f"person{number:02}", Role.USER, STAFF, defaults.ROLE_GROUPS["user"])

    page = press(admin_client, host_manager_group=STAFF)

    text = reads(page)
    assert "23 of 23 people" in text
    assert "person19" in text
    assert "person20" not in text
    assert "And 3 more." in text


def test_one_who_would_lose_their_own_role_confirms_it_twice(people, administrator, admin_client):
    # Another superadmin, or the last one would be kept.
    known("zoe", Role.SUPERADMIN, defaults.ROLE_GROUPS["superadmin"])
    came(administrator, defaults.ROLE_GROUPS["superadmin"], OPERATORS)
    page = press(
        admin_client, superadmin_group="c0ffee00-0000-4000-8000-000000000009", admin_group=OPERATORS
    )
    text = reads(page)
    assert "boss Super Admin Admin" in text
    assert "I give up my own role: I would be Admin and no longer Super Admin" in text
    assert "Tick the box" not in text

    unticked = apply(admin_client, page)

    assert unticked.status_code == 200
    assert "Tick the box" in reads(unticked)
    assert OPERATORS not in conf.current().mapping.rows[Role.ADMIN]

    answer = apply(admin_client, unticked, confirm_own_demotion=True)

    assert answer.status_code in {302, 303}
    assert conf.current().mapping.rows[Role.ADMIN] == (OPERATORS,)
    administrator.refresh_from_db()
    assert administrator.role == Role.SUPERADMIN


def test_a_typed_secret_does_not_survive_and_the_page_says_so(people, admin_client):
    before = conf.current().client_secret

    page = press(admin_client, host_manager_group=STAFF, client_secret=SECRET)

    assert "The client secret that you typed is not saved either" in reads(page)
    assert SECRET not in page.text
    assert conf.current().client_secret == before
    assert apply(admin_client, page).status_code in {302, 303}
    assert conf.current().client_secret == before
    assert apply(admin_client, page, client_secret=SECRET).status_code in {302, 303}
    assert conf.current().client_secret == SECRET


def test_apply_and_enable_still_enables_after_the_preview(people, admin_client):
    save_settings({"enabled": False}, actor=None)

    page = press(admin_client, host_manager_group=STAFF, then="enable")

    assert conf.current().enabled is False
    assert 'formaction="?then=enable"' in buttons(page)[0]
    data = typed_into(form_data(page.text), {"preview": page.context["preview"]["digest"]})
    assert admin_client.post(f"{SETTINGS}?then=enable", data).status_code in {302, 303}
    assert conf.current().enabled is True
    assert conf.current().mapping.rows[Role.HOST_MANAGER] == (STAFF,)


def test_apply_after_the_preview_alone_does_not_enable(people, admin_client):
    save_settings({"enabled": False}, actor=None)
    page = press(admin_client, host_manager_group=STAFF)

    apply(admin_client, page)

    assert conf.current().mapping.rows[Role.HOST_MANAGER] == (STAFF,)
    assert conf.current().enabled is False


def test_another_issuers_people_are_not_counted(people, admin_client):
    LinkedIdentity.objects.filter(user__username="ann").update(issuer="https://former.example")

    assert "1 of 2 people" in reads(press(admin_client, host_manager_group=STAFF))


def test_names_in_it_are_text(people, admin_client):
    User.objects.filter(username="ann").update(username="<b>ann</b>")

    page = press(admin_client, host_manager_group=STAFF)

    assert "<b>ann</b>" not in page.text
    assert "&lt;b&gt;ann" in page.text
