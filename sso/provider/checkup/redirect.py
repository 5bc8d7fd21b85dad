"""Step 6: are redirect URI and scopes accepted, asked without a person (entra-facts §5.3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from sso.provider.answers import Answer
from sso.provider.checkup.answers import busy, by_failure
from sso.provider.checkup.findings import Finding, Outcome, explained, passed, unknown
from sso.provider.deadline import Deadline
from sso.provider.document import Metadata
from sso.provider.failures import ProviderFailed
from sso.provider.http import fetch
from sso.rules.aadsts import explain_error
from sso.rules.explanations import Blade, Who
from sso.rules.hosts import host_of
from sso.rules.reasons import ProviderError, Stage, codes_in

_NOT_REGISTERED = 50011
#: Nobody is signed in at the provider, as was to be expected.
_EXPECTED = frozenset({"login_required", "interaction_required", "account_selection_required"})
#: Answers that fit too many causes to name one.
_VAGUE = frozenset({"", "access_denied", "server_error", "temporarily_unavailable"})
_PAGE_CODE = re.compile(r'"sErrorCode"\s*:\s*"([0-9]{5,8})"')
_PARAMETERS = 30
_ONLY_A_SIGN_IN = "Test sign-in finds out."


def redirect(
    url_for: Callable[[str], str], *, callback_url: str, metadata: Metadata, deadline: Deadline
) -> Finding:
    """Send an authorization request with prompt=none, and look where it leads.

    `url_for` builds it for a redirect URI. Entra shows a page of its own as long as it does not
    trust that address, and sends the browser back to it for all other reasons.
    """
    try:
        answer = _ask(url_for(callback_url), metadata, deadline)
    except ProviderFailed as problem:
        return by_failure(problem, metadata.authorization_endpoint)
    if _leads_to(answer, callback_url):
        return _sent_back(answer)
    host = host_of(metadata.authorization_endpoint)
    if answer.is_redirect:
        return unknown(f"{host} sends people to a page of its own first.", _ONLY_A_SIGN_IN)
    codes = () if answer.is_server_error else _codes(answer)
    if not codes:
        return busy(answer, host) or unknown(
            f"{host} answers with a page of its own, which does not say whether it accepts these.",
            _ONLY_A_SIGN_IN,
        )
    registered = None
    if _NOT_REGISTERED in codes:
        registered = _registered_instead(url_for, callback_url, metadata, deadline)
    error = ProviderError(stage=Stage.AUTHORIZE, codes=codes)
    return registered or explained(explain_error(error), error=error)


def _ask(url: str, metadata: Metadata, deadline: Deadline) -> Answer:
    return fetch(
        "GET",
        url,
        deadline=deadline,
        headers={"Accept": "text/html"},
        retry=True,
        loopback=metadata.is_loopback,
        probing=True,
    )


def _leads_to(answer: Answer, address: str) -> bool:
    if not answer.is_redirect:
        return False
    try:
        target, wanted = urlsplit(answer.headers.get("location", "")), urlsplit(address)
    except ValueError:
        return False
    return (target.scheme, target.netloc.lower(), target.path) == (
        wanted.scheme,
        wanted.netloc.lower(),
        wanted.path,
    )


def _sent_back(answer: Answer) -> Finding:
    error = _told(answer.headers["location"])
    if error.error in _EXPECTED:
        return passed(
            "Very likely: asked without a person, the provider leads back to the Callback URL and"
            " objects to no scope. Only a sign-in proves it."
        )
    if error.error in _VAGUE and not error.codes:
        return unknown(
            "The provider leads back to the Callback URL, but does not say enough about the"
            " scopes.",
            _ONLY_A_SIGN_IN,
        )
    outcome = Outcome.WARNING if error.error == "consent_required" else None
    return explained(explain_error(error), outcome=outcome, error=error)


def _told(location: str) -> ProviderError:
    try:
        told = dict(parse_qsl(urlsplit(location).query, max_num_fields=_PARAMETERS))
    except ValueError:
        told = {}
    return ProviderError.read(
        Stage.AUTHORIZE, error=told.get("error"), description=told.get("error_description")
    )


def _codes(answer: Answer) -> tuple[int, ...]:
    page = answer.body.decode("utf-8", "replace")
    return codes_in(page) or tuple(map(int, _PAGE_CODE.findall(page)[:1]))


def _registered_instead(
    url_for: Callable[[str], str], callback_url: str, metadata: Metadata, deadline: Deadline
) -> Finding | None:
    """Try the usual near misses, so that the one that is registered can be named."""
    for difference, address in _near_misses(callback_url):
        try:
            answer = _ask(url_for(address), metadata, deadline)
        except ProviderFailed:
            return None
        if _leads_to(answer, address):
            return Finding(
                outcome=Outcome.FAILED,
                happened=f"The redirect URI in Entra differs from the Callback URL {difference}:"
                f" {address} is registered.",
                cure=f"Change it there, under the platform Web, to exactly {callback_url}",
                who=Who.ENTRA_ADMINISTRATOR,
                blade=Blade.AUTHENTICATION,
                code=f"AADSTS{_NOT_REGISTERED}",
            )
    return None


def _near_misses(callback_url: str) -> tuple[tuple[str, str], ...]:
    parts = urlsplit(callback_url)
    path = parts.path
    other = "http" if parts.scheme == "https" else "https"
    last = path.rpartition("/")[2]
    cases = (
        path.replace("/oidc/", "/OIDC/"),
        path.removesuffix(last) + last.capitalize(),
        "/".join(part.capitalize() for part in path.split("/")),
        path.upper(),
    )
    return (
        ("by a slash at the end", f"{callback_url}/"),
        ("in http and https", parts._replace(scheme=other).geturl()),
        *(
            ("in capital letters", parts._replace(path=case).geturl())
            for case in cases
            if case != path
        ),
    )
