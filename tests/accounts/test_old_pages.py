"""A page that was opened before somebody else changed the account."""

from __future__ import annotations

import html
import re

import pytest

from accounts.models import Installation, User
from accounts.roles import Role
from accounts.services import (
    change_role,
    deactivate,
    server_url,
    set_server_url,
    update_details,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("start", ["/settings/users/{}", "/admin/accounts/user/{}/change/"])
def test_an_old_page_takes_back_no_role_and_opens_no_door(
    alice, carol, make_person, signed_in, start
):
    """Meanwhile another administrator demotes and deactivates the account."""
    change_role(carol, Role.ADMIN, actor=alice)
    path = start.format(carol.pk)
    browser = signed_in(make_person("other", Role.SUPERADMIN))
    page = browser.get(path)
    sent = sent_by(page)
    assert sent["role"] == "admin"
    change_role(carol, Role.READONLY, actor=alice)
    deactivate(carol, actor=alice)

    answer = browser.post(path, sent | {"first_name": "Caroline"})

    user = User.objects.get(pk=carol.pk)
    assert answer.status_code in {302, 303}
    assert (user.first_name, user.role, user.is_active) == ("Caroline", Role.READONLY, False)


@pytest.mark.parametrize("start", ["/settings/users/{}", "/admin/accounts/user/{}/change/"])
def test_what_both_changed_is_refused_with_both_values(alice, carol, make_person, signed_in, start):
    path = start.format(carol.pk)
    browser = signed_in(make_person("other", Role.SUPERADMIN))
    sent = sent_by(browser.get(path))
    change_role(carol, Role.HOST_MANAGER, actor=alice)
    update_details(carol, actor=alice, email="theirs@example.com")
    theirs = signed_in(carol)

    answer = browser.post(path, sent | {"role": "readonly", "email": "mine@example.com"})

    assert answer.status_code == 200
    text = html.unescape(answer.text)
    assert "Somebody else changed this to “Host Manager” while you had “Readonly”." in text
    assert "“theirs@example.com” while you had “mine@example.com”" in text
    user = User.objects.get(pk=carol.pk)
    assert (user.role, user.email) == (Role.HOST_MANAGER, "theirs@example.com")
    assert theirs.get("/profile").status_code == 200

    # Having seen both, they may insist.
    assert browser.post(path, sent_by(answer)).status_code in {302, 303}
    user = User.objects.get(pk=carol.pk)
    assert (user.role, user.email) == (Role.READONLY, "mine@example.com")


def test_an_old_page_of_ones_own_takes_back_no_name(alice, carol, signed_in):
    browser = signed_in(carol)
    sent = sent_by(browser.get("/profile"))
    update_details(carol, actor=alice, first_name="Caroline")

    assert browser.post("/profile", sent | {"last_name": "Other"}).status_code == 303
    user = User.objects.get(pk=carol.pk)
    assert (user.first_name, user.last_name) == ("Caroline", "Other")

    answer = browser.post("/profile", sent | {"first_name": "Carola"})
    assert "“Caroline” while you had “Carola”" in html.unescape(answer.text)
    assert User.objects.get(pk=carol.pk).first_name == "Caroline"


@pytest.mark.parametrize(
    "path", ["/settings/general", "/admin/accounts/installation/1/change/"], ids=["page", "admin"]
)
def test_an_old_page_takes_back_no_server_url(alice, signed_in, path, settings):
    settings.ALLOWED_HOSTS = ["*"]
    Installation.load()
    browser = signed_in(alice)
    sent = sent_by(browser.get(path))
    assert sent["server_url"] == "http://localhost:3000"
    set_server_url("https://theirs.example", actor=None)

    browser.post(path, sent)
    assert server_url() == "https://theirs.example"

    changed = {"server_url": "https://mine.example", "confirm_server_url": "on"}
    answer = browser.post(path, sent | changed)
    text = html.unescape(answer.text)
    assert "“https://theirs.example” while you had “https://mine.example”" in text
    assert server_url() == "https://theirs.example"

    browser.post(path, sent_by(answer) | {"confirm_server_url": "on"})
    assert server_url() == "https://mine.example"


FIELDS = ("email", "first_name", "last_name", "role", "is_active", "server_url")


def sent_by(page) -> dict[str, str]:
    """What a browser sends of the fields of the form."""
    names = {name for field in FIELDS for name in (field, f"initial-{field}")}
    sent = {}
    for tag in re.findall(r"<input[^>]*>", page.text):
        told = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if told.get("name") in names and told.get("type") != "checkbox":
            sent[told["name"]] = html.unescape(told.get("value", ""))
    if 'name="role"' in page.text:
        sent["role"] = re.findall(r'<option value="(\w+)" selected', page.text)[0]
    return sent | ({"is_active": "on"} if 'name="is_active"' in page.text else {})
