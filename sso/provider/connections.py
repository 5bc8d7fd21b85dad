"""urllib3's connections with what it lacks: one limit for everything, and a look at the peer.

urllib3 limits the wait for each address of a name and for each piece of an answer, so that a
server which sends a byte now and then is never done with; and it resolves names without a limit.
verification.md, The network; reference/rp-cases.md, cases 86, 94 and 95.
"""

from __future__ import annotations

import http.client
import io
import socket
import threading
import time
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.poolmanager import PoolManager, ProxyManager

from sso.provider import addresses
from sso.provider.deadline import Deadline
from sso.provider.failures import ProviderFailed
from sso.rules.reasons import Reason

CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
IDLE_SECONDS = 45.0
POOLED_CONNECTIONS = 16

_SOCKET_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
]

_SocketAddress = tuple[Any, ...]
_Resolved = Sequence[tuple[int, int, int, str, _SocketAddress]]


@dataclass(frozen=True, slots=True)
class Call:
    """What holds for the request being made; urllib3 has no way to hand it through."""

    deadline: Deadline
    allow_private: bool
    allow_loopback: bool

    def check_peer(self, address: str) -> None:
        if not addresses.allowed(address, private=self.allow_private, loopback=self.allow_loopback):
            raise ProviderFailed(
                Reason.PROVIDER_BLOCKED, f"The host resolves to {address}, which is not allowed."
            )


current_call: ContextVar[Call] = ContextVar("current_call")


class _PacedReader(io.RawIOBase):
    """Read from a socket, waiting for each piece no longer than the whole may still take."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._sock = sock
        # SocketIO keeps the socket open until this answer has been read, as http.client expects.
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = self._deadline.remaining()
        if remaining <= 0:
            raise TimeoutError("the time for the whole request is over")
        self._sock.settimeout(min(READ_SECONDS, remaining))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _PacedSocket:
    """The one method of a socket that http.client's response uses."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_PacedReader(self._sock, self._deadline))


class _PacedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        paced = _PacedSocket(sock, current_call.get().deadline)
        super().__init__(cast("socket.socket", paced), *args, **kwargs)


class GuardedHTTPConnection(HTTPConnection):
    response_class = _PacedResponse
    idle_since: float | None = None

    def _new_conn(self) -> socket.socket:
        return _open(self)


class GuardedHTTPSConnection(HTTPSConnection):
    response_class = _PacedResponse
    idle_since: float | None = None

    def _new_conn(self) -> socket.socket:
        return _open(self)


_Connection = GuardedHTTPConnection | GuardedHTTPSConnection


def _open(connection: _Connection) -> socket.socket:
    """Connect to the first address of the name that answers, all of them within one limit."""
    call = current_call.get()
    limit = call.deadline.capped(CONNECT_SECONDS)
    last: OSError | None = None
    for family, kind, protocol, _name, address in _resolve(connection, limit):
        if limit.expired:
            _raise_timeout(connection)
        if connection.proxy is None:
            # Before connecting too, so that how long a refusal takes says nothing of the target.
            call.check_peer(str(address[0]))
        sock = socket.socket(family, kind, protocol)
        try:
            _connect(sock, address, limit)
            if connection.proxy is None:
                call.check_peer(str(sock.getpeername()[0]))
        except OSError as problem:
            sock.close()
            last = problem
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    if isinstance(last, TimeoutError):
        _raise_timeout(connection)
    raise NewConnectionError(connection, "no address of the host accepts connections") from last


def _connect(sock: socket.socket, address: _SocketAddress, limit: Deadline) -> None:
    for option in _SOCKET_OPTIONS:
        sock.setsockopt(*option)
    # Zero would mean "do not block".
    sock.settimeout(max(limit.remaining(), 0.001))
    sock.connect(address)
    # The handshake has what connecting left over.
    sock.settimeout(max(limit.remaining(), 0.001))


def _raise_timeout(connection: _Connection) -> NoReturn:
    raise ConnectTimeoutError(connection, "connecting took too long")


def _resolve(connection: _Connection, limit: Deadline) -> _Resolved:
    """Look a name up on a thread of its own: the system's resolver knows no limit."""
    host, port = connection._dns_host, connection.port  # noqa: SLF001 - the undotted-or-not name
    found: list[_Resolved | OSError | UnicodeError] = []

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as problem:
            found.append(problem)

    if addresses.literal(host) is not None:
        look_up()
    else:
        thread = threading.Thread(target=look_up, name="look-up", daemon=True)
        thread.start()
        thread.join(limit.remaining())
    if not found:
        _raise_timeout(connection)
    outcome = found[0]
    if isinstance(outcome, OSError | UnicodeError):
        problem = outcome if isinstance(outcome, socket.gaierror) else socket.gaierror(str(outcome))
        raise NameResolutionError(host, connection, problem)
    return outcome


class _Fresh:
    """Part of a pool: reuses no connection that has been idle for long."""

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.idle_since = time.monotonic()
        super()._put_conn(conn)  # type: ignore[misc]

    def _get_conn(self, timeout: float | None = None) -> Any:
        conn = super()._get_conn(timeout)  # type: ignore[misc]
        if conn.sock is None or conn.idle_since is None:
            return conn
        if time.monotonic() - conn.idle_since > IDLE_SECONDS:
            # A firewall in between may have forgotten it; a closed one connects anew.
            conn.close()
        elif conn.proxy is None:
            try:
                current_call.get().check_peer(str(conn.sock.getpeername()[0]))
            except OSError:
                conn.close()
            except ProviderFailed:
                conn.close()
                raise
        return conn


class _HTTPPool(_Fresh, HTTPConnectionPool):
    ConnectionCls = GuardedHTTPConnection


class _HTTPSPool(_Fresh, HTTPSConnectionPool):
    ConnectionCls = GuardedHTTPSConnection


_POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _HTTPPool, "https": _HTTPSPool}


class GuardedAdapter(HTTPAdapter):
    """requests' way to send, on these connections; used without a Session.

    A Session would follow redirects, read `.netrc` and the environment, keep cookies, and read
    the whole body of a redirect before anyone could limit it.
    """

    def __init__(self) -> None:
        super().__init__(
            pool_connections=POOLED_CONNECTIONS, pool_maxsize=POOLED_CONNECTIONS, max_retries=0
        )

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        manager = cast("PoolManager", self.poolmanager)
        manager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> ProxyManager:
        manager = cast("ProxyManager", super().proxy_manager_for(proxy, **proxy_kwargs))
        manager.pool_classes_by_scheme = _POOLS
        return manager
