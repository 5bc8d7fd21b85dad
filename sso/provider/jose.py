"""A compact JWS, taken apart strictly before anything in it is believed.

verification.md, ID token; reference/rp-cases.md, cases 1 to 9, 12, 13, 24 to 32.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Any

from sso.provider import json_body
from sso.rules.reasons import Reason, SignInRefused

MAX_TOKEN = 65_536
MAX_KID = 512

_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
# RFC 7515 makes every one of these change what is signed or how it is read. None is used for ID
# tokens; keys that a header brings along (jku, jwk, x5u, x5c) are simply never looked at.
_CHANGES_MEANING = frozenset({"crit", "b64", "zip", "enc"})


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A token whose form is right; nothing of it has been verified."""

    text: str = field(repr=False)
    alg: str
    kid: str | None = field(repr=False)


def take_apart(token: str, *, algorithms: tuple[str, ...]) -> UnverifiedToken:
    if len(token) > MAX_TOKEN:
        raise SignInRefused(Reason.TOKEN_TOO_LARGE, detail=f"{len(token)} characters")
    segments = token.split(".")
    if len(segments) != 3:  # noqa: PLR2004 - header, payload, signature; five would be encrypted
        raise _format("not three segments")
    header_segment, payload_segment, signature = segments
    if not _SEGMENT.fullmatch(header_segment) or not _SEGMENT.fullmatch(payload_segment):
        raise _format("not base64url")
    header = _header(header_segment)
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in algorithms:
        # Before the signature: a token with alg "none" has none.
        raise SignInRefused(Reason.ALG, detail=f"signed with {alg!r}"[:80])
    if not _SEGMENT.fullmatch(signature):
        raise _format("not base64url")
    return UnverifiedToken(text=token, alg=alg, kid=_kid(header))


def parse_payload(payload: bytes) -> dict[str, Any]:
    """Return the claims of a payload whose signature has been verified."""
    try:
        return json_body.parse_object(payload)
    except json_body.NotJson as problem:
        raise _format(f"payload {problem}") from None


def _header(segment: str) -> dict[str, Any]:
    try:
        header = json_body.parse_object(
            base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
        )
    except json_body.NotJson as problem:
        raise _format(f"header {problem}") from None
    except ValueError:
        raise _format("not base64url") from None
    if changed := sorted(_CHANGES_MEANING & header.keys()):
        raise _format(f"header has {', '.join(changed)}")
    kind = header.get("typ")
    # "JWT" or nothing for an ID token; other kinds say so: at+jwt, logout+jwt (RFC 8725 §3.11).
    if kind is not None and (not isinstance(kind, str) or kind.lower().endswith("+jwt")):
        raise SignInRefused(Reason.TOKEN_TYPE, detail="its header says that it is no ID token")
    return header


def _kid(header: dict[str, Any]) -> str | None:
    if "kid" not in header:
        return None
    kid = header["kid"]
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID:
        raise _format("its key identifier is unusable")
    return kid


def _format(detail: str) -> SignInRefused:
    return SignInRefused(Reason.TOKEN_FORMAT, detail=detail)
