"""The client secret is nowhere in the clear, and neither is any part of it (product.md)."""

from __future__ import annotations

import json
import logging
import secrets
import string
from collections.abc import Iterator
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.conf import settings as django_settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Session, User
from accounts.roles import Role
from entra_sim import defaults
from entra_sim.server import EntraSim
from entra_sim.tenant import ClientSecret
from sso import conf
from sso.environment import read_environment
from sso.models import OIDCSettings, SignInAttempt
from tests.people import PASSWORD
from tests.sso.pages import SETTINGS, form_data, press, typed_into

pytestmark = pytest.mark.django_db

API = "/api/v1/auth/oidc/settings"
ADMIN = "/admin/sso/oidcsettings/1/change/"
PART = 8
LETTERS = string.ascii_letters + string.digits


def new_secret() -> str:
    """Make one of the length of Entra's; random, so that no other text holds a part of it."""
    return "".join(secrets.choice(LETTERS) for _ in range(40))


def parts(secret: str) -> list[str]:
    return [secret[at : at + PART] for at in range(len(secret) - PART + 1)]


class Everything:
    """Texts that people, programs or disks get to see, by where they were seen."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def add(self, where: str, text: object) -> None:
        self.seen.append((where, text if isinstance(text, str) else str(text)))

    def page(self, where: str, response) -> None:
        self.add(where, response.getvalue().decode("utf-8", "replace"))
        self.add(f"{where} headers", dict(response.items()))
        self.add(f"{where} cookies", response.cookies.output())

    def holding(self, *wanted: str) -> list[str]:
        """Return where any part of any of these secrets was seen."""
        found = [part for secret in wanted for part in parts(secret)]
        return [where for where, text in self.seen if any(part in text for part in found)]


def tables() -> Iterator[tuple[str, str]]:
    """Dump every column of every table."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            for row in cursor.fetchall():
                for column in row:
                    raw = bytes(column) if isinstance(column, bytes | memoryview) else column
                    text = raw.decode("latin-1") if isinstance(raw, bytes) else str(raw)
                    yield table, text


def addresses() -> list[str]:
    """Return every address without parameters, and those of the admin's rows that there are."""
    found: list[str] = []

    def walk(patterns, prefix: str) -> None:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, route)
            elif isinstance(pattern, URLPattern) and not set(route) & set("<(^?$"):
                found.append(f"/{route}")

    walk(get_resolver().url_patterns, "")
    return [address for address in found if address not in {"/logout", "/admin/logout/"}]


@pytest.fixture
def everything(caplog) -> Iterator[Everything]:
    """Collect log records of every logger, at DEBUG, as they are and as they are written."""
    watched = [logging.getLogger()] + [
        logger
        for logger in logging.root.manager.loggerDict.values()
        if isinstance(logger, logging.Logger)
    ]
    before = [(logger, logger.level, logger.propagate) for logger in watched]
    for logger in watched:
        logger.setLevel(logging.DEBUG)
        logger.propagate = True
    # Each optional variable of each template, thousands of times.
    logging.getLogger("django.template").setLevel(logging.INFO)
    seen = Everything()
    with caplog.at_level(logging.DEBUG), CaptureQueriesContext(connection):
        yield seen
    for logger, level, propagate in before:
        logger.setLevel(level)
        logger.propagate = propagate


def collect_logs(seen: Everything, caplog) -> None:
    assert len(caplog.records) > 20
    for record in caplog.records:
        seen.add(f"log {record.name}", record.getMessage())
        seen.add(f"log {record.name}", vars(record))
        if record.exc_info:
            seen.add(f"log {record.name}", logging.Formatter().formatException(record.exc_info))


def collect_database(seen: Everything) -> None:
    for table, text in tables():
        seen.add(f"table {table}", text)
    for row in Session.objects.all():
        seen.add("session", row.get_decoded())
    for entry in LogEntry.objects.all():
        seen.add("change log", (entry.changes, entry.additional_data, entry.object_repr))
    seen.add("repr", repr(conf.current()))
    seen.add("repr", repr(vars(OIDCSettings.load())))


def get_every_page(seen: Everything, browser) -> None:
    rows = [
        *(f"/admin/sso/oidcsettings/1/{leaf}/" for leaf in ("change", "history")),
        "/admin/sso/rolemapping/1/change/",
        *(f"/settings/users/{user.pk}" for user in User.objects.all()),
        *(f"/settings/sign-ins/{attempt.reference}" for attempt in SignInAttempt.objects.all()),
        *(
            f"/admin/sso/signinattempt/{attempt.pk}/change/"
            for attempt in SignInAttempt.objects.all()
        ),
        *(f"/admin/auditlog/logentry/{entry.pk}/change/" for entry in LogEntry.objects.all()),
    ]
    fetched = 0
    for address in [*addresses(), *rows]:
        response = browser.get(address)
        assert response.status_code < 500, address
        seen.page(f"GET {address}", response)
        fetched += response.status_code == 200
    assert fetched > 20


