"""Cookies that follow the Server URL in force, and answers that nobody keeps."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import add_never_cache_headers

from accounts.origins import accepted_origin

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class SecureCookiesMiddleware:
    """Mark every cookie Secure once the Server URL is https, without a restart.

    Settings know the environment's Server URL only; an administrator's, in Settings → General,
    wins over it. What is Secure from the start stays so.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.cookies and accepted_origin().startswith("https://"):
            for cookie in response.cookies.values():
                cookie["secure"] = True
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
