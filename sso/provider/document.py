"""A discovery document, read: what it must say, and of what kind of provider it is.

verification.md, Discovery; reference/rp-cases.md, cases 92, 93, 96, 98.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult

from sso.provider import addresses
from sso.provider.failures import ProviderFailed
from sso.rules.microsoft import SEVERAL_TENANTS, is_microsoft_graph_host, is_microsoft_login_host
from sso.rules.reasons import Reason
from sso.rules.text import is_guid, one_line

ALGORITHMS = (
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
    "EdDSA",
)
# Entra's keys name no algorithm, so that one is pinned for them.
ENTRA_ALGORITHMS = ("RS256",)
# What OpenID Connect Discovery makes everyone support, for a document that does not say.
DEFAULT_ALGORITHMS = ("RS256",)

_HOST_AND_PORT = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_LIST_LIMIT = 50


class IssuerDiffers(ProviderFailed):
    """The document names another issuer; `found` is that one, a well-formed URL."""

    def __init__(self, *, expected: str, found: str) -> None:
        super().__init__(
            Reason.ISSUER_MISMATCH,
            f"The discovery document names the issuer {found} instead of {expected}.",
        )
        self.expected = expected
        self.found = found


class NotHttps(ProviderFailed):
    """The document names an endpoint that is plain http where it may not be."""

    def __init__(self, named: str) -> None:
        super().__init__(Reason.PROVIDER_ADDRESS, f"The {named} is not https.")
        self.named = named


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """A provider as its checked discovery document describes it."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    end_session_endpoint: str
    #: As published; None where the document does not say.
    token_auth_methods: tuple[str, ...] | None
    #: What the document lists and we accept; never empty.
    signing_algs: tuple[str, ...]
    iss_parameter_supported: bool
    is_entra: bool
    #: The tenant's GUID, for Entra.
    tenant_id: str
    #: Where Graph is, without a final slash; empty where there is none that may be called.
    graph_root: str
    #: Seconds since the epoch.
    fetched_at: float

    @property
    def is_loopback(self) -> bool:
        return addresses.is_loopback_host(addresses.split_url(self.issuer).hostname or "")


def check_issuer(issuer: str, *, allow_http: bool) -> bool:
    """Refuse an issuer that cannot be one, and tell whether it is loopback."""
    parts = _parts("issuer", issuer)
    if parts.query or "?" in issuer:
        raise ProviderFailed(Reason.PROVIDER_ADDRESS, "The issuer has a query.")
    host = parts.hostname or ""
    loopback = addresses.is_loopback_host(host)
    if parts.scheme == "http" and not (loopback or allow_http):
        raise ProviderFailed(Reason.PROVIDER_ADDRESS, "The issuer is not https.")
    tenant = parts.path.strip("/").partition("/")[0].lower()
    if is_microsoft_login_host(host) and tenant in SEVERAL_TENANTS:
        raise ProviderFailed(
            Reason.SEVERAL_TENANTS, f"“{tenant}” stands for more than one organisation."
        )
    return loopback


def read(told: dict[str, Any], *, issuer: str, allow_http: bool, now: float) -> Metadata:
    """Return the metadata that a document holds, or fail with what is wrong with it."""
    loopback = check_issuer(issuer, allow_http=allow_http)
    _check_issuer_named(told.get("issuer"), issuer, allow_http=allow_http)
    host = addresses.split_url(issuer).hostname or ""
    is_entra = is_microsoft_login_host(host) or (
        loopback and isinstance(told.get("cloud_instance_name"), str)
    )
    found = Metadata(
        issuer=issuer,
        authorization_endpoint=_endpoint(told, "authorization_endpoint"),
        token_endpoint=_endpoint(told, "token_endpoint"),
        jwks_uri=_endpoint(told, "jwks_uri"),
        userinfo_endpoint=_endpoint(told, "userinfo_endpoint", required=False),
        end_session_endpoint=_endpoint(told, "end_session_endpoint", required=False),
        token_auth_methods=_auth_methods(told),
        signing_algs=_signing_algs(told, is_entra=is_entra),
        iss_parameter_supported=told.get("authorization_response_iss_parameter_supported") is True,
        is_entra=is_entra,
        tenant_id=_tenant_of(issuer) if is_entra else "",
        graph_root=_graph_root(told, issuer) if is_entra else "",
        fetched_at=now,
    )
    return check_schemes(found, allow_http=allow_http)


