"""One journey to the provider and back (sign-in.md, The round trip)."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils.encoding import iri_to_uri

from accounts.models import Session, User
from entra_sim import defaults
from sso.models import SignInAttempt, UsedRoundTrip
from sso.provider import tokens
from sso.services.settings import save_settings
from tests.people import HOST
from tests.sso import trials
from tests.sso.conftest import connect

pytestmark = pytest.mark.django_db

COOKIE = "patchmon-browser"
CALLBACK = "/api/v1/auth/oidc/callback"
EXPIRED = "Session expired. Press the button again."


def later(seconds: float) -> time_machine.travel:
    return time_machine.travel(timedelta(seconds=seconds), tick=True)


def begin(browser: Client, target: str = "") -> dict[str, str]:
    """Press the button; return the authorization request's parameters, its address as "url"."""
    start = browser.get(reverse("sso:login"), {"next": target} if target else {})
    assert start.status_code == 302
    query = parse_qs(urlsplit(start["Location"]).query, strict_parsing=True)
    return {name: values[0] for name, values in query.items()} | {"url": start["Location"]}


def answer(sim, url: str, person: str = "alice") -> str:
    """Sign in at the provider; return the callback's path and query."""
    callback: str = sim.new_browser().sign_in(url, person)
    return callback.removeprefix(f"http://{HOST}")


def who(browser: Client) -> str:
    told = browser.get("/api/v1/auth/profile")
    return told.json()["username"] if told.status_code == 200 else ""


def is_lost(browser: Client, response, sim, reason: str = "") -> bool:
    """Say whether a callback led nowhere: not signed in, one sentence, nothing asked.

    Written down is what came back too late or twice, and nothing else.
    """
    assert response.status_code == 302
    assert response["Location"] == "/login"
    assert EXPIRED in browser.get("/login").text
    assert who(browser) == ""
    assert sim.requests.count("token") == 0
    rows = SignInAttempt.objects.values_list("outcome", "reason")
    assert list(rows) == ([("refused", reason)] if reason else [])
    return True


# What is sent


def test_the_request_carries_state_nonce_and_s256(connected, client):
    sent = begin(client)

    assert sent["response_type"] == "code"
    assert sent["client_id"] == defaults.CLIENT_ID
    assert sent["redirect_uri"] == f"http://{HOST}{CALLBACK}"
    assert sent["scope"] == "openid email profile User.Read"
    assert sent["code_challenge_method"] == "S256"
    assert sent["url"].startswith(connected.url)
    # At least 32 random bytes each; the challenge is a SHA-256.
    for part in ("nonce", "code_challenge"):
        assert len(base64.urlsafe_b64decode(sent[part] + "==")) >= 32
    assert len(sent["state"]) >= 43
    assert set(sent) == {
        "url",
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
    }


