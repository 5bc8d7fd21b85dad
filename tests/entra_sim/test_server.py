from __future__ import annotations

import contextlib
import email.utils
import http.client
import signal
import socket
import subprocess
import sys
import time

import pytest
import requests

from entra_sim import defaults
from entra_sim.server import EntraSim

DISCOVERY = "v2.0/.well-known/openid-configuration"


class TestFaults:
    def test_a_status_with_a_count_then_as_before(self, client):
        client.sim.fail("discovery", 503, count=2)
        statuses = [client.get(client.url(DISCOVERY)).status_code for _ in range(3)]
        assert statuses == [503, 503, 200]

    def test_throttling_says_when_to_come_back(self, client):
        access = client.answer()["access_token"]
        client.sim.fail("graph", 429, retry_after=7)

        groups = client.graph("me/memberOf", access)

        assert (groups.status_code, groups.headers["Retry-After"]) == (429, "7")
        assert groups.json()["error"]["code"] == "TooManyRequests"
        assert client.graph("me/photo/$value", access).status_code == 429
        assert client.get(client.url(DISCOVERY)).status_code == 200
        client.sim.heal()
        assert client.graph("me/memberOf", access).status_code == 200

    def test_throttling_nobody_described_is_graphs_own(self, client):
        access = client.answer()["access_token"]
        client.sim.fail("groups", 429)

        answer = client.graph("me/memberOf", access)

        assert answer.headers["Retry-After"].isdecimal()
        inner = answer.json()["error"]["innerError"]
        assert set(inner) == {"date", "request-id", "client-request-id"}
        assert all(inner.values())

    @pytest.mark.parametrize(("status", "code"), [(503, 90033), (429, 90055)])
    def test_an_outage_at_the_token_endpoint_can_be_asked_about(self, client, status, code):
        client.sim.fail("token", status)

        answer = client.app_only()

        told = answer.json()
        assert (answer.status_code, told["error_codes"]) == (status, [code])
        assert told["error_description"].startswith(f"AADSTS{code}: ")
        for name, words in (("trace_id", "Trace ID"), ("correlation_id", "Correlation ID")):
            assert f"{words}: {told[name]}" in told["error_description"]

    def test_an_outage_where_people_sign_in_is_a_page(self, client):
        client.sim.fail("authorize", 503)

        answer = client.get(client.authorize_url())

        assert answer.status_code == 503
        assert answer.headers["Content-Type"].startswith("text/html")
        assert "AADSTS90033" in answer.text
        assert "Correlation" in answer.text

    def test_nonsense_from_a_proxy(self, client):
        client.sim.fail("token", 200, body="<html>blocked</html>")
        answer = client.app_only()
        assert answer.headers["Content-Type"] == "text/html"
        assert answer.text == "<html>blocked</html>"

    def test_a_delay_alone_slows_the_real_answer(self, client):
        client.sim.fail("keys", delay=0.2)
        started = time.monotonic()
        assert client.get(client.url("discovery/v2.0/keys")).json()["keys"]
        assert time.monotonic() - started >= 0.2

    def test_a_broken_connection(self, client):
        client.sim.fail("token", drop=True)
        with pytest.raises(requests.ConnectionError):
            client.app_only()
        client.sim.heal("token")
        assert client.app_only().status_code == 200

    def test_an_endpoint_that_does_not_exist_is_a_mistake(self, client):
        with pytest.raises(ValueError, match="tokne"):
            client.sim.fail("tokne", 503)


def test_browsers_get_the_picture_they_ask_every_site_for(client):
    answer = client.get(f"{client.sim.url}/favicon.ico")

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    assert answer.content.startswith(b"<svg ")


def test_requests_are_counted_by_endpoint_and_path(client):
    client.answer()
    client.app_only()

    log = client.sim.requests
    assert (log.count("authorize"), log.count("token"), log.count("keys")) == (1, 2, 0)
    assert log.count(f"/{defaults.TENANT_ID}/oauth2/v2.0/token") == 2
    redeemed = log.of("token")[0]
    assert (redeemed.method, redeemed.in_process) == ("POST", False)
    assert redeemed.request.form["code_verifier"] == client.verifier
    assert defaults.SECRET_VALUE not in repr(redeemed)
    log.clear()
    assert len(log) == 0


