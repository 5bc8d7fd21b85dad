"""The client against servers that misbehave, on real sockets."""

from __future__ import annotations

import datetime as dt
import gzip
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import responses
import time_machine
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sso.provider import breaker, connections, http, store
from sso.provider.deadline import Deadline
from sso.provider.failures import ProviderFailed
from sso.provider.proxies import proxy_for
from sso.rules.reasons import Reason
from tests.fakes.provider import serving

SECRET = "the-client-secret"


@contextmanager
def raw_server(speak: Callable[[socket.socket, int], None]) -> Iterator[tuple[str, list[bytes]]]:
    """Serve by hand: `speak` gets each connection, its number, and closes nothing itself."""
    received: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)

    def accept() -> None:
        number = 0
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            number += 1
            with connection:
                connection.settimeout(5)
                try:
                    received.append(connection.recv(65536))
                    speak(connection, number)
                except OSError:
                    continue

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", received
    finally:
        # Closing alone does not wake a thread that waits in accept().
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(6)


def get(url: str, *, seconds: float = 5, retry: bool = True, **rest) -> http.Answer:
    return http.fetch("GET", url, deadline=Deadline(seconds), retry=retry, **rest)


def refused(url: str, **rest) -> ProviderFailed:
    with pytest.raises(ProviderFailed) as caught:
        get(url, **rest)
    return caught.value


def test_an_answer_arrives_and_the_connection_is_kept():
    peers = []

    def speak(handler: BaseHTTPRequestHandler) -> None:
        peers.append(handler.client_address)
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json; charset=utf-8")
        handler.send_header("Set-Cookie", "tracking=1; Path=/")
        handler.send_header("Content-Length", "8")
        handler.end_headers()
        handler.wfile.write(b'{"a": 1}')
        assert "Cookie" not in handler.headers

    with serving(speak) as port:
        answers = [get(f"http://127.0.0.1:{port}/x") for _ in range(3)]
    assert [answer.json() for answer in answers] == [{"a": 1}] * 3
    assert answers[0].says_json
    assert len(set(peers)) == 1


def test_a_connection_that_was_idle_for_long_is_not_reused(monkeypatch):
    peers = []

    def speak(handler: BaseHTTPRequestHandler) -> None:
        peers.append(handler.client_address)
        handler.send_response(204)
        handler.end_headers()

    with serving(speak) as port:
        get(f"http://127.0.0.1:{port}/")
        monkeypatch.setattr(connections, "IDLE_SECONDS", -1)
        get(f"http://127.0.0.1:{port}/")
    assert len(set(peers)) == 2


def test_case_86_a_server_that_hangs(monkeypatch):
    monkeypatch.setattr(connections, "READ_SECONDS", 0.2)
    with raw_server(lambda _connection, _number: time.sleep(0.5)) as (url, received):
        began = time.monotonic()
        assert refused(url).reason is Reason.PROVIDER_TIMEOUT
        assert time.monotonic() - began < 0.45
    assert len(received) == 1


@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"],
    ids=["status", "headers", "body"],
)
def test_case_86_a_server_that_drips(start):
    def drip(connection: socket.socket, _number: int) -> None:
        connection.sendall(start)
        for letter in b"HTTP/1.1 200 OK and so on and on" * 4:
            connection.sendall(bytes([letter]))
            time.sleep(0.02)

    with raw_server(drip) as (url, received):
        began = time.monotonic()
        assert refused(url, seconds=0.3).reason is Reason.PROVIDER_TIMEOUT
        assert time.monotonic() - began < 0.6
    assert len(received) == 1


def test_case_86_no_time_left_means_no_request_and_no_failure_of_the_host():
    with raw_server(lambda _connection, _number: None) as (url, received):
        for _ in range(6):
            assert refused(url, seconds=0).reason is Reason.PROVIDER_TIMEOUT
    assert received == []
    assert not breaker.is_open("127.0.0.1")