def test_after_a_full_tour_no_part_of_the_secret_is_anywhere(
    administrator, sim: EntraSim, admin_client, client, sign_in, everything: Everything, caplog
):
    by_page, by_apply, by_api, by_admin, wrong = (new_secret() for _ in range(5))
    sim.tenant.app.secrets = [ClientSecret(by_admin, "id-of-the-secret")]

    # Saved by its own button, with a refusal, and cleared.
    for values in (
        {"secret_action": "save", "client_secret": by_page},
        {"secret_action": "save", "client_secret": f"{by_page}\x07"},
        {"secret_action": "clear", "client_secret": by_page},
    ):
        everything.page("secret", press(admin_client, f"{SETTINGS}/secret", **values))
    # Applied with the rest, refused at first.
    entered: dict[str, Any] = {
        "issuer": sim.issuer,
        "client_id": defaults.CLIENT_ID,
        "scopes": "openid email profile User.Read",
        "client_secret": by_apply,
        **{f"{role}_group": group for role, group in defaults.ROLE_GROUPS.items()},
        "sync_roles": True,
    }
    everything.page("apply", press(admin_client, **entered | {"scopes": "openid groups"}))
    everything.page("apply", press(admin_client, **entered))
    assert conf.current().client_secret == by_apply
    # Through the API: saved, refused, conflicting, in the wrong place and of the wrong type.
    for body in (
        {"oidc_client_secret": by_api},
        {"oidc_client_secret": by_api, "oidc_redirect_uri": "nonsense"},
        {"oidc_client_secret": by_api, "version": 1, "oidc_button_text": "x"},
        {"oidc_client_secret": [by_api]},
        {"oidc_client_secret": {"value": by_api}},
        {"oidc_client_secret": by_api * 100},
    ):
        everything.page("api", admin_client.put(API, body, content_type="application/json"))
    broken = f'{{"oidc_client_secret": "{by_api}", '
    everything.page("api", admin_client.put(API, broken, content_type="application/json"))
    assert conf.current().client_secret == by_api
    # A sign-in that the provider refuses for its secret.
    admin_client.post(f"{SETTINGS}/enable", {"enabled": "on"})
    everything.page("refused callback", sign_in("alice").last)
    assert SignInAttempt.objects.get().reason == "client_refused"
    # Through the admin: refused, then saved.
    for values in ({"issuer": "nonsense"}, {}):
        page = admin_client.get(ADMIN)
        data = form_data(page.text, "oidcsettings_form")
        everything.page(
            "admin",
            admin_client.post(
                ADMIN, typed_into(data, {"client_secret": by_admin, **values}), follow=True
            ),
        )
    assert conf.current().client_secret == by_admin
    # Sign-ins that work, and that fail for other reasons.
    everything.page("callback", sign_in("alice").last)
    everything.page("callback", sign_in("sofia").last)
    assert User.objects.get(username="sofia").role == Role.SUPERADMIN
    sim.fail("token", 500, body=f"oops {wrong}")
    sign_in("ravi")
    sim.heal()
    sim.fail("token", drop=True)
    sign_in("ravi")
    sim.heal()
    client.get("/api/v1/auth/oidc/callback", {"code": "invented", "state": "forged"})

    get_every_page(everything, admin_client)
    for address in ("/login", "/api/v1/auth/oidc/config", "/health/ready", SETTINGS, API):
        everything.page(f"anonymous {address}", client.get(address))
    collect_logs(everything, caplog)
    collect_database(everything)
    everything.add("queries", json.dumps([query["sql"] for query in connection.queries]))

    assert everything.holding(by_page, by_apply, by_api, by_admin) == []
    # The tour has seen what it should have: places that do hold what was entered.
    assert any(sim.issuer in text for _, text in everything.seen)
    assert any(PASSWORD in text for _, text in everything.seen) is False
    assert OIDCSettings.load().client_secret_encrypted.startswith("gAAAA")


def test_neither_is_one_from_the_environment(
    administrator, sim, admin_client, client, sign_in, settings, everything, caplog
):
    secret = new_secret()
    sim.tenant.app.secrets = [ClientSecret(secret, "id-of-the-secret")]
    variables = {
        "OIDC_ISSUER_URL": sim.issuer,
        "OIDC_CLIENT_ID": defaults.CLIENT_ID,
        "OIDC_CLIENT_SECRET": secret,
    }
    settings.SSO_ENVIRONMENT = read_environment(variables.get)
    everything.page("callback", sign_in("alice").last)
    everything.page("import", admin_client.post(f"{SETTINGS}/import-env", follow=True))
    everything.page("import", admin_client.post(f"{API}/import-from-env"))

    get_every_page(everything, admin_client)
    collect_logs(everything, caplog)
    collect_database(everything)
    everything.add("repr", repr(django_settings.SSO_ENVIRONMENT))

    assert everything.holding(secret) == []
    settings.SSO_ENVIRONMENT = None
    assert conf.current().client_secret == secret


def test_nor_codes_nor_tokens_nor_cookies(connected, client, everything, caplog):
    start = client.get("/api/v1/auth/oidc/login", {"next": "/profile"})
    callback = connected.new_browser().sign_in(start["Location"], "alice")
    code = callback.partition("code=")[2].partition("&")[0]
    client.get(callback.removeprefix("http://localhost:3000"))
    assert client.get("/api/v1/auth/profile").status_code == 200
    key = client.session.session_key
    browser_key = client.cookies["patchmon-browser"].value
    (token,) = connected.requests.of("token")
    verifier = token.request.form["code_verifier"]

    collect_logs(everything, caplog)
    collect_database(everything)

    assert everything.holding(code, verifier, browser_key) == []
    logged = [where for where, text in everything.seen if where.startswith("log") and key in text]
    # Django's own SQL log is off in a running server; nothing else names a session.
    assert set(logged) <= {"log django.db.backends"}
