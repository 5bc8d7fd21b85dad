"""State, nonce and PKCE of one journey to the provider and back (sign-in.md, The round trip).

``state`` is a sealed envelope; nonce and verifier are derived from it and from one cookie of
the browser. Nothing is stored until it comes back, so a visitor who only starts costs no row and
any number of tabs can start side by side, on any number of processes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import IntegrityError, transaction

from sso.models import UsedRoundTrip

BROWSER_KEY: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
MAX_STATE_LENGTH: Final = 2048
# For how long after its end a journey is still told of, seconds.
TOLD_FOR: Final = 86_400


class Purpose(StrEnum):
    """What a round trip is for; only ``SIGN_IN`` signs anyone in."""

    SIGN_IN = "sign_in"
    CONNECT = "connect"
    #: Somebody who is signed in here shows that it is still them.
    CONFIRM = "confirm"
    #: An administrator tries a sign-in out: it signs nobody in and changes nothing.
    TEST = "test"


class Lost(StrEnum):
    """Why a state does not lead back into a round trip."""

    UNKNOWN = "unknown"
    OTHER_BROWSER = "other_browser"
    EXPIRED = "expired"
    USED = "used"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """One journey; its secret parts are in no repr."""

    identifier: str = field(repr=False)
    purpose: Purpose
    target: str
    version: str
    expires_at: int
    user_id: int | None
    browser_key: str = field(repr=False)
    state: str = field(repr=False)

    @property
    def began(self) -> int:
        return self.expires_at - settings.ROUND_TRIP_TTL

    @property
    def nonce(self) -> str:
        return _derive("nonce", self.identifier, self.browser_key)

    @property
    def code_verifier(self) -> str:
        return _derive("code verifier", self.identifier, self.browser_key)

    @property
    def code_challenge(self) -> str:
        return _base64url(hashlib.sha256(self.code_verifier.encode()).digest())


class RoundTripLost(Exception):
    """Say that a callback leads into no round trip of this browser; nothing was changed.

    `trip` is the browser's own that ended before, `target` also somebody else's.
    """

    def __init__(self, why: Lost, target: str = "", trip: RoundTrip | None = None) -> None:
        super().__init__(why.value)
        self.why = why
        self.target = target
        self.trip = trip


def new_browser_key(existing: str = "") -> str:
    """Keep a browser's key where it is well formed, so that its other tabs go on; else make one."""
    return existing if BROWSER_KEY.fullmatch(existing) else secrets.token_urlsafe(32)


def start(
    *,
    purpose: Purpose,
    target: str,
    version: str,
    browser_key: str,
    now: datetime,
    user_id: int | None = None,
) -> RoundTrip:
    """Begin a journey that lives ``settings.ROUND_TRIP_TTL`` seconds.

    A target whose state no callback would take back is left out: the journey ends at home.
    """
    identifier = secrets.token_urlsafe(32)
    expires_at = int(now.timestamp()) + settings.ROUND_TRIP_TTL
    # The browser is named by a digest, so that somebody else's state is told from a lost cookie.
    browser = _derive("browser", identifier, browser_key)

    def sealed(target: str) -> str:
        contents = [identifier, purpose.value, target, version, expires_at, user_id, browser]
        # Not as \u escapes: six bytes a character would leave room for few.
        text = json.dumps(contents, ensure_ascii=False)
        return _seal().encrypt(text.encode()).decode("ascii").rstrip("=")

    state = sealed(target)
    if len(state) > MAX_STATE_LENGTH:
        target = "/"
        state = sealed(target)
    return RoundTrip(
        identifier=identifier,
        purpose=purpose,
        target=target,
        version=version,
        expires_at=expires_at,
        user_id=user_id,
        browser_key=browser_key,
        state=state,
    )


def take(state: str, *, browser_key: str, now: datetime) -> RoundTrip:
    """Open a state and use it up, once for all processes; raise RoundTripLost where it is not ours.

    The digest is inserted under a unique constraint and committed before anything else happens,
    so that of two callbacks at the same moment exactly one goes on.
    """
    trip, browser = _open(state, browser_key)
    if not BROWSER_KEY.fullmatch(browser_key) or not hmac.compare_digest(
        browser, _derive("browser", trip.identifier, browser_key)
    ):
        raise RoundTripLost(Lost.OTHER_BROWSER, trip.target)
    if trip.expires_at <= now.timestamp():
        raise RoundTripLost(Lost.EXPIRED, trip.target, trip)
    digest = _digest(trip.identifier)
    if not _insert(digest, trip.expires_at):
        raise RoundTripLost(Lost.USED, trip.target, trip)
    if digest.startswith("0"):
        # One callback in sixteen tidies up, so that no cron job has to.
        UsedRoundTrip.objects.filter(expires_at__lt=now).delete()
    return trip


def first_to_tell(trip: RoundTrip, *, now: datetime) -> bool:
    """Say, once for all processes, that this journey came back after its end.

    So each state leaves one more row at most, however often a browser presents its own again;
    and only for a day, beyond which nothing is kept to know it by.
    """
    until = trip.expires_at + TOLD_FOR
    return now.timestamp() < until and _insert(_digest(f"told {trip.identifier}"), until)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _insert(digest: str, expires_at: int) -> bool:
    """Insert a digest under the unique constraint, and say whether it was the first."""
    try:
        with transaction.atomic():
            UsedRoundTrip.objects.create(
                digest=digest, expires_at=datetime.fromtimestamp(expires_at, tz=UTC)
            )
    except IntegrityError:
        return False
    return True


def _open(state: str, browser_key: str) -> tuple[RoundTrip, str]:
    if not state.isascii() or not 0 < len(state) <= MAX_STATE_LENGTH:
        raise RoundTripLost(Lost.UNKNOWN)
    try:
        opened = _seal().decrypt((state + "=" * (-len(state) % 4)).encode())
    except InvalidToken:
        raise RoundTripLost(Lost.UNKNOWN) from None
    # Only we can seal: what opens has the shape that start() gave it.
    identifier, purpose, target, version, expires_at, user_id, browser = json.loads(opened)
    trip = RoundTrip(
        identifier=identifier,
        purpose=Purpose(purpose),
        target=target,
        version=version,
        expires_at=expires_at,
        user_id=user_id,
        browser_key=browser_key,
        state=state,
    )
    return trip, browser


def _key(purpose: str) -> bytes:
    return HKDF(
        algorithm=SHA256(), length=32, salt=None, info=f"patchmon round trip 1 {purpose}".encode()
    ).derive(settings.SECRET_KEY.encode())


def _seal() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_key("seal")))


def _derive(part: str, identifier: str, browser_key: str) -> str:
    message = f"{part}\0{identifier}\0{browser_key}".encode()
    return _base64url(hmac.digest(_key("derive"), message, "sha256"))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
