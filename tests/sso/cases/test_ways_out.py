"""Sessions, sign-out and the switch for passwords (rp-cases 4.7, cases 131 to 140)."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.models import Session, User
from accounts.roles import Role
from accounts.services import create_user, deactivate
from accounts.services.password_links import tokens
from sso.management.commands.sso import Command
from sso.models import OIDCSettings, SignInAttempt
from sso.provider import discovery
from sso.services.settings import SettingsRefused, save_settings
from tests.fakes.provider import Reply
from tests.people import HOST, PASSWORD
from tests.sso.cases.front_door import Browser, connect
from tests.sso.cases.hostile import HostileProvider

pytestmark = pytest.mark.django_db


@pytest.mark.case(131, "D2")
def test_a_deactivated_account_is_out_at_its_next_request(browser, administrator):
    browser.sign_in()
    assert browser.username == "alice"
    deactivate(User.objects.get(username="alice"), actor=administrator)

    assert browser.username == ""
    assert browser.get("/profile").status_code == 302
    assert not Session.objects.filter(user__username="alice").exists()


@pytest.mark.case(131, "D2")
def test_not_even_a_session_that_outlived_it_counts(browser):
    browser.sign_in()
    # As if the row had been changed behind PatchMon's back.
    User.objects.filter(username="alice").update(is_active=False)

    assert browser.username == ""
    assert browser.post("/profile", {"first_name": "x"}).status_code == 302


@pytest.mark.case(132, "D54")
def test_every_session_ends_a_fixed_time_after_its_sign_in(browser):
    browser.sign_in()

    row = Session.objects.get(user__username="alice")
    lifetime = (row.expire_date - row.created_at).total_seconds()
    assert lifetime == pytest.approx(django_settings.SESSION_LIFETIME, abs=5)
    browser.get("/")
    browser.post("/profile", {"first_name": "Alicia"})
    assert Session.objects.get(user__username="alice").expire_date == row.expire_date


@pytest.mark.case(133)
def test_there_is_no_back_channel_to_lie_to(browser):
    browser.sign_in()
    for path in ("backchannel-logout", "backchannel_logout"):
        answer = Client(headers={"host": HOST}).post(
            f"/api/v1/auth/oidc/{path}", {"logout_token": "e30.e30."}
        )
        assert answer.status_code in {302, 404}

    assert browser.username == "alice"


@pytest.mark.case(134, "oidcc-client-test-rp-frontchannel-rpinitlogout", "D53")
@pytest.mark.parametrize(
    "query", [{}, {"sid": ""}, {"sid": "another"}, {"sid": ["a", "b"]}, {"sid": "x" * 5_000}]
)
def test_a_front_channel_call_about_another_session_ends_none(open_browser, provider, query):
    provider.claims["sid"] = "the-sid-of-alice"
    browser = open_browser()
    browser.sign_in()

    Client(headers={"host": HOST}).get("/api/v1/auth/oidc/frontchannel-logout", query)

    assert browser.username == "alice"


@pytest.mark.case(134, "oidcc-client-test-rp-frontchannel-opinitlogout", "D53")
def test_a_front_channel_call_ends_the_session_it_names_and_no_other(open_browser, provider):
    provider.claims["sid"] = "session-number-one"
    first = open_browser()
    first.sign_in()
    provider.claims["sid"] = "session-number-two"
    second = open_browser()
    second.sign_in()

    answer = Client(headers={"host": HOST}).get(
        "/api/v1/auth/oidc/frontchannel-logout", {"sid": "session-number-one"}
    )

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert (first.username, second.username) == ("", "alice")


@pytest.mark.case(135)
def test_only_a_post_of_this_site_signs_out(open_browser, log, provider):
    open_browser()
    browser = Browser(provider, log, enforce_csrf_checks=True)
    browser.sign_in()

    assert browser.get("/logout").status_code == 405
    assert browser.post("/logout").status_code == 403
    assert browser.post("/logout", headers={"origin": "https://evil.example"}).status_code == 403
    assert browser.username == "alice"


@pytest.mark.case(135, "oidcc-client-test-rp-init-logout", "D53")
def test_signing_out_works_without_the_provider(browser, provider, log):
    browser.sign_in()
    provider.told["discovery"] = lambda _honest: Reply(503)
    discovery.forget(provider.issuer)

    assert browser.post("/logout").status_code in {200, 302, 303}

    assert browser.username == ""
    assert not Session.objects.filter(user__username="alice").exists()
    assert not any("id_token_hint" in line for line in log.lines)


@pytest.mark.case(
    135, "oidcc-client-test-rp-init-logout-other-state", "oidcc-client-test-rp-init-logout-no-state"
)
@pytest.mark.parametrize("query", [{}, {"state": "unknown"}, {"state": ["a", "b"]}])
def test_coming_back_from_the_providers_sign_out_needs_no_state(browser, query):
    browser.sign_in()
    browser.post("/logout")

    assert browser.get("/login", query).status_code == 200
    assert browser.username == ""


@pytest.fixture
def enforced(provider: HostileProvider, log, administrator: User) -> User:
    """Only single sign-on is left; returns the administrator who came through it."""
    connect(provider, admin_group="chiefs")
    provider.userinfo["groups"] = ["chiefs"]
    Browser(provider, log).sign_in()
    save_settings(
        {"disable_local_auth": True}, actor=None, confirmed=frozenset({"disable_local_auth"})
    )
    return User.objects.get(linked_identities__subject=provider.subject)


def signed_in(client: Client) -> bool:
    return client.get("/api/v1/auth/profile").status_code == 200


@pytest.mark.case(136)
@pytest.mark.parametrize("path", ["/login", "/admin/login/", "/login?next=/admin/"])
def test_no_form_takes_a_password_while_single_sign_on_is_enforced(enforced, client, path):
    client.post(path, {"username": "boss", "password": PASSWORD, "next": "/"})

    assert not signed_in(client)
    assert 'name="password"' not in client.get("/login").text


@pytest.mark.case(136)
def test_no_link_sets_a_password_while_single_sign_on_is_enforced(enforced, client, administrator):
    uid = urlsafe_base64_encode(force_bytes(administrator.pk))
    link = f"/password/{uid}/{tokens.make_token(administrator)}"
    new = {"new_password": "another long password", "new_password_again": "another long password"}

    client.get(link, follow=True)
    client.post(link, new)

    administrator.refresh_from_db()
    assert administrator.check_password(PASSWORD)
    assert not signed_in(client)


@pytest.mark.case(136)
def test_nor_does_the_profile_change_one(enforced, client, administrator):
    client.force_login(administrator, backend="accounts.backends.PasswordBackend")
    client.post(
        "/profile/password",
        {
            "current_password": PASSWORD,
            "new_password": "another long password",
            "new_password_again": "another long password",
        },
    )

    administrator.refresh_from_db()
    assert administrator.check_password(PASSWORD)


@pytest.mark.case(137)
def test_the_switch_is_refused_until_it_can_work(provider, administrator):
    connect(provider)
    for enabled in (False, True):
        save_settings({"enabled": enabled}, actor=None)
        with pytest.raises(SettingsRefused):
            save_settings({"disable_local_auth": True}, actor=None)
    assert not OIDCSettings.load().disable_local_auth


@pytest.mark.case(137)
def test_the_switch_counts_for_nothing_where_single_sign_on_cannot_work(
    provider, client, administrator
):
    connect(provider)
    # As the environment may say it.
    OIDCSettings.objects.update(disable_local_auth=True)
    client.post("/login", {"username": "boss", "password": PASSWORD})

    assert signed_in(client)


@pytest.mark.case(137, 101)
def test_passwords_come_back_when_the_provider_is_gone(enforced, provider, client):
    provider.told["discovery"] = lambda _honest: Reply(503)
    discovery.forget(provider.issuer)
    client.post("/login", {"username": "boss", "password": PASSWORD})

    assert signed_in(client)


@pytest.mark.case(137)
def test_the_way_back_in_from_the_command_line(enforced, client, capsys):
    Command().run_from_argv(["manage.py", "sso", "allow-local-login", "--minutes", "5"])
    client.post("/login", {"username": "boss", "password": PASSWORD})

    assert signed_in(client)
    assert "5" in capsys.readouterr().out


@pytest.mark.case(138)
def test_an_account_of_single_sign_on_has_no_password_and_gets_none(browser, client):
    provider = browser.provider
    provider.subject = provider.userinfo["sub"] = "new"
    provider.userinfo["email"] = "new@example.com"
    browser.sign_in()
    user = User.objects.get(username="new")
    assert not user.has_usable_password()

    new = "another long password"
    for current in ("", "x"):
        browser.post(
            "/profile/password",
            {"current_password": current, "new_password": new, "new_password_again": new},
        )
    for password in ("", "!", user.password, new):
        client.post("/login", {"username": "new", "password": password})

    user.refresh_from_db()
    assert not user.has_usable_password()
    assert not signed_in(client)


@pytest.mark.case(139)
def test_failed_callbacks_shut_nobodys_local_way_in(browser, client):
    browser.provider.told["claims"] = lambda claims: claims | {"nonce": "another"}
    for _ in range(12):
        browser.sign_in()
    for _ in range(30):
        browser.come_back({"state": "unknown", "code": "x"})

    assert SignInAttempt.objects.filter(reason="nonce").count() == 12
    client.post("/login", {"username": "boss", "password": PASSWORD})
    assert signed_in(client)
    # What has no genuine state is no row, and a few lines a minute.
    assert SignInAttempt.objects.count() == 12
    assert sum("oidc callback without a round trip" in line for line in browser.log.lines) <= 5


@pytest.mark.case(138, 54)
def test_the_backends_take_nothing_but_their_own(browser, administrator):
    made = create_user(
        usernames=["sso-only"],
        email="",
        first_name="",
        last_name="",
        role=Role.USER,
        actor=None,
    )
    client = Client(headers={"host": HOST})
    assert not client.login(code="c", state="s")
    assert not client.login(username=made.username, password="")
    assert not client.login(nonce="", code_verifier="")