def test_the_verifier_that_is_redeemed_is_the_one_that_was_promised(connected, client):
    sent = begin(client)
    client.get(answer(connected, sent["url"]))

    (token,) = connected.requests.of("token")
    verifier = token.request.form["code_verifier"]
    digest = hashlib.sha256(verifier.encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == sent["code_challenge"]
    assert 43 <= len(verifier) <= 128
    assert token.request.form["redirect_uri"] == sent["redirect_uri"]


def test_nothing_of_two_journeys_is_the_same(connected, client):
    first, second = begin(client), begin(client)

    for part in ("state", "nonce", "code_challenge"):
        assert first[part] != second[part]


def test_the_state_tells_nothing(connected, client):
    sent = begin(client, "/settings/users")

    key = client.cookies[COOKIE].value
    text = base64.urlsafe_b64decode(sent["state"] + "==")
    for part in (b"/settings/users", b"sign_in", key.encode(), sent["nonce"].encode()):
        assert part not in text
    assert key not in sent["url"]


def test_the_cookie_is_for_this_browser_and_this_journey_only(connected, client):
    client.get(reverse("sso:login"))

    cookie = client.cookies[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == 600
    assert len(base64.urlsafe_b64decode(cookie.value + "==")) >= 32


def test_behind_https_the_cookie_is_secure_and_bound_to_the_host(connected, client, settings):
    settings.SESSION_COOKIE_SECURE = True
    settings.SERVER_URL = f"https://{HOST}"

    client.get(reverse("sso:login"))

    cookie = client.cookies[f"__Host-{COOKIE}"]
    assert cookie["secure"]
    assert cookie["path"] == "/"
    assert not cookie["domain"]


def test_the_redirect_to_the_provider_sends_no_referrer_and_is_not_kept(connected, client):
    start = client.get(reverse("sso:login"))

    assert start["Referrer-Policy"] == "no-referrer"
    assert "no-store" in start["Cache-Control"]


# A visitor who only starts


def test_a_thousand_starts_cost_no_row_and_push_out_no_tab(connected, client):
    first = begin(client, "/profile")
    for _ in range(60):
        begin(client)

    assert (Session.objects.count(), UsedRoundTrip.objects.count()) == (0, 0)
    response = client.get(answer(connected, first["url"]))
    assert response["Location"] == "/profile"
    assert who(client) == "alice"


@pytest.mark.parametrize("method", ["post", "put", "head"])
def test_only_a_get_starts(connected, client, method):
    assert getattr(client, method)(reverse("sso:login")).status_code == 405


# Each tab lands on its own target


def test_each_tab_lands_on_its_own_target(connected, client):
    one, two = begin(client, "/profile"), begin(client, "/settings/users?q=a")

    assert client.get(answer(connected, two["url"]))["Location"] == "/settings/users?q=a"
    assert client.get(answer(connected, one["url"]))["Location"] == "/profile"
    assert User.objects.filter(username="alice").count() == 1


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/logout",
        CALLBACK,
        "/api/v1/auth/oidc/login",
        "/" + "x" * 5000,
        "/\r\nSet-Cookie: a=b",
        "",
    ],
)
def test_no_target_is_another_site_or_unsafe_to_open(connected, client, target):
    sent = begin(client, target)

    response = client.get(answer(connected, sent["url"]))

    assert response["Location"] == "/"
    assert "Set-Cookie" not in response["Location"]


@pytest.mark.parametrize("searched", ["a" * 900, "机" * 330, "é" * 600])
def test_a_long_target_in_any_script_is_landed_on(connected, client, searched):
    target = f"/settings/users?q={searched}"

    response = client.get(answer(connected, begin(client, target)["url"]))

    assert response["Location"] == iri_to_uri(target)
    assert who(client) == "alice"


def test_a_target_too_long_for_the_way_back_leads_home_instead_of_getting_lost(connected, client):
    sent = begin(client, f"/settings/users?q={'机' * 900}")

    assert len(sent["state"]) <= 2048
    assert client.get(answer(connected, sent["url"]))["Location"] == "/"
    assert who(client) == "alice"


# Used up once


def test_a_second_callback_with_one_state_is_lost(connected, client):
    sent = begin(client)
    path = answer(connected, sent["url"])
    client.get(path)
    client.post("/logout")
    connected.requests.clear()
    SignInAttempt.objects.all().delete()

    assert is_lost(client, client.get(path), connected, "state_used")


def test_a_state_is_used_up_whatever_came_of_it(connected, client):
    sent = begin(client)
    connected.fail("token", 503)
    path = answer(connected, sent["url"])
    client.get(path)
    assert SignInAttempt.objects.get().outcome == "refused"
    connected.heal()

    client.get(path)

    assert who(client) == ""
    reasons = SignInAttempt.objects.order_by("pk").values_list("reason", flat=True)
    assert list(reasons) == ["provider_status", "state_used"]
    assert connected.requests.count("token") == 1


