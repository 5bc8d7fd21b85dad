"""A page that was opened before somebody else changed the account."""

from __future__ import annotations

import html
import re

import pytest

from accounts.models import User
from accounts.roles import Role
from accounts.services import change_role, deactivate

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
    browser.post(path, sent | {"role": "user"})
    assert User.objects.get(pk=carol.pk).role == Role.USER


def sent_by(page) -> dict[str, str]:
    """What a browser sends of the fields of an account."""
    names = ("email", "first_name", "last_name", "role", "initial-role", "initial-is_active")
    sent = {
        name: html.unescape(value)
        for name, value in re.findall(r'<input[^>]* name="([^"]+)" value="([^"]*)"', page.text)
        if name in names
    }
    sent["role"] = re.findall(r'<option value="(\w+)" selected', page.text)[0]
    return sent | ({"is_active": "on"} if 'name="is_active"' in page.text else {})
