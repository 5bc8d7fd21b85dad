"""The sign-in through the front door, against the simulated tenant."""

from __future__ import annotations

import logging

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import ProfilePhoto, Session, User
from accounts.roles import Role
from accounts.services import create_user
from entra_sim import defaults
from sso.models import LinkedIdentity, SignInAttempt, UsedRoundTrip
from sso.provider import connections, http
from tests.people import HOST
from tests.sso.conftest import connect

pytestmark = pytest.mark.django_db


def signed_in_as(client: Client) -> str:
    response = client.get(reverse("sso:api-profile"))
    return response.json()["username"] if response.status_code == 200 else ""


def only_attempt() -> SignInAttempt:
    return SignInAttempt.objects.get()


@pytest.mark.parametrize(
    ("person", "username", "role"),
    [
        ("sofia", "sofia", Role.SUPERADMIN),
        ("adam", "adam", Role.ADMIN),
        ("hana", "hana", Role.HOST_MANAGER),
        ("alice", "alice", Role.USER),
        ("ravi", "ravi", Role.READONLY),
    ],
)
def test_a_first_sign_in_creates_the_account_with_the_role_of_its_group(
    connected, sign_in, person, username, role
):
    browser = sign_in(person)

    assert browser.last["Location"] == "/"
    assert signed_in_as(browser) == username
    user = User.objects.get(username=username)
    assert user.role == role
    assert user.is_staff is user.is_superuser is (role == Role.SUPERADMIN)
    assert not user.has_usable_password()
    attempt = only_attempt()
    assert (attempt.outcome, attempt.created_account) == ("signed_in", True)
    assert attempt.role_after == role
    assert attempt.role_rule == "group"
    assert defaults.ROLE_GROUPS[role] in attempt.groups


def test_the_role_follows_the_group_at_the_next_sign_in(connected, sign_in):
    first = sign_in("alice")
    connected.tenant.people["alice"].groups = [defaults.ROLE_GROUPS["admin"]]

    second = sign_in("alice")

    user = User.objects.get(username="alice")
    assert user.role == Role.ADMIN
    assert signed_in_as(second) == "alice"
    # A role that changes ends every other session.
    assert signed_in_as(first) == ""
    assert LinkedIdentity.objects.count() == 1


def test_a_repeated_sign_in_makes_one_request_to_the_provider(connected, sign_in):
    sign_in("alice")
    connected.requests.clear()

    sign_in("alice")

    asked = [entry for entry in connected.requests if not entry.in_process]
    assert [(entry.request.method, entry.endpoint) for entry in asked] == [("POST", "token")]


def test_a_repeated_sign_in_opens_no_connection(connected, sign_in, monkeypatch):
    opened = []
    really_open = connections._open

    def counted(connection):
        opened.append(connection.host)
        return really_open(connection)

    monkeypatch.setattr(connections, "_open", counted)
    # Whatever other tests left open would be reused by the first one as well.
    http._adapter.close()
    sign_in("alice")
    assert opened
    opened.clear()

    sign_in("alice")

    assert opened == []


def test_a_visitor_who_only_starts_costs_no_row(connected, client):
    response = client.get(reverse("sso:login"))

    assert response.status_code == 302
    assert response["Location"].startswith(connected.url)
    assert "code_challenge_method=S256" in response["Location"]
    assert Session.objects.count() == 0
    assert UsedRoundTrip.objects.count() == 0


def test_an_account_with_the_same_address_is_not_taken_over(connected, sign_in):
    theirs = create_user(
        usernames=["local"],
        email="alice@contoso.com",
        first_name="",
        last_name="",
        role=Role.USER,
        actor=None,
        password="something long enough",
    )

    browser = sign_in("alice")

    assert browser.last["Location"] == "/login"
    assert signed_in_as(browser) == ""
    assert User.objects.count() == 2
    assert LinkedIdentity.objects.count() == 0
    theirs.refresh_from_db()
    assert theirs.has_usable_password()
    attempt = only_attempt()
    assert attempt.reason == "email_unverified"
    page = browser.get("/login").content.decode()
    assert "could not let you in" in page
    assert attempt.reference in page


def test_a_vouched_address_links_an_ordinary_account_and_ends_its_password(connected, sign_in):
    connected.tenant.app.claims.xms_edov = True
    theirs = create_user(
        usernames=["local"],
        email="alice@contoso.com",
        first_name="",
        last_name="",
        role=Role.READONLY,
        actor=None,
        password="something long enough",
    )

    browser = sign_in("alice")

    assert signed_in_as(browser) == "local"
    theirs.refresh_from_db()
    assert not theirs.has_usable_password()
    assert theirs.role == Role.USER
    assert "password_removed" in only_attempt().notes