def test_a_name_that_resolves_slowly_is_limited_too(monkeypatch):
    def slow(*_args, **_rest):
        time.sleep(0.5)
        return []

    monkeypatch.setattr(connections, "CONNECT_SECONDS", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", slow)
    began = time.monotonic()
    assert refused("https://slow.example.com/").reason is Reason.PROVIDER_TIMEOUT
    assert time.monotonic() - began < 0.4


def test_case_87_a_long_body_is_cut_off():
    def speak(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        for _ in range(1000):
            sent.append(len(chunk))
            handler.wfile.write(chunk)

    sent: list[int] = []
    with serving(speak) as port:
        failure = refused(f"http://127.0.0.1:{port}/")
    assert failure.reason is Reason.PROVIDER_TOO_LARGE
    assert sum(sent) < 20 * http.MAX_BODY


def test_case_87_a_gzip_bomb_is_cut_off():
    bomb = gzip.compress(b"\0" * 50_000_000)

    def speak(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(bomb)))
        handler.end_headers()
        handler.wfile.write(bomb)

    assert len(bomb) < http.MAX_BODY
    with serving(speak) as port:
        assert refused(f"http://127.0.0.1:{port}/").reason is Reason.PROVIDER_TOO_LARGE


def test_a_body_that_is_not_what_it_says_is_refused():
    def speak(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", "5")
        handler.end_headers()
        handler.wfile.write(b"plain")

    with serving(speak) as port:
        assert refused(f"http://127.0.0.1:{port}/").reason is Reason.PROVIDER_ANSWER


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_case_88_a_redirect_is_not_followed(status):
    asked = []

    def speak(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        handler.send_response(status)
        handler.send_header("Location", "/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with serving(speak) as port, pytest.raises(ProviderFailed) as caught:
        http.fetch(
            "POST",
            f"http://127.0.0.1:{port}/token",
            deadline=Deadline(5),
            data={"client_secret": SECRET},
            retry=False,
        )
    assert caught.value.reason is Reason.PROVIDER_REDIRECT
    assert asked == ["/token"]
    assert SECRET not in repr(caught.value)


def certificate(folder: Path, name: str, *, days: int) -> Path:
    """Write a self-signed certificate with its key, valid from yesterday for some days."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(yesterday - dt.timedelta(days=1))
        .not_valid_after(yesterday + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}-{days}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextmanager
def tls_server(pem: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve one thing over TLS at localhost, and tell what was asked for."""
    asked: list[str] = []

    def speak(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        handler.send_response(200)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with serving(speak, context) as port:
        yield f"https://localhost:{port}/", asked


@pytest.mark.parametrize(
    ("name", "days", "trusted"),
    [("localhost", 2, False), ("localhost", 0, True), ("elsewhere.example", 2, True)],
    ids=["self-signed", "expired", "wrong host"],
)
def test_case_91_a_certificate_that_does_not_hold(settings, tmp_path, name, days, trusted):
    pem = certificate(tmp_path, name, days=days)
    if trusted:
        settings.PROVIDER_CA_BUNDLE = str(pem)
    with tls_server(pem) as (url, asked):
        assert refused(url).reason is Reason.PROVIDER_TLS
    assert asked == []


def test_a_configured_certificate_authority_is_trusted(settings, tmp_path):
    pem = certificate(tmp_path, "localhost", days=2)
    settings.PROVIDER_CA_BUNDLE = str(pem)
    with tls_server(pem) as (url, asked):
        assert get(url).json() == {}
        assert get(url).json() == {}
    assert asked == ["/", "/"]


def test_an_address_is_judged_before_the_tls_handshake(settings, tmp_path):
    settings.PROVIDER_ALLOW_PRIVATE_ADDRESSES = False
    with raw_server(lambda _connection, _number: None) as (url, received):
        failure = refused(url.replace("http://", "https://"))
    assert failure.reason is Reason.PROVIDER_BLOCKED
    assert received == []


@pytest.mark.parametrize(
    ("url", "private", "loopback", "blocked"),
    [
        ("http://169.254.169.254/latest", True, True, True),
        ("http://[fe80::1]/", True, True, True),
        ("http://100.100.100.200/", True, False, True),
        ("http://0.0.0.0/", True, True, True),
        ("http://10.0.0.1/", False, True, True),
        ("http://0x7f.1/", False, False, True),
        ("http://2130706433/", False, False, True),
    ],
)
def test_case_94_addresses_that_are_never_called(settings, url, private, loopback, blocked):
    settings.PROVIDER_ALLOW_PRIVATE_ADDRESSES = private
    began = time.monotonic()
    failure = refused(url, loopback=loopback)
    assert failure.reason is Reason.PROVIDER_BLOCKED
    assert time.monotonic() - began < 0.5
    assert not store.read(breaker._count(breaker.names(urlsplit(url))[0]))


def test_case_95_the_address_that_was_connected_to_decides(settings, monkeypatch):
    settings.PROVIDER_ALLOW_PRIVATE_ADDRESSES = False
    asked: list[object] = []

    def rebound(*_args, **_rest):
        asked.append(1)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    def speak(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)

    with serving(speak) as port:
        monkeypatch.setattr(socket, "getaddrinfo", rebound)
        failure = refused(f"http://rebound.example.com:{port}/")
    assert failure.reason is Reason.PROVIDER_BLOCKED
    assert asked == [1]


def test_case_95_a_kept_connection_is_judged_again(settings):
    def speak(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(204)
        handler.end_headers()

    with serving(speak) as port:
        url = f"http://127.0.0.1:{port}/"
        assert get(url, loopback=True).status == 204
        settings.PROVIDER_ALLOW_PRIVATE_ADDRESSES = False
        assert get(url, loopback=True).status == 204
        assert refused(url).reason is Reason.PROVIDER_BLOCKED


def test_loopback_is_called_for_a_loopback_issuer_whatever_the_switch_says(settings):
    settings.PROVIDER_ALLOW_PRIVATE_ADDRESSES = False

    def speak(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(204)
        handler.end_headers()

    with serving(speak) as port:
        assert get(f"http://localhost:{port}/", loopback=True).status == 204


def test_case_100_the_environment_changes_nothing(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password hush\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    seen = []

    def speak(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers["Authorization"])
        handler.send_response(204)
        handler.end_headers()

    with serving(speak) as port:
        get(f"http://127.0.0.1:{port}/", headers={"Authorization": "Bearer token"})
    assert seen == ["Bearer token"]


def test_case_100_a_configured_proxy_is_asked_by_name(settings):
    def proxy(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        handler.send_response(200)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")

    asked: list[str] = []
    with serving(proxy) as port:
        settings.PROVIDER_PROXIES = {"http": f"http://127.0.0.1:{port}"}
        settings.PROVIDER_NO_PROXY = "internal.example, .corp.example 10.0.0.0/8"
        assert get("http://sso.example.com/a").json() == {}
        # What a proxy would reach under a number or a known name is judged here all the same.
        for host in (
            *("169.254.169.254", "0xa9fea9fe", "100.100.100.200", "[fd00:ec2::254]"),
            *("metadata.google.internal", "Metadata.Google.Internal.", "metadata.goog"),
            *("instance-data", "instance-data."),
        ):
            assert refused(f"http://{host}/").reason is Reason.PROVIDER_BLOCKED, host
    assert asked == ["http://sso.example.com/a"]


def test_case_100_https_goes_through_a_tunnel_of_the_proxy(settings, tmp_path):
    pem = certificate(tmp_path, "localhost", days=2)
    settings.PROVIDER_CA_BUNDLE = str(pem)
    # The proxy connects, so that where the name leads is for the proxy to judge.
    settings.PROVIDER_ALLOW_PRIVATE_ADDRESSES = False
    asked: list[str] = []

    def tunnel(connection: socket.socket, _number: int) -> None:
        host, _, port = received[-1].split()[1].decode().partition(":")
        asked.append(host)
        with socket.create_connection((host, int(port)), 5) as target:
            connection.sendall(b"HTTP/1.1 200 go on\r\n\r\n")
            pairs = {connection: target, target: connection}
            while True:
                for ready in select.select(list(pairs), [], [], 5)[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    pairs[ready].sendall(data)

    with tls_server(pem) as (url, paths), raw_server(tunnel) as (proxy, received):
        settings.PROVIDER_PROXIES = {"https": proxy}
        assert get(url).json() == {}
        assert get(url).json() == {}
        http._adapter.close()
    assert asked == ["localhost"]
    assert paths == ["/", "/"]
    assert all(b"GET" not in data for data in received)


@pytest.mark.parametrize(
    ("no_proxy", "host", "exempt"),
    [
        ("*", "sso.example.com", True),
        ("example.com", "sso.example.com", True),
        (".example.com", "sso.example.com", True),
        ("*.example.com", "sso.example.com", True),
        ("sso.example.com:443", "sso.example.com", True),
        ("other.example, SSO.example.com", "sso.example.com", True),
        ("ample.com", "sso.example.com", False),
        ("", "sso.example.com", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("[::1]", "::1", True),
        ("10.0.0.0/8 localhost", "192.168.1.1", False),
    ],
)
def test_no_proxy_exempts(no_proxy, host, exempt):
    proxies = {"https": "http://proxy.example:3128"}
    assert proxy_for("https", host, proxies, no_proxy) == ({} if exempt else proxies)
    assert proxy_for("http", host, proxies, no_proxy) == {}


@pytest.mark.parametrize("failing", [1, 2])
def test_an_idempotent_request_is_asked_once_more_on_a_broken_connection(failing):
    def speak(connection: socket.socket, number: int) -> None:
        if number > failing:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        elif number == failing:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}")

    with raw_server(speak) as (url, received):
        if failing == 1:
            assert get(url).json() == {}
        else:
            assert refused(url).reason is Reason.PROVIDER_UNREACHABLE
    assert len(received) == 2


def test_a_token_request_is_never_repeated():
    with raw_server(lambda _connection, _number: None) as (url, received):
        assert refused(url, retry=False).reason is Reason.PROVIDER_UNREACHABLE
    assert len(received) == 1


def test_a_refused_connection_is_not_a_broken_one():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    failure = refused(f"http://127.0.0.1:{port}/")
    assert failure.reason is Reason.PROVIDER_UNREACHABLE
    assert "no connection" in failure.detail


def later(seconds: float) -> time_machine.travel:
    return time_machine.travel(dt.timedelta(seconds=seconds), tick=True)


def test_five_failures_in_a_row_stop_the_asking_for_a_while():
    with responses.RequestsMock() as mock:
        mock.get("https://sso.example.com/", status=503)
        mock.get("https://graph.example.com/", status=200)
        for _ in range(5):
            assert get("https://sso.example.com/").status == 503
        assert refused("https://sso.example.com/").reason is Reason.PROVIDER_PAUSED
        # The whole host, whatever is asked of it.
        assert refused("https://sso.example.com/else").reason is Reason.PROVIDER_PAUSED
        assert len(mock.calls) == 5
        # Per host: Graph never counts for the login host, nor the other way round.
        assert get("https://graph.example.com/").status == 200
        with later(25):
            assert refused("https://sso.example.com/").reason is Reason.PROVIDER_PAUSED
        with later(31):
            assert get("https://sso.example.com/").status == 503
            assert refused("https://sso.example.com/").reason is Reason.PROVIDER_PAUSED


def test_what_else_the_host_answers_does_not_make_up_for_an_endpoint():
    with responses.RequestsMock() as mock:
        mock.get("https://sso.example.com/token?a=1", status=503)
        mock.get("https://sso.example.com/discovery", status=200)
        for _ in range(5):
            assert get("https://sso.example.com/token?a=1").status == 503
            assert get("https://sso.example.com/discovery").status == 200
        # A query makes no endpoint of its own.
        assert refused("https://sso.example.com/token?a=2").reason is Reason.PROVIDER_PAUSED
        assert get("https://sso.example.com/discovery").status == 200
        assert len(mock.calls) == 11


@pytest.mark.parametrize(("minutes", "opens"), [(9.9, True), (10.1, False)])
def test_each_failure_may_be_ten_minutes_after_the_one_before(minutes, opens):
    with responses.RequestsMock() as mock:
        mock.get("https://sso.example.com/", status=503)
        for number in range(5):
            with later(number * minutes * 60):
                assert get("https://sso.example.com/").status == 503
        with later(4 * minutes * 60 + 1):
            if opens:
                assert refused("https://sso.example.com/").reason is Reason.PROVIDER_PAUSED
            else:
                assert get("https://sso.example.com/").status == 503


def test_any_answer_below_500_ends_the_row():
    statuses = [503, 503, 503, 503, 404, 503, 503, 503, 503, 429]
    with responses.RequestsMock() as mock:
        for status in statuses:
            mock.get("https://sso.example.com/", status=status)
        assert [get("https://sso.example.com/").status for _ in statuses] == statuses


def test_the_cache_being_down_fails_nothing(outage):
    outage.breaks()
    with responses.RequestsMock() as mock:
        mock.get("https://sso.example.com/", json={"a": 1})
        assert get("https://sso.example.com/").json() == {"a": 1}


def test_five_failures_in_a_row_are_counted_without_the_cache(outage):
    outage.breaks()
    with responses.RequestsMock() as mock:
        mock.get("https://sso.example.com/", status=503)
        for _ in range(5):
            assert get("https://sso.example.com/").status == 503
        assert refused("https://sso.example.com/").reason is Reason.PROVIDER_PAUSED
        assert len(mock.calls) == 5


def test_a_token_that_makes_no_header_is_not_told():
    with pytest.raises(ProviderFailed) as caught:
        get("https://sso.example.com/", headers={"Authorization": f"Bearer {SECRET}\r\nX: y"})
    assert SECRET not in f"{caught.value!r} {caught.value}"
