"""No cache, and no browser's disk, keeps a page that names people."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user, store_photo
from tests.patchmon.test_doors import BEHIND_DRF, address_of, is_exempt, routes
from tests.people import HOST

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(db) -> User:
    return create_user(
        usernames=["boss"],
        email="",
        first_name="",
        last_name="",
        role=Role.SUPERADMIN,
        actor=None,
    )


def test_every_answer_to_somebody_signed_in_is_kept_by_nobody(boss):
    browser = Client(headers={"host": HOST})
    browser.force_login(boss, backend="accounts.backends.PasswordBackend")
    kept = {}
    tried = 0

    for route, view in routes():
        if is_exempt(view) and route not in BEHIND_DRF:
            continue
        answer = browser.get(address_of(route))
        control = answer.headers.get("Cache-Control", "")
        if "no-store" not in control:
            kept[route] = control
        tried += 1

    assert tried > 50
    assert kept == {}


def test_a_photo_is_kept_by_the_browser_of_whoever_sees_it(boss):
    store_photo(boss, b"\x89PNG bytes", "image/png")
    browser = Client(headers={"host": HOST})
    browser.force_login(boss, backend="accounts.backends.PasswordBackend")

    answer = browser.get(f"/photos/{boss.pk}")

    assert answer["Cache-Control"] == "private, max-age=3600"
