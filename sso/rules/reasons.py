"""Why a sign-in is refused, and the one exception that carries it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from sso.rules.text import one_line


class Reason(StrEnum):
    """The reason codes of an attempt; their values are stored and never change."""

    # The round trip and the callback (verification.md, Callback; sign-in.md, The round trip).
    STATE = "state"
    STATE_EXPIRED = "state_expired"
    STATE_USED = "state_used"
    STALE_CONFIG = "stale_config"
    DUPLICATE_PARAM = "duplicate_param"
    CALLBACK_FORMAT = "callback_format"
    ISS_PARAM = "iss_param"
    PROVIDER_ERROR = "provider_error"
    CANCELLED = "cancelled"
    NOT_READY = "not_ready"

    # The network (verification.md, The network).
    PROVIDER_UNREACHABLE = "provider_unreachable"
    PROVIDER_TIMEOUT = "provider_timeout"
    PROVIDER_TLS = "provider_tls"
    PROVIDER_REDIRECT = "provider_redirect"
    PROVIDER_TOO_LARGE = "provider_too_large"
    PROVIDER_BLOCKED = "provider_blocked"
    PROVIDER_ADDRESS = "provider_address"
    PROVIDER_ANSWER = "provider_answer"
    PROVIDER_STATUS = "provider_status"
    PROVIDER_THROTTLED = "provider_throttled"
    PROVIDER_PAUSED = "provider_paused"

    # Discovery, keys, the token request.
    DISCOVERY = "discovery"
    ISSUER_MISMATCH = "issuer_mismatch"
    SEVERAL_TENANTS = "several_tenants"
    PROVIDER_KEYS = "provider_keys"
    SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105 - a code, not a secret
    CLIENT_REFUSED = "client_refused"
    GRANT_REFUSED = "grant_refused"
    TOKEN_REFUSED = "token_refused"  # noqa: S105
    TOKEN_ANSWER = "token_answer"  # noqa: S105

    # The ID token (verification.md, ID token).
    TOKEN_FORMAT = "token_format"  # noqa: S105
    TOKEN_TOO_LARGE = "token_too_large"  # noqa: S105
    TOKEN_TYPE = "token_type"  # noqa: S105
    ALG = "alg"
    KEY = "key"
    SIGNATURE = "signature"
    CLAIMS = "claims"
    ISS = "iss"
    AUD = "aud"
    AZP = "azp"
    EXP = "exp"
    IAT = "iat"
    NBF = "nbf"
    CLOCK_SKEW = "clock_skew"
    NONCE = "nonce"
    SUB = "sub"
    AT_HASH = "at_hash"
    AUTH_TIME = "auth_time"
    TENANT = "tenant"
    VERSION = "version"

    # Userinfo (verification.md, Userinfo).
    USERINFO = "userinfo"
    USERINFO_SUB = "userinfo_sub"

    # Who it is (sign-in.md).
    NO_ACCOUNT = "no_account"
    INACTIVE = "inactive"
    EMAIL_AMBIGUOUS = "email_ambiguous"
    EMAIL_DENIED = "email_denied"
    EMAIL_UNVERIFIED = "email_unverified"
    EMAIL_GUEST = "email_guest"
    EMAIL_OF_ADMINISTRATOR = "email_of_administrator"
    EMAIL_LINKED_ALREADY = "email_linked_already"
    IDENTITY_TAKEN = "identity_taken"
    CONNECT_OTHER_USER = "connect_other_user"
    CONFLICT = "conflict"

    # PatchMon itself failed.
    UNFORESEEN = "unforeseen"

    @property
    def is_about_accounts(self) -> bool:
        """Say whether the page must read the same as for every other such reason."""
        return self in _ABOUT_ACCOUNTS

    @property
    def is_our_own(self) -> bool:
        """Say whether PatchMon refused by itself somebody for whom the provider had spoken."""
        return self in _OUR_OWN

    @property
    def is_about_the_round_trip(self) -> bool:
        """Say whether pressing the button again is the whole cure."""
        return self in _ABOUT_THE_ROUND_TRIP


_ABOUT_ACCOUNTS = frozenset(
    {
        Reason.NO_ACCOUNT,
        Reason.INACTIVE,
        Reason.EMAIL_AMBIGUOUS,
        Reason.EMAIL_DENIED,
        Reason.EMAIL_UNVERIFIED,
        Reason.EMAIL_GUEST,
        Reason.EMAIL_OF_ADMINISTRATOR,
        Reason.EMAIL_LINKED_ALREADY,
        Reason.CONFLICT,
    }
)
_OUR_OWN = _ABOUT_ACCOUNTS | {
    Reason.IDENTITY_TAKEN,
    Reason.CONNECT_OTHER_USER,
    Reason.AUTH_TIME,
    Reason.UNFORESEEN,
}
_ABOUT_THE_ROUND_TRIP = frozenset(
    {Reason.STATE, Reason.STATE_EXPIRED, Reason.STATE_USED, Reason.STALE_CONFIG}
)


class Stage(StrEnum):
    """Where the provider said no."""

    AUTHORIZE = "authorize"
    TOKEN = "token"  # noqa: S105 - the name of an endpoint
    DISCOVERY = "discovery"
    GRAPH = "graph"


DESCRIPTION_LIMIT = 1000
CODES_LIMIT = 10
_ERROR_NAME = re.compile(r"[a-z_]{1,40}")
_TRACE_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_AADSTS = re.compile(r"AADSTS([0-9]{5,8})(?![0-9])", re.IGNORECASE)
_LABELLED_ID = r"{label}\s*ID\s*:?\s*([0-9A-Fa-f-]{{36}})"
_TRACE_LABEL = re.compile(_LABELLED_ID.format(label="Trace"), re.IGNORECASE)
_CORRELATION_LABEL = re.compile(_LABELLED_ID.format(label="Correlation"), re.IGNORECASE)


def codes_in(text: str) -> tuple[int, ...]:
    """Return the AADSTS numbers of a text, each once, in their order (entra-facts §4.2)."""
    return tuple(dict.fromkeys(int(number) for number in _AADSTS.findall(text)))[:CODES_LIMIT]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderError:
    """What a provider answered instead of what was asked for, cleaned, each on one line.

    Made from whatever arrived by `read`; a field that makes no sense is empty.
    """

    stage: Stage
    error: str = ""
    description: str = ""
    codes: tuple[int, ...] = ()
    trace_id: str = ""
    correlation_id: str = ""

    @classmethod
    def read(
        cls,
        stage: Stage,
        *,
        error: Any = None,
        description: Any = None,
        codes: Any = None,
        trace_id: Any = None,
        correlation_id: Any = None,
    ) -> Self:
        """Read the members of an error answer, or a callback's parameters, of any type."""
        told = one_line(description, DESCRIPTION_LIMIT) if isinstance(description, str) else ""
        return cls(
            stage=stage,
            error=_fitting(_ERROR_NAME, error),
            description=told,
            codes=tuple(dict.fromkeys((*_whole_numbers(codes), *codes_in(told))))[:CODES_LIMIT],
            trace_id=_fitting(_TRACE_ID, trace_id) or _found(_TRACE_LABEL, told),
            correlation_id=_fitting(_TRACE_ID, correlation_id) or _found(_CORRELATION_LABEL, told),
        )


def _fitting(pattern: re.Pattern[str], value: Any) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match.group(1) if match else ""


def _whole_numbers(value: Any) -> Iterable[int]:
    # Strings, booleans and huge numbers have been seen in error_codes (entra-facts §4.2).
    if not isinstance(value, list):
        return ()
    return (
        number
        for number in value[:CODES_LIMIT]
        if type(number) is int and 10_000 <= number <= 99_999_999  # noqa: PLR2004
    )


class SignInRefused(Exception):
    """End a sign-in with a reason; `detail` is for the record and never holds a secret.

    The account is the one that it is about, for the record alone: the person must not learn of it.
    """

    def __init__(
        self,
        reason: Reason,
        *,
        detail: str = "",
        provider_error: ProviderError | None = None,
        account_id: int | None = None,
        username: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = one_line(detail, DESCRIPTION_LIMIT)
        self.provider_error = provider_error
        self.account_id = account_id
        self.username = username
