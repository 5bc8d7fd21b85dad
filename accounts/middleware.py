from __future__ import annotations

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import render
from django.views.defaults import permission_denied

from accounts.origins import accepted_origin, accepts_host
from accounts.policy import AccountRefused

GetResponse = Callable[[HttpRequest], HttpResponseBase]
# Probes come by whatever name the orchestrator has for the container.
ANY_HOST_PREFIX = "/health/"


class TrustedProxyMiddleware:
    """Believe as many proxies as TRUST_PROXY says, counted from the right, and no other header.

    Each proxy appends what it saw, so whatever a visitor wrote stands further left.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.TRUST_PROXY:
            self._believe(request, settings.TRUST_PROXY)
        return self.get_response(request)

    def _believe(self, request: HttpRequest, hops: int) -> None:
        address = _address(_from_right(request, "X-Forwarded-For", hops))
        if address:
            request.META["REMOTE_ADDR"] = address
        scheme = _from_right(request, "X-Forwarded-Proto", hops).lower()
        if scheme in {"http", "https"}:
            request.META["wsgi.url_scheme"] = scheme
        host = _from_right(request, "X-Forwarded-Host", hops)
        if host:
            request.META["HTTP_HOST"] = host


def _from_right(request: HttpRequest, header: str, hops: int) -> str:
    values = [value.strip() for value in request.headers.get(header, "").split(",")]
    return values[-hops] if len(values) >= hops else values[0]


def _address(text: str) -> str:
    """Read an address as proxies write it, with or without a port; '' when it is none."""
    host = text.strip('"')
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""


class AcceptedHostMiddleware:
    """Answer only to the host of the Server URL in force, which changes without a restart.

    It does what ALLOWED_HOSTS would do, and names the cure (spec/product.md, Environment).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(ANY_HOST_PREFIX):
            return self.get_response(request)
        try:
            host = request.get_host()
        except DisallowedHost:
            return HttpResponse("Bad request: malformed Host header.", status=400)
        if accepts_host(host):
            return self.get_response(request)
        context = {"host": host, "server_url": accepted_origin()}
        return render(request, "accounts/wrong_host.html", context, status=400)


class RefusedMeanwhileMiddleware:
    """Answer 403 where a service refuses what its page had no reason to expect.

    An account that is deactivated or deleted while its own request is on the way.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        if not isinstance(exception, AccountRefused):
            return None
        return permission_denied(request, exception)


class ServerOriginCsrfMiddleware(CsrfViewMiddleware):
    """Accept forms sent from the Server URL's origin as well.

    Django compares with the scheme of the request alone, which is http behind a proxy that
    ends TLS and that TRUST_PROXY does not name.
    """

    @property
    def allowed_origins_exact(self) -> set[str]:
        return {accepted_origin()}
