"""Provider error → what happened, who mends it, how.

Nothing branches on these numbers: Microsoft may change them (entra-facts, head). They only
look up words, always with a default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from sso.rules.aadsts_people import PEOPLE
from sso.rules.aadsts_setup import SETUP
from sso.rules.explanations import Blade, Explanation, Field, Row, Who
from sso.rules.reasons import ProviderError, Stage, codes_in

__all__ = [
    "KNOWN_CODES",
    "Blade",
    "Explanation",
    "Field",
    "Who",
    "explain_code",
    "explain_error",
    "explain_text",
    "find_codes",
]

TEXT_LIMIT = 20_000

_BY_CODE: Mapping[int, Row] = MappingProxyType(
    {code: row for row in (*SETUP, *PEOPLE) for code in row.codes}
)
KNOWN_CODES: frozenset[int] = frozenset(_BY_CODE)

#: Umbrellas that come with a more telling code beside them.
_UMBRELLAS = frozenset({70000, 70002, 90014, 50000})

_BY_ERROR: Mapping[str, Row] = MappingProxyType(
    {
        "access_denied": Row(
            (),
            "The sign-in was cancelled, or the person did not agree to the permissions.",
            Who.USER,
            "Press the button again and accept; or ask an Entra administrator for consent.",
            Field.NONE,
            Blade.PERMISSIONS,
        ),
        "consent_required": _BY_CODE[65001],
        "interaction_required": _BY_CODE[50076],
        "login_required": _BY_CODE[50058],
        "invalid_client": Row(
            (),
            "The provider does not accept PatchMon's client ID and secret.",
            Who.ADMINISTRATOR,
            "Check the client ID, create a new client secret and save it.",
            Field.CLIENT_SECRET,
            Blade.SECRETS,
        ),
        "unauthorized_client": Row(
            (),
            "The provider does not know this client ID, or does not let it sign people in.",
            Who.ADMINISTRATOR,
            "Copy the client ID again, and check that the Issuer URL is of the same tenant.",
            Field.CLIENT_ID,
            Blade.OVERVIEW,
        ),
        "invalid_grant": Row(
            (),
            "The sign-in took too long, or its code is not valid any more.",
            Who.USER,
            "Press the button again.",
        ),
        "invalid_scope": _BY_CODE[70011],
        "invalid_tenant": _BY_CODE[90002],
        "invalid_resource": _BY_CODE[650052],
        "invalid_request": _BY_CODE[900144],
        "unsupported_response_type": _BY_CODE[700054],
        "server_error": _BY_CODE[50000],
        "temporarily_unavailable": _BY_CODE[50000],
    }
)

_BY_STAGE: Mapping[Stage, Row] = MappingProxyType(
    {
        Stage.AUTHORIZE: Row(
            (),
            "The provider ended the sign-in with an error of its own.",
            Who.ADMINISTRATOR,
            "Read the provider's message below; its trace ID finds the sign-in in the provider's"
            " log.",
            Field.NONE,
            Blade.SIGN_IN_LOGS,
        ),
        Stage.TOKEN: Row(
            (),
            "The provider did not give PatchMon a token.",
            Who.ADMINISTRATOR,
            "Read the provider's message below; Check configuration tries client ID and secret.",
            Field.CLIENT_SECRET,
        ),
        Stage.DISCOVERY: Row(
            (),
            "The provider does not answer for this Issuer URL.",
            Who.ADMINISTRATOR,
            "Check the Issuer URL.",
            Field.ISSUER_URL,
        ),
        Stage.GRAPH: Row(
            (),
            "Microsoft Graph did not answer the question.",
            Who.ENTRA_ADMINISTRATOR,
            "Check that User.Read is among the scopes and that consent was granted.",
            Field.SCOPES,
            Blade.PERMISSIONS,
        ),
    }
)

#: A number alone, as it is read off a screen, and the address of Microsoft's own look-up page.
_BARE_CODE = re.compile(r"(?:AADSTS|error)?[\s:#-]*([0-9]{5,8})[.:]?", re.IGNORECASE)
_LOOK_UP = re.compile(r"/error\?code=([0-9]{5,8})(?![0-9])")
_ERROR_CODES = re.compile(
    r"error[_ ]codes?[\"']?\s*[:=]\s*\[?\s*([0-9]{5,8})(?![0-9])", re.IGNORECASE
)
_ERROR_NAME = re.compile(r"(?<![a-z_])(?:" + "|".join(_BY_ERROR) + r")(?![a-z_])")


def find_codes(text: str) -> tuple[int, ...]:
    """Return the AADSTS numbers in whatever was pasted, each once."""
    text = text[:TEXT_LIMIT]
    bare = _BARE_CODE.fullmatch(text.strip())
    if bare:
        return (int(bare.group(1)),)
    elsewhere = (*_LOOK_UP.findall(text), *_ERROR_CODES.findall(text))
    return tuple(dict.fromkeys((*codes_in(text), *map(int, elsewhere))))


def explain_code(code: int) -> Explanation:
    """Explain one AADSTS number, one that nobody has heard of too."""
    row = _BY_CODE.get(code)
    name = f"AADSTS{code}"
    if row is not None:
        return row.explains(name)
    return Explanation(
        name,
        "Entra ended the sign-in with a code that PatchMon has no words for.",
        Who.ENTRA_ADMINISTRATOR,
        f"Look it up at https://login.microsoftonline.com/error?code={code} or in the sign-in"
        " logs, by its correlation ID.",
        Field.NONE,
        Blade.SIGN_IN_LOGS,
    )


def explain_text(text: str) -> tuple[Explanation, ...]:
    """Explain a code or a whole pasted error, the most telling first; nothing found: empty."""
    codes = find_codes(text)
    if codes:
        return tuple(explain_code(code) for code in sorted(codes, key=_is_vague))
    names = dict.fromkeys(_ERROR_NAME.findall(text[:TEXT_LIMIT]))
    return tuple(_BY_ERROR[name].explains(name) for name in names)


def explain_error(error: ProviderError) -> Explanation:
    """Explain what a provider answered: by its code, else its error, else where it happened."""
    # The last of several codes is the most specific one (entra-facts §4.2).
    known = sorted((code for code in reversed(error.codes) if code in _BY_CODE), key=_is_vague)
    if known:
        return explain_code(known[0])
    row = _BY_ERROR.get(error.error)
    if row is not None:
        return row.explains(error.error)
    if error.codes:
        return explain_code(error.codes[-1])
    return _BY_STAGE[error.stage].explains(error.error)


def _is_vague(code: int) -> bool:
    return code in _UMBRELLAS or code not in _BY_CODE
