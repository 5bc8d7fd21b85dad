"""How the JSON interface knows who is asking, and what a token may ask for.

Apart from its views, which import it first.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import (
    BaseAuthentication,
    SessionAuthentication,
    get_authorization_header,
)
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.middleware import ServerOriginCsrfMiddleware
from accounts.models import ApiToken, User
from accounts.services import find_token
from accounts.throttle import TooManyAttempts, count_bad_token

NOT_VALID: Final = "This API token is not valid. It may have expired or been revoked."


class BearerToken(BaseAuthentication):
    """An API token; where one is sent, a session beside it counts for nothing."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, text = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = find_token(text.strip())
        if token is None:
            try:
                count_bad_token(request._request)  # noqa: SLF001 - Django's own, with the address
            except TooManyAttempts as refused:
                raise Throttled(wait=refused.seconds) from None
            raise AuthenticationFailed(NOT_VALID)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="PatchMon"'


class BearerTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describe API tokens in the OpenAPI document."""

    target_class = BearerToken
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token, made on the profile page.",
        }


class WithinScope(BasePermission):
    """Hold a token to its scopes; a view that names none for a method is closed to tokens."""

    message = "This API token does not cover this. Make one with the scope it needs."

    def has_permission(self, request: Request, view: object) -> bool:
        token = request.auth
        if not isinstance(token, ApiToken):
            return True
        method = "GET" if request.method == "HEAD" else request.method
        scope = getattr(view, "scopes", {}).get(method)
        return scope is not None and token.covers(scope)


def _no_view(request: HttpRequest) -> HttpResponse:
    # Asked only whether it is exempt: DRF's own views are, and check by themselves.
    return HttpResponse()


class _CsrfCheck(ServerOriginCsrfMiddleware):
    """The pages' own check, which hands back its reason instead of a page."""

    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


class SessionOrNothing(SessionAuthentication):
    """The session cookie with CSRF; without one the answer is 401, not 403."""

    def enforce_csrf(self, request: Request) -> None:
        """Accept what the pages accept; upstream's own check knows no Server URL."""
        check = _CsrfCheck(_no_view)
        asked = request._request  # noqa: SLF001 - Django's own
        check.process_request(asked)
        reason = check.process_view(asked, _no_view, (), {})
        if reason:
            raise PermissionDenied(f"CSRF Failed: {reason}")

    def authenticate_header(self, request: Request) -> str:
        return "Session"


class SessionOrNothingScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describe the session cookie in the OpenAPI document."""

    target_class = SessionOrNothing
    name = "session"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
