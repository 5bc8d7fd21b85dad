"""What a link to set a password is no longer good for."""

from __future__ import annotations

import pytest
from auditlog.models import LogEntry
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from tests.accounts.conftest import HOST, PASSWORD

pytestmark = pytest.mark.django_db

FIRST, SECOND = "the first of two secrets", "the second of two secrets"
_interruptions: list[tuple[Client, str]] = []


def link_for(browser: Client, user: User) -> str:
    link: str = browser.post(f"/settings/users/{user.pk}/password-link").context["link"]
    return link.removeprefix(f"http://{HOST}")


def use(browser: Client, link: str, password: str):
    return browser.post(link, {"new_password": password, "new_password_again": password})


@pytest.mark.parametrize("role", [Role.SUPERADMIN, Role.ADMIN, Role.READONLY])
def test_a_change_of_role_ends_it(client, alice, bob, carol, signed_in, role):
    """An admin makes one for a user, and has none for the superadmin whom they become."""
    link = link_for(signed_in(bob), carol)
    assert client.get(link).status_code == 200

    signed_in(alice).post(f"/settings/users/{carol.pk}", {"email": carol.email, "role": role})

    assert User.objects.get(pk=carol.pk).role == role
    assert client.get(link).status_code == 403
    answer = use(client, link, FIRST)
    assert answer.status_code == 403
    assert "change of role" in answer.text
    assert User.objects.get(pk=carol.pk).check_password(PASSWORD)


class Interrupting:
    """Judge a password as Django's validators do, while somebody else uses the link."""

    def validate(self, password, user=None):
        if password == FIRST and _interruptions:
            browser, link = _interruptions.pop()
            assert use(browser, link, SECOND).status_code == 303

    def get_help_text(self):
        return ""


def test_of_two_who_use_it_at_the_same_moment_the_second_is_too_late(
    client, alice, carol, signed_in, settings
):
    link = link_for(signed_in(alice), carol)
    settings.AUTH_PASSWORD_VALIDATORS = [{"NAME": f"{__name__}.Interrupting"}]
    _interruptions.append((Client(headers={"host": HOST}), link))

    answer = use(client, link, FIRST)

    assert _interruptions == []
    assert answer.status_code == 403
    assert "works once" in answer.text
    assert User.objects.get(pk=carol.pk).check_password(SECOND)
    assert LogEntry.objects.filter(changes={"password": ["", "changed"]}).count() == 1
