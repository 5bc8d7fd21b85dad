from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from accounts.roles import Role

pytestmark = pytest.mark.django_db


def create(monkeypatch, password):
    if password is None:
        monkeypatch.delenv("DJANGO_SUPERUSER_PASSWORD", raising=False)
    else:
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", password)
    call_command(
        "createsuperuser", interactive=False, username="rootina", email="rootina@example.com"
    )


@pytest.mark.parametrize("password", ["", "tooshort", "1234567890123456", "rootina@example"])
def test_a_password_from_a_variable_is_judged_like_any_other(monkeypatch, password):
    with pytest.raises(CommandError) as refused:
        create(monkeypatch, password)

    assert not password or password not in str(refused.value)
    assert not User.objects.exists()


def test_a_good_one_makes_a_superadmin(monkeypatch):
    create(monkeypatch, "correct horse battery")

    user = User.objects.get()
    assert (user.username, user.role) == ("rootina", Role.SUPERADMIN)
    assert user.check_password("correct horse battery")


def test_without_one_no_password_works(monkeypatch):
    create(monkeypatch, None)

    assert not User.objects.get().has_usable_password()
