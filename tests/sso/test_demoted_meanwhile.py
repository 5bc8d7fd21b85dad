"""Whoever loses the permission between the door and the write changes nothing any more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts import forms, services
from accounts.models import User
from accounts.roles import Role
from accounts.services import change_role, deactivate, delete, server_url
from sso import conf
from sso.models import SignInAttempt
from sso.services import look_up
from sso.services.trial_reports import last_test
from tests.people import HOST, PASSWORD
from tests.sso.pages import SETTINGS, press, reads
from tests.sso.trials import account, begin, browser_of

pytestmark = pytest.mark.django_db

API = "/api/v1/auth/oidc/settings"
TYPED = "Typed by somebody who is out"

ENDS: dict[str, Callable[[User], object]] = {
    "demoted": lambda user: change_role(user, Role.HOST_MANAGER, actor=None),
    "deactivated": lambda user: deactivate(user, actor=None),
    "deleted": lambda user: delete(user, actor=None),
}


@pytest.fixture(params=list(ENDS))
def end(request) -> Callable[[User], object]:
    return ENDS[request.param]


@pytest.fixture
def admin(administrator) -> User:
    return account("adam-local", "", Role.ADMIN)


def while_the_provider_answers(monkeypatch, act: Callable[[], object]) -> None:
    """Do something in the seconds that a settings form waits for the discovery document."""
    answer = look_up._ask

    def slow(*args, **kwargs):
        act()
        return answer(*args, **kwargs)

    monkeypatch.setattr(look_up, "_ask", slow)


def test_the_settings_page_saves_nothing(connected, admin, monkeypatch, end):
    browser = browser_of(admin)
    page = browser.get(SETTINGS)
    before = conf.current()
    while_the_provider_answers(monkeypatch, lambda: end(User.objects.get(pk=admin.pk)))

    answer = press(browser, page=page, button_text=TYPED, user_group="")

    assert answer.status_code == 403
    assert conf.current() == before


def test_the_json_interface_saves_nothing(connected, admin, monkeypatch, end):
    browser = browser_of(admin)
    before = conf.current()
    while_the_provider_answers(monkeypatch, lambda: end(User.objects.get(pk=admin.pk)))

    body = {"oidc_button_text": TYPED}
    answer = browser.patch(API, body, content_type="application/json")

    assert answer.status_code == 403
    assert conf.current() == before


def test_a_superadmin_who_is_one_no_longer_fills_no_superadmin_row(
    connected, administrator, monkeypatch
):
    """Still an administrator, and held to what an Admin may do."""
    other = account("other", "", Role.SUPERADMIN)
    before = conf.current()
    while_the_provider_answers(
        monkeypatch,
        lambda: change_role(User.objects.get(pk=other.pk), Role.ADMIN, actor=administrator),
    )

    answer = browser_of(other).patch(
        API, {"oidc_superadmin_group": "everybody"}, content_type="application/json"
    )

    assert answer.status_code == 400
    assert "Only a Super Admin" in answer.text
    assert conf.current() == before


def test_the_admin_saves_nothing(connected, administrator, monkeypatch):
    other = account("other", "", Role.SUPERADMIN)
    before = conf.current()
    while_the_provider_answers(
        monkeypatch,
        lambda: change_role(User.objects.get(pk=other.pk), Role.USER, actor=administrator),
    )

    answer = browser_of(other).post(
        "/admin/sso/rolemapping/1/change/", {"default_role": "superadmin"}
    )

    assert answer.status_code == 403
    assert conf.current() == before


def test_the_server_url_stays(administrator, admin, monkeypatch, end):
    browser = browser_of(admin)
    came = forms.ServerUrlForm.clean

    def slow(form):
        end(User.objects.get(pk=admin.pk))
        return came(form)

    monkeypatch.setattr(forms.ServerUrlForm, "clean", slow)

    answer = browser.post(
        "/settings/general",
        {"server_url": "https://elsewhere.example", "confirm_server_url": "on"},
    )

    assert answer.status_code == 200
    assert "Your role does not let you do this" in reads(answer)
    assert server_url() == f"http://{HOST}"


def test_nobody_is_added(administrator, admin, monkeypatch, end):
    browser = browser_of(admin)

    def slow(username: str) -> bool:
        end(User.objects.get(pk=admin.pk))
        return services.username_taken(username)

    monkeypatch.setattr(forms, "username_taken", slow)

    answer = browser.post("/settings/users/add", {"username": "mole", "role": "user"})

    assert answer.status_code == 200
    assert "Your role does not let you do this" in reads(answer)
    assert not User.objects.filter(username="mole").exists()


def test_a_test_sign_in_that_was_begun_before_tests_nothing(connected, admin, administrator):
    """The session ended with the role; the journey is still this browser's."""
    browser = browser_of(admin)
    url = begin(browser)
    change_role(admin, Role.USER, actor=administrator)
    browser.post("/login", {"username": admin.username, "password": PASSWORD})
    callback = connected.new_browser().sign_in(url, "alice")
    connected.requests.clear()

    browser.get(callback.removeprefix(f"http://{HOST}"))

    assert list(connected.requests) == []
    attempt = SignInAttempt.objects.get()
    assert (attempt.outcome, attempt.reason, attempt.groups) == ("tested", "connect_other_user", [])
    assert last_test(conf.current()) is None
    assert browser.get(f"{SETTINGS}/test-sign-in/report").status_code == 403
