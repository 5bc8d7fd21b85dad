"""A network that lies, on real sockets (rp-cases 4.4, cases 86 to 95)."""

from __future__ import annotations

import datetime as dt
import gzip
import ssl
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sso.provider import connections, http
from sso.rules.reasons import Reason
from tests.fakes.provider import Reply, serving
from tests.sso.cases.front_door import START, Browser, Log, assert_refused, connect, make_alice
from tests.sso.cases.hostile import HostileProvider

pytestmark = pytest.mark.django_db

CONFIG = "/api/v1/auth/oidc/config"


@pytest.fixture
def served(administrator) -> Iterator[HostileProvider]:
    with HostileProvider.serving() as provider:
        assert isinstance(provider, HostileProvider)
        connect(provider)
        make_alice(provider)
        yield provider
    http._adapter.close()


@pytest.fixture
def browser(served: HostileProvider, log: Log) -> Browser:
    return Browser(served, log)


def test_an_honest_provider_on_a_real_socket(browser, served):
    browser.sign_in()

    assert browser.username == "alice"
    assert served.asked == {"discovery": 1, "token": 1, "keys": 1, "userinfo": 1}


@pytest.mark.case(86, "D15")
def test_a_token_endpoint_that_hangs(browser, served, monkeypatch):
    monkeypatch.setattr(connections, "READ_SECONDS", 0.2)
    served.while_redeeming = lambda: time.sleep(0.6)
    browser.sign_in()

    assert_refused(browser, Reason.PROVIDER_TIMEOUT)
    assert browser.seconds < 0.6
    assert served.asked["token"] == 1


@pytest.mark.case(86, "D15")
def test_ten_seconds_are_all_that_a_callback_has(browser, served, monkeypatch):
    monkeypatch.setattr("sso.views.sign_in.CALLBACK_SECONDS", 0.3)

    def slowly(honest: object) -> object:
        time.sleep(0.5)
        return honest

    served.told["keys"] = slowly
    browser.sign_in()

    assert_refused(browser, Reason.PROVIDER_TIMEOUT)
    assert browser.seconds < 0.5


@pytest.mark.case(87, "D18")
@pytest.mark.parametrize("document", ["token", "keys", "userinfo"])
def test_a_bomb_is_not_unpacked(browser, served, document):
    bomb = gzip.compress(b'{"a": "' + b"x" * 20_000_000 + b'"}')
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    served.told[document] = lambda _honest: Reply(200, bomb, headers)
    browser.sign_in()

    assert_refused(browser, Reason.PROVIDER_TOO_LARGE)


@pytest.mark.case(88, "D16")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_does_not_carry_the_secret_away(browser, served, status):
    received = []

    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        received.append(handler.path)
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with serving(elsewhere) as port:
        location = {"Location": f"http://127.0.0.1:{port}/token"}
        served.told["token"] = lambda _honest: Reply(status, b"", location)
        browser.sign_in()

    assert_refused(browser, Reason.PROVIDER_REDIRECT)
    assert received == []


@pytest.mark.case(94)
@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
        "2852039166",
        "0xa9fea9fe",
        "[fd00:ec2::254]",
    ],
)
@pytest.mark.parametrize("named", ["token_endpoint", "jwks_uri"])
def test_a_metadata_address_is_never_called(browser, served, host, named):
    served.document[named] = f"https://{host}/x"
    browser.sign_in()

    assert_refused(browser, Reason.PROVIDER_BLOCKED)
    assert served.asked["keys"] == served.asked["userinfo"] == 0


@pytest.mark.case(94)
@pytest.mark.parametrize("host", ["metadata.google.internal", "metadata.goog.", "instance-data"])
@pytest.mark.parametrize("named", ["token_endpoint", "jwks_uri"])
def test_no_proxy_is_asked_for_a_metadata_name(browser, served, settings, host, named):
    asked = []

    def proxy(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)

    served.document[named] = f"https://{host}/x"
    with serving(proxy) as port:
        settings.PROVIDER_PROXIES = {"https": f"http://127.0.0.1:{port}"}
        browser.sign_in()

    assert_refused(browser, Reason.PROVIDER_BLOCKED)
    assert asked == []


