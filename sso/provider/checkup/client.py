"""Step 5: are client ID and secret accepted (entra-facts §5.1, §5.2)."""

from __future__ import annotations

import http
from dataclasses import dataclass

from sso.provider.answers import Answer
from sso.provider.checkup.answers import busy, by_failure, not_json
from sso.provider.checkup.findings import Finding, Outcome, explained, passed, unknown
from sso.provider.deadline import Deadline
from sso.provider.document import Metadata
from sso.provider.failures import ProviderFailed
from sso.provider.tokens import post_as_client
from sso.rules.aadsts import explain_error
from sso.rules.explanations import Blade, Field, Who
from sso.rules.hosts import host_of
from sso.rules.reasons import ProviderError, Stage

_CLIENT_REFUSALS = frozenset({"invalid_client", "unauthorized_client"})
#: Policies for apps that Entra looks at once the secret has been accepted (entra-facts §5.2).
_POLICIES = frozenset(
    {50131, 53000, 53001, 53002, 53003, 53010, 53011, 501051, 530032, 530034, 530035}
)
#: Stops an app on its own, and not everybody's sign-in: the first consent mends it.
_NO_SERVICE_PRINCIPAL = 7000229
_GRAPH = "https://graph.microsoft.com"


@dataclass(frozen=True, slots=True)
class ClientVerdict:
    """A finding, and what it says of the credential itself; None where it says nothing."""

    finding: Finding
    accepted: bool | None = None


def client(
    metadata: Metadata, *, client_id: str, client_secret: str, deadline: Deadline
) -> ClientVerdict:
    """Ask for a token of the app's own, which is thrown away at once.

    An invented authorization code would not do: Entra judges its shape before the secret.
    """
    form = {"grant_type": "client_credentials"}
    if metadata.is_entra:
        form["scope"] = f"{metadata.graph_root or _GRAPH}/.default"
    try:
        answer = post_as_client(
            metadata,
            form,
            client_id=client_id,
            client_secret=client_secret,
            deadline=deadline,
            probing=True,
        )
    except ProviderFailed as problem:
        return ClientVerdict(by_failure(problem, metadata.token_endpoint))
    if _has_token(answer):
        text = "The provider gave PatchMon a token of its own, which was thrown away."
        return ClientVerdict(passed(text), accepted=True)
    error = answer.provider_error(Stage.TOKEN)
    problem_of_transport = busy(answer, host_of(metadata.token_endpoint))
    if problem_of_transport is not None:
        return ClientVerdict(problem_of_transport)
    if not error.error and not error.codes:
        return ClientVerdict(_senseless(answer, metadata))
    return _of_entra(error) if metadata.is_entra else _of_another(error)


def _has_token(answer: Answer) -> bool:
    if answer.status != http.HTTPStatus.OK:
        return False
    try:
        token = answer.json().get("access_token")
    except ProviderFailed:
        return False
    return isinstance(token, str) and bool(token)


def _senseless(answer: Answer, metadata: Metadata) -> Finding:
    found = not_json(answer, metadata.token_endpoint, what="token answer", stage=Stage.TOKEN)
    return found or unknown("The token endpoint answered with neither a token nor an error.")


def _of_entra(error: ProviderError) -> ClientVerdict:
    if _POLICIES & set(error.codes):
        return ClientVerdict(
            Finding(
                outcome=Outcome.WARNING,
                happened="Client ID and secret look right, but a policy of the tenant keeps apps"
                " from signing in on their own, which this check does.",
                cure="People's sign-ins are another matter: try one with Test sign-in. To let the"
                " check through, leave PatchMon out of the Conditional Access policy for workload"
                " identities.",
                who=Who.ENTRA_ADMINISTRATOR,
                blade=Blade.CONDITIONAL_ACCESS,
                code=explain_error(error).code,
                trace_id=error.trace_id,
                correlation_id=error.correlation_id,
            )
        )
    refused = error.error in _CLIENT_REFUSALS and _NO_SERVICE_PRINCIPAL not in error.codes
    finding = explained(explain_error(error), error=error)
    return ClientVerdict(finding, accepted=False if refused else None)


def _of_another(error: ProviderError) -> ClientVerdict:
    """Judge what is clear: many do not let an app in on its own, whatever its secret.

    Keycloak says unauthorized_client both for a wrong secret and for a right one.
    """
    if error.error == "invalid_client":
        explanation = explain_error(error)
        finding = Finding(
            outcome=Outcome.FAILED,
            happened=explanation.happened,
            cure="Copy the client ID again, create a new client secret at the provider, paste it"
            " and press Save next to the field.",
            who=Who.ADMINISTRATOR,
            place=Field.CLIENT_SECRET.value,
        )
        return ClientVerdict(finding, accepted=False)
    return ClientVerdict(
        unknown(
            f"The provider answered “{error.error}”: it does not let apps in on their own, which"
            " says nothing about the secret.",
            "Test sign-in finds out.",
        )
    )
