"""The tenant as a server on loopback, and the handle that tests and the demo hold it by."""

from __future__ import annotations

import ipaddress
import re
import socket
import socketserver
import sys
import threading
import urllib.parse
from collections.abc import Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from entra_sim import application, defaults
from entra_sim.browser import Browser
from entra_sim.faults import Fault
from entra_sim.keys import KeyRing
from entra_sim.messages import Params, Request, Response, html_response
from entra_sim.people import default_tenant
from entra_sim.record import RequestLog
from entra_sim.site import Site
from entra_sim.tenant import Tenant

_LARGEST_BODY: Final = 1_048_576
_LENGTH: Final = re.compile(r"[0-9]{1,8}")
_GOING_DOWN: Final = 5.0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave in one packet, at once: keep-alive without delayed acknowledgements.
    wbufsize = 65_536
    disable_nagle_algorithm = True
    timeout = 120
    server: _Server
    _is_first_request = True

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        is_sane = bool(_LENGTH.fullmatch(length)) and int(length) <= _LARGEST_BODY
        if "Transfer-Encoding" in self.headers or not is_sane:
            self.close_connection = True
            self._send(html_response("Length required", HTTPStatus.LENGTH_REQUIRED))
            return
        self._answer(self.rfile.read(int(length)).decode("utf-8", "replace"))

    def _answer(self, body: str) -> None:
        site = self.server.site
        is_first, self._is_first_request = self._is_first_request, False
        if self.headers.get("Host", "") not in self.server.hosts:
            self._send(html_response("Wrong host", HTTPStatus.MISDIRECTED_REQUEST))
            return
        raw_path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = urllib.parse.unquote(raw_path)
        request = Request(self.command, path, Params(query), Params(body), headers)
        self._send(application.handle(site, request, opened_connection=is_first))

    def _send(self, response: Response) -> None:
        if response.dropped:
            self.close_connection = True
            return
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(response.body)

    def version_string(self) -> str:
        return "EntraSim"

    def date_time_string(self, timestamp: float | None = None) -> str:
        # A tenant whose clock is off says so in this header too.
        return super().date_time_string(self.server.site.now() if timestamp is None else timestamp)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Keep quiet: the base class writes every request, with its code, to stderr."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], site: Site) -> None:
        self.site = site
        self.hosts: frozenset[str] = frozenset()
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(address, _Handler)
        port = self.server_port
        self.hosts = frozenset({f"{address[0]}:{port}", f"localhost:{port}"})

    def server_bind(self) -> None:
        # The base class asks the resolver for this machine's name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._changed:
                self._open.discard(request)
                self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that hung up is no fault of ours; the base class prints a traceback.
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        """Close kept-alive connections too: an outage is felt on them first."""
        with self._changed:
            for each in self._open:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    # Its other end was quicker.
                    continue
            self._changed.wait_for(lambda: not self._open, timeout=_GOING_DOWN)


class EntraSim:
    """A simulated tenant. Its state is in `tenant`; what it was asked is in `requests`."""

    def __init__(
        self,
        port: int = 0,
        host: str = "127.0.0.1",
        callback_urls: Iterable[str] = defaults.DEFAULT_CALLBACKS,
    ) -> None:
        if not ipaddress.IPv4Address(host).is_loopback:
            raise ValueError(f"{host} is not a loopback address")
        self._host, self._port = host, port
        self._callback_urls = tuple(callback_urls)
        self._keys = KeyRing()
        self._site = Site(default_tenant(self._keys, self._callback_urls))
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.browser = self.new_browser()

    def start(self) -> None:
        """Listen; after a stop, on the same port as before. OSError when it is taken."""
        self._site.stopping.clear()
        self._server = _Server((self._host, self._port), self._site)
        self._port = self._server.server_port
        self._site.base_url = f"http://{self._host}:{self._port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop answering, as in an outage; codes, sessions and state stay."""
        if self._server is None or self._thread is None:
            return
        self._site.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def reset(self) -> None:
        """Put everything back to what it was at the start, keys included."""
        self._keys.restore()
        self._site.tenant = default_tenant(self._keys, self._callback_urls)
        self._site.forget()
        self.browser = self.new_browser()

    @property
    def url(self) -> str:
        return self._site.base_url

    @property
    def issuer(self) -> str:
        return self._site.issuer(self.tenant.tenant_id)

    @property
    def tenant(self) -> Tenant:
        return self._site.tenant

    @property
    def requests(self) -> RequestLog:
        return self._site.requests

    def fail(
        self,
        endpoint: str,
        status: int = 0,
        *,
        delay: float = 0.0,
        count: int | None = None,
        retry_after: int | None = None,
        body: str | None = None,
        content_type: str = "text/html",
        drop: bool = False,
    ) -> None:
        """Make an endpoint of faults.Endpoint, or "graph", fail `count` times or until healed.

        A status answers with it (and with `body`, if given); `drop` hangs up; `delay` alone, in
        seconds, only slows the real answer.
        """
        fault = Fault(status, delay, count, retry_after, body, content_type, drop)
        self._site.faults.plant(endpoint, fault)

    def heal(self, endpoint: str = "") -> None:
        if endpoint:
            self._site.faults.heal(endpoint)
        else:
            self._site.faults.clear()

    def rotate_keys(self, *, keep_old: bool = True, publish: bool = True) -> str:
        return self.tenant.rotate_keys(keep_old=keep_old, publish=publish)

    def new_browser(self) -> Browser:
        return Browser(lambda request: application.handle(self._site, request, in_process=True))

    def sign_in(self, authorize_url: str, person: str) -> str:
        """Sign in with the shared browser and return the callback URL."""
        return self.browser.sign_in(authorize_url, person)

    def values(self) -> list[tuple[str, str]]:
        """Return what the guide has one collect in the admin center, with its labels."""
        app = self.tenant.app
        secret = next((each.value for each in app.secrets if not each.expired), "")
        return [
            ("Tenant ID", self.tenant.tenant_id),
            ("Issuer URL", self.issuer),
            ("Application (client) ID", app.client_id),
            ("Client secret (Value)", secret),
            *((f"Group for the {role} row", group) for role, group in defaults.ROLE_GROUPS.items()),
        ]
