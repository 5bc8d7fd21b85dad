"""The Django admin has no way in of its own (product.md, Pages, /admin/)."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Session, User
from accounts.roles import Role
from accounts.services import create_user
from tests.people import HOST, PASSWORD
from tests.sso.pages import reads

pytestmark = pytest.mark.django_db

NEW = "a quite different secret"


def make(role: Role) -> User:
    return create_user(
        usernames=[role.value],
        email="",
        first_name="",
        last_name="",
        role=role,
        actor=None,
        password=PASSWORD,
    )


def browser_of(user: User) -> Client:
    browser = Client(headers={"host": HOST})
    browser.force_login(user, backend="accounts.backends.PasswordBackend")
    return browser


@pytest.fixture
def boss(db) -> User:
    return make(Role.SUPERADMIN)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/admin/login/", "/admin/"),
        ("/admin/login/?next=/admin/accounts/user/", "/admin/accounts/user/"),
    ],
)
def test_signed_out_it_leads_to_the_sign_in_page(boss, client, path, target):
    answer = client.get(path)

    assert answer.status_code == 302
    page = client.get(answer["Location"])
    assert answer["Location"].startswith("/login?next=")
    assert f'name="next" value="{target}"' in page.text


@pytest.mark.parametrize("path", ["/admin/", "/admin/accounts/user/", "/admin/nonsense/"])
def test_every_page_of_it_does(boss, client, path):
    answer = client.get(path, follow=True)

    assert answer.redirect_chain[-1][0].startswith("/login?next=")
    assert answer.status_code == 200


def test_its_login_takes_no_password(boss, client):
    answer = client.post(
        "/admin/login/", {"username": "superadmin", "password": PASSWORD, "next": "/admin/"}
    )

    assert answer.status_code == 302
    assert Session.objects.count() == 0
    assert client.get("/admin/").status_code == 302


def test_its_login_leads_to_no_other_site(boss, client):
    answer = client.get("/admin/login/?next=https://evil.example/", follow=True)

    assert "evil.example" not in answer.text
    client.post(
        "/login", {"username": "superadmin", "password": PASSWORD, "next": "//evil.example"}
    )
    assert client.get("/login?next=https://evil.example/")["Location"] == "/"


@pytest.mark.parametrize("role", [Role.ADMIN, Role.HOST_MANAGER, Role.USER, Role.READONLY])
def test_nobody_but_a_superadmin_gets_in(boss, role):
    browser = browser_of(make(role))

    for path in ("/admin/", "/admin/login/", "/admin/accounts/user/", "/admin/sso/oidcsettings/"):
        answer = browser.get(path, follow=True)
        assert answer.status_code == 403, path
        assert "Site administration" not in answer.text
    # Nor are they sent round in circles.
    assert browser.get("/admin/login/?next=/admin/").status_code == 403


def test_a_superadmin_gets_in(boss):
    page = browser_of(boss).get("/admin/")

    assert page.status_code == 200
    text = reads(page)
    for name in ("OIDC / SSO settings", "Role mapping", "Linked identities", "Users"):
        assert name.lower() in text.lower()


def test_a_superadmin_who_is_demoted_or_deactivated_is_out_at_once(boss):
    other = create_user(
        usernames=["other"],
        email="",
        first_name="",
        last_name="",
        role=Role.SUPERADMIN,
        actor=None,
    )
    browser = browser_of(other)
    User.objects.filter(pk=other.pk).update(is_active=False)

    assert browser.get("/admin/").status_code == 302


def test_its_password_form_is_the_profile(boss):
    browser = browser_of(boss)

    for path in ("/admin/password_change/", "/admin/password_change/done/"):
        assert browser.get(path)["Location"] == "/profile"
    answer = browser.post(
        "/admin/password_change/",
        {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW},
    )

    assert answer["Location"] == "/profile"
    boss.refresh_from_db()
    assert boss.check_password(PASSWORD)


def test_its_log_out_is_the_one_of_every_page_and_no_link(boss):
    browser = browser_of(boss)

    assert browser.get("/admin/logout/").status_code == 405
    assert browser.get("/api/v1/auth/profile").status_code == 200
    answer = browser.post("/admin/logout/")

    assert answer["Location"] == "/login"
    assert browser.get("/api/v1/auth/profile").status_code == 401
    assert not Session.objects.exists()


def test_its_pages_carry_a_policy(boss):
    page = browser_of(boss).get("/admin/")

    policy = page["Content-Security-Policy"]
    assert "unsafe-inline" not in policy.partition("style-src")[0]
    assert "unsafe-eval" not in policy
    assert "frame-ancestors 'none'" in policy