@pytest.mark.case(94)
@pytest.mark.parametrize("host", ["10.0.0.1", "192.168.1.1", "100.64.0.1", "[fd12::1]"])
def test_a_private_address_is_not_called_unless_it_is_allowed(browser, served, settings, host):
    settings.PROVIDER_ALLOW_PRIVATE_ADDRESSES = False
    served.document["token_endpoint"] = f"https://{host}/token"
    browser.sign_in()

    assert_refused(browser, Reason.PROVIDER_BLOCKED)


@pytest.mark.case(100, "D17")
def test_the_environment_of_the_server_changes_no_request(browser, served, monkeypatch, tmp_path):
    host = served.issuer.split("/")[2].partition(":")[0]
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {host} login evil password evil\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    browser.sign_in()

    assert browser.username == "alice"
    sent = {seen.url.rpartition("/")[2]: seen.headers for seen in served.seen}
    assert sent["userinfo"]["authorization"] == f"Bearer {served.access_token}"
    assert "authorization" not in sent["token"]


@pytest.mark.case(91, "D58")
def test_a_certificate_that_nobody_trusts(administrator, log, tmp_path):
    def speak(handler: BaseHTTPRequestHandler) -> None:
        pytest.fail("a request came through")

    with serving(speak, tls=_self_signed(tmp_path)) as port:
        provider = HostileProvider(f"https://localhost:{port}")
        connect(provider)
        browser = Browser(provider, log)
        answer = browser.get(START)

    assert answer.status_code == 503
    assert '"reason": "provider_tls"' in log.text
    assert "unavailable at the moment" in browser.page
    http._adapter.close()


@pytest.mark.case(86)
def test_sign_ins_fail_at_once_after_five_without_an_answer(browser, served):
    served.told["token"] = lambda _honest: Reply(503)
    # Its discovery document is known by now, so that nothing else is asked in between.
    assert "unavailable" not in browser.page
    for _ in range(5):
        browser.remember()
        browser.sign_in()
        assert_refused(browser, Reason.PROVIDER_STATUS)
    browser.remember()
    browser.sign_in()

    assert_refused(browser, Reason.PROVIDER_PAUSED)
    assert served.asked["token"] == 5


@pytest.mark.case(86)
def test_a_token_endpoint_on_another_host_counts_for_the_sign_ins_that_need_it(
    provider, open_browser, wire
):
    elsewhere = wire.post("https://tokens.example.net/token", status=503)
    provider.document["token_endpoint"] = "https://tokens.example.net/token"
    browser = open_browser()
    for _ in range(4):
        browser.remember()
        browser.sign_in()
        assert_refused(browser, Reason.PROVIDER_STATUS)
    assert browser.get(CONFIG).json()["enabled"] is True
    browser.remember()
    browser.sign_in()

    assert_refused(browser, Reason.PROVIDER_STATUS)
    assert browser.get(CONFIG).json()["enabled"] is False
    assert "unavailable at the moment" in browser.page
    assert elsewhere.call_count == 5
    assert provider.asked["discovery"] == 1


def test_graph_that_gives_no_answer_never_counts_for_the_login_host(entra, log):
    entra.told["groups"] = lambda _honest: Reply(503)
    entra.claims["groups"] = None
    connect(entra)
    make_alice(entra)
    for _ in range(7):
        browser = Browser(entra, log)
        browser.sign_in()
        assert browser.username == "alice"

    # Asked until it is left alone; the login host never is.
    assert entra.asked["groups"] == 5
    assert Browser(entra, log).get(CONFIG).json()["enabled"] is True


def _self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(tz=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "both.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
