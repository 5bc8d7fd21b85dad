"""Test sign-in: all that a real one does, up to carrying it out (product.md, Test sign-in)."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Final

from accounts.models import User
from accounts.roles import Role
from accounts.services import username_taken
from sso.conf import REQUIRED, Config
from sso.provider import graph
from sso.provider.deadline import Deadline
from sso.provider.discovery import Metadata
from sso.rules.claims import GroupsClaim
from sso.rules.decision import Create, Decision, Refuse
from sso.rules.reasons import Reason, SignInRefused
from sso.rules.trial_words import claim_lines
from sso.rules.username import candidates
from sso.services.admission import consider
from sso.services.attempts import Attempt, log_unstarted, record_test
from sso.services.trial_reports import Person, Photo, Trial, fingerprint, remember
from sso.services.verification import Verified

_WOULD: Final = "would_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a sign-in of that person would do now."""

    decision: Decision
    #: The account that it is about; None for a new one, or where none is named.
    account: User | None
    username: str
    role_before: Role | None
    role: Role | None


def try_out(
    verified: Verified,
    *,
    config: Config,
    metadata: Metadata,
    deadline: Deadline,
    attempt: Attempt,
) -> Trial:
    """Ask the rules about whoever came back, verified as for a real sign-in, and do nothing."""
    person = _person(verified, is_entra=metadata.is_entra)
    decision = _decide(person, config)
    refused = decision.reason if isinstance(decision, Refuse) else None
    photo = _look_for_photo(verified, metadata=metadata, deadline=deadline, attempt=attempt)
    trial = _trial(config, attempt, person=person, photo=photo)
    attempt.notes.append(_WOULD + type(decision).__name__.lower())
    record_test(attempt, SignInRefused(refused) if refused else None)
    remember(config, trial, refused)
    return trial


def failed(refused: SignInRefused, *, config: Config, attempt: Attempt) -> Trial:
    """Record a test from which nobody came back that could be verified."""
    trial = _trial(config, attempt, refused=refused)
    record_test(attempt, refused)
    remember(config, trial, None)
    return trial


def unstarted(refused: SignInRefused, *, config: Config, attempt: Attempt) -> Trial:
    """Report a test that could not begin; as with a real one, that leaves no row."""
    log_unstarted(refused)
    if refused.reason is Reason.NOT_READY:
        labels = ", ".join(REQUIRED[name] for name in config.missing)
        refused = SignInRefused(refused.reason, detail=f"Still empty: {labels}.")
    trial = replace(_trial(config, attempt, refused=refused), reference="")
    remember(config, trial, None)
    return trial


def verdict(person: Person, config: Config) -> Verdict:
    """Decide anew under the settings of this moment, so that a report never lags behind them."""
    decision = _decide(person, config)
    if isinstance(decision, Create):
        username = next(name for name in candidates(person.identity) if not username_taken(name))
        return Verdict(
            decision=decision,
            account=None,
            username=username,
            role_before=None,
            role=decision.role,
        )
    named = decision.account_id
    account = None if named is None else User.objects.filter(pk=named).first()
    before = Role(account.role) if account is not None else None
    return Verdict(
        decision=decision,
        account=account,
        username=account.username if account is not None else "",
        role_before=before,
        role=None if isinstance(decision, Refuse) else decision.role or before,
    )


def _decide(person: Person, config: Config) -> Decision:
    return consider(person.identity, config=config, groups=person.groups, is_entra=person.is_entra)


def _person(verified: Verified, *, is_entra: bool) -> Person:
    identity = verified.identity
    return Person(
        # The groups to go by stand beside it; of the token's own only their source is kept.
        identity=replace(
            identity,
            groups=GroupsClaim(
                values=(), source=identity.groups.source, ignored=identity.groups.ignored
            ),
            session_id="",
            login_hint="",
        ),
        groups=verified.groups,
        is_entra=is_entra,
        claims=claim_lines(verified.claims),
        userinfo=claim_lines(verified.userinfo),
    )


def _look_for_photo(
    verified: Verified, *, metadata: Metadata, deadline: Deadline, attempt: Attempt
) -> Photo:
    if not verified.may_ask_graph:
        return Photo(asked=False)
    began = time.monotonic()
    answer = graph.profile_photo(metadata, access_token=verified.access_token, deadline=deadline)
    attempt.provider_seconds += answer.waited
    return Photo(
        asked=True,
        size=len(answer.image or b""),
        detail=answer.detail[:200],
        milliseconds=_milliseconds(time.monotonic() - began),
    )


def _trial(
    config: Config,
    attempt: Attempt,
    *,
    person: Person | None = None,
    photo: Photo | None = None,
    refused: SignInRefused | None = None,
) -> Trial:
    return Trial(
        reference=attempt.reference,
        at=time.time(),
        settings=fingerprint(config),
        duration_ms=_milliseconds(time.monotonic() - attempt.started),
        provider_ms=_milliseconds(attempt.provider_seconds),
        notes=tuple(attempt.notes),
        person=person,
        photo=photo,
        reason=refused.reason if refused else None,
        detail=refused.detail if refused else "",
        provider_error=refused.provider_error if refused else None,
    )


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
