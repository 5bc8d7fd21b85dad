"""Cookies that follow the Server URL in force, and answers that nobody keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import add_never_cache_headers

from accounts.origins import accepted_origin

GetResponse = Callable[[HttpRequest], HttpResponseBase]
# Browsers take a cookie of such a name only where it is Secure (patchmon.settings names them so).
BOUND: Final = "__Host-"
OURS: Final = "patchmon"


class SecureCookiesMiddleware:
    """Mark every cookie Secure while the Server URL is https, and none while it is http.

    Settings know the environment's Server URL only; an administrator's, in Settings → General,
    wins over it without a restart. Where the environment says https and the administrator http,
    browsers see our cookies without the prefix that only Secure ones may have.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_SECURE:
            _take_unbound(request)
        response = self.get_response(request)
        if response.cookies:
            # Asked only now: this very request may have changed it.
            secure = accepted_origin().startswith("https://")
            for name, cookie in list(response.cookies.items()):
                cookie["secure"] = secure
                if not secure and name.startswith(BOUND):
                    del response.cookies[name]
                    cookie.set(name.removeprefix(BOUND), cookie.value, cookie.coded_value)
                    response.cookies[cookie.key] = cookie
        return response


class KeptByNobodyMiddleware:
    """Keep every answer that does not say otherwise out of the caches on its way, and on disk.

    Most pages name people, and a browser's Back button would show them after a sign-out.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response


def _take_unbound(request: HttpRequest) -> None:
    """Read the cookies that went out without the prefix; behind https anybody may plant such."""
    unbound = {name: text for name, text in request.COOKIES.items() if name.startswith(OURS)}
    if unbound and not accepted_origin().startswith("https://"):
        request.COOKIES.update({BOUND + name: text for name, text in unbound.items()})
