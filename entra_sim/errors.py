"""Refusals in Entra's shapes: a page, a redirect, or token JSON (entra-facts §4)."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from entra_sim.messages import Response, json_response


@dataclass(frozen=True, slots=True)
class Entry:
    error: str
    text: str


CATALOGUE: Final[dict[int, Entry]] = {
    16000: Entry("interaction_required", "Either the account is not in the tenant or several fit."),
    28003: Entry("invalid_request", "The scope may not be empty when redeeming a code."),
    50011: Entry(
        "invalid_request",
        "The redirect URI '{uri}' specified in the request does not match the redirect URIs"
        " configured for the application '{client}'.",
    ),
    50012: Entry("invalid_client", "The client assertion is invalid: {reason}."),
    50020: Entry(
        "invalid_grant",
        "User account '{account}' from identity provider '{home}' does not exist in tenant"
        " '{tenant}' and cannot access the application '{client}' in that tenant.",
    ),
    50048: Entry("invalid_client", "Subject and issuer of the client assertion must be equal."),
    50053: Entry("invalid_grant", "The account is locked after too many attempts."),
    50055: Entry("invalid_grant", "The password is expired."),
    50057: Entry("invalid_grant", "The user account is disabled."),
    50058: Entry("login_required", "A silent sign-in request was sent but no user is signed in."),
    50059: Entry("invalid_request", "No tenant-identifying information found in the request."),
    50076: Entry(
        "interaction_required", "You must use multi-factor authentication to access '{app}'."
    ),
    50079: Entry("interaction_required", "You must enroll in multi-factor authentication."),
    50089: Entry("invalid_grant", "The flow token expired. Start the sign-in again."),
    50105: Entry(
        "interaction_required",
        "Your administrator has configured the application {app} ('{client}') to block users"
        " unless they are specifically granted access. The signed in user '{account}' is not"
        " assigned.",
    ),
    50126: Entry("invalid_grant", "Invalid username or password."),
    50147: Entry("invalid_request", "The code challenge has an invalid size."),
    50194: Entry(
        "invalid_request",
        "Application '{client}'({app}) is not configured as a multi-tenant application. Usage of"
        " the /common endpoint is not supported for such apps.",
    ),
    53000: Entry("interaction_required", "The device is not in the required state: not compliant."),
    53003: Entry("interaction_required", "Access has been blocked by Conditional Access policies."),
    54005: Entry("invalid_grant", "The OAuth2 authorization code was already redeemed."),
    65001: Entry(
        "consent_required",
        "The user or administrator has not consented to use the application '{client}' named"
        " '{app}'.",
    ),
    65004: Entry("consent_required", "User declined to consent to access the app."),
    70000: Entry("invalid_grant", "The provided grant is invalid or malformed."),
    70003: Entry(
        "unsupported_grant_type", "The app requested an unsupported grant type '{value}'."
    ),
    70005: Entry("unsupported_response_type", "The response type '{value}' is not supported."),
    70007: Entry("invalid_request", "'{value}' is not a supported value of 'response_mode'."),
    70008: Entry("invalid_grant", "The authorization code has expired."),
    70011: Entry(
        "invalid_scope", "The provided value for the input parameter 'scope' is not valid: {value}."
    ),
    90002: Entry(
        "invalid_tenant",
        "Tenant '{value}' not found. Check to make sure you have the correct tenant ID and are"
        " signing into the correct cloud.",
    ),
    90023: Entry("invalid_request", "Invalid request: {reason}."),
    90033: Entry("temporarily_unavailable", "A transient error has occurred. Please try again."),
    90055: Entry("temporarily_unavailable", "The tenant is throttled: too many requests."),
    90094: Entry("access_denied", "The app asks for a permission only an administrator can grant."),
    90100: Entry("invalid_request", "Parameter '{value}' is duplicated, empty or not valid."),
    90102: Entry("invalid_request", "'redirect_uri' value must be a valid absolute URI."),
    500011: Entry("invalid_resource", "The resource '{value}' was not found in the tenant."),
    500112: Entry(
        "invalid_grant",
        "The reply address '{uri}' does not match the reply address provided when requesting the"
        " authorization code.",
    ),
    500113: Entry("invalid_request", "No reply address is registered for the application."),
    501481: Entry(
        "invalid_grant",
        "The code verifier does not match the code challenge of the authorization request.",
    ),
    650053: Entry(
        "invalid_client",
        "The application '{app}' asked for scope '{value}' that doesn't exist on the resource"
        " '00000003-0000-0000-c000-000000000000'.",
    ),
    700005: Entry("invalid_grant", "The code is intended to be used against another tenant."),
    700016: Entry(
        "unauthorized_client",
        "Application with identifier '{value}' was not found in the directory '{tenant}'.",
    ),
    700024: Entry("invalid_client", "The client assertion is not within its valid time range."),
    700027: Entry(
        "invalid_client",
        "The certificate with which the client assertion is signed is not registered.",
    ),
    700054: Entry(
        "unsupported_response_type", "response_type 'id_token' is not enabled for the application."
    ),
    900023: Entry(
        "invalid_request",
        "Specified tenant identifier '{value}' is neither a valid DNS name, nor a valid external"
        " domain.",
    ),
    900144: Entry(
        "invalid_request", "The request body must contain the following parameter: '{value}'."
    ),
    900561: Entry(
        "invalid_request", "The endpoint only accepts POST requests. Received a {value} request."
    ),
    900971: Entry("invalid_request", "No reply address provided."),
    7000112: Entry("unauthorized_client", "Application '{client}'({app}) is disabled."),
    7000215: Entry(
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client"
        " secret value, not the client secret ID, for a secret added to app '{client}'.",
    ),
    7000218: Entry(
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or"
        " 'client_secret'.",
    ),
    7000222: Entry(
        "invalid_client", "The provided client secret keys for app '{client}' are expired."
    ),
    7000229: Entry(
        "invalid_client",
        "The client application {client} is missing service principal in the tenant {tenant}.",
    ),
    9001023: Entry(
        "invalid_request",
        "The grant type is not supported over the /common or /consumers endpoints.",
    ),
    9002313: Entry("invalid_grant", "Invalid request. Request is malformed or invalid."),
    9002326: Entry(
        "invalid_request",
        "Cross-origin token redemption is permitted only for the 'Single-Page Application'"
        " client-type.",
    ),
}


class Refused(Exception):
    """A request that Entra turns down, by AADSTS number and the values its sentence names."""

    def __init__(self, code: int, **values: str) -> None:
        self.code = code
        entry = CATALOGUE[code]
        self.error = entry.error
        # A test may plant a code whose sentence names values it does not know.
        self.text = entry.text.format_map(_Blank(values))
        super().__init__(f"AADSTS{code}: {self.text}")


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"({key})"


@dataclass(frozen=True, slots=True)
class Marks:
    """What lets an administrator find the request in the sign-in log."""

    trace_id: str
    correlation_id: str
    timestamp: str


def new_marks(now: float, correlation_id: str = "") -> Marks:
    return Marks(
        trace_id=str(uuid.uuid4()),
        correlation_id=correlation_id or str(uuid.uuid4()),
        timestamp=f"{dt.datetime.fromtimestamp(now, dt.UTC):%Y-%m-%d %H:%M:%SZ}",
    )


def description(refused: Refused, marks: Marks, separator: str) -> str:
    return separator.join(
        (
            str(refused),
            f"Trace ID: {marks.trace_id}",
            f"Correlation ID: {marks.correlation_id}",
            f"Timestamp: {marks.timestamp}",
        )
    )


def json_error(refused: Refused, marks: Marks, base_url: str) -> Response:
    status = HTTPStatus.BAD_REQUEST
    if refused.error == "invalid_client":
        status = HTTPStatus.UNAUTHORIZED
    elif refused.error == "temporarily_unavailable":
        status = HTTPStatus.SERVICE_UNAVAILABLE
    return json_response(
        {
            "error": refused.error,
            "error_description": description(refused, marks, " "),
            "error_codes": [refused.code],
            "timestamp": marks.timestamp,
            "trace_id": marks.trace_id,
            "correlation_id": marks.correlation_id,
            "error_uri": f"{base_url}/error?code={refused.code}",
        },
        status,
    )


def redirect_error(refused: Refused, marks: Marks, base_url: str) -> dict[str, str]:
    """Return the parameters that go back to the redirect URI, `state` excepted."""
    return {
        "error": refused.error,
        "error_description": description(refused, marks, "\r\n"),
        "error_uri": f"{base_url}/error?code={refused.code}",
    }