def test_an_administrator_never_links_by_address(connected, sign_in):
    connected.tenant.app.claims.xms_edov = True
    User.objects.filter(username="boss").update(email="alice@contoso.com")
    boss = User.objects.get(username="boss")
    boss.save(update_fields=["email", "email_key"])

    browser = sign_in("alice")

    assert signed_in_as(browser) == ""
    assert only_attempt().reason == "email_of_administrator"
    assert LinkedIdentity.objects.count() == 0


def test_two_people_with_one_prefix_get_two_names(connected, sign_in):
    sign_in("alice")
    browser = sign_in("alice2")

    assert signed_in_as(browser) == "alice2"
    assert User.objects.get(username="alice2").email.endswith("fabrikam.example")


def test_someone_without_an_address_gets_an_account_without_one(connected, sign_in):
    sign_in("nomail")

    user = LinkedIdentity.objects.get().user
    assert user.email == ""
    assert user.username


def test_a_deactivated_account_is_refused_and_left_alone(connected, sign_in):
    sign_in("alice")
    User.objects.filter(username="alice").update(is_active=False)
    before = User.objects.values().get(username="alice")

    browser = sign_in("alice")

    assert signed_in_as(browser) == ""
    assert User.objects.values().get(username="alice") == before
    assert SignInAttempt.objects.filter(reason="inactive").count() == 1


def test_groups_beyond_two_hundred_are_read_from_graph(connected, sign_in):
    browser = sign_in("olga")

    assert signed_in_as(browser) == "olga"
    assert User.objects.get(username="olga").role == Role.HOST_MANAGER
    assert only_attempt().groups_source == "graph"


def test_an_outage_of_graph_keeps_the_role(connected, sign_in):
    sign_in("olga")
    connected.fail("groups", 503)

    sign_in("olga")

    assert User.objects.get(username="olga").role == Role.HOST_MANAGER
    assert SignInAttempt.objects.all()[0].role_rule == "kept_incomplete"


def test_the_photo_is_fetched_once_a_day_and_served_to_people_who_are_signed_in(
    connected, sign_in, client
):
    browser = sign_in("alice")

    user = User.objects.get(username="alice")
    assert ProfilePhoto.objects.get(user=user).image
    photo = browser.get(reverse("accounts:photo", args=[user.pk]))
    assert photo.status_code == 200
    assert photo["Content-Type"].startswith("image/")
    assert photo["X-Content-Type-Options"] == "nosniff"
    assert client.get(reverse("accounts:photo", args=[user.pk])).status_code == 302
    connected.requests.clear()
    sign_in("alice")
    assert connected.requests.count("photo") == 0


def test_the_first_identity_becomes_superadmin_once(db, sim, sign_in):
    connect(sim)

    sign_in("ravi")
    sign_in("alice")

    assert User.objects.get(username="ravi").role == Role.SUPERADMIN
    assert User.objects.get(username="alice").role == Role.USER
    assert SignInAttempt.objects.order_by("at")[0].role_rule == "first_administrator"


def test_the_last_superadmin_is_never_demoted(db, sim, sign_in):
    connect(sim)
    sign_in("ravi")

    sign_in("ravi")

    assert User.objects.get(username="ravi").role == Role.SUPERADMIN
    assert SignInAttempt.objects.all()[0].role_rule == "kept_last_superadmin"


def test_a_state_is_used_up_by_the_first_callback(connected, client):
    start = client.get(reverse("sso:login"))
    callback = connected.new_browser().sign_in(start["Location"], "alice")
    path = callback.removeprefix(f"http://{HOST}")
    assert client.get(path)["Location"] == "/"
    client.logout()

    again = client.get(path)

    assert again["Location"] == "/login"
    assert signed_in_as(client) == ""
    assert "Session expired" in client.get("/login").content.decode()
    assert connected.requests.count("token") == 1


def test_a_reload_of_the_callback_goes_on_to_the_page(connected, client):
    start = client.get(reverse("sso:login"), {"next": "/profile"})
    callback = connected.new_browser().sign_in(start["Location"], "alice")
    path = callback.removeprefix(f"http://{HOST}")
    client.get(path)

    again = client.get(path)

    assert again["Location"] == "/profile"
    assert signed_in_as(client) == "alice"
    assert SignInAttempt.objects.count() == 1


def test_another_browsers_callback_signs_nobody_in(connected, client):
    start = client.get(reverse("sso:login"))
    callback = connected.new_browser().sign_in(start["Location"], "alice")
    victim = Client(headers={"host": HOST})

    response = victim.get(callback.removeprefix(f"http://{HOST}"))

    assert response["Location"] == "/login"
    assert signed_in_as(victim) == ""
    assert SignInAttempt.objects.count() == 0
    assert connected.requests.count("token") == 0


def test_an_error_in_the_address_signs_nobody_out(connected, sign_in):
    browser = sign_in("alice")

    browser.get(reverse("sso:callback"), {"error": "access_denied"})

    assert signed_in_as(browser) == "alice"


