"""Two processes of PatchMon that share a Redis, while it stops, hangs, and comes back."""

from __future__ import annotations

import html
import json
import os
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin

import pytest
import requests

from entra_sim import defaults
from entra_sim.server import EntraSim
from tests.browser.server import Server, tenant_for
from tests.people import PASSWORD
from tests.races.redis_server import RedisServer, program
from tests.sso.pages import SETTINGS, form_data, reads, typed_into

PROCESSES: Final = 2
METRICS: Final = {"Authorization": "Bearer metrics-token"}
BACK_WITHIN: Final = 30.0
PAGES: Final = (
    *("/", "/profile", SETTINGS, "/settings/general", "/settings/users", "/settings/sign-ins"),
    *("/settings/changes", "/admin/", "/api/v1/auth/profile", "/api/v1/auth/oidc/settings"),
    *("/api/v1/schema", "/health/live", "/health/ready"),
)
TOKEN: Final = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
AUTHORIZE: Final = re.compile(r'"(http://127\.0\.0\.1:[^"]+/authorize[^"]+)"')


@dataclass
class Window:
    """Somebody's browser on PatchMon, each of whose answers may come from another process."""

    base: str
    session: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str, **sent: Any) -> requests.Response:
        # A connection stays with one process; a new one may come to the other.
        headers = {"Connection": "close", **sent.pop("headers", {})}
        self.session.trust_env = False
        return self.session.get(
            urljoin(self.base, path), allow_redirects=False, timeout=60, headers=headers, **sent
        )

    def post(self, path: str, typed: dict[str, str], *, page: str) -> requests.Response:
        """Send a form of the page that is at `page`."""
        found = TOKEN.search(self.get(page).text)
        assert found, page
        return self.session.post(
            urljoin(self.base, path),
            {**typed, "csrfmiddlewaretoken": found[1]},
            allow_redirects=False,
            timeout=60,
            headers={"Connection": "close", "Origin": self.base},
        )

    def type_into_settings(self, **values: Any) -> requests.Response:
        typed = typed_into(form_data(self.get(SETTINGS).text), values)
        return self.post(SETTINGS, typed, page=SETTINGS)

    def sign_in(self, username: str, password: str) -> requests.Response:
        return self.post("/login", {"username": username, "password": password}, page="/login")

    def come_back(self, sim: EntraSim, url: str, person: str) -> requests.Response:
        return self.get(sim.new_browser().sign_in(url, person).removeprefix(self.base))

    def who(self) -> str:
        answer = self.get("/api/v1/auth/profile")
        return str(answer.json()["username"]) if answer.ok else ""


@dataclass
class Scene:
    server: Server
    redis: RedisServer
    tenant: EntraSim
    admin: Window

    def visitor(self) -> Window:
        return Window(self.server.url)

    def sign_in(self, person: str) -> Window:
        browser = self.visitor()
        start = browser.get("/api/v1/auth/oidc/login")
        assert start.status_code == 302, start.text
        assert browser.come_back(self.tenant, start.headers["Location"], person).ok
        return browser

    def try_a_sign_in(self, person: str) -> str:
        """Run a test sign-in, and return what its page says."""
        report = f"{SETTINGS}/test-sign-in/report"
        answer = self.admin.post(f"{SETTINGS}/test-sign-in", {}, page=SETTINGS)
        if answer.is_redirect:
            assert answer.headers["Location"] == report
        else:
            found = AUTHORIZE.search(answer.text)
            assert found, answer.text
            self.admin.come_back(self.tenant, html.unescape(found[1]), person)
        return reads(self.admin.get(report))

    def reachable(self) -> bool:
        text = self.visitor().get("/metrics", headers=METRICS).text
        return "patchmon_shared_cache_reachable 1.0" in text

    def wait_until_every_process_reaches_it(self) -> None:
        deadline = time.monotonic() + BACK_WITHIN
        while time.monotonic() < deadline:
            time.sleep(0.2)
            if all(self.reachable() for _ in range(20)):
                return
        raise AssertionError("It is not back.")

    def events(self) -> list[str]:
        lines = [line for line in self.server.output().splitlines() if line.startswith("{")]
        return [json.loads(line).get("event", "") for line in lines]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    executable = program()
    if executable is None:
        missing = "Redis is not installed: apt-get install redis-server"
        if os.environ.get("REQUIRE_REDIS") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    with RedisServer(executable, tmp_path) as redis:
        variables = {
            "CACHE_URL": redis.url,
            "WEB_CONCURRENCY": str(PROCESSES),
            "METRICS_TOKEN": "metrics-token",
        }
        with Server(tmp_path, variables) as server, tenant_for(server) as tenant:
            scene = Scene(server, redis, tenant, Window(server.url))
            _set_up(scene)
            yield scene
        assert "Traceback" not in server.output()


