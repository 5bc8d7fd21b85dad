"""What a test sign-in brought, kept a quarter of an hour for the one person who ran it.

It lies sealed in the shared cache under a key that only their session knows; the claims are kept
nowhere else (product.md, Test sign-in).
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from django.contrib.sessions.backends.base import SessionBase

from sso.conf import Config, credential_fingerprint
from sso.encryption import CannotDecrypt, decrypt, encrypt
from sso.provider import store
from sso.rules.claims import GroupsClaim, GroupsSource, Identity
from sso.rules.meanings import explain_reason
from sso.rules.reasons import ProviderError, Reason, Stage

KEPT_SECONDS: Final = 15 * 60
SESSION_KEY: Final = "trial_report"
_LAST_KEPT: Final = 30 * 86_400
# They say nothing of the settings: who cancels or comes back too late finds nothing out.
_TELL_NOTHING: Final = frozenset({Reason.CANCELLED, Reason.CONNECT_OTHER_USER})

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who came back, and all that a decision about them needs."""

    identity: Identity
    groups: GroupsClaim
    is_entra: bool
    claims: Pairs = field(repr=False)
    userinfo: Pairs = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """Whether Graph had a photo; of the photo itself nothing but its size is kept."""

    asked: bool
    size: int = 0
    detail: str = ""
    milliseconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One test: a person, or the reason why none came. Nothing in it is a secret."""

    #: Of its row in the activity; '' where the test could not even begin.
    reference: str
    at: float
    #: Which settings were tried (`fingerprint`).
    settings: str
    duration_ms: int = 0
    provider_ms: int = 0
    notes: tuple[str, ...] = ()
    person: Person | None = None
    photo: Photo | None = None
    reason: Reason | None = None
    detail: str = ""
    provider_error: ProviderError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTest:
    """How the last test of these settings ended, whoever ran it; it names nobody."""

    reason: Reason | None
    came_back: bool
    at: datetime

    @property
    def sentence(self) -> str:
        if self.reason is None:
            return "The last test sign-in worked."
        happened = explain_reason(self.reason).happened
        if self.came_back:
            return f"The last test sign-in worked, but a real one would be refused: {happened}"
        return f"The last test sign-in failed: {happened}"


def keep(session: SessionBase, user_id: int, trial: Trial) -> None:
    """Keep a report for this person in this session, in place of the one before.

    While the shared cache cannot be reached the session says only that there was one: its rows
    are no place for claims, and in the memory of one process the others would not find it.
    """
    before = session.get(SESSION_KEY)
    if isinstance(before, str):
        store.drop(_key(user_id, before))
    token = secrets.token_urlsafe(32)
    told = store.write_shared(_key(user_id, token), encrypt(_to_json(trial)), KEPT_SECONDS)
    session[SESSION_KEY] = token if told else None


def kept(session: SessionBase, user_id: int) -> Trial | None:
    """Return the report that this person has in this session, for as long as it is kept."""
    token = session.get(SESSION_KEY)
    sealed = store.read_shared(_key(user_id, token)) if isinstance(token, str) else None
    if not isinstance(sealed, str):
        return None
    try:
        return _from_json(decrypt(sealed))
    except (CannotDecrypt, KeyError, TypeError, ValueError):
        # Sealed by other keys, or written by another version of PatchMon a moment ago.
        return None


def can_be_kept() -> bool:
    return store.is_reachable()


def is_lost(session: SessionBase) -> bool:
    """Say whether a report is missing because the shared cache is, or was when it came."""
    return not can_be_kept() or session.get(SESSION_KEY, "") is None


def remember(config: Config, trial: Trial, refused: Reason | None) -> None:
    """Remember for everybody how a test of these settings ended."""
    reason = trial.reason or refused
    if reason is not None and (reason in _TELL_NOTHING or reason.is_about_the_round_trip):
        return
    store.write(
        _last_key(config),
        (reason.value if reason else "", trial.person is not None, trial.at),
        _LAST_KEPT,
    )


def last_test(config: Config) -> LastTest | None:
    """Return how the last test of exactly these settings ended, enabled or not."""
    held: tuple[str, bool, float] | None = store.read(_last_key(config))
    if held is None:
        return None
    reason, came_back, at = held
    return LastTest(
        reason=Reason(reason) if reason else None,
        came_back=came_back,
        at=datetime.fromtimestamp(at, tz=UTC),
    )


def fingerprint(config: Config) -> str:
    """Digest of what a test tries: as a round trip's version, but the same after Enable."""
    parts = [
        replace(config, enabled=False).trip_version,
        credential_fingerprint(config.issuer, config.client_id, config.client_secret),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _key(user_id: int, token: str) -> str:
    return store.key("trial", f"{user_id} {token}")


def _last_key(config: Config) -> str:
    return store.key("trial-last", fingerprint(config))


def _to_json(trial: Trial) -> str:
    return json.dumps(asdict(trial))


def _from_json(text: str) -> Trial:
    held: dict[str, Any] = json.loads(text)
    held["notes"] = tuple(held["notes"])
    held["reason"] = Reason(held["reason"]) if held["reason"] else None
    if held["photo"]:
        held["photo"] = Photo(**held["photo"])
    if held["provider_error"]:
        told = held["provider_error"]
        held["provider_error"] = ProviderError(
            **{**told, "stage": Stage(told["stage"]), "codes": tuple(told["codes"])}
        )
    if held["person"]:
        held["person"] = _person(held["person"])
    return Trial(**held)


def _person(held: Mapping[str, Any]) -> Person:
    identity = dict(held["identity"])
    identity["groups"] = _groups(identity["groups"])
    identity["ignored"] = tuple(identity["ignored"])
    return Person(
        identity=Identity(**identity),
        groups=_groups(held["groups"]),
        is_entra=held["is_entra"],
        claims=_pairs(held["claims"]),
        userinfo=_pairs(held["userinfo"]),
    )


def _groups(held: Mapping[str, Any]) -> GroupsClaim:
    return GroupsClaim(
        values=tuple(held["values"]), source=GroupsSource(held["source"]), ignored=held["ignored"]
    )


def _pairs(held: list[list[str]]) -> Pairs:
    return tuple((name, value) for name, value in held)