def test_of_two_callbacks_at_the_same_moment_one_goes_on(connected, client, monkeypatch):
    """The second arrives, in another tab of the browser, while the first waits for its token."""
    path = answer(connected, begin(client)["url"])
    other = Client(headers={"host": HOST})
    other.cookies[COOKIE] = client.cookies[COOKIE].value
    redeem = tokens.redeem
    meanwhile: list[str] = []

    def redeem_slowly(*args, **kwargs):
        meanwhile.append(other.get(path)["Location"])
        return redeem(*args, **kwargs)

    monkeypatch.setattr(tokens, "redeem", redeem_slowly)

    assert client.get(path)["Location"] == "/"

    assert meanwhile == ["/login"]
    assert (who(client), who(other)) == ("alice", "")
    assert connected.requests.count("token") == 1
    assert sorted(SignInAttempt.objects.values_list("outcome", flat=True)) == [
        "refused",
        "signed_in",
    ]


def test_used_states_do_not_pile_up(connected, sign_in):
    """One callback in sixteen tidies up, by chance; two hundred in a row never all miss."""
    sign_in("alice")
    (old,) = UsedRoundTrip.objects.values_list("digest", flat=True)
    browser = Client(headers={"host": HOST})

    with later(3600):
        for _ in range(200):
            browser.get(CALLBACK, {"error": "access_denied", "state": begin(browser)["state"]})
            if not UsedRoundTrip.objects.filter(digest=old).exists():
                break

        assert not UsedRoundTrip.objects.filter(digest=old).exists()
        # What is still in time stays used up.
        assert UsedRoundTrip.objects.count() == SignInAttempt.objects.count() - 1


# Lost on the way


def test_too_late_is_lost(connected, client):
    path = answer(connected, begin(client)["url"])

    with later(601):
        assert is_lost(client, client.get(path), connected, "state_expired")


def test_just_in_time_is_not(connected, client):
    sent = begin(client)

    with later(590):
        client.get(answer(connected, sent["url"]))

    assert SignInAttempt.objects.count() == 1


def test_the_time_it_may_take_is_the_operators(connected, client, settings):
    settings.ROUND_TRIP_TTL = 60
    path = answer(connected, begin(client)["url"])
    assert client.cookies[COOKIE]["max-age"] == 60

    with later(61):
        assert is_lost(client, client.get(path), connected, "state_expired")


@pytest.mark.parametrize("cookie", [None, "", "x", "A" * 43, "A" * 44, "\u00e9" * 43])
def test_without_the_browsers_own_cookie_it_is_lost(connected, client, cookie):
    path = answer(connected, begin(client)["url"])
    del client.cookies[COOKIE]
    if cookie is not None:
        client.cookies[COOKIE] = cookie

    assert is_lost(client, client.get(path), connected)
    assert UsedRoundTrip.objects.count() == 0


def test_a_malformed_cookie_is_replaced_at_the_next_start(connected, client):
    client.cookies[COOKIE] = "x"

    sent = begin(client)

    assert len(client.cookies[COOKIE].value) == 43
    assert client.get(answer(connected, sent["url"]))["Location"] == "/"


def test_somebody_elses_state_is_lost(connected, client):
    attacker = Client(headers={"host": HOST})
    path = answer(connected, begin(attacker)["url"], "ravi")
    begin(client)

    assert is_lost(client, client.get(path), connected)
    # It is still the attacker's own to use.
    attacker.get(path)
    assert who(attacker) == "ravi"


def forgeries(state: str) -> list[str]:
    middle = len(state) // 2
    other = "A" if state[middle] != "A" else "B"
    plain = base64.urlsafe_b64encode(json.dumps(["x", "sign_in", "/"]).encode()).decode()
    return [
        "",
        "x",
        "A" * 43,
        plain,
        state[:-1],
        state + "AAAA",
        state[:middle] + other + state[middle + 1 :],
        state * 20,
        "\u00e9" + state,
        state + "\x00",
        f" {state}",
    ]