def check_schemes(metadata: Metadata, *, allow_http: bool) -> Metadata:
    """Refuse plain http but from a loopback issuer to loopback, or where it is allowed.

    An https issuer never has an http endpoint, whatever is allowed.
    """
    plain_issuer = metadata.issuer.startswith("http:")
    for name in (
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "userinfo_endpoint",
        "end_session_endpoint",
    ):
        url = getattr(metadata, name)
        if not url.startswith("http:"):
            continue
        to_loopback = addresses.is_loopback_host(addresses.split_url(url).hostname or "")
        if not (plain_issuer and (allow_http or (metadata.is_loopback and to_loopback))):
            raise NotHttps(name)
    return metadata


def _check_issuer_named(named: object, issuer: str, *, allow_http: bool) -> None:
    if named == issuer:
        return
    if not isinstance(named, str) or not named:
        raise ProviderFailed(Reason.DISCOVERY, "The discovery document names no issuer.")
    if "{" in named:
        raise ProviderFailed(
            Reason.SEVERAL_TENANTS, "The issuer stands for more than one organisation."
        )
    try:
        check_issuer(named, allow_http=allow_http)
    except ProviderFailed as problem:
        if problem.reason is Reason.SEVERAL_TENANTS:
            raise
        shown = one_line(named, 200)
        raise ProviderFailed(
            Reason.ISSUER_MISMATCH,
            f"The discovery document names the issuer “{shown}” instead of {issuer}.",
        ) from None
    raise IssuerDiffers(expected=issuer, found=named)


def _endpoint(told: dict[str, Any], name: str, *, required: bool = True) -> str:
    url = told.get(name)
    if url is None and not required:
        return ""
    if url is None:
        raise ProviderFailed(Reason.DISCOVERY, f"The discovery document has no {name}.")
    _parts(name, url)
    return str(url)


def _parts(name: str, url: object) -> SplitResult:
    try:
        return addresses.split_url(url)
    except addresses.BadUrl as problem:
        raise ProviderFailed(Reason.PROVIDER_ADDRESS, f"The {name} {problem}.") from None


def _strings(told: dict[str, Any], name: str) -> tuple[str, ...]:
    values = told.get(name)
    if not isinstance(values, list):
        return ()
    return tuple(value for value in values[:_LIST_LIMIT] if isinstance(value, str))


def _auth_methods(told: dict[str, Any]) -> tuple[str, ...] | None:
    name = "token_endpoint_auth_methods_supported"
    methods = told.get(name)
    if methods is None:
        return None
    # One that is no list still names what it names.
    return (methods,) if isinstance(methods, str) else _strings(told, name)


def _signing_algs(told: dict[str, Any], *, is_entra: bool) -> tuple[str, ...]:
    name = "id_token_signing_alg_values_supported"
    listed = _strings(told, name) if told.get(name) is not None else DEFAULT_ALGORITHMS
    accepted = ENTRA_ALGORITHMS if is_entra else ALGORITHMS
    algs = tuple(alg for alg in accepted if alg in listed)
    if not algs:
        # Authentik without a signing key is the usual case: it would sign with the client secret.
        raise ProviderFailed(
            Reason.ALG, "The provider signs its ID tokens with no algorithm that is accepted."
        )
    return algs


def _tenant_of(issuer: str) -> str:
    tenant = addresses.split_url(issuer).path.strip("/").partition("/")[0].lower()
    return tenant if is_guid(tenant) else ""


def _graph_root(told: dict[str, Any], issuer: str) -> str:
    """Return where Graph is: one of Microsoft's hosts, or loopback beside a loopback issuer."""
    named = told.get("msgraph_host")
    if not isinstance(named, str) or not _HOST_AND_PORT.fullmatch(named):
        return ""
    if is_microsoft_graph_host(named):
        return f"https://{named.lower()}"
    parts = addresses.split_url(issuer)
    try:
        graph = addresses.split_url(f"{parts.scheme}://{named}")
    except addresses.BadUrl:
        return ""
    both_loopback = addresses.is_loopback_host(parts.hostname or "") and (
        addresses.is_loopback_host(graph.hostname or "")
    )
    return f"{parts.scheme}://{named}" if both_loopback else ""
