"""What stands in the callback's address: anyone can write it (verification.md, Callback)."""

from __future__ import annotations

import re
from typing import Final

from django.http import HttpRequest, QueryDict

from sso.provider.discovery import Metadata
from sso.rules.reasons import ProviderError, Reason, SignInRefused, Stage

# Authorization codes are the longest that honest providers send, some two thousand characters.
MAX_VALUE: Final = 8192
MAX_QUERY: Final = 16_384
_PARAMETER: Final = re.compile(r"[a-z_]{1,40}")


def check_shape(request: HttpRequest) -> None:
    """Refuse whatever comes twice or is too long, under any name, known to us or not."""
    for name, values in request.GET.lists():
        if len(values) > 1:
            raise SignInRefused(Reason.DUPLICATE_PARAM, detail=f"{_named(name)} came twice.")
        if any(len(text) > MAX_VALUE for text in (name, *values)):
            raise SignInRefused(
                Reason.CALLBACK_FORMAT,
                detail=f"{_named(name)} has more than {MAX_VALUE} characters.",
            )
    if len(request.META.get("QUERY_STRING", "")) > MAX_QUERY:
        raise SignInRefused(
            Reason.CALLBACK_FORMAT, detail=f"The address has more than {MAX_QUERY} characters."
        )


def _named(name: str) -> str:
    return f"The parameter {name}" if _PARAMETER.fullmatch(name) else "A parameter"


def check_issuer(query: QueryDict, metadata: Metadata) -> None:
    """Compare RFC 9207's ``iss``, and demand it from a provider that promises it."""
    answered_by = query.get("iss")
    if answered_by is None and not metadata.iss_parameter_supported:
        return
    if answered_by != metadata.issuer:
        raise SignInRefused(Reason.ISS_PARAM)


def code_in(query: QueryDict) -> str:
    """Return the code, or refuse with the provider's own error or for want of a usable one."""
    if "error" in query:
        raise _provider_error(query)
    code = query.get("code", "")
    if not code or not code.isascii() or not code.isprintable():
        raise SignInRefused(Reason.CALLBACK_FORMAT, detail="The code is missing or malformed.")
    return code


def _provider_error(query: QueryDict) -> SignInRefused:
    error = ProviderError.read(
        Stage.AUTHORIZE,
        error=query["error"],
        description=query.get("error_description"),
    )
    cancelled = error.error == "access_denied" and not error.codes
    reason = Reason.CANCELLED if cancelled else Reason.PROVIDER_ERROR
    return SignInRefused(reason, provider_error=error)
