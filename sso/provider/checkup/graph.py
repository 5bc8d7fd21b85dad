"""Step 7: does Microsoft Graph answer, where User.Read is asked for (entra-facts §6)."""

from __future__ import annotations

import http

from sso.provider.checkup.answers import busy, by_failure, failed
from sso.provider.checkup.findings import Finding, Outcome, passed
from sso.provider.deadline import Deadline
from sso.provider.document import Metadata
from sso.provider.failures import ProviderFailed
from sso.provider.http import fetch
from sso.rules.explanations import Blade, Who
from sso.rules.hosts import host_of

_USER_READ = "user.read"
_PATH = "/v1.0/me"


def graph(metadata: Metadata, *, scopes: str, deadline: Deadline) -> Finding:
    """Ask Graph something without a token: its refusal to answer is the sign of life wanted."""
    if not metadata.is_entra:
        return passed("Not needed: the provider is not Entra.")
    if not any(scope.rpartition("/")[2].lower() == _USER_READ for scope in scopes.split()):
        return Finding(
            outcome=Outcome.WARNING,
            happened="User.Read is not among the scopes: there will be no profile photos, and no"
            " groups of people who are in more than 200.",
            cure="Add User.Read to Scopes and press Apply.",
            who=Who.ADMINISTRATOR,
            place="scopes",
            blade=Blade.PERMISSIONS,
        )
    if not metadata.graph_root:
        return failed(
            "The discovery document names no Graph host that is Microsoft's.",
            "Check that the Issuer URL is on Microsoft's login host.",
            place="issuer",
        )
    url = f"{metadata.graph_root}{_PATH}"
    host = host_of(url)
    try:
        answer = fetch(
            "GET", url, deadline=deadline, retry=True, loopback=metadata.is_loopback, probing=True
        )
    except ProviderFailed as problem:
        return by_failure(problem, url)
    if answer.status == http.HTTPStatus.UNAUTHORIZED and answer.says_json:
        return passed(f"{host} answers.")
    return busy(answer, host) or failed(
        f"Something else than Microsoft Graph answers for {host} (status {answer.status}).",
        f"Let this server reach {host} past the proxy or firewall. Sign-ins work without it,"
        " photos and groups beyond 200 do not.",
    )