@pytest.mark.parametrize("number", range(11))
def test_a_forged_state_is_lost(connected, client, number):
    sent = begin(client)
    answer(connected, sent["url"])

    response = client.get(CALLBACK, {"code": "x", "state": forgeries(sent["state"])[number]})

    assert is_lost(client, response, connected)
    assert UsedRoundTrip.objects.count() == 0


def test_no_state_or_two_are_lost(connected, client):
    sent = begin(client)

    for query in ({"code": "x"}, {}, {"code": "x", "state": [sent["state"], sent["state"]]}):
        assert is_lost(client, client.get(CALLBACK, query), connected)


def test_another_secret_key_loses_the_journeys_under_way(connected, client, settings):
    path = answer(connected, begin(client)["url"])
    settings.SECRET_KEY = "another-" + "k" * 60

    response = client.get(path)

    assert response["Location"] == "/login"
    assert connected.requests.count("token") == 0


def test_the_configuration_of_encryption_does_not_touch_journeys(connected, client, settings):
    path = answer(connected, begin(client)["url"])
    settings.ENCRYPTION_KEYS = []

    assert client.get(path)["Location"] == "/"


# Settings that change meanwhile


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": "openid email"},
        {"client_id": "0b1e2c3d-1111-4222-8333-444455556666"},
        {"redirect_uri": "https://front.example.com/api/v1/auth/oidc/callback"},
        {"enabled": False},
    ],
)
def test_what_a_journey_depends_on_refuses_it_when_it_changes(connected, client, change):
    path = answer(connected, begin(client)["url"])
    save_settings(change, actor=None)

    client.get(path)

    assert who(client) == ""
    assert SignInAttempt.objects.get().reason in {"stale_config", "not_ready"}
    assert connected.requests.count("token") == 0
    assert not User.objects.filter(username="alice").exists()


def test_another_issuer_refuses_it(connected, client):
    path = answer(connected, begin(client)["url"])
    connect(connected, issuer=f"{connected.url}/{defaults.OTHER_TENANT_ID}/v2.0")

    client.get(path)

    assert who(client) == ""
    assert SignInAttempt.objects.get().reason == "stale_config"
    assert connected.requests.count("token") == 0


@pytest.mark.parametrize(
    "change",
    [
        {"button_text": "Other"},
        {"client_secret": defaults.SECRET_VALUE},
        {"default_role": "readonly"},
        {"auto_create_users": True, "trust_unverified_email": True},
    ],
)
def test_what_it_does_not_depend_on_lets_it_go_on(connected, client, change):
    path = answer(connected, begin(client)["url"])
    save_settings(change, actor=None)

    client.get(path)

    assert who(client) == "alice"


# Signed in by now


@pytest.mark.parametrize("query", ["", "?code=x", "?code=x&state=x", "?error=access_denied"])
def test_a_stray_callback_signs_nobody_out(connected, sign_in, query):
    browser = sign_in("alice")
    key = browser.session.session_key

    response = browser.get(f"{CALLBACK}{query}")

    assert response["Location"] == "/"
    assert who(browser) == "alice"
    assert browser.session.session_key == key


def test_back_and_reload_go_on_to_the_target(connected, client):
    path = answer(connected, begin(client, "/profile")["url"])
    client.get(path)

    for _ in range(2):
        assert client.get(path)["Location"] == "/profile"
    assert connected.requests.count("token") == 1


def test_a_lost_state_of_another_site_sends_nobody_there(connected, sign_in):
    browser = sign_in("alice")

    response = browser.get(CALLBACK, {"state": "//evil.example", "code": "x"})

    assert response["Location"] == "/"


def test_strays_are_logged_a_few_lines_a_minute_at_most(connected, client, caplog):
    caplog.set_level("INFO")

    for number in range(30):
        client.get(CALLBACK, {"state": f"forged-{number}", "code": "x"})

    lines = [record for record in caplog.records if "without a round trip" in record.getMessage()]
    assert 1 <= len(lines) <= 5
    assert "forged-" not in caplog.text
    assert SignInAttempt.objects.count() == 0


