"""Begin a journey to the provider: where to send the browser, and what it must bring back."""

from __future__ import annotations

from math import inf
from typing import Final
from urllib.parse import urlencode

from django.utils import timezone

from sso import round_trip
from sso.conf import Config
from sso.provider import discovery
from sso.provider.deadline import Deadline
from sso.provider.discovery import Metadata
from sso.provider.failures import ProviderFailed
from sso.round_trip import Purpose, RoundTrip
from sso.rules.reasons import Reason, SignInRefused

# Old discovery documents serve a day (verification.md, Discovery); an hour is when we ask anew.
METADATA_HOLDS: Final = 3600.0
START_SECONDS: Final = 3.0


def provider_metadata(
    config: Config, *, deadline: Deadline, needs_enabled: bool = True, max_age: float = inf
) -> Metadata:
    """Return the provider's metadata, or refuse with what keeps it from us.

    At any age that it is good for, unless `max_age` in seconds says otherwise: on the way back
    the time is for the token.
    """
    if (needs_enabled and not config.enabled) or config.missing:
        raise SignInRefused(Reason.NOT_READY, detail=", ".join(config.missing) or "switched off")
    if not config.secret_readable:
        raise SignInRefused(Reason.SECRET_UNREADABLE)
    try:
        return discovery.metadata(
            config.issuer,
            max_age=max_age,
            deadline=deadline,
            allow_http=not config.enforce_https,
        )
    except ProviderFailed as failure:
        raise SignInRefused(
            failure.reason, detail=failure.detail, provider_error=failure.provider_error
        ) from None


def begin(
    *,
    purpose: Purpose,
    target: str,
    config: Config,
    browser_key: str,
    user_id: int | None = None,
    prompt: str = "",
    afresh: bool = False,
) -> tuple[str, RoundTrip]:
    """Return the provider's address for this journey, and the journey.

    ``afresh`` asks the provider to have the person sign in once more, whatever session they
    have there. With warm caches no request is made, and no row is written in any case.
    """
    metadata = provider_metadata(
        config,
        deadline=Deadline(START_SECONDS),
        needs_enabled=purpose is not Purpose.TEST,
        max_age=METADATA_HOLDS,
    )
    trip = round_trip.start(
        purpose=purpose,
        target=target,
        version=config.trip_version,
        browser_key=browser_key,
        now=timezone.now(),
        user_id=user_id,
    )
    url = authorization_url(
        trip, config=config, metadata=metadata, prompt="login" if afresh else prompt
    )
    if afresh and not metadata.is_entra:
        # The answer must then say when that was (OpenID Connect Core 3.1.2.1). Entra says so
        # only where the app registration has the optional claim auth_time.
        url += "&max_age=0"
    return url, trip


def authorization_url(
    trip: RoundTrip, *, config: Config, metadata: Metadata, prompt: str = ""
) -> str:
    """Build the authorization request: code flow, S256 whether it is advertised or not."""
    parameters = {
        "client_id": config.client_id,
        "response_type": "code",
        "redirect_uri": config.callback_url,
        "scope": config.scopes_for(is_entra=metadata.is_entra),
        "state": trip.state,
        "nonce": trip.nonce,
        "code_challenge": trip.code_challenge,
        "code_challenge_method": "S256",
    }
    if prompt:
        parameters["prompt"] = prompt
    # An endpoint may have a query already (Azure AD B2C's has one).
    joint = "&" if "?" in metadata.authorization_endpoint else "?"
    return f"{metadata.authorization_endpoint}{joint}{urlencode(parameters)}"
