"""How the JSON interface knows who is asking; apart from its views, which import it first."""

from __future__ import annotations

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request


class SessionOrNothing(SessionAuthentication):
    """The session cookie with CSRF; without one the answer is 401, not 403."""

    def authenticate_header(self, request: Request) -> str:
        return "Session"


class SessionOrNothingScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describe the session cookie in the OpenAPI document."""

    target_class = SessionOrNothing
    name = "session"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
