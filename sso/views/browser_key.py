"""The cookie that ties a journey to the browser that began it (sign-in.md, The round trip)."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpResponseBase

from sso.round_trip import RoundTrip

# Bound to this host alone where cookies are Secure, so that no sub-domain can plant one.
COOKIE: Final = "patchmon-browser"


def browser_cookie_name() -> str:
    return f"__Host-{COOKIE}" if settings.SESSION_COOKIE_SECURE else COOKIE


def remember_browser(response: HttpResponseBase, trip: RoundTrip) -> None:
    """Leave the key that ties the journey to this browser, for as long as it may take."""
    response.set_cookie(
        browser_cookie_name(),
        trip.browser_key,
        max_age=settings.ROUND_TRIP_TTL,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        # Strict would not come along on the way back, a navigation from another site.
        samesite="Lax",
    )