def _set_up(scene: Scene) -> None:
    link = scene.server.setup_link()
    made = scene.admin.post(
        link,
        {
            "username": "boss",
            "email": "boss@example.org",
            "new_password": PASSWORD,
            "new_password_again": PASSWORD,
            "server_url": scene.server.url,
        },
        page=link,
    )
    assert made.is_redirect, made.text
    groups = {f"{role}_group": group for role, group in defaults.ROLE_GROUPS.items()}
    saved = scene.admin.type_into_settings(
        issuer=scene.tenant.issuer,
        client_id=defaults.CLIENT_ID,
        client_secret=defaults.SECRET_VALUE,
        scopes="openid email profile User.Read",
        button_text="Sign in with Microsoft",
        sync_roles=True,
        **groups,
    )
    assert saved.is_redirect, saved.text
    enabled = scene.admin.post(f"{SETTINGS}/enable", {"enabled": "on"}, page=SETTINGS)
    assert enabled.is_redirect, enabled.text
    assert scene.sign_in("alice").who() == "alice"
    assert scene.reachable()


def test_it_stops_in_the_middle_and_comes_back(scene: Scene) -> None:
    scene.redis.stop()

    assert {path: scene.admin.get(path).status_code for path in PAGES} == dict.fromkeys(PAGES, 200)
    assert scene.visitor().get("/").headers["Location"].startswith("/login")
    assert "Sign in with Microsoft" in scene.visitor().get("/login").text
    assert scene.visitor().get("/login", headers={"Host": "evil.example"}).status_code == 400
    assert not scene.reachable()
    for person in ("hana", "alice", "ravi"):
        assert scene.sign_in(person).who() == person
    assert scene.admin.type_into_settings(button_text="Come in").is_redirect
    assert "Come in" in scene.visitor().get("/login").text
    check = reads(scene.admin.post(f"{SETTINGS}/check", {}, page=SETTINGS))
    assert "The last check passed." in check
    assert "the shared cache could not be reached" in scene.try_a_sign_in("hana")
    _guess_until_held_back(scene, most=5 * PROCESSES)
    told = scene.events().count("cache.unreachable")
    assert 1 <= told <= PROCESSES

    scene.redis.start()
    scene.wait_until_every_process_reaches_it()

    assert "hana would be signed in" in scene.try_a_sign_in("hana")
    # Redis is empty: whoever guesses has what anybody has, and no more for two processes.
    _guess_until_held_back(scene, most=5)
    events = scene.events()
    assert events.count("cache.unreachable") == events.count("cache.reachable") == told


def _guess_until_held_back(scene: Scene, *, most: int) -> None:
    browser = scene.visitor()
    for number in range(most + 1):
        status = browser.sign_in("boss", "wrong horse battery").status_code
        if status == 429:
            assert number >= 5
            break
        assert status == 200
    else:
        pytest.fail(f"{most + 1} guesses were compared.")
    assert browser.who() == ""
    # Nobody else is held back.
    assert scene.sign_in("hana").who() == "hana"


def test_it_hangs_and_no_request_waits_for_long(scene: Scene) -> None:
    usual = _seconds_of_each_page(scene)
    scene.redis.hangs()
    hanging = _seconds_of_each_page(scene)

    # Its client waits a second, and most requests do not ask it at all.
    assert max(hanging) < max(usual) + 3
    assert statistics.median(hanging) < statistics.median(usual) + 0.5
    assert not scene.reachable()
    assert scene.sign_in("hana").who() == "hana"

    scene.redis.goes_on()
    scene.wait_until_every_process_reaches_it()
    assert scene.sign_in("alice").who() == "alice"


def _seconds_of_each_page(scene: Scene) -> list[float]:
    took = []
    for path in PAGES * 2:
        began = time.monotonic()
        assert scene.admin.get(path).status_code == 200
        took.append(time.monotonic() - began)
    return took


def test_a_restart_between_two_requests_goes_unnoticed(scene: Scene) -> None:
    scene.redis.stop()
    scene.redis.start()

    assert scene.admin.get("/").status_code == 200
    assert scene.reachable()
    assert "cache.unreachable" not in scene.events()
