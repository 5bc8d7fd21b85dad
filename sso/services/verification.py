"""From a code to a verified identity and its groups: every request that a sign-in makes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from accounts.roles import ROLES
from sso.conf import Config
from sso.provider import graph, tokens
from sso.provider.deadline import Deadline
from sso.provider.discovery import Metadata
from sso.provider.failures import ProviderFailed
from sso.readiness import client_was_accepted, client_was_refused
from sso.round_trip import RoundTrip
from sso.rules.claims import (
    GroupsClaim,
    GroupsSource,
    Identity,
    VerifiedClaims,
    identity_from,
    needs_userinfo,
)
from sso.rules.groups import group_key
from sso.rules.reasons import Reason, SignInRefused
from sso.services.attempts import Attempt

# Of the ten seconds for a whole callback (verification.md, The network).
CALLBACK_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A person as the provider vouches for them, and what may still be asked for them."""

    identity: Identity
    groups: GroupsClaim
    access_token: str = field(repr=False)
    may_ask_graph: bool
    claims: VerifiedClaims = field(repr=False)
    #: What userinfo added, where it was asked.
    userinfo: Mapping[str, Any] = field(repr=False)


def identify(
    code: str,
    *,
    trip: RoundTrip,
    config: Config,
    metadata: Metadata,
    deadline: Deadline,
    attempt: Attempt,
) -> Verified:
    """Redeem a code and verify all that it brings; raise SignInRefused for anything else."""
    with _waiting(attempt):
        try:
            answer = tokens.redeem(
                metadata,
                client_id=config.client_id,
                client_secret=config.client_secret,
                code=code,
                code_verifier=trip.code_verifier,
                redirect_uri=config.callback_url,
                deadline=deadline,
            )
        except ProviderFailed as failure:
            if failure.reason is Reason.CLIENT_REFUSED:
                client_was_refused(config)
            raise
        client_was_accepted(config)
        claims = tokens.verify_id_token(
            answer.id_token,
            metadata=metadata,
            client_id=config.client_id,
            nonce=trip.nonce,
            access_token=answer.access_token,
            now=time.time(),
            deadline=deadline,
        )
        userinfo = None
        if metadata.userinfo_endpoint and needs_userinfo(
            claims, is_entra=metadata.is_entra, groups_matter=config.sync_roles
        ):
            userinfo = tokens.userinfo(
                metadata,
                access_token=answer.access_token,
                subject=claims["sub"],
                deadline=deadline,
            )
    identity = identity_from(claims, is_entra=metadata.is_entra, userinfo=userinfo)
    attempt.identity = identity
    attempt.groups = identity.groups
    may_ask_graph = bool(metadata.graph_root) and answer.may_read_graph
    groups = identity.groups
    if config.sync_roles and metadata.is_entra:
        with _waiting(attempt):
            groups = _resolve_groups(
                groups,
                config=config,
                metadata=metadata,
                access_token=answer.access_token,
                may_ask_graph=may_ask_graph,
                deadline=deadline,
                attempt=attempt,
            )
    attempt.groups = groups
    return Verified(
        identity=identity,
        groups=groups,
        access_token=answer.access_token,
        may_ask_graph=may_ask_graph,
        claims=claims,
        userinfo=userinfo or {},
    )


def _resolve_groups(
    groups: GroupsClaim,
    *,
    config: Config,
    metadata: Metadata,
    access_token: str,
    may_ask_graph: bool,
    deadline: Deadline,
    attempt: Attempt,
) -> GroupsClaim:
    """Ask Graph where the token leaves the groups out (sign-in.md, Groups)."""
    if groups.source not in {GroupsSource.OVERAGE, GroupsSource.ABSENT}:
        return groups
    if not may_ask_graph:
        if groups.source is GroupsSource.OVERAGE:
            attempt.notes.append("graph_not_allowed")
        return groups
    best = next((role for role in ROLES if config.mapping.fills(role)), None)
    best_keys = {group_key(value) for value in config.mapping.rows.get(best, ())} if best else set()
    answer = graph.member_groups(
        metadata,
        access_token=access_token,
        overage=groups.source is GroupsSource.OVERAGE,
        stop_at=lambda group: group_key(group) in best_keys,
        deadline=deadline,
    )
    if answer.reason is not None:
        attempt.provider_error = answer.provider_error
        attempt.notes.append(f"graph:{answer.reason.value}")
        if answer.detail:
            attempt.notes.append(answer.detail[:200])
    return groups.resolved_by(answer.groups)


@contextmanager
def _waiting(attempt: Attempt) -> Iterator[None]:
    """Count the time spent on the provider; turn its failures into refusals."""
    try:
        with attempt.waiting():
            yield
    except ProviderFailed as failure:
        raise SignInRefused(
            failure.reason, detail=failure.detail, provider_error=failure.provider_error
        ) from None
