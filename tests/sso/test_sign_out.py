"""Signing out here, and being signed out at the provider."""

from __future__ import annotations

import html
import re
from dataclasses import asdict, replace
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import Session
from entra_sim import defaults
from sso.provider import discovery, store
from sso.provider.deadline import Deadline
from sso.services.settings import save_settings
from tests.people import HOST
from tests.sso.pages import reads

pytestmark = pytest.mark.django_db

FRONT_CHANNEL = "/api/v1/auth/oidc/frontchannel-logout"


def is_signed_in(client: Client) -> bool:
    return client.get(reverse("sso:api-profile")).status_code == 200


def test_a_sign_out_at_the_provider_ends_the_sessions_of_that_sign_in(connected, sign_in):
    connected.tenant.app.claims.sid = True
    alice, hana = sign_in("alice"), sign_in("hana")
    session_id = Session.objects.get(user__username="alice").provider_session_id
    assert session_id

    # In a frame of the provider's page, without any cookie of ours.
    answer = Client(headers={"host": HOST}).get(FRONT_CHANNEL, {"sid": session_id})

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert "X-Frame-Options" not in answer
    assert "frame-ancestors *" in answer["Content-Security-Policy"]
    assert not is_signed_in(alice)
    assert is_signed_in(hana)


@pytest.mark.parametrize("query", [{}, {"sid": ""}, {"sid": "x" * 300}, {"sid": "no-such-session"}])
def test_any_other_call_answers_the_same_and_ends_nothing(connected, sign_in, query):
    connected.tenant.app.claims.sid = True
    alice = sign_in("alice")
    # A session that carries no sid must not end with an empty one.
    connected.tenant.app.claims.sid = False
    hana = sign_in("hana")

    answer = Client(headers={"host": HOST}).get(FRONT_CHANNEL, query)

    assert answer.status_code == 200
    assert is_signed_in(alice)
    assert is_signed_in(hana)


def test_no_other_page_may_be_framed(connected, client):
    page = client.get("/login")

    assert page["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]


def test_signing_out_is_a_post(connected, sign_in):
    alice = sign_in("alice")

    assert alice.get("/logout").status_code == 405
    assert is_signed_in(alice)
    assert alice.post("/logout").status_code == 303
    assert not is_signed_in(alice)


# At the provider too

BUTTON = "Sign out of Microsoft too"
AFTER = f"http://{HOST}/login"
CONTINUE = re.compile(r'href="([^"]+)"[^>]*data-continue')


def sign_out_of_both(browser: Client):
    return browser.post("/logout", {"single": "1"})


def address_in(answer) -> str:
    found = CONTINUE.search(answer.text)
    assert found is not None
    return html.unescape(found[1])


def asked_for(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query, strict_parsing=True))


def test_signing_out_of_both_goes_on_to_the_provider_and_back(connected, client):
    app = connected.tenant.app
    app.claims.login_hint = True
    app.callback_urls.append(AFTER)
    at_provider = connected.new_browser()
    start = client.get(reverse("sso:login"))["Location"]
    client.get(at_provider.sign_in(start, "alice").removeprefix(f"http://{HOST}"))
    assert BUTTON in reads(client.get("/"))

    answer = sign_out_of_both(client)

    # A page, and no redirect: form-action holds for every hop behind the form.
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert 'patchmon/js/continue.js"' in answer.text
    address = address_in(answer)
    assert address.startswith(f"{connected.issuer.removesuffix('/v2.0')}/oauth2/v2.0/logout?")
    assert asked_for(address) == {
        "post_logout_redirect_uri": AFTER,
        "logout_hint": connected.tenant.people["alice"].login_hint,
    }
    assert not is_signed_in(client)
    assert not Session.objects.exists()

    page = at_provider.sign_out(address).body.decode()

    assert f'href="{AFTER}"' in page
    # Back on the sign-in page, which starts nothing by itself.
    page = client.get("/login")
    assert page.status_code == 200
    assert "You are signed out." in reads(page)
    assert not is_signed_in(client)


def test_without_a_hint_the_provider_asks_which_account(connected, sign_in):
    address = address_in(sign_out_of_both(sign_in("alice")))

    assert asked_for(address) == {"post_logout_redirect_uri": AFTER}


def test_the_address_to_come_back_to_can_be_another(connected, sign_in, settings):
    settings.POST_LOGOUT_URI = "https://intranet.example.com/bye?from=patchmon"

    address = address_in(sign_out_of_both(sign_in("alice")))

    assert asked_for(address)["post_logout_redirect_uri"] == settings.POST_LOGOUT_URI


def publishes(issuer: str, **changes) -> None:
    """Have the provider's document, as it is known by now, say something else."""
    known = discovery.ask(issuer, deadline=Deadline(3))
    told = asdict(replace(known, **changes))
    store.write(discovery._key(issuer), told, discovery.KEPT_SECONDS)


def test_another_provider_is_told_who_sends_the_person(connected, sign_in):
    browser = sign_in("alice")
    endpoint = "https://sso.example.com/end?x=1"
    publishes(connected.issuer, is_entra=False, end_session_endpoint=endpoint)

    address = address_in(sign_out_of_both(browser))

    assert address.startswith(f"{endpoint}&")
    assert asked_for(address) == {
        "x": "1",
        "post_logout_redirect_uri": AFTER,
        "client_id": defaults.CLIENT_ID,
    }


@pytest.mark.parametrize("sent", [{}, {"single": ""}, {"single": "0"}])
def test_signing_out_alone_stays_here(connected, sign_in, sent):
    browser = sign_in("alice")
    connected.requests.clear()

    answer = browser.post("/logout", sent)

    assert (answer.status_code, answer["Location"]) == (303, "/login")
    assert not is_signed_in(browser)
    assert not connected.requests


def test_a_session_by_password_has_no_such_button(connected, admin_client):
    assert BUTTON not in reads(admin_client.get("/"))

    answer = sign_out_of_both(admin_client)

    assert (answer.status_code, answer["Location"]) == (303, "/login")
    assert not is_signed_in(admin_client)


def test_nobody_signed_in_signs_out_nowhere(connected, client):
    assert sign_out_of_both(client)["Location"] == "/login"


def test_a_provider_that_cannot_be_reached_keeps_nobody_in(connected, sign_in):
    browser = sign_in("alice")
    cache.clear()
    connected.fail("discovery", 503)

    answer = sign_out_of_both(browser)

    assert (answer.status_code, answer["Location"]) == (303, "/login")
    assert not is_signed_in(browser)
    assert "Microsoft could not be asked to sign you out" in reads(browser.get("/login"))


def test_another_provider_by_now_gets_nobodys_hint(connected, sign_in):
    connected.tenant.app.claims.login_hint = True
    browser = sign_in("alice")
    save_settings(
        {"issuer": "http://127.0.0.1:9/other", "client_secret": "another", "enabled": False},
        actor=None,
    )

    answer = sign_out_of_both(browser)

    assert answer["Location"] == "/login"
    assert not is_signed_in(browser)


def test_a_provider_without_an_end_is_not_offered(connected, sign_in):
    publishes(connected.issuer, end_session_endpoint="")

    browser = sign_in("alice")

    assert "Sign out of" not in reads(browser.get("/"))
    assert sign_out_of_both(browser)["Location"] == "/login"
