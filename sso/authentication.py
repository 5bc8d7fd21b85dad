"""How the JSON interface knows who is asking; apart from its views, which import it first."""

from __future__ import annotations

from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request


class SessionOrNothing(SessionAuthentication):
    """The session cookie with CSRF; without one the answer is 401, not 403."""

    def authenticate_header(self, request: Request) -> str:
        return "Session"
