"""What the network, and whatever stands between, makes of a request of the check."""

from __future__ import annotations

import http
from dataclasses import replace
from urllib.parse import urlsplit

from sso.provider.answers import Answer
from sso.provider.checkup.findings import Finding, Outcome, explained, unknown
from sso.provider.failures import ProviderFailed
from sso.provider.http import NameNotFound, NoConnection, ProxyFailed
from sso.rules.aadsts import explain_error
from sso.rules.explanations import Who
from sso.rules.hosts import host_of
from sso.rules.meanings import explain_reason
from sso.rules.microsoft import is_microsoft_login_host
from sso.rules.reasons import Reason, Stage

#: Failures that say when to ask again, and nothing about the settings.
_PASSING = frozenset({Reason.PROVIDER_STATUS, Reason.PROVIDER_THROTTLED, Reason.PROVIDER_PAUSED})
_AGAIN = "Check again in a minute."


def failed(happened: str, cure: str, *, place: str = "") -> Finding:
    return Finding(
        outcome=Outcome.FAILED,
        happened=happened,
        cure=cure,
        who=Who.ADMINISTRATOR,
        place=place,
    )


def by_failure(problem: ProviderFailed, url: str) -> Finding:
    """Say what kept the answer of `url` from us, the layers of the network told apart."""
    layer = _by_layer(problem, *_host_and_port(url))
    if layer is not None:
        return layer
    if problem.reason in _PASSING:
        return unknown(problem.detail, _AGAIN)
    error = problem.provider_error
    if error is not None and (error.codes or error.error):
        return explained(explain_error(error), error=error)
    found = explained(explain_reason(problem.reason), outcome=Outcome.FAILED)
    return replace(found, happened=problem.detail or found.happened)


def _by_layer(problem: ProviderFailed, host: str, port: int) -> Finding | None:
    if isinstance(problem, NameNotFound):
        return failed(
            f"DNS: this server finds no host named {host}.",
            "Look for a typing error in the Issuer URL. If it is right, correct the DNS that this"
            " server uses.",
            place="issuer",
        )
    if isinstance(problem, NoConnection):
        return failed(
            f"TCP: {host} takes no connection on port {port}.",
            f"Let this server reach {host} on port {port} through the firewall, or name a proxy in"
            " HTTPS_PROXY and restart PatchMon.",
        )
    if isinstance(problem, ProxyFailed):
        return failed(
            f"Proxy: the one in HTTPS_PROXY does not lead to {host}.",
            f"Correct HTTPS_PROXY, or put {host} into NO_PROXY; then restart PatchMon.",
        )
    if problem.reason is Reason.PROVIDER_TLS:
        return failed(
            f"TLS: the certificate that {host} shows is not trusted.",
            "If your own authority or a proxy that opens TLS signed it, name that authority's file"
            " in OIDC_CA_BUNDLE and restart PatchMon; else have the certificate renewed.",
        )
    return None


def busy(answer: Answer, host: str) -> Finding | None:
    """Say that the provider has no time just now, or None."""
    if answer.status == http.HTTPStatus.TOO_MANY_REQUESTS:
        return unknown(f"{host} is slowing PatchMon down: too many requests.", _AGAIN)
    if answer.is_server_error:
        return unknown(f"{host} is out of order (status {answer.status}).", _AGAIN)
    return None


def not_json(answer: Answer, url: str, *, what: str, stage: Stage) -> Finding | None:
    """Say why an answer is not the JSON object that it should be, or None where it is one.

    A proxy or a captive portal in between answers with a page of its own, often with 200.
    """
    host = host_of(url)
    if answer.is_redirect:
        elsewhere = host_of(answer.headers.get("location", "")) or host
        return failed(
            f"{host} does not answer with the {what}: it sends PatchMon on to {elsewhere}.",
            "If a proxy or firewall in between does that, let this server through. Else the Issuer"
            " URL is not the one that the provider names itself by.",
            place="issuer",
        )
    if not answer.says_json:
        return busy(answer, host) or _page(answer, url, what)
    try:
        told = answer.json()
    except ProviderFailed:
        return busy(answer, host) or _page(answer, url, what)
    error = answer.provider_error(stage)
    if answer.status == http.HTTPStatus.OK and "error" not in told:
        return None
    if error.codes or error.error:
        return busy(answer, host) or explained(explain_error(error), error=error)
    return busy(answer, host) or _status(answer, url, what)


def _page(answer: Answer, url: str, what: str) -> Finding:
    host = host_of(url)
    if answer.status == http.HTTPStatus.NOT_FOUND and not is_microsoft_login_host(host):
        return _status(answer, url, what)
    if is_microsoft_login_host(host):
        return failed(
            f"A proxy in the way: a web page came instead of the {what} of {host}.",
            f"Let this server reach {host} past the proxy or firewall, without a sign-in page or a"
            " block page in between.",
        )
    return failed(
        f"A web page came instead of the {what}.",
        f"Open {url} in a browser. If it shows JSON there, a proxy or firewall answers this server"
        " instead: let it through. If not, correct the Issuer URL.",
        place="issuer",
    )


def _status(answer: Answer, url: str, what: str) -> Finding:
    return failed(
        f"There is no {what} at {url} (status {answer.status}).",
        "Copy the Issuer URL again from your provider.",
        place="issuer",
    )


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