def test_the_session_key_changes_at_every_sign_in(connected, sign_in):
    browser = sign_in("alice")
    first = browser.session.session_key
    browser.post("/logout")
    browser.get(answer(connected, begin(browser)["url"]))

    assert browser.session.session_key != first
    assert not Session.objects.filter(session_key=first).exists()


# What is told of it


def test_a_browser_that_comes_back_again_and_again_fills_no_table(connected, client):
    path = answer(connected, begin(client)["url"])
    client.get(path)
    client.post("/logout")

    for _ in range(5):
        assert client.get(path)["Location"] == "/login"

    reasons = SignInAttempt.objects.order_by("pk").values_list("reason", flat=True)
    assert list(reasons) == ["", "state_used"]
    with later(700):
        client.get(path)
    assert SignInAttempt.objects.count() == 2


def test_nor_does_one_that_comes_too_late(connected, client):
    path = answer(connected, begin(client)["url"])

    with later(601):
        for _ in range(5):
            client.get(path)
    with later(86_000):
        client.get(path)
    assert SignInAttempt.objects.get().reason == "state_expired"
    # By then nothing is kept to know it by, so it is told of no more.
    with later(2 * 86_400):
        UsedRoundTrip.objects.all().delete()
        client.get(path)
    assert SignInAttempt.objects.count() == 1


def test_what_is_told_of_a_late_one(connected, client, admin_client):
    path = answer(connected, begin(client)["url"])
    with later(601):
        client.get(path, headers={"user-agent": "Late/1.0"})

    attempt = SignInAttempt.objects.get()
    assert attempt.issuer == connected.issuer
    assert (attempt.user_agent, attempt.address) == ("Late/1.0", "127.0.0.1")
    assert attempt.user_id is None
    listed = admin_client.get("/settings/sign-ins", {"reason": "state_expired"})
    assert [row.reference for row in listed.context["page"].object_list] == [attempt.reference]
    page = admin_client.get(f"/settings/sign-ins/{attempt.reference}").text
    assert "Coming back from the provider took too long." in page


def test_a_reload_of_somebody_signed_in_is_the_same_attempt(connected, client):
    path = answer(connected, begin(client)["url"])
    for _ in range(3):
        assert client.get(path)["Location"] == "/"

    assert SignInAttempt.objects.get().outcome == "signed_in"
    assert who(client) == "alice"


def test_a_late_test_is_told_of_as_one(connected, admin_client, administrator):
    callback = connected.new_browser().sign_in(trials.begin(admin_client), "alice")

    with later(601):
        admin_client.get(callback.removeprefix(f"http://{HOST}"))

    attempt = SignInAttempt.objects.get()
    assert (attempt.outcome, attempt.reason) == ("tested", "state_expired")
    assert attempt.user_id == administrator.pk


@pytest.mark.parametrize("signed_in", [False, True])
def test_whatever_else_comes_is_counted(connected, client, sign_in, settings, signed_in, caplog):
    caplog.set_level(logging.INFO)
    settings.METRICS_TOKEN = "the-right-one"
    browser = sign_in("alice") if signed_in else client
    theirs = answer(connected, begin(Client(headers={"host": HOST}))["url"])
    rows = SignInAttempt.objects.count()

    for path in [theirs] * 2 + [f"{CALLBACK}?state=invented", f"{CALLBACK}?error=x", CALLBACK] * 3:
        browser.get(path)

    assert SignInAttempt.objects.count() == rows
    counted = client.get("/metrics", headers={"authorization": "Bearer the-right-one"}).text
    assert 'patchmon_sso_stray_callbacks_total{why="other_browser"} 2.0' in counted
    assert 'patchmon_sso_stray_callbacks_total{why="unknown"} 9.0' in counted
    lines = [line for line in caplog.records if "without a round trip" in line.getMessage()]
    assert len(lines) == 5
