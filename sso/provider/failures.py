from __future__ import annotations

from sso.rules.reasons import ProviderError, Reason


class ProviderFailed(Exception):
    """Say why the provider's answer is missing or of no use.

    `detail` is our own words for administrators: never a body, a code, a token or a secret.
    """

    def __init__(
        self, reason: Reason, detail: str = "", *, provider_error: ProviderError | None = None
    ) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
        self.provider_error = provider_error

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else str(self.reason)
