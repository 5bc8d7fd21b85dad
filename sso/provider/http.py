"""The one way out: every request to the provider and to Graph is made here.

verification.md, The network; reference/rp-cases.md, cases 86 to 101.
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from urllib.parse import SplitResult, urlencode

import requests
import urllib3.exceptions
from django.conf import settings

from sso.provider import addresses, breaker, connections
from sso.provider.answers import Answer
from sso.provider.authorities import system_store
from sso.provider.connections import Call, GuardedAdapter, current_call
from sso.provider.deadline import Deadline
from sso.provider.failures import ProviderFailed
from sso.provider.proxies import proxy_for
from sso.rules.hosts import is_never_called
from sso.rules.reasons import Reason

__all__ = [
    "MAX_BODY",
    "Answer",
    "Deadline",
    "NameNotFound",
    "NoConnection",
    "ProviderFailed",
    "ProxyFailed",
    "fetch",
]

MAX_BODY = 1_048_576

_CHUNK = 65_536
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": "PatchMon",
}

_adapter = GuardedAdapter()


class _NoAnswer(ProviderFailed):
    """The host gave no answer, which its breaker counts."""


class _Broke(_NoAnswer):
    """The connection broke before the whole answer was there."""


class NameNotFound(_NoAnswer):
    """DNS knows no such host."""


class NoConnection(_NoAnswer):
    """The host is there, but nothing at it takes the connection."""


class ProxyFailed(_NoAnswer):
    """The configured proxy does not lead to the host."""


def fetch(
    method: str,
    url: str,
    *,
    deadline: Deadline,
    data: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    max_bytes: int = MAX_BODY,
    retry: bool,
    loopback: bool = False,
    probing: bool = False,
) -> Answer:
    """Make one request and return its answer, of any status but a redirect's.

    `retry` asks once more on a connection that broke: for requests that may arrive twice.
    `loopback` says that the issuer is loopback, which makes loopback targets legitimate.
    `probing` is for finding out what is wrong: a redirect is returned like any other answer,
    never followed, and a host that is being left alone is asked all the same.
    """
    try:
        parts = addresses.split_url(url)
    except addresses.BadUrl as problem:
        raise ProviderFailed(Reason.PROVIDER_ADDRESS, f"A URL to call {problem}.") from None
    host = parts.hostname or ""
    counted = breaker.names(parts)
    if not probing and breaker.is_open(*counted):
        raise ProviderFailed(
            Reason.PROVIDER_PAUSED, f"{host} has not answered lately; asking again shortly."
        )
    request = _prepare(method, url, data, headers)
    call = Call(
        deadline=deadline,
        allow_private=settings.PROVIDER_ALLOW_PRIVATE_ADDRESSES,
        allow_loopback=loopback,
    )
    try:
        answer = _send(request, parts, call, max_bytes)
    except _Broke:
        if not retry or deadline.expired:
            breaker.failed(*counted)
            raise
        answer = _send_again(request, parts, call, max_bytes)
    except _NoAnswer:
        breaker.failed(*counted)
        raise
    if answer.is_server_error:
        breaker.failed(*counted)
    else:
        breaker.answered(*counted)
    if answer.is_redirect and not probing:
        # Following one would carry the client secret to another host.
        raise ProviderFailed(
            Reason.PROVIDER_REDIRECT, f"{host} redirects elsewhere (status {answer.status})."
        )
    return answer


def _send_again(
    request: requests.PreparedRequest, parts: SplitResult, call: Call, max_bytes: int
) -> Answer:
    try:
        return _send(request, parts, call, max_bytes)
    except _NoAnswer:
        breaker.failed(*breaker.names(parts))
        raise


def _prepare(
    method: str, url: str, data: Mapping[str, str] | None, headers: Mapping[str, str] | None
) -> requests.PreparedRequest:
    fields = dict(_HEADERS)
    body = None
    if data is not None:
        body = urlencode(data)
        fields["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        return requests.Request(
            method, url, data=body, headers=fields | dict(headers or {})
        ).prepare()
    except (requests.RequestException, ValueError) as problem:
        # Of the problem only the kind: its text may hold a token that makes no header.
        raise ProviderFailed(
            Reason.PROVIDER_ADDRESS, f"A request cannot be made ({type(problem).__name__})."
        ) from None


def _send(
    request: requests.PreparedRequest, parts: SplitResult, call: Call, max_bytes: int
) -> Answer:
    host = parts.hostname or ""
    remaining = call.deadline.remaining()
    if remaining <= 0:
        raise ProviderFailed(Reason.PROVIDER_TIMEOUT, f"No time was left to ask {host}.")
    proxies = proxy_for(parts.scheme, host, settings.PROVIDER_PROXIES, settings.PROVIDER_NO_PROXY)
    if proxies:
        _check_spelling(host, call)
    token = current_call.set(call)
    try:
        response = _adapter.send(
            request,
            stream=True,
            timeout=(
                min(connections.CONNECT_SECONDS, remaining),
                min(connections.READ_SECONDS, remaining),
            ),
            # True stands for the bundle that comes with requests (certifi).
            verify=settings.PROVIDER_CA_BUNDLE or system_store() or True,
            proxies=proxies,
        )
        try:
            body = _read(response, host, max_bytes)
        finally:
            response.close()
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as problem:
        raise _explained(problem, host) from None
    except http.client.HTTPException:
        raise _Broke(Reason.PROVIDER_UNREACHABLE, f"The connection to {host} broke.") from None
    finally:
        current_call.reset(token)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(status=response.status_code, headers=headers, body=body)


def _check_spelling(host: str, call: Call) -> None:
    """Judge a host by its name: a proxy connects, so that no address is ever seen here."""
    address = addresses.literal(host)
    if address is not None:
        call.check_peer(address)
    if is_never_called(host):
        raise ProviderFailed(
            Reason.PROVIDER_BLOCKED, f"{host} is one of the hosts that are never called."
        )


def _read(response: requests.Response, host: str, max_bytes: int) -> bytes:
    body = bytearray()
    while chunk := response.raw.read(_CHUNK, decode_content=True):
        body += chunk
        if len(body) > max_bytes:
            # urllib3 unpacks no more than it was asked for, so a bomb stops here as well.
            raise ProviderFailed(
                Reason.PROVIDER_TOO_LARGE, f"{host} answered with more than {max_bytes} bytes."
            )
    return bytes(body)


# The first kind that fits explains what happened; requests' own kinds stand beside urllib3's
# because either may be at the bottom.
_KINDS: tuple[tuple[tuple[type[Exception], ...], type[ProviderFailed], Reason, str], ...] = (
    (
        (urllib3.exceptions.NameResolutionError,),
        NameNotFound,
        Reason.PROVIDER_UNREACHABLE,
        "The name {host} was not found.",
    ),
    (
        (urllib3.exceptions.NewConnectionError,),
        NoConnection,
        Reason.PROVIDER_UNREACHABLE,
        "{host} accepts no connection.",
    ),
    (
        (requests.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError),
        NoConnection,
        Reason.PROVIDER_TIMEOUT,
        "{host} took too long to accept a connection.",
    ),
    (
        (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError),
        _NoAnswer,
        Reason.PROVIDER_TIMEOUT,
        "{host} took too long to answer.",
    ),
    (
        (requests.exceptions.ProxyError, urllib3.exceptions.ProxyError),
        ProxyFailed,
        Reason.PROVIDER_UNREACHABLE,
        "The proxy does not lead to {host}.",
    ),
    (
        (requests.exceptions.SSLError, urllib3.exceptions.SSLError),
        _NoAnswer,
        Reason.PROVIDER_TLS,
        "There is no trusted TLS connection to {host}.",
    ),
    (
        (urllib3.exceptions.ProtocolError, ConnectionError),
        _Broke,
        Reason.PROVIDER_UNREACHABLE,
        "The connection to {host} broke.",
    ),
    (
        (urllib3.exceptions.DecodeError,),
        ProviderFailed,
        Reason.PROVIDER_ANSWER,
        "The answer of {host} cannot be unpacked.",
    ),
    (
        (Exception,),
        _NoAnswer,
        Reason.PROVIDER_UNREACHABLE,
        "{host} cannot be reached.",
    ),
)


def _explained(problem: Exception, host: str) -> ProviderFailed:
    """Turn what requests and urllib3 raise into a reason, in words without their URLs."""
    cause = _cause(problem)
    failure, reason, text = next(
        (failure, reason, text)
        for kinds, failure, reason, text in _KINDS
        if isinstance(cause, kinds)
    )
    return failure(reason, text.format(host=host))


def _cause(problem: Exception) -> Exception:
    """Return what is wrapped: requests hands on urllib3's exception as its first argument."""
    inner: object = problem.args[0] if problem.args else None
    if isinstance(inner, urllib3.exceptions.MaxRetryError):
        inner = inner.reason
    if isinstance(problem, requests.RequestException) and isinstance(inner, Exception):
        return inner
    return problem
