from __future__ import annotations

import http
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sso.provider import json_body
from sso.provider.failures import ProviderFailed
from sso.rules.reasons import ProviderError, Reason, Stage


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def is_server_error(self) -> bool:
        return self.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def is_redirect(self) -> bool:
        return http.HTTPStatus.MULTIPLE_CHOICES <= self.status < http.HTTPStatus.BAD_REQUEST

    @property
    def says_json(self) -> bool:
        """Tell whether it calls itself JSON, or calls itself nothing."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return not kind or kind.endswith(("/json", "+json"))

    def json(self, otherwise: Reason = Reason.PROVIDER_ANSWER) -> dict[str, Any]:
        """Return the body as a JSON object, or fail with the reason `otherwise`."""
        try:
            return json_body.parse_object(self.body)
        except json_body.NotJson as problem:
            raise ProviderFailed(otherwise, f"The answer is unusable: {problem}.") from None

    def provider_error(self, stage: Stage) -> ProviderError:
        """Return what the body says went wrong, empty where it says nothing that makes sense."""
        try:
            told = json_body.parse_object(self.body)
        except json_body.NotJson:
            return ProviderError(stage=stage)
        if isinstance(told.get("error"), dict):
            return _graph_error(told["error"], stage)
        return ProviderError.read(
            stage,
            error=told.get("error"),
            description=told.get("error_description"),
            codes=told.get("error_codes"),
            trace_id=told.get("trace_id"),
            correlation_id=told.get("correlation_id"),
        )

    def failure(self, otherwise: Reason, stage: Stage, what: str) -> ProviderFailed:
        """Return the failure that this status means, with what the body tells about it."""
        reason = otherwise
        if self.status == http.HTTPStatus.TOO_MANY_REQUESTS:
            reason = Reason.PROVIDER_THROTTLED
        elif self.is_server_error:
            reason = Reason.PROVIDER_STATUS
        return ProviderFailed(
            reason,
            f"{what} answered with status {self.status}.",
            provider_error=self.provider_error(stage),
        )


def _graph_error(error: dict[str, Any], stage: Stage) -> ProviderError:
    """Read Graph's shape, where `error` is an object (entra-facts §3.4)."""
    inner = error.get("innerError")
    ids = inner if isinstance(inner, dict) else {}
    told = (error.get("code"), error.get("message"))
    return ProviderError.read(
        stage,
        description=": ".join(part for part in told if isinstance(part, str)),
        trace_id=ids.get("request-id"),
        correlation_id=ids.get("client-request-id"),
    )
