from __future__ import annotations

import urllib.parse

import pytest

from tests.entra_sim.client import query_of

AFTER = "http://localhost:3000/login"
FRONT_CHANNEL = "http://localhost:3000/api/v1/auth/oidc/frontchannel-logout"


@pytest.fixture
def signed_in(client):
    client.sim.tenant.app.front_channel_logout_url = FRONT_CHANNEL
    answer = client.pick(client.authorize(), person="alice")
    client.sid = query_of(answer.headers["Location"])["session_state"]
    return client


def sign_out(client, **values):
    return client.get(client.url(f"oauth2/v2.0/logout?{urllib.parse.urlencode(values)}"))


def is_signed_in(client):
    return "code" in query_of(client.authorize(prompt="none").headers["Location"])


def test_with_the_hint_it_calls_the_application_and_goes_on(signed_in):
    hint = signed_in.sim.tenant.people["alice"].login_hint
    page = sign_out(signed_in, post_logout_redirect_uri=AFTER, logout_hint=hint, state="s")

    assert f'<iframe src="{FRONT_CHANNEL}?sid={signed_in.sid}"' in page.text
    assert "iss=" not in page.text
    assert f'href="{AFTER}?state=s"' in page.text
    assert not is_signed_in(signed_in)


@pytest.mark.parametrize("hint", ["", "alice@contoso.com"])
def test_without_it_the_person_is_asked_first(signed_in, hint):
    page = sign_out(signed_in, post_logout_redirect_uri=AFTER, logout_hint=hint)

    assert "Which account do you want to sign out of?" in page.text
    assert "<iframe" not in page.text
    assert is_signed_in(signed_in)
    form = {"post_logout_redirect_uri": AFTER, "person": "alice"}
    done = signed_in.post(signed_in.url("oauth2/v2.0/logout"), form)
    assert f'href="{AFTER}"' in done.text
    assert not is_signed_in(signed_in)


def test_an_address_nobody_registered_is_not_gone_to(signed_in):
    hint = signed_in.sim.tenant.people["alice"].login_hint
    values = {"post_logout_redirect_uri": "http://localhost:3000/Login", "logout_hint": hint}
    page = sign_out(signed_in, **values)

    assert "You signed out" in page.text
    assert "/Login" not in page.text
    assert not is_signed_in(signed_in)


def test_nobody_signed_in_goes_straight_on(client):
    answer = sign_out(client, post_logout_redirect_uri=AFTER)
    assert (answer.status_code, answer.headers["Location"]) == (302, AFTER)
    assert "You signed out" in sign_out(client).text


def test_the_browser_in_process_signs_out_too(client):
    client.sim.sign_in(client.authorize_url(), "alice")
    page = client.sim.browser.sign_out(client.url("oauth2/v2.0/logout"), "alice")
    assert "You signed out" in page.body.decode()
    silent = client.sim.browser.silent(client.authorize_url(prompt="none"))
    assert query_of(silent)["error"] == "login_required"
