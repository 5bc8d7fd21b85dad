"""What `make bench` does, once and small: the journey, the counting, the pages it opens."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import requests
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from benchmarks import tenant
from benchmarks.browser import Lost, sign_in
from benchmarks.contenders import server
from benchmarks.filling import fill, sign_in_administrator
from benchmarks.patchmon import ADMINISTRATOR, BUTTON, CALLBACK
from benchmarks.tenant import Tenant
from benchmarks.walk import pages
from entra_sim import defaults
from patchmon import gunicorn
from sso.models import LinkedIdentity, SignInAttempt
from sso.services.settings import save_settings
from tests.people import HOST

ALICE = "alice@contoso.com"


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Keep quiet: the base class writes every request, with its code, to stderr."""


@pytest.fixture
def served(transactional_db) -> Iterator[str]:
    """Serve PatchMon to one request at a time, so that no thread of it outlives the test."""
    handler, shared = WSGIHandler(), connections["default"]

    def application(environ, start_response):
        connections["default"] = shared
        return handler(environ, start_response)

    shared.inc_thread_sharing()
    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://localhost:{httpd.server_port}"
        httpd.shutdown()
        thread.join()
    shared.dec_thread_sharing()


@pytest.fixture
def button(served, sim, settings) -> str:
    """Return the address of the button of a PatchMon that is connected to the tenant."""
    settings.SERVER_URL = served
    User.objects.create_superuser(ADMINISTRATOR)
    save_settings(
        {
            "issuer": sim.issuer,
            "client_id": defaults.CLIENT_ID,
            "client_secret": defaults.SECRET_VALUE,
            "scopes": "openid email profile User.Read",
            "enabled": True,
        },
        actor=None,
    )
    return f"{served}{BUTTON}"


def test_the_journey_signs_in_and_what_it_asks_is_counted(button, sim):
    first = sign_in(button, "alice", shows=ALICE)
    assert tenant.count(sim).requests["token"] == 1

    again = sign_in(button, "alice", shows=ALICE)

    # With warm caches, on the connection that the first one opened.
    assert tenant.count(sim) == tenant.Asked(Counter(token=1), connections=0)
    assert tenant.count(sim) == tenant.Asked(Counter(), connections=0)
    assert User.objects.filter(email=ALICE).count() == 1
    assert SignInAttempt.objects.filter(outcome="signed_in").count() == 2
    assert again.callback > 0
    assert dict(first.cookies) != dict(again.cookies)


def test_a_slower_provider_is_felt_by_the_application(button, sim):
    tenant.slow_down(sim, 0.05)
    slow = sign_in(button, "alice", shows=ALICE)
    tenant.slow_down(sim, 0)

    assert slow.callback >= 0.05
    with requests.Session() as http:
        answer = http.get(f"{sim.issuer}/.well-known/openid-configuration", timeout=5)
    assert answer.ok


@pytest.mark.parametrize(("person", "shows"), [("dora", "dora@contoso.com"), ("alice", "nobody@")])
def test_a_journey_that_ends_elsewhere_is_no_figure(button, person, shows):
    with pytest.raises(Lost) as lost:
        sign_in(button, person, shows=shows)

    assert "code=" not in str(lost.value)
    assert "state=" not in str(lost.value)
    assert not User.objects.filter(email="dora@contoso.com").exists()


def test_the_tenant_in_a_process_of_its_own_tells_what_it_was_asked():
    with Tenant((f"http://localhost{CALLBACK}",)) as running, requests.Session() as http:
        address = f"{running.issuer}/.well-known/openid-configuration"
        for _ in range(2):
            assert http.get(address, timeout=5).ok

        assert running.asked() == tenant.Asked(Counter(discovery=2), connections=1)
        running.slow_down(0.001)
        assert running.asked() == tenant.Asked(Counter(), connections=0)
    with pytest.raises(requests.ConnectionError):
        requests.get(address, timeout=5)


def test_a_filled_database_has_what_was_asked_for_and_every_page_opens(transactional_db):
    User.objects.create_superuser(ADMINISTRATOR)

    landmarks = fill(attempts=400, accounts=40, changes=200, issuer="https://login.example.org")

    assert SignInAttempt.objects.count() == 400
    assert set(SignInAttempt.objects.values_list("outcome", flat=True)) >= {"signed_in", "refused"}
    assert LinkedIdentity.objects.count() == 40
    assert set(User.objects.values_list("role", flat=True)) >= {Role.USER, Role.READONLY}
    browser = Client(headers={"host": HOST})
    sign_in_administrator(browser)
    opened = {name: browser.get(path, query) for name, path, query in pages(landmarks)}
    assert {name for name, page in opened.items() if page.status_code != 200} == set()
    assert len(opened["Sign-ins, by username"].context["page"].object_list) > 0
    assert opened["Changes of a name"].context["changes"]


def test_the_other_libraries_are_served_as_patchmon_is():
    ours, theirs = vars(gunicorn), vars(server)
    names = {name for name in theirs if name.islower() and not name.startswith("_")}

    assert names >= {"workers", "worker_class", "threads", "keepalive"}
    names.remove("annotations")
    assert {name: theirs[name] for name in names} == {name: ours[name] for name in names}
