"""People sign in, and whoever guesses is held back."""

from __future__ import annotations

import logging
import time

import pytest
import time_machine

from accounts.models import Session
from sso import conf
from sso.models import LinkedIdentity, SignInAttempt
from sso.readiness import readiness
from tests.people import HOST
from tests.sso.outage.visitors import BOSS, WRONG, visitor, who
from tests.sso.pages import errors_of, press, reads
from tests.sso.trials import account

pytestmark = pytest.mark.django_db


# Passwords


def test_a_password_signs_in_and_a_wrong_one_does_not(down, client):
    assert client.post("/login", {**BOSS, "password": WRONG}).status_code == 200
    assert who(client) == ""
    assert client.post("/login", BOSS).status_code == 303
    assert who(client) == "boss"


def test_guessing_is_held_back_and_nobody_else_is(down, client):
    with time_machine.travel(time.time(), tick=False):
        for _ in range(5):
            assert client.post("/login", {**BOSS, "password": WRONG}).status_code == 200
        answer = client.post("/login", BOSS)

    assert answer.status_code == 429
    assert "Too many attempts. Wait 15 minutes and try again." in reads(answer)
    assert answer["Retry-After"] == "900"
    assert who(client) == ""
    assert client.post("/login", BOSS, REMOTE_ADDR="203.0.113.9").status_code == 303


def test_guesses_count_together_again_once_it_is_back(outage, administrator, client):
    for _ in range(3):
        client.post("/login", {**BOSS, "password": WRONG})
    outage.breaks()
    for _ in range(5):
        assert client.post("/login", {**BOSS, "password": WRONG}).status_code == 200
    assert client.post("/login", BOSS).status_code == 429

    outage.heals()
    # The three of before are known to everybody still; two more are free.
    for _ in range(2):
        assert client.post("/login", {**BOSS, "password": WRONG}).status_code == 200
    assert client.post("/login", BOSS).status_code == 429
    assert not Session.objects.exists()


def test_a_right_password_is_taken_back(down, client):
    for _ in range(2):
        for _ in range(4):
            client.post("/login", {**BOSS, "password": WRONG})
        assert client.post("/login", BOSS).status_code == 303
        client.post("/logout")


def test_dead_api_tokens_are_held_back(down, client):
    dead = {"authorization": "Bearer pm_dead"}
    answers = [client.get("/api/v1/auth/profile", headers=dead).status_code for _ in range(51)]

    assert answers == [401] * 50 + [429]


# Single sign-on


def test_a_cold_process_signs_people_in(down, connected, sign_in):
    connected.requests.clear()
    for person in ("alice", "hana", "alice"):
        browser = sign_in(person)
        assert who(browser) == person

    asked = [each.endpoint for each in connected.requests if not each.in_process]
    # This process remembers what it learned; others would each ask once.
    assert {name: asked.count(name) for name in ("discovery", "keys")} == {
        "discovery": 1,
        "keys": 1,
    }
    assert SignInAttempt.objects.filter(outcome="signed_in").count() == 3


def test_readiness_does_not_wait_for_a_claim_that_nobody_can_make(down, connected):
    connected.requests.clear()

    assert readiness(conf.current()).ready
    assert connected.requests.count("discovery") == 1


def test_passwords_stay_off_while_sso_is_enforced_and_works(
    outage, connected, sign_in, admin_client
):
    sign_in("sofia")
    assert errors_of(press(admin_client, disable_local_auth=True)) == {}
    outage.breaks()

    assert visitor().get("/api/v1/auth/oidc/config").json()["disableLocalAuth"] is True
    browser = visitor()
    assert browser.post("/login", BOSS).status_code != 303
    assert who(browser) == ""
    assert who(sign_in("hana")) == "hana"


def test_new_keys_are_asked_for_once_in_thirty_seconds(down, connected, sign_in):
    assert who(sign_in("alice")) == "alice"
    connected.requests.clear()
    connected.tenant.rotate_keys()

    assert who(sign_in("alice")) == "alice"
    assert connected.requests.count("keys") == 1
    connected.tenant.rotate_keys()
    assert who(sign_in("alice")) == "", "too early to ask again"
    assert connected.requests.count("keys") == 1
    with time_machine.travel(time.time() + 31, tick=True):
        assert who(sign_in("alice")) == "alice"
    assert connected.requests.count("keys") == 2


def test_what_anybody_can_cause_stays_a_few_lines_a_minute(down, client, caplog):
    with caplog.at_level(logging.INFO):
        for _ in range(30):
            client.get("/api/v1/auth/oidc/callback?state=invented&code=x")

    assert caplog.text.count("oidc callback without a round trip") == 5
    assert not SignInAttempt.objects.exists()


def test_a_sign_in_goes_on_that_began_before(outage, connected, client):
    start = client.get("/api/v1/auth/oidc/login")
    callback = connected.new_browser().sign_in(start["Location"], "alice")
    outage.breaks()

    assert client.get(callback.removeprefix(f"http://{HOST}"))["Location"] == "/"
    assert who(client) == "alice"


def test_an_administrator_links_a_refused_sign_in(down, connected, sign_in, admin_client):
    local = account("local", "alice@contoso.com")
    assert who(sign_in("alice")) == ""
    attempt = SignInAttempt.objects.get()

    admin_client.post(f"/settings/sign-ins/{attempt.reference}/link", {"account": local.pk})

    assert LinkedIdentity.objects.get().user == local
    assert who(sign_in("alice")) == "local"
