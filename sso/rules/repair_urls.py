"""Repairs of the two addresses of the settings page: issuer and redirect override."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from sso.rules.hosts import is_loopback_host, is_never_called
from sso.rules.microsoft import SEVERAL_TENANTS, cloud_of, is_microsoft_login_host
from sso.rules.repaired import NotAcceptable, Note, Repaired, amber, info
from sso.rules.text import has_invisible, is_guid, strip_edges

CALLBACK_PATH = "/api/v1/auth/oidc/callback"
ISSUER_LIMIT = 500
#: Entra's own limits for redirect URIs (entra-facts §10.1).
REDIRECT_URI_LIMIT = 256
REDIRECT_URI_FORBIDDEN = "!$'(),;"

_WELL_KNOWN = re.compile(r"/\.well-known/openid-configuration/?(?:\?.*)?$")
_NO_HOST_HAS = '<>{}|\\^`"'
_PLACEHOLDER = re.compile(r"[<>{}]|(?:your[-_ ]?)?tenant[-_ ]?id", re.IGNORECASE)
_LOCAL_TESTING = amber("This address is plain http: only for local testing.")
_TENANT_ID_PLACE = "the Directory (tenant) ID, on the Overview page of your app in Entra"


@dataclass(frozen=True, slots=True)
class DiscoveredIssuer:
    """What asking for the discovery document found; `issuer` is "" when nothing answered."""

    issuer: str
    is_entra: bool = False
    #: The endpoint in it that is plain http and may not be; then `issuer` is "", too.
    plain_endpoint: str = ""


def issuer(typed: str, *, enforce_https: bool, discovered: DiscoveredIssuer | None) -> Repaired:
    """Repair an issuer URL (product.md, the table of repairs).

    `discovered` is None where nobody asked. Raises NotAcceptable.
    """
    value = strip_edges(typed)
    if not value:
        return Repaired("")
    notes: list[Note] = []
    cut = _WELL_KNOWN.sub("", value)
    if cut != value:
        notes.append(info("The path of the discovery document was cut off."))
        value = cut
    url = _issuer_url(value)
    host = url.hostname or ""
    notes.extend(_transport(url, enforce_https=enforce_https, what="The issuer"))
    looks_like_entra = is_loopback_host(host) and discovered is not None and discovered.is_entra
    if is_microsoft_login_host(host) or looks_like_entra:
        value, more = _microsoft_issuer(value, url)
        notes.extend(more)
    value, more = _as_discovered(value, discovered)
    return Repaired(value, (*notes, *more))


def _issuer_url(value: str) -> SplitResult:
    shape = "An issuer is an address such as https://login.microsoftonline.com/<TENANT_ID>/v2.0."
    url = _split(value, shape)
    if is_microsoft_login_host(url.hostname or "") and _PLACEHOLDER.search(value):
        raise NotAcceptable(
            "Put your own tenant's ID in the place of the placeholder:"
            f" https://{url.hostname}/<TENANT_ID>/v2.0, where <TENANT_ID> is {_TENANT_ID_PLACE}."
        )
    if any(character in value for character in _NO_HOST_HAS):
        raise NotAcceptable(
            f"This still holds a placeholder or a character that no address has. {shape}"
        )
    if url.query or url.fragment or "?" in value or "#" in value:
        raise NotAcceptable("An issuer ends with its path: leave out everything from ? or # on.")
    if len(value) > ISSUER_LIMIT:
        raise NotAcceptable(f"An issuer has at most {ISSUER_LIMIT} characters.")
    if is_never_called(url.hostname or ""):
        raise NotAcceptable(
            "This is a link-local or metadata address, which PatchMon never calls."
            " Put the name of your provider's host."
        )
    return url


def _split(value: str, shape: str) -> SplitResult:
    if has_invisible(value) or any(character.isspace() for character in value):
        raise NotAcceptable(f"There is a space or an invisible character inside. {shape}")
    try:
        url = urlsplit(value)
        port_is_sound = url.port is None or url.port > 0
    except ValueError:
        raise NotAcceptable(f"This is not an address. {shape}") from None
    if url.scheme not in {"http", "https"}:
        raise NotAcceptable(f"The address has to begin with https://. {shape}")
    if not url.hostname or not port_is_sound:
        raise NotAcceptable(f"The address names no host that can be called. {shape}")
    if any(character in url.netloc for character in _NO_HOST_HAS):
        raise NotAcceptable(f"The host holds a character that no host has. {shape}")
    if "@" in url.netloc:
        raise NotAcceptable("Leave out the user name and password before the host.")
    return url


def _transport(url: SplitResult, *, enforce_https: bool, what: str) -> tuple[Note, ...]:
    if url.scheme == "https":
        return ()
    if is_microsoft_login_host(url.hostname or ""):
        raise NotAcceptable("Microsoft answers on https only.", suggestion=_with_https(url))
    if is_loopback_host(url.hostname or ""):
        return ()
    if enforce_https:
        raise NotAcceptable(
            f"{what} has to begin with https:// while Enforce HTTPS is on.",
            suggestion=_with_https(url),
        )
    return (_LOCAL_TESTING,)


def _with_https(url: SplitResult) -> str:
    # A port that was given for http would be the wrong one.
    return url._replace(scheme="https").geturl() if url.port is None else ""


def _microsoft_issuer(value: str, url: SplitResult) -> tuple[str, list[Note]]:
    """Check the shape https://{login host}/{tenant}/v2.0 (entra-facts §1)."""
    cloud = cloud_of(url.hostname or "")
    origin = f"{url.scheme}://{url.netloc}" if cloud is None else f"https://{cloud.login_host}"
    segments = [segment for segment in url.path.split("/") if segment]
    tenant = segments[0] if segments else ""
    if not tenant or tenant.lower() == "v2.0":
        raise NotAcceptable(
            f"The tenant is missing: {origin}/<TENANT_ID>/v2.0, where <TENANT_ID> is"
            f" {_TENANT_ID_PLACE}."
        )
    if tenant.lower() in SEVERAL_TENANTS:
        raise NotAcceptable(
            f"“{tenant}” stands for many tenants, so that anyone with a Microsoft account could"
            f" try to sign in. Use {_TENANT_ID_PLACE}: {origin}/<TENANT_ID>/v2.0."
        )
    if not is_guid(tenant) and "." not in tenant:
        raise NotAcceptable(
            f"“{tenant[:100]}” is no tenant. Use {_TENANT_ID_PLACE}: {origin}/<TENANT_ID>/v2.0."
        )
    wanted = f"{origin}/{tenant.lower() if is_guid(tenant) else tenant}/v2.0"
    if segments[1:] != ["v2.0"]:
        raise NotAcceptable(
            f"The issuer of Entra ends in /v2.0. It should look like this: {wanted}",
            suggestion=wanted,
        )
    if value == wanted:
        return value, []
    return wanted, [info(f"Written the way Entra writes it: {wanted}")]