def test_cancelling_at_the_provider_says_so(connected, client):
    start = client.get(reverse("sso:login"))
    callback = connected.new_browser().cancel(start["Location"])

    client.get(callback.removeprefix(f"http://{HOST}"))

    page = client.get("/login").content.decode()
    assert "You cancelled the sign-in. Press the button to try again" in page
    assert only_attempt().reason == "cancelled"
    assert f"give your administrator this reference: {only_attempt().reference}" in page


@pytest.mark.parametrize("method", ["post", "put", "head", "options", "delete"])
def test_the_callback_answers_to_get_alone(connected, client, method):
    start = client.get(reverse("sso:login"))
    callback = connected.new_browser().sign_in(start["Location"], "alice")

    response = getattr(client, method)(callback.removeprefix(f"http://{HOST}"))

    assert response.status_code == 405
    assert connected.requests.count("token") == 0
    assert UsedRoundTrip.objects.count() == 0


def test_a_wrong_secret_ends_readiness_and_says_it_is_not_about_the_account(
    administrator, sim, sign_in, client
):
    connect(sim, client_secret="not-the-secret-at-all")

    browser = sign_in("alice")

    assert signed_in_as(browser) == ""
    attempt = only_attempt()
    assert attempt.reason == "client_refused"
    assert attempt.provider_codes == [7000215]
    assert attempt.trace_id
    assert "not about your account" in browser.get("/login").content.decode()
    assert client.get(reverse("sso:api-config")).json()["enabled"] is False
    # The right secret brings it back.
    connect(sim)
    assert client.get(reverse("sso:api-config")).json()["enabled"] is True


def test_a_provider_that_is_down_is_a_sentence_and_not_a_500(connected, sign_in, client):
    connected.fail("token", 503)

    browser = sign_in("alice")

    assert browser.last["Location"] == "/login"
    assert "could not be reached" in browser.get("/login").content.decode()
    assert only_attempt().reason == "provider_status"


def test_a_stopped_provider_answers_503_at_the_start(administrator, sim, client):
    connect(sim)
    sim.stop()
    try:
        response = client.get(reverse("sso:login"))
        page = client.get("/login").content.decode()
    finally:
        sim.start()

    assert response.status_code == 503
    assert "Single sign-on is unavailable at the moment." in page
    assert "Sign in with Microsoft" not in page
    assert 'name="password"' in page


def test_an_expired_token_is_refused(connected, sign_in):
    connected.tenant.app.claims.overrides = {"exp": 1_700_000_000}

    browser = sign_in("alice")

    assert signed_in_as(browser) == ""
    assert only_attempt().reason == "exp"
    assert not User.objects.filter(username="alice").exists()


def test_settings_that_change_meanwhile_refuse_the_callback(connected, client):
    start = client.get(reverse("sso:login"))
    callback = connected.new_browser().sign_in(start["Location"], "alice")
    connect(connected, scopes="openid email profile")

    client.get(callback.removeprefix(f"http://{HOST}"))

    assert signed_in_as(client) == ""
    assert only_attempt().reason == "stale_config"
    assert connected.requests.count("token") == 0


def test_the_session_of_whoever_was_signed_in_before_is_emptied(connected, client, administrator):
    client.force_login(administrator, backend="accounts.backends.PasswordBackend")
    key = client.session.session_key
    # The button leads somebody signed in straight on, so the journey began before.
    fresh = Client(headers={"host": HOST})
    start = fresh.get(reverse("sso:login"))
    client.cookies["patchmon-browser"] = fresh.cookies["patchmon-browser"].value
    callback = connected.new_browser().sign_in(start["Location"], "alice")

    client.get(callback.removeprefix(f"http://{HOST}"))

    assert signed_in_as(client) == "alice"
    assert not Session.objects.filter(session_key=key).exists()


def test_the_lines_the_guide_greps_for_are_logged(connected, sign_in, caplog):
    caplog.set_level(logging.INFO)
    sign_in("alice")
    connected.tenant.app.claims.groups = type(connected.tenant.app.claims.groups).NONE
    connected.tenant.app.consented.discard("User.Read")
    connect(connected, scopes="openid email profile")
    sign_in("nora")

    messages = [record.getMessage() for record in caplog.records]
    assert any("oidc groups" in message for message in messages)
    assert any("oidc no groups in token" in message for message in messages)


def test_a_callback_hands_out_no_code(connected, sign_in):
    browser = sign_in("alice")

    assert browser.last["Referrer-Policy"] == "no-referrer"
    assert "no-store" in browser.last["Cache-Control"]


def test_the_target_is_only_a_page_of_this_site(connected, sign_in):
    assert sign_in("alice", target="https://evil.example/").last["Location"] == "/"
    assert sign_in("alice", target="/settings/users").last["Location"] == "/settings/users"
    assert sign_in("alice", target="//evil.example").last["Location"] == "/"
