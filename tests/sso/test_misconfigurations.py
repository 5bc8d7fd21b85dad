"""For each planted misconfiguration PatchMon names the one cause and the one cure (issue 5)."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import responses
from cryptography.fernet import Fernet
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.services import make_password_unusable, set_server_url
from entra_sim import defaults
from entra_sim.browser import StoppedAtProvider
from entra_sim.server import EntraSim
from sso import conf
from sso.models import SignInAttempt
from sso.provider.checkup.findings import Outcome
from sso.services.checkup_runs import run_all
from sso.services.settings import save_settings
from sso.settings_document import DocumentRefused, apply_document
from tests.people import HOST
from tests.sso.conftest import connect
from tests.sso.misconfigurations import CALLBACK, ROWS, SCOPES, Misconfiguration, table
from tests.sso.pages import reads
from tests.sso.provider.test_http import certificate, tls_server

pytestmark = pytest.mark.django_db

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "troubleshooting.md"
MICROSOFT = "https://login.microsoftonline.com"
UNKNOWN_GUID = "0b1e2c3d-1111-4222-8333-444455556666"

Told = tuple[list[tuple[str, str]], dict[str, object]]


class World:
    """An installation as the guide leaves it, and the ways to spoil it."""

    def __init__(self, sim: EntraSim, administrator: User, browser: Client, sign_in, settings, tmp):
        self.sim = sim
        self.administrator = administrator
        self.browser = browser
        self.sign_in = sign_in
        self.settings = settings
        self.tmp = tmp
        self.app = sim.tenant.app

    def checked(self, **names: object) -> Told:
        """Return every cause with its cure that a whole check names."""
        steps = run_all(conf.current()).steps
        found = [
            (finding.happened, finding.cure)
            for result in steps
            for finding in result.findings
            if finding.outcome in {Outcome.FAILED, Outcome.WARNING}
        ]
        return found, names

    def saved(self, **values: object) -> World:
        save_settings(values, actor=None)
        return self

    def refused(self, *, of: dict[str, str], **names: object) -> Told:
        """Return what saving these is refused with, each text once."""
        before = conf.current()
        with pytest.raises(DocumentRefused) as caught:
            apply_document(of, actor=None)
        assert conf.current() == before
        texts = {text for texts in caught.value.errors.values() for text in texts}
        return [(text, text) for text in texts], names

    def attempt(self) -> Told:
        """Return what the page of the last sign-in says."""
        reference = SignInAttempt.objects.get().reference
        page = reads(self.browser.get(reverse("sso:sign-in", args=[reference])))
        return [(page, page)], {}

    def authorize_url(self) -> tuple[Client, str]:
        browser = Client(headers={"host": HOST})
        return browser, browser.get(reverse("sso:login"))["Location"]


def _nothing(world: World) -> Told:
    return world.saved(enabled=False).saved(client_secret="").checked()


def _other_key(world: World) -> Told:
    world.settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    return world.checked()


def _plain_server(world: World) -> Told:
    set_server_url("http://patchmon.example.com", actor=None)
    return world.checked(callback=CALLBACK.replace("localhost:3000", "patchmon.example.com"))


def _common(world: World) -> Told:
    return world.refused(
        of={"oidc_issuer_url": f"{MICROSOFT}/common/v2.0", "oidc_client_secret": "new~Value"}
    )


def _without_version(world: World) -> Told:
    issuer = f"{MICROSOFT}/{UNKNOWN_GUID}"
    return world.refused(
        of={"oidc_issuer_url": issuer, "oidc_client_secret": "new~Value"}, issuer=f"{issuer}/v2.0"
    )


def _two_rows(world: World) -> Told:
    group = defaults.ROLE_GROUPS["admin"]
    return world.refused(of={"oidc_user_group": group}, group=group)


def _no_such_name(world: World) -> Told:
    return world.saved(
        issuer="https://login.nowhere.invalid/realms/main", client_secret="another"
    ).checked(host="login.nowhere.invalid")


def _closed_port(world: World) -> Told:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    issuer = f"http://127.0.0.1:{port}/realms/main"
    return world.saved(issuer=issuer, client_secret="another").checked(host="127.0.0.1", port=port)


def _untrusted(world: World) -> Told:
    with tls_server(certificate(world.tmp, "localhost", days=2)) as (url, _asked):
        world.saved(issuer=f"{url}realms/main", client_secret="another")
        return world.checked(host="localhost")


def _dead_proxy(world: World) -> Told:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    world.settings.PROVIDER_PROXIES = {"https": f"http://127.0.0.1:{port}"}
    issuer = f"{MICROSOFT}/{UNKNOWN_GUID}/v2.0"
    return world.saved(issuer=issuer, client_secret="another").checked(
        host="login.microsoftonline.com"
    )


def _clock(world: World) -> Told:
    world.sim.tenant.clock_skew = 600
    return world.checked(minutes=10)


def _block_page(world: World) -> Told:
    issuer = f"{MICROSOFT}/{UNKNOWN_GUID}/v2.0"
    world.saved(issuer=issuer, client_secret="another")
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        wire.get(
            f"{issuer}/.well-known/openid-configuration",
            body="<html>This site is blocked.</html>",
            content_type="text/html",
        )
        return world.checked(host="login.microsoftonline.com")


def _other_cloud(world: World) -> Told:
    issuer = f"{MICROSOFT}/{UNKNOWN_GUID}/v2.0"
    theirs = issuer.replace(".com/", ".us/")
    world.saved(issuer=issuer, client_secret="another")
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        wire.get(
            f"{issuer}/.well-known/openid-configuration",
            json={
                "issuer": theirs,
                "authorization_endpoint": f"{theirs}/authorize",
                "token_endpoint": f"{theirs}/token",
                "jwks_uri": f"{theirs}/keys",
            },
        )
        return world.checked(issuer=theirs)


def _wrong_tenant(world: World) -> Told:
    return world.saved(issuer=f"{world.sim.url}/{UNKNOWN_GUID}/v2.0").checked()


def _disabled(world: World) -> Told:
    world.app.enabled = False
    return world.checked()


def _no_principal(world: World) -> Told:
    world.app.service_principal = False
    return world.checked()


def _policy(world: World) -> Told:
    world.app.app_only_refusal = 53003
    return world.checked()


def _registered(*addresses: str) -> Callable[[World], Told]:
    def plant(world: World) -> Told:
        world.app.callback_urls[:] = addresses
        return world.checked(callback=CALLBACK, registered=addresses[0] if addresses else "")

    return plant


def _groups_scope(code: int) -> Callable[[World], Told]:
    def plant(world: World) -> Told:
        world.sim.tenant.unknown_scope_code = code
        return world.saved(scopes="openid email profile User.Read groups").checked()

    return plant


def _graph_blocked(world: World) -> Told:
    world.sim.fail("page", 200, body="<html>This site is blocked.</html>")
    return world.checked(host="127.0.0.1")


def _no_password(world: World) -> Told:
    make_password_unusable(world.administrator, actor=None)
    return world.checked()


def _no_consent(world: World) -> Told:
    browser, address = world.authorize_url()
    browser.get(world.sim.new_browser().fail(address, 65001).removeprefix(f"http://{HOST}"))
    return world.attempt()


def _no_account(world: World) -> Told:
    world.saved(auto_create_users=False)
    world.sign_in("alice")
    assert not User.objects.filter(username="alice").exists()
    return world.attempt()


def _not_assigned(world: World) -> Told:
    world.app.assignment_required = True
    _browser, address = world.authorize_url()
    with pytest.raises(StoppedAtProvider) as stopped:
        world.sim.new_browser().sign_in(address, "alice")
    page = world.browser.post(reverse("sso:explain"), {"text": str(stopped.value)})
    assert not SignInAttempt.objects.exists()
    return [(reads(page), reads(page))], {}


PLANTS: dict[str, Callable[[World], Told]] = {
    "nothing filled in": _nothing,
    "another encryption key": _other_key,
    "server address without https": _plain_server,
    "secret ID instead of value": lambda world: world.refused(
        of={"oidc_client_secret": defaults.SECRET_ID}
    ),
    "several tenants": _common,
    "issuer without v2.0": _without_version,
    "groups scope typed": lambda world: world.refused(of={"oidc_scopes": f"{SCOPES} groups"}),
    "group in two rows": _two_rows,
    "dns": _no_such_name,
    "tcp": _closed_port,
    "tls": _untrusted,
    "proxy that is not there": _dead_proxy,
    "clock": _clock,
    "proxy in the way": _block_page,
    "wrong tenant": _wrong_tenant,
    "another cloud": _other_cloud,
    "wrong client id": lambda world: world.saved(client_id=UNKNOWN_GUID).checked(),
    "wrong secret": lambda world: world.saved(client_secret="Some~other.secret").checked(),
    "expired secret": lambda world: world.saved(
        client_secret=defaults.EXPIRED_SECRET_VALUE
    ).checked(),
    "app disabled": _disabled,
    "no service principal": _no_principal,
    "policy for apps": _policy,
    "redirect uri missing": _registered("https://elsewhere.example/callback"),
    "no redirect uri at all": _registered(),
    "redirect uri with a slash": _registered(f"{CALLBACK}/"),
    "redirect uri in capitals": _registered(CALLBACK.replace("oidc", "OIDC")),
    "groups scope saved": _groups_scope(70011),
    "groups scope saved, the other code": _groups_scope(650053),
    "user.read missing": lambda world: world.saved(scopes="openid email profile").checked(),
    "graph blocked": _graph_blocked,
    "sync roles off": lambda world: world.saved(sync_roles=False).checked(),
    "group name instead of object id": lambda world: world.saved(
        admin_group="PatchMon Admins"
    ).checked(group="PatchMon Admins"),
    "no way in": _no_password,
    "no consent": _no_consent,
    "auto-create off": _no_account,
    "not assigned": _not_assigned,
}


@pytest.fixture
def world(connected, administrator, admin_client, sign_in, settings, tmp_path, monkeypatch):
    resolve = socket.getaddrinfo

    def look_up(host, *args, **rest):
        if str(host).endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *args, **rest)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return World(connected, administrator, admin_client, sign_in, settings, tmp_path)


def test_nothing_is_found_where_nothing_is_wrong(world):
    assert world.checked() == ([], {})


@pytest.mark.parametrize("case", ROWS, ids=lambda case: case.name)
def test_the_one_cause_and_the_one_cure_are_named(world, case: Misconfiguration):
    found, names = PLANTS[case.name](world)

    assert len(found) == 1, found
    happened, cure = found[0]
    assert case.cause.format(**names) in happened
    assert case.cure.format(**names) in cure


def test_every_row_has_its_plant_and_there_are_twenty_at_least():
    assert [case.name for case in ROWS] == list(dict.fromkeys(case.name for case in ROWS))
    assert {case.name for case in ROWS} == set(PLANTS)
    assert len(ROWS) >= 20


def test_the_documentation_has_this_very_table():
    assert table() in DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "entry",
    [
        "OIDC is configured via .env",
        "The button does not appear on the sign-in page",
        "AADSTS50011",
        "AADSTS70011",
        "AADSTS700016",
        "AADSTS7000215",
        "the wrong role, or the default role",
        "no profile photo",
        "more than 200 groups",
        "Session expired",
    ],
)
def test_every_entry_of_the_guide_is_covered(entry):
    text = DOCUMENT.read_text(encoding="utf-8")
    headings = [line for line in text.splitlines() if line.startswith("### ")]

    assert any(entry in heading for heading in headings)


def test_a_repaired_misconfiguration_is_found_no_more(world):
    connect(world.sim, client_secret="Some~other.secret")
    assert len(world.checked()[0]) == 1

    connect(world.sim)

    assert world.checked()[0] == []


def test_the_host_of_the_simulated_tenant_is_no_microsoft_portal(world):
    world.app.secrets.clear()
    page = world.browser.post(reverse("sso:check"))
    assert urlsplit(world.sim.url).hostname == "127.0.0.1"
    assert "entra.microsoft.com" not in page.text.partition('class="check-steps"')[2]
