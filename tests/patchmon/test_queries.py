"""What a page and a sign-in cost (verification.md, Cost of a sign-in)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user
from entra_sim import defaults
from entra_sim.server import EntraSim
from sso.services.settings import save_settings
from tests.people import HOST, PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def connected(sim: EntraSim) -> EntraSim:
    """PatchMon connected to the simulated tenant, with a local superadmin."""
    create_user(
        usernames=["boss"],
        email="",
        first_name="",
        last_name="",
        role=Role.SUPERADMIN,
        actor=None,
        password=PASSWORD,
    )
    groups = {f"{role}_group": group for role, group in defaults.ROLE_GROUPS.items()}
    save_settings(
        {
            "issuer": sim.issuer,
            "client_id": defaults.CLIENT_ID,
            "client_secret": defaults.SECRET_VALUE,
            "scopes": "openid email profile User.Read",
            "sync_roles": True,
            "enabled": True,
            **groups,
        },
        actor=None,
    )
    return sim


def callback_of(browser: Client, sim: EntraSim, person: str) -> str:
    start = browser.get("/api/v1/auth/oidc/login")
    return sim.new_browser().sign_in(start["Location"], person).removeprefix(f"http://{HOST}")


SignedIn = Callable[[str], Client]


@pytest.fixture
def signed_in(connected: EntraSim) -> SignedIn:
    def sign_in(person: str) -> Client:
        browser = Client(headers={"host": HOST})
        browser.get(callback_of(browser, connected, person))
        return browser

    return sign_in


TIDYING = 'DELETE FROM "sso_usedroundtrip"'
_TABLE = re.compile(r'(?:FROM|INTO|UPDATE) "(\w+)"')
# One after the other.
EXPECTED = [
    "INSERT sso_usedroundtrip",  # the state is used up
    "SELECT sso_oidcsettings",  # the configuration in force, with the role mapping …
    "SELECT accounts_installation",
    "SELECT sso_linkedidentity",  # who it is, with the account
    "SELECT accounts_user",  # locked; nothing about it changes, so it is read no more
    "UPDATE sso_linkedidentity",  # its groups and the time
    "SELECT accounts_profilephoto",  # younger than a day
    "SELECT accounts_user",  # locked: still active …
    "SELECT sso_linkedidentity",  # … and still theirs
    "UPDATE accounts_user",  # last_login
    "SELECT accounts_session",  # sessions that have ended, to delete
    "SELECT accounts_session",  # a new key that is free …
    "INSERT accounts_session",  # … and the session, whole, under the lock
    "INSERT sso_signinattempt",  # the record
]


def asked(sql: str) -> str:
    # The last: what stands in a column's place comes before.
    return f"{sql.split(maxsplit=1)[0]} {_TABLE.findall(sql)[-1]}"


def statements(captured: CaptureQueriesContext) -> list[str]:
    """Return what was asked, without the marks of nested transactions that a test is inside of."""
    return [
        query["sql"]
        for query in captured.captured_queries
        if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))
    ]


@pytest.mark.parametrize("path", ["/", "/api/v1/auth/profile"])
def test_an_ordinary_page_costs_djangos_own_two_queries(signed_in, path):
    browser = signed_in("alice")
    browser.get(path)

    with CaptureQueriesContext(connection) as captured:
        assert browser.get(path).status_code == 200

    session, user = statements(captured)
    assert "accounts_session" in session
    assert "accounts_user" in user


def test_a_refusal_for_want_of_a_permission_costs_no_more(signed_in):
    browser = signed_in("alice")

    with CaptureQueriesContext(connection) as captured:
        assert browser.get("/settings/oidc").status_code == 403

    assert len(statements(captured)) == 2


def test_an_ordinary_page_asks_the_provider_nothing(connected, signed_in):
    browser = signed_in("alice")
    connected.requests.clear()

    browser.get("/")
    browser.get("/profile")

    assert [entry.endpoint for entry in connected.requests if entry.endpoint != "discovery"] == []


def test_an_administrators_page_costs_no_more_while_somebody_has_asked_lately(connected, signed_in):
    browser = signed_in("sofia")
    path = "/profile/confirmed"
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(path).status_code == 200
    assert [asked(sql) for sql in statements(captured)] == [
        *("SELECT accounts_session", "SELECT accounts_user"),
        # Nobody has asked yet: the notice does, for everybody.
        *("SELECT sso_oidcsettings", "SELECT accounts_installation"),
    ]
    connected.requests.clear()

    with CaptureQueriesContext(connection) as captured:
        assert browser.get(path).status_code == 200
        assert browser.get("/admin/").status_code == 200
    first, second, *rest = map(asked, statements(captured))
    assert [first, second] == ["SELECT accounts_session", "SELECT accounts_user"]
    assert rest[:2] == [first, second]
    assert "SELECT sso_oidcsettings" not in rest
    assert len(connected.requests) == 0


def reads_of(captured: CaptureQueriesContext, table: str) -> int:
    return sum(f'FROM "{table}"' in sql for sql in statements(captured))


@pytest.mark.parametrize("path", ["/login", "/settings/general", "/profile", "/settings/users"])
def test_a_page_reads_the_settings_and_the_installation_once_at_most(connected, path):
    browser = Client(headers={"host": HOST})
    if path != "/login":
        browser.force_login(User.objects.get(username="boss"))
    browser.get(path)

    with CaptureQueriesContext(connection) as captured:
        assert browser.get(path).status_code == 200

    assert reads_of(captured, "sso_oidcsettings") <= 1, statements(captured)
    assert reads_of(captured, "accounts_installation") <= 1, statements(captured)


@pytest.mark.parametrize(("path", "cost"), [("/login", 2), ("/settings/general", 5)])
def test_what_pages_around_signing_in_cost(connected, path, cost):
    browser = Client(headers={"host": HOST})
    if path != "/login":
        browser.force_login(User.objects.get(username="boss"))
    browser.get(path)

    with CaptureQueriesContext(connection) as captured:
        assert browser.get(path).status_code == 200

    assert len(statements(captured)) == cost, statements(captured)


def test_a_start_costs_the_settings_alone(connected, client):
    client.get("/api/v1/auth/oidc/login")

    with CaptureQueriesContext(connection) as captured:
        assert client.get("/api/v1/auth/oidc/login").status_code == 302

    # The two singletons in one, and the Server URL.
    assert len(statements(captured)) == 2
    assert all(sql.startswith("SELECT") for sql in statements(captured))


def test_a_repeated_sign_in_costs_these_queries_and_one_request(connected, signed_in):
    signed_in("alice")
    browser = Client(headers={"host": HOST})
    path = callback_of(browser, connected, "alice")
    connected.requests.clear()

    with CaptureQueriesContext(connection) as captured:
        assert browser.get(path)["Location"] == "/"

    # One callback in sixteen, by its digest, also deletes states that have expired.
    told = [sql for sql in statements(captured) if not sql.startswith(TIDYING)]
    assert [asked(sql) for sql in told] == EXPECTED, "\n".join(told)
    assert [entry.endpoint for entry in connected.requests if not entry.in_process] == ["token"]
    assert User.objects.filter(username="alice").count() == 1