def _as_discovered(value: str, discovered: DiscoveredIssuer | None) -> tuple[str, list[Note]]:
    """Take the spelling that the provider itself uses; refuse another issuer."""
    if discovered is None:
        return value, []
    if discovered.plain_endpoint:
        return value, [
            amber(
                f"The provider publishes a {discovered.plain_endpoint} that is not https, which"
                " PatchMon does not call. This is saved as typed, but single sign-on cannot work"
                " until whoever runs the provider publishes https addresses."
            )
        ]
    if not discovered.issuer:
        return value, [
            amber(
                "The provider could not be reached just now, so this is saved as typed."
                " Check configuration finds out whether it is right."
            )
        ]
    if discovered.issuer == value:
        return value, []
    if discovered.issuer.rstrip("/") == value.rstrip("/"):
        return discovered.issuer, [
            info(f"The provider calls itself {discovered.issuer}, so that is what is kept.")
        ]
    if _is_same_tenant_by_domain(value, discovered):
        return discovered.issuer, [
            info(f"The domain was replaced by the ID of its tenant: {discovered.issuer}")
        ]
    raise NotAcceptable(
        f"You typed {value}, but the provider there calls itself {_shown(discovered.issuer)}."
        " The two have to be equal, letter for letter.",
        # A tenant of another cloud answers on the wrong host too (entra-facts §1.5).
        suggestion=discovered.issuer if _is_tenant_of_a_cloud(discovered.issuer) else "",
    )


def _shown(text: str) -> str:
    return "something that is not an address" if has_invisible(text) else text[:ISSUER_LIMIT]


def _is_same_tenant_by_domain(value: str, discovered: DiscoveredIssuer) -> bool:
    """Say whether a tenant was typed by its domain and the document names its GUID."""
    ours, theirs = urlsplit(value), _tenant_address(discovered.issuer)
    is_entra = is_microsoft_login_host(ours.hostname or "") or discovered.is_entra
    return (
        is_entra
        and theirs is not None
        and (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)
        and "." in ours.path.split("/")[1]
    )


def _is_tenant_of_a_cloud(text: str) -> bool:
    url = _tenant_address(text)
    return url is not None and url.scheme == "https" and is_microsoft_login_host(url.netloc)


def _tenant_address(text: str) -> SplitResult | None:
    """Return the parts of an address of the shape {origin}/{tenant GUID}/v2.0, else None."""
    try:
        url = urlsplit(text)
    except ValueError:
        return None
    segments = url.path.split("/")
    sound = url.query == "" and url.fragment == "" and len(segments) == 3  # noqa: PLR2004
    return url if sound and is_guid(segments[1]) and segments[2] == "v2.0" else None


def redirect_uri(typed: str, *, enforce_https: bool) -> Repaired:
    """Repair the override of the callback URL; empty means that there is none."""
    value = strip_edges(typed)
    if not value:
        return Repaired("")
    shape = f"It should look like this: https://patchmon.example.com{CALLBACK_PATH}"
    url = _split(value, shape)
    suggestion = f"{url.scheme}://{url.netloc}{CALLBACK_PATH}"
    if len(value) > REDIRECT_URI_LIMIT:
        raise NotAcceptable(f"A redirect URI has at most {REDIRECT_URI_LIMIT} characters.")
    found = sorted(set(REDIRECT_URI_FORBIDDEN).intersection(value))
    if found:
        raise NotAcceptable(f"Entra allows no {' '.join(found)} in a redirect URI. {shape}")
    if "#" in value or "?" in value:
        raise NotAcceptable(
            f"A redirect URI ends with its path: nothing from ? or # on. {shape}",
            suggestion=suggestion,
        )
    if url.path != CALLBACK_PATH:
        raise NotAcceptable(
            f"The path has to be {CALLBACK_PATH}, without a final slash: PatchMon listens nowhere"
            " else for the provider's answer.",
            suggestion=suggestion,
        )
    return Repaired(value, _transport(url, enforce_https=enforce_https, what="The redirect URI"))
