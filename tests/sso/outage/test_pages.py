"""Every page answers, for the hosts that are accepted and for no other."""

from __future__ import annotations

import logging

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Installation, Session
from accounts.services.installation import set_server_url
from accounts.setup_code import setup_code
from tests.people import HOST, PASSWORD
from tests.sso.outage.visitors import BOSS, visitor, who
from tests.sso.pages import SETTINGS, reads

pytestmark = pytest.mark.django_db

ADMINISTRATORS_PAGES = (
    *("/", "/profile", "/settings/general", SETTINGS, "/settings/users"),
    *("/settings/sign-ins", "/settings/changes", "/admin/"),
    *("/api/v1/auth/profile", "/api/v1/auth/oidc/settings", "/api/v1/auth/sign-ins"),
)


def test_every_page_answers(down, admin_client):
    answers = {path: admin_client.get(path).status_code for path in ADMINISTRATORS_PAGES}

    assert answers == dict.fromkeys(ADMINISTRATORS_PAGES, 200)


def test_the_pages_of_visitors_and_probes_answer(down, client):
    assert client.get("/")["Location"].startswith("/login")
    assert "Sign in with Microsoft" in client.get("/login").text
    for path in ("/health/live", "/health/ready"):
        assert client.get(path).status_code == 200
    config = client.get("/api/v1/auth/oidc/config").json()
    assert config["enabled"] is True
    assert client.get("/api/v1/auth/profile").status_code == 401
    frames = client.get("/api/v1/auth/oidc/frontchannel-logout?sid=somebody-elses-session")
    assert frames.status_code == 200


def test_a_page_asks_the_database_for_the_server_url_and_for_nothing_else(down, sign_in, caplog):
    browser = sign_in("alice")

    with caplog.at_level(logging.INFO), CaptureQueriesContext(connection) as captured:
        assert browser.get("/").status_code == 200

    asked = [query["sql"].split("FROM ")[1].split()[0] for query in captured.captured_queries]
    # The host at the beginning, and at the end whether cookies are Secure: it may have changed.
    assert asked.count('"accounts_installation"') == 2
    assert len(asked) == 4
    assert caplog.text.count("cache.unreachable") == 1, "it was told when it began"


def test_administrators_see_it_on_their_home_page_and_others_do_not(down, admin_client, sign_in):
    told = "The shared cache cannot be reached"

    assert told in reads(admin_client.get("/"))
    assert "CACHE_URL" in reads(admin_client.get("/"))
    assert told not in reads(sign_in("alice").get("/"))
    down.heals()
    assert told not in reads(admin_client.get("/"))


# Which hosts are accepted


def test_the_accepted_host_stays_exact(down):
    assert visitor().get("/login").status_code == 200
    for host in ("evil.example", "localhost", "localhost:3001"):
        assert visitor(host).get("/login").status_code == 400


def test_the_accepted_origin_stays_exact(down, administrator):
    # Behind a proxy that ends TLS the request alone does not say where the form was.
    set_server_url(f"https://{HOST}", actor=administrator, fresh=True)

    def sent_from(origin: str) -> int:
        browser = Client(enforce_csrf_checks=True, headers={"host": HOST})
        token = browser.get("/login").context["csrf_token"]
        answer = browser.post(
            "/login", {**BOSS, "csrfmiddlewaretoken": token}, headers={"origin": origin}
        )
        return answer.status_code

    for origin in ("https://evil.example", "https://localhost", "null"):
        assert sent_from(origin) == 403
    assert not Session.objects.exists()
    assert sent_from(f"https://{HOST}") == 303


def test_a_new_server_url_is_in_force_at_once_and_stays_so(
    outage, administrator, django_capture_on_commit_callbacks
):
    # Told to everybody while it can be.
    assert visitor().get("/login").status_code == 200
    outage.breaks()

    with django_capture_on_commit_callbacks(execute=True):
        set_server_url("https://new.example", actor=administrator, fresh=True)

    new = visitor("new.example")
    assert new.get("/login").status_code == 200
    assert visitor().get("/login").status_code == 400
    outage.heals()
    for _ in range(2):
        assert new.get("/login").status_code == 200
        assert visitor().get("/login").status_code == 400


def test_others_are_not_left_with_what_was_known_before(
    outage, administrator, django_capture_on_commit_callbacks
):
    visitor().get("/login")
    outage.breaks()
    with django_capture_on_commit_callbacks(execute=True):
        set_server_url("https://new.example", actor=administrator, fresh=True)
    outage.heals()
    visitor().get("/login")

    # A process that noticed no outage believes what it finds.
    outage.a_minute_passes()
    assert visitor().get("/login").status_code == 400
    assert visitor("new.example").get("/login").status_code == 200


def test_another_process_does_not_believe_what_was_known_before(outage, administrator):
    assert visitor().get("/login").status_code == 200
    outage.breaks()
    visitor().get("/login")
    # Saved where nobody owes the cache anything.
    Installation.objects.update(server_url="https://new.example")
    outage.heals()

    assert visitor().get("/login").status_code == 400
    assert visitor("new.example").get("/login").status_code == 200


def test_the_wizard_makes_the_first_administrator(outage, client):
    outage.breaks()
    answer = client.post(
        f"/setup?code={setup_code()}",
        {
            "username": "root",
            "email": "root@example.org",
            "new_password": PASSWORD,
            "new_password_again": PASSWORD,
            "server_url": f"http://{HOST}",
        },
    )

    assert answer["Location"] == "/"
    assert who(client) == "root"
    assert Installation.load().administrator_existed
    assert visitor("evil.example").get("/login").status_code == 400


# Metrics


def test_metrics_show_the_outage_and_no_counter_starts_anew(
    outage, connected, sign_in, client, settings
):
    settings.METRICS_TOKEN = "the-right-one"

    def scraped() -> str:
        token = {"authorization": "Bearer the-right-one"}
        answer = client.get("/metrics", headers=token)
        assert answer.status_code == 200
        return str(answer.text)

    sign_in("alice")
    signed_in = 'patchmon_sign_ins_total{outcome="signed_in"}'
    assert f"{signed_in} 1.0" in scraped()
    assert "patchmon_shared_cache_reachable 1.0" in scraped()
    outage.breaks()
    assert "patchmon_shared_cache_reachable 0.0" in scraped()
    sign_in("alice")
    assert signed_in not in scraped()
    assert "patchmon_sso_ready 1.0" in scraped(), "this process finds out by itself"
    outage.heals()
    assert f"{signed_in} 1.0" in scraped()
    assert "patchmon_shared_cache_reachable 1.0" in scraped()
