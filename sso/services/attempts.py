"""The record of sign-ins: one row an attempt, written after the decision was committed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from sso import metrics
from sso.models import SignInAttempt
from sso.provider import store
from sso.rules.claims import GroupsClaim, Identity
from sso.rules.decision import Create, RoleRule
from sso.rules.reasons import ProviderError, Reason, SignInRefused
from sso.services.admission import Admission
from sso.services.linked import GROUPS_KEPT

log = structlog.stdlib.get_logger(__name__)

# Without letters and digits that look alike: people read it out on the telephone.
REFERENCE_LETTERS: Final = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
REFERENCE_LENGTH: Final = 8
STRAY_LINES_A_MINUTE: Final = 5
# What a sign-in would have done to the role of Super Admin, but for this row.
SUPERADMIN_ROW_EMPTY: Final = frozenset(
    {RoleRule.KEPT_SUPERADMIN_ROW_EMPTY, RoleRule.DEFAULT_SUPERADMIN_ROW_EMPTY}
)
# A little and often, since somebody's sign-in waits for it: over 100,000 a day all the same.
PRUNE_EVERY: Final = 600
PRUNE_AT_ONCE: Final = 800


def new_reference() -> str:
    """Make the code that a person is shown and an administrator searches for."""
    return "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(REFERENCE_LENGTH))


@dataclass(slots=True, kw_only=True)
class Attempt:
    """What is learned in the course of one sign-in; nothing in it is a secret."""

    reference: str = field(default_factory=new_reference)
    started: float = field(default_factory=time.monotonic)
    provider_seconds: float = 0.0
    issuer: str = ""
    address: str = ""
    user_agent: str = ""
    identity: Identity | None = None
    groups: GroupsClaim | None = None
    admission: Admission | None = None
    user: User | None = None
    notes: list[str] = field(default_factory=list)
    #: What the provider answered where something went wrong that did not end the sign-in.
    provider_error: ProviderError | None = None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time until the provider has answered."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.provider_seconds += time.monotonic() - began


def record_success(attempt: Attempt, outcome: SignInAttempt.Outcome) -> None:
    """Write down who came in, and log the groups as the guide greps for them."""
    row = _row(attempt, outcome)
    _save(row)
    _log_groups(attempt)
    log.info(
        "oidc signed in" if outcome == SignInAttempt.Outcome.SIGNED_IN else "oidc connected",
        _event=f"sso.attempt.{outcome}",
        reference=row.reference,
        username=row.username,
        role=row.role_after,
        rule=row.role_rule,
    )
    if row.role_rule in SUPERADMIN_ROW_EMPTY:
        log.warning(
            "oidc superadmin row is empty",
            _event="sso.superadmin_row_empty",
            at="sign-in",
            reference=row.reference,
            username=row.username,
            rule=row.role_rule,
        )


def record_refusal(attempt: Attempt, refused: SignInRefused) -> None:
    """Write down why somebody was not let in."""
    row = _row(attempt, SignInAttempt.Outcome.REFUSED)
    if row.user_id is None:
        row.user_id, row.username = refused.account_id, refused.username
    _say_why(row, refused)
    _save(row)
    _log_groups(attempt)
    log.warning(
        "oidc sign-in refused",
        _event="sso.attempt.refused",
        reference=row.reference,
        reason=row.reason,
        detail=row.detail[:200],
        codes=row.provider_codes,
        address=row.address,
    )


def record_lost(attempt: Attempt, why: Reason, *, is_test: bool) -> None:
    """Write down that somebody's own journey came back after its end."""
    (record_test if is_test else record_refusal)(attempt, SignInRefused(why))


def record_unforeseen(attempt: Attempt, error: Exception, *, is_test: bool) -> None:
    """Write down a sign-in that an error of our own ended; whoever calls raises it again.

    Of the error only its kind: its text may quote what was written.
    """
    refused = SignInRefused(Reason.UNFORESEEN, detail=type(error).__name__)
    (record_test if is_test else record_refusal)(attempt, refused)


def record_test(attempt: Attempt, refused: SignInRefused | None = None) -> None:
    """Write down that somebody tried a sign-in out, and what a real one would have ended with."""
    row = _row(attempt, SignInAttempt.Outcome.TESTED)
    if refused is not None:
        _say_why(row, refused)
    _save(row)
    _log_groups(attempt)
    log.info(
        "oidc test sign-in",
        _event="sso.attempt.tested",
        reference=row.reference,
        reason=row.reason,
        detail=row.detail[:200],
        codes=row.provider_codes,
        actor=row.username,
    )


def record_local_opened(until: datetime) -> None:
    """Write down that the command line holds local sign-in open; it is nobody's sign-in."""
    row = SignInAttempt(
        reference=new_reference(),
        outcome=SignInAttempt.Outcome.LOCAL_OPENED,
        detail=f"Until {until:%Y-%m-%d %H:%M} UTC, by the command sso allow-local-login.",
    )
    _write(row)