def test_connections_are_kept_alive(client):
    host, port = client.sim.url.removeprefix("http://").split(":")
    with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=5)) as connection:
        sockets = set()
        for _ in range(3):
            connection.request("GET", f"/{defaults.TENANT_ID}/{DISCOVERY}")
            assert connection.getresponse().read()
            sockets.add(connection.sock)
    assert len(sockets) == 1
    asked = [entry.opened_connection for entry in client.sim.requests.of("discovery")]
    assert asked == [True, False, False]


def test_an_outage_and_the_way_back(client):
    url, code = client.sim.url, client.code()
    assert client.get(client.url(DISCOVERY)).status_code == 200
    client.sim.stop()
    try:
        with pytest.raises(requests.ConnectionError):
            client.get(f"{url}/{defaults.TENANT_ID}/{DISCOVERY}")
    finally:
        client.sim.start()
    assert client.sim.url == url
    assert client.redeem(code).status_code == 200


def test_a_slow_answer_does_not_hold_up_an_outage(client):
    client.sim.fail("keys", delay=30)
    with pytest.raises(requests.Timeout):
        client.http.get(client.url("discovery/v2.0/keys"), timeout=0.1)
    started = time.monotonic()
    client.sim.stop()
    client.sim.start()
    assert time.monotonic() - started < 2


def test_the_clock_of_the_tenant_is_in_the_date_header(client):
    client.sim.tenant.clock_skew = 600
    date = client.get(client.url(DISCOVERY)).headers["Date"]
    ahead = email.utils.parsedate_to_datetime(date).timestamp() - time.time()
    assert 590 < ahead < 610


def test_other_hosts_and_odd_requests_are_turned_away(client):
    assert client.get(client.sim.url, headers={"Host": "evil.example"}).status_code == 421
    assert client.get(f"{client.sim.url}/nowhere").status_code == 404
    assert client.get(f"{client.sim.url}//[").status_code == 404
    chunked = client.post(client.url("oauth2/v2.0/token"), iter([b"a"]))
    assert chunked.status_code == 411
    with pytest.raises(ValueError, match="loopback"):
        EntraSim(host="192.0.2.1")


def test_plain_pages(client):
    assert client.sim.issuer in client.get(client.sim.url).text
    assert "redirect URI" in client.get(f"{client.sim.url}/error?code=50011").text
    odd = client.get(f"{client.sim.url}/error?code=<b>").text
    assert "<b>" not in odd
    # The secret is for the terminal.
    assert defaults.SECRET_VALUE not in client.get(client.sim.url).text


def test_reset_puts_everything_back(sim):
    kids = [key.kid for key in sim.tenant.keys.published]
    sim.tenant.people["alice"].groups = []
    sim.tenant.app.callback_urls.clear()
    sim.rotate_keys(keep_old=False)
    sim.fail("token", 503)
    sim.tenant.add_person("zoe", "zoe@contoso.com")

    sim.reset()

    assert sim.tenant.people["alice"].groups == [defaults.ROLE_GROUPS["user"]]
    assert sim.tenant.app.callback_urls
    assert [key.kid for key in sim.tenant.keys.published] == kids
    assert "zoe" not in sim.tenant.people


class TestCommand:
    def command(self, port, *more):
        return [sys.executable, "-m", "entra_sim", "--port", str(port), *more]

    def test_it_prints_the_six_values_and_ends_quietly(self):
        with subprocess.Popen(  # noqa: S603 - our own module
            self.command(0, "--claim", "sid", "--callback", "http://localhost:9/cb"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(16)]
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=10)
        printed = "".join(lines) + rest
        for value in (
            defaults.TENANT_ID,
            defaults.CLIENT_ID,
            defaults.SECRET_VALUE,
            defaults.ROLE_GROUPS["admin"],
            defaults.ROLE_GROUPS["user"],
            f"/{defaults.TENANT_ID}/v2.0",
            "http://localhost:9/cb",
        ):
            assert value in printed
        assert (process.returncode, errors) == (0, "")

    def test_a_taken_port_is_one_clear_line(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = subprocess.run(  # noqa: S603 - our own module
                self.command(port), capture_output=True, text=True, check=False, timeout=10
            )
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr == f"entra_sim: port {port} of 127.0.0.1 is taken\n"
