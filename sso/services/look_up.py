"""Ask a provider who it is before its settings are checked: no form makes a request."""

from __future__ import annotations

from typing import Final

from sso.provider import discovery
from sso.provider.deadline import Deadline
from sso.provider.discovery import IssuerDiffers, NotHttps
from sso.provider.failures import ProviderFailed
from sso.rules.hosts import host_of, is_loopback_host
from sso.rules.microsoft import is_microsoft_login_host
from sso.rules.reasons import Reason
from sso.rules.repair import DiscoveredIssuer, NotAcceptable, clean, issuer

LOOK_UP_SECONDS: Final = 3.0
HELD_SECONDS: Final = 3600.0


def look_up(typed: str, *, known: str, enforce_https: bool) -> DiscoveredIssuer | None:
    """Return what the typed issuer calls itself, in three seconds at most.

    None where nothing has to be asked: it is empty, malformed, or the one that is saved and of a
    kind that its address tells. An issuer that does not answer comes back empty.
    """
    wanted = clean(typed)
    host = host_of(wanted)
    if not wanted or (wanted == known and not is_loopback_host(host)):
        return None
    try:
        # The rules first: what they refuse is never called.
        wanted = issuer(wanted, enforce_https=enforce_https, discovered=None).value
    except NotAcceptable:
        return None
    try:
        found = _ask(wanted, fresh=wanted != known, allow_http=not enforce_https)
    except IssuerDiffers as differs:
        return DiscoveredIssuer(issuer=differs.found, is_entra=is_microsoft_login_host(host))
    except ProviderFailed as failure:
        if failure.reason is Reason.SEVERAL_TENANTS:
            return None
        return DiscoveredIssuer(
            issuer="",
            is_entra=is_microsoft_login_host(host),
            plain_endpoint=failure.named if isinstance(failure, NotHttps) else "",
        )
    return DiscoveredIssuer(issuer=found.issuer, is_entra=found.is_entra)


def look_before_enabling(typed: str, *, enforce_https: bool) -> None:
    """Have the provider say now what it publishes: settings_checks judges Enable by that.

    In three seconds at most. What else is wrong with the issuer is for others to say.
    """
    try:
        wanted = issuer(clean(typed), enforce_https=enforce_https, discovered=None).value
        discovery.ask(wanted, deadline=Deadline(LOOK_UP_SECONDS), allow_http=not enforce_https)
    except (NotAcceptable, ProviderFailed):
        return


def _ask(wanted: str, *, fresh: bool, allow_http: bool) -> discovery.Metadata:
    deadline = Deadline(LOOK_UP_SECONDS)
    if fresh:
        return discovery.ask(wanted, deadline=deadline, allow_http=allow_http)
    return discovery.metadata(
        wanted, max_age=HELD_SECONDS, deadline=deadline, allow_http=allow_http
    )