def log_unstarted(refused: SignInRefused) -> None:
    """Log why a journey could not begin, a few lines a minute at most; no row is written.

    Nor is there a reference: whoever was told one would have it looked up in vain.
    """
    if store.count("sso:unstarted", 60) <= STRAY_LINES_A_MINUTE:
        log.warning(
            "oidc sign-in could not begin",
            _event="sso.start.failed",
            reason=refused.reason.value,
            detail=refused.detail[:200],
        )


def count_stray_callback(why: str) -> None:
    """Count a callback that belongs to no round trip; log a few of them a minute at most."""
    metrics.count_stray(why)
    if store.count("sso:stray", 60) <= STRAY_LINES_A_MINUTE:
        log.info("oidc callback without a round trip", _event="sso.callback.stray", why=why)


def _row(attempt: Attempt, outcome: SignInAttempt.Outcome) -> SignInAttempt:
    identity, admission = attempt.identity, attempt.admission
    user = admission.user if admission is not None else attempt.user
    row = SignInAttempt(
        reference=attempt.reference,
        outcome=outcome,
        duration_ms=int((time.monotonic() - attempt.started) * 1000),
        provider_ms=int(attempt.provider_seconds * 1000),
        user=user,
        username=user.username if user is not None else "",
        issuer=attempt.issuer,
        address=attempt.address[:64],
        user_agent=attempt.user_agent[:300],
        notes=[*attempt.notes, *(admission.notes if admission is not None else ())],
    )
    if identity is not None:
        row.issuer = identity.issuer
        row.subject = identity.subject
        row.tenant_id = identity.tenant_id
        row.object_id = identity.object_id
        row.email = identity.email
        row.email_verified = identity.email_verified
        row.upn = (identity.upn or identity.preferred_username)[:254]
        row.is_guest = identity.is_guest
        row.notes += [f"ignored:{name}" for name in identity.ignored]
    if attempt.groups is not None:
        row.groups = list(attempt.groups.values[:GROUPS_KEPT])
        row.groups_source = attempt.groups.source.value
    _say_what_it_said(row, attempt.provider_error)
    if admission is not None:
        row.created_account = isinstance(admission.decision, Create)
        row.role_rule = admission.role_rule.value
        row.role_before = admission.role_before
        row.role_after = admission.role_after
    return row


def _say_why(row: SignInAttempt, refused: SignInRefused) -> None:
    row.reason = refused.reason.value
    row.detail = refused.detail[:500]
    _say_what_it_said(row, refused.provider_error)


def _say_what_it_said(row: SignInAttempt, error: ProviderError | None) -> None:
    if error is not None:
        row.provider_error = error.error[:64]
        row.provider_description = error.description[:1000]
        row.provider_codes = list(error.codes)
        row.trace_id = error.trace_id[:64]
        row.correlation_id = error.correlation_id[:64]


def _save(row: SignInAttempt) -> None:
    metrics.count_outcome(row.outcome)
    if row.outcome == SignInAttempt.Outcome.REFUSED:
        metrics.count_refusal(row.reason)
    _write(row)


def _write(row: SignInAttempt) -> None:
    """Write in a transaction of its own: recording can never fail or undo a sign-in."""
    # Without the error's own text, which may quote what was written.
    try:
        _insert(row)
    except DatabaseError as error:
        log.error(  # noqa: TRY400 - see above
            "oidc attempt not recorded",
            _event="sso.attempt.not_recorded",
            reference=row.reference,
            error=type(error).__name__,
        )
    try:
        _prune()
    except DatabaseError as error:
        log.error(  # noqa: TRY400 - see above
            "oidc attempts not pruned",
            _event="sso.attempts.not_pruned",
            error=type(error).__name__,
        )


def _insert(row: SignInAttempt) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        # The account was deleted meanwhile; what happened stays on record all the same.
        row.user = None
        with transaction.atomic():
            row.save(force_insert=True)


def _prune() -> None:
    """Delete what is older than ATTEMPTS_KEPT, every ten minutes, a bounded number at a time."""
    if not store.claim("sso:attempts:pruned", 1, PRUNE_EVERY):
        return
    kept: timedelta = settings.ATTEMPTS_KEPT
    old = SignInAttempt.objects.filter(at__lt=timezone.now() - kept).order_by("at")
    with transaction.atomic():
        SignInAttempt.objects.filter(
            pk__in=list(old.values_list("pk", flat=True)[:PRUNE_AT_ONCE])
        ).delete()


def _log_groups(attempt: Attempt) -> None:
    groups = attempt.groups
    if groups is None:
        return
    if not groups.values:
        # Whatever the reason, an outage of Graph among them: the guide has people look for it.
        log.warning(
            "oidc no groups in token",
            _event="sso.groups.absent",
            reference=attempt.reference,
            source=groups.source.value,
        )
        return
    log.info(
        "oidc groups",
        _event="sso.groups.received",
        reference=attempt.reference,
        groups=list(groups.values[:GROUPS_KEPT]),
        source=groups.source.value,
    )
