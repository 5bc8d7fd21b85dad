"""Connect and disconnect an account of the provider on the profile (sign-in.md, rule 4)."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from auditlog.models import LogEntry
from django.test import Client

from accounts.models import Session, User
from accounts.roles import Role
from accounts.services import create_user
from entra_sim import defaults
from sso.models import LinkedIdentity, SignInAttempt, UsedRoundTrip
from tests.people import HOST, PASSWORD
from tests.sso.conftest import connect
from tests.sso.pages import reads

pytestmark = pytest.mark.django_db

CONNECT = "/profile/identities/connect"
_CONTINUE = re.compile(r'href="([^"]+)"[^>]*data-continue')


def browser_of(user: User) -> Client:
    browser = Client(headers={"host": HOST})
    browser.force_login(user, backend="accounts.backends.PasswordBackend")
    return browser


@pytest.fixture
def carol(administrator) -> User:
    return create_user(
        usernames=["carol"],
        email="carol@example.org",
        first_name="",
        last_name="",
        role=Role.USER,
        actor=None,
        password=PASSWORD,
    )


def begin(browser: Client, password: str = PASSWORD) -> str:
    """Press Connect and return where the page goes on to."""
    answer = browser.post(CONNECT, {"current_password": password})
    assert answer.status_code == 200, answer
    found = _CONTINUE.search(answer.text)
    assert found is not None
    return found[1].replace("&amp;", "&")


def come_back(browser: Client, sim, address: str, person: str):
    callback = sim.new_browser().sign_in(address, person)
    return browser.get(callback.removeprefix(f"http://{HOST}"))


def who(browser: Client) -> str:
    answer = browser.get("/api/v1/auth/profile")
    return answer.json()["username"] if answer.status_code == 200 else ""


# Connect


def test_an_administrator_connects_and_signs_in_with_it(connected, admin_client, sign_in):
    assert "Connect a Microsoft account" in reads(admin_client.get("/profile"))

    answer = come_back(admin_client, connected, begin(admin_client), "sofia")

    assert answer["Location"] == "/profile"
    assert who(admin_client) == "boss"
    page = reads(admin_client.get("/profile"))
    assert "Your Microsoft account sofia@contoso.com is connected" in page
    assert "Connect a Microsoft account" not in page
    linked = LinkedIdentity.objects.get()
    assert (linked.user.username, linked.tenant_id) == ("boss", defaults.TENANT_ID)
    assert linked.groups == [defaults.ROLE_GROUPS["superadmin"]]
    assert User.objects.count() == 1
    assert LogEntry.objects.first().changes == {"identity": ["", "Microsoft: sofia@contoso.com"]}
    attempt = SignInAttempt.objects.get()
    assert (attempt.outcome, attempt.username) == ("linked", "boss")
    # The password stays: connecting takes nothing away.
    assert User.objects.get().check_password(PASSWORD)
    assert who(sign_in("sofia")) == "boss"


def test_the_answer_to_a_post_never_redirects_off_the_site(connected, admin_client):
    answer = admin_client.post(CONNECT, {"current_password": PASSWORD})

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert PASSWORD not in answer.text


def test_it_asks_which_account_to_use(connected, admin_client):
    query = parse_qs(urlsplit(begin(admin_client)).query)

    assert query["prompt"] == ["select_account"]
    assert query["code_challenge_method"] == ["S256"]


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD.upper()])
def test_the_password_is_asked_for_first(connected, admin_client, password):
    answer = admin_client.post(CONNECT, {"current_password": password})

    assert answer.status_code == 303
    assert answer["Location"] == "/profile"
    assert "not your PatchMon password" in reads(admin_client.get("/profile"))
    assert connected.requests.count("authorize") == 0


def test_only_a_post_with_csrf_begins_it(connected, administrator):
    browser = Client(enforce_csrf_checks=True, headers={"host": HOST})
    browser.force_login(administrator, backend="accounts.backends.PasswordBackend")

    assert browser.get(CONNECT)["Location"] == "/profile"
    assert connected.requests.count("authorize") == 0
    assert browser.post(CONNECT, {"current_password": PASSWORD}).status_code == 403


def test_a_visitor_connects_nothing(connected, client):
    assert client.post(CONNECT)["Location"].startswith("/login?next=")


def test_it_needs_sso_to_be_ready(administrator, sim, admin_client):
    assert "Connect a Microsoft account" not in reads(admin_client.get("/profile"))
    assert "not ready" in reads(admin_client.get("/profile"))

    answer = admin_client.post(CONNECT, {"current_password": PASSWORD})

    assert answer.status_code == 503
    assert "unavailable" in reads(answer)


def test_an_identity_of_another_account_is_not_taken(connected, sign_in, admin_client):
    sign_in("alice")
    before = LinkedIdentity.objects.values().get()

    come_back(admin_client, connected, begin(admin_client), "alice")

    assert who(admin_client) == "boss"
    assert LinkedIdentity.objects.values().get() == before
    attempt = SignInAttempt.objects.all()[0]
    assert attempt.reason == "identity_taken"
    page = reads(admin_client.get("/profile"))
    assert "could not be connected to yours" in page
    assert attempt.reference in page


def test_another_session_in_the_browser_meanwhile_connects_nothing(connected, administrator, carol):
    browser = browser_of(carol)
    address = begin(browser)
    browser.force_login(administrator, backend="accounts.backends.PasswordBackend")

    come_back(browser, connected, address, "sofia")

    assert LinkedIdentity.objects.count() == 0
    assert who(browser) == "boss"
    assert SignInAttempt.objects.get().reason == "connect_other_user"
    assert connected.requests.count("token") == 0


def test_nobody_who_signed_out_meanwhile_is_connected_or_signed_in(connected, carol):
    browser = browser_of(carol)
    address = begin(browser)
    key = browser.cookies["patchmon-browser"].value
    browser.post("/logout")
    browser.cookies["patchmon-browser"] = key

    come_back(browser, connected, address, "sofia")

    assert LinkedIdentity.objects.count() == 0
    assert who(browser) == ""
    assert connected.requests.count("token") == 0


def test_somebody_elses_callback_connects_nothing(connected, administrator, carol):
    """Login CSRF on the connect journey: an attacker's callback in a victim's browser."""
    attacker, victim = browser_of(carol), browser_of(administrator)
    callback = connected.new_browser().sign_in(begin(attacker), "adam")

    victim.get(callback.removeprefix(f"http://{HOST}"))

    assert LinkedIdentity.objects.count() == 0
    assert who(victim) == "boss"
    assert UsedRoundTrip.objects.count() == 0
    assert connected.requests.count("token") == 0


def test_a_sign_in_journey_never_connects(connected, administrator, carol):
    fresh = Client(headers={"host": HOST})
    start = fresh.get("/api/v1/auth/oidc/login")
    browser = browser_of(carol)
    browser.cookies["patchmon-browser"] = fresh.cookies["patchmon-browser"].value

    come_back(browser, connected, start["Location"], "alice")

    assert who(browser) == "alice"
    assert not LinkedIdentity.objects.filter(user=carol).exists()


def test_cancelling_leads_back_to_the_profile(connected, admin_client):
    callback = connected.new_browser().cancel(begin(admin_client))

    answer = admin_client.get(callback.removeprefix(f"http://{HOST}"))

    assert answer["Location"] == "/profile"
    assert who(admin_client) == "boss"
    assert "You cancelled" in reads(admin_client.get("/profile"))


def test_connecting_twice_makes_one_identity(connected, carol):
    browser = browser_of(carol)
    first, second = begin(browser), begin(browser)

    come_back(browser, connected, first, "alice")
    come_back(browser, connected, second, "alice")

    assert LinkedIdentity.objects.count() == 1
    assert LogEntry.objects.filter(changes__has_key="identity").count() == 1


def test_an_account_without_a_password_signs_in_afresh_at_the_provider(connected, sign_in):
    browser = sign_in("alice")
    LinkedIdentity.objects.update(issuer="https://earlier.example")

    query = parse_qs(urlsplit(begin(browser, password="")).query)

    assert query["prompt"] == ["login"]


def test_connecting_leaves_role_and_address_to_the_next_sign_in(connected, carol, sign_in):
    browser = browser_of(carol)

    come_back(browser, connected, begin(browser), "hana")
    carol.refresh_from_db()
    assert (carol.role, carol.email) == (Role.USER, "carol@example.org")

    sign_in("hana")
    carol.refresh_from_db()
    assert carol.role == Role.HOST_MANAGER


# Disconnect


def disconnect(browser: Client, linked: LinkedIdentity):
    return browser.post(f"/profile/identities/{linked.pk}/disconnect", follow=True)


def test_one_disconnects_ones_own_and_other_sessions_end(connected, carol, sign_in):
    here, elsewhere = browser_of(carol), browser_of(carol)
    come_back(here, connected, begin(here), "alice")
    linked = LinkedIdentity.objects.get()

    answer = disconnect(here, linked)

    assert "The account is disconnected" in reads(answer)
    assert LinkedIdentity.objects.count() == 0
    assert who(here) == "carol"
    assert who(elsewhere) == ""
    assert LogEntry.objects.first().changes == {"identity": ["Microsoft: alice@contoso.com", ""]}
    # The next sign-in at the provider is somebody new.
    assert who(sign_in("alice")) == "alice"


def test_the_only_way_in_is_not_disconnected(connected, sign_in):
    browser = sign_in("alice")

    answer = disconnect(browser, LinkedIdentity.objects.get())

    assert "only way this account signs in" in reads(answer)
    assert LinkedIdentity.objects.count() == 1
    assert who(browser) == "alice"


def test_nobody_disconnects_somebody_elses(connected, sign_in, carol, admin_client):
    sign_in("alice")
    linked = LinkedIdentity.objects.get()

    for browser in (browser_of(carol), admin_client):
        assert disconnect(browser, linked).status_code == 404

    assert LinkedIdentity.objects.filter(pk=linked.pk).exists()
    assert Session.objects.filter(user__username="alice").exists()


def test_a_visitor_disconnects_nothing(connected, sign_in, client):
    sign_in("alice")
    linked = LinkedIdentity.objects.get()

    answer = client.post(f"/profile/identities/{linked.pk}/disconnect")

    assert answer["Location"].startswith("/login?next=")
    assert LinkedIdentity.objects.count() == 1


def test_disconnecting_needs_a_post(connected, carol):
    browser = browser_of(carol)
    come_back(browser, connected, begin(browser), "alice")
    linked = LinkedIdentity.objects.get()

    assert browser.get(f"/profile/identities/{linked.pk}/disconnect")["Location"] == "/profile"
    assert LinkedIdentity.objects.count() == 1


def test_another_registration_of_the_tenant_is_the_same_person(connected, sign_in):
    """Entra's `sub` differs per registration, `oid` does not (sign-in.md, rule 2)."""
    sign_in("alice")
    LinkedIdentity.objects.update(subject="what-the-earlier-registration-called-her")
    connect(connected)

    assert who(sign_in("alice")) == "alice"

    linked = LinkedIdentity.objects.get()
    assert linked.subject != "what-the-earlier-registration-called-her"
    assert "identity subject" in LogEntry.objects.first().changes
