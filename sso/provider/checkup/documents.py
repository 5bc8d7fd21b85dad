"""Steps 2 to 4: the provider's host, its discovery document, its signing keys."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from sso.provider import document, keys
from sso.provider.answers import Answer
from sso.provider.checkup.answers import by_failure, failed, not_json
from sso.provider.checkup.findings import Finding, Outcome, passed
from sso.provider.deadline import Deadline
from sso.provider.document import IssuerDiffers, Metadata
from sso.provider.failures import ProviderFailed
from sso.provider.http import fetch
from sso.provider.keys import KeySet
from sso.rules.explanations import Who
from sso.rules.hosts import host_of
from sso.rules.microsoft import cloud_of
from sso.rules.reasons import Reason, Stage

#: As much as the checks of an ID token forgive (verification.md, ID token).
CLOCK_LEEWAY = 120
_MINUTE = 60
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


def discovery_url(issuer: str) -> str:
    return issuer.removesuffix("/") + "/.well-known/openid-configuration"


def host(issuer: str, *, allow_http: bool, now: float, deadline: Deadline) -> tuple[Finding, ...]:
    """Tell whether the provider's host answers at all, and whether its clock agrees with ours."""
    url = discovery_url(issuer)
    try:
        answer = _get(url, issuer, allow_http=allow_http, deadline=deadline)
    except ProviderFailed as problem:
        return (by_failure(problem, url),)
    layers = "DNS, TCP and TLS" if url.startswith("https:") else "DNS and TCP"
    reached = passed(f"{host_of(url)} answers: {layers} work.")
    clock = _clock(answer, now)
    return (reached,) if clock is None else (reached, clock)


def _get(url: str, issuer: str, *, allow_http: bool, deadline: Deadline) -> Answer:
    loopback = document.check_issuer(issuer, allow_http=allow_http)
    return fetch("GET", url, deadline=deadline, retry=True, loopback=loopback, probing=True)


def _clock(answer: Answer, now: float) -> Finding | None:
    """Compare the answer's Date with our clock; a cache in between would only tell its age."""
    if "age" in answer.headers:
        return None
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except (ValueError, OverflowError):
        return None
    behind = theirs - now
    if abs(behind) <= CLOCK_LEEWAY:
        return None
    minutes = round(abs(behind) / _MINUTE)
    direction = "behind" if behind > 0 else "ahead of"
    return Finding(
        outcome=Outcome.WARNING,
        happened=f"This server's clock is {minutes} minutes {direction} the provider's.",
        cure="Set the clock of this server by NTP: with more than two minutes between the two,"
        " sign-ins are refused.",
        who=Who.ADMINISTRATOR,
    )


def discovery(
    issuer: str, *, allow_http: bool, now: float, deadline: Deadline
) -> tuple[Finding, ...]:
    """Read the discovery document afresh: its issuer is ours, its endpoints on the same cloud."""
    url = discovery_url(issuer)
    try:
        answer = _get(url, issuer, allow_http=allow_http, deadline=deadline)
        problem = not_json(answer, url, what="discovery document", stage=Stage.DISCOVERY)
        if problem is not None:
            return (problem,)
        told = answer.json(Reason.DISCOVERY)
        found = document.read(told, issuer=issuer, allow_http=allow_http, now=now)
    except IssuerDiffers as differs:
        return (_other_issuer(differs),)
    except ProviderFailed as failure:
        return (by_failure(failure, url),)
    strangers = _outside(found)
    if strangers:
        return (_other_cloud(found.issuer, strangers),)
    return (passed(f"It names the issuer {found.issuer}, as the Issuer URL does."),)


def _other_issuer(differs: IssuerDiffers) -> Finding:
    ours, theirs = cloud_of(host_of(differs.expected)), cloud_of(host_of(differs.found))
    if ours is not None and theirs is not None and ours is not theirs:
        # A tenant of another cloud answers on the wrong host too (entra-facts §1.5).
        happened = f"The tenant belongs to another Microsoft cloud: {theirs.name}."
    else:
        happened = f"The provider calls itself {differs.found}, not {differs.expected}."
    return failed(happened, f"Put this into Issuer URL: {differs.found}", place="issuer")


def _outside(found: Metadata) -> tuple[str, ...]:
    """Return the hosts of Entra's endpoints that are not of the issuer's cloud."""
    if not found.is_entra:
        # Others may spread over hosts: Google does.
        return ()
    home = host_of(found.issuer)
    cloud = cloud_of(home)
    hosts = dict.fromkeys(host_of(getattr(found, name)) for name in _ENDPOINTS)
    if cloud is None:
        return tuple(each for each in hosts if each != home)
    strangers = [each for each in hosts if cloud_of(each) is not cloud]
    graph = host_of(found.graph_root)
    if graph and graph not in cloud.graph_hosts:
        strangers.append(graph)
    return tuple(strangers)


def _other_cloud(issuer: str, strangers: tuple[str, ...]) -> Finding:
    return failed(
        f"The discovery document leads away from the cloud of {host_of(issuer)}, to"
        f" {', '.join(strangers)}.",
        "Use the login host of the tenant's own Microsoft cloud in the Issuer URL.",
        place="issuer",
    )


def signing_keys(metadata: Metadata, *, deadline: Deadline) -> tuple[Finding, ...]:
    """Fetch the keys afresh and count those that could verify an ID token."""
    url = metadata.jwks_uri
    try:
        answer = fetch(
            "GET",
            url,
            deadline=deadline,
            retry=True,
            loopback=metadata.is_loopback,
            probing=True,
        )
        problem = not_json(answer, url, what="list of signing keys", stage=Stage.DISCOVERY)
        if problem is not None:
            return (problem,)
        published = answer.json(Reason.PROVIDER_KEYS).get("keys")
    except ProviderFailed as failure:
        return (by_failure(failure, url),)
    listed = published if isinstance(published, list) else []
    usable = [key for key in listed[: keys.MAX_KEYS] if _is_usable(key, metadata)]
    if not usable:
        return (
            failed(
                f"Of the {len(listed)} signing keys that {host_of(url)} publishes, PatchMon can"
                " use none.",
                "Check that the Issuer URL is the right one; if it is, have the provider sign with"
                " an RSA key of 2048 bits or more (Authentik: choose a signing key).",
                place="issuer",
            ),
        )
    noun = "key" if len(usable) == 1 else "keys"
    return (passed(f"{len(usable)} usable {noun} for {', '.join(metadata.signing_algs)}."),)


def _is_usable(key: object, metadata: Metadata) -> bool:
    if not isinstance(key, dict):
        return False
    alone = KeySet(keys=(key,), fetched_at=0)
    return any(keys.fitting(alone, metadata, alg=alg, kid=None) for alg in metadata.signing_algs)
