"""Check configuration: each step, on the values in force (product.md, Check configuration)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from django.utils import timezone

from sso import round_trip
from sso.conf import Config
from sso.provider import discovery
from sso.provider.checkup import client, documents, graph, redirect
from sso.provider.checkup.findings import Finding, Outcome, Step, StepResult, unknown
from sso.provider.deadline import Deadline
from sso.provider.discovery import Metadata
from sso.provider.failures import ProviderFailed
from sso.readiness import client_was_accepted, client_was_refused, forget_answers
from sso.round_trip import Purpose
from sso.rules.hosts import host_of
from sso.rules.microsoft import is_microsoft_login_host
from sso.services import checkup_settings
from sso.services.checkup_settings import CALLBACK
from sso.services.journey import authorization_url
from sso.services.settings import SECRET

STEP_SECONDS: Final = 10.0
#: So fresh that step 3 has just seen it, so old that steps 4 to 7 share one request.
_METADATA_AGE: Final = 60.0

#: What a step cannot do without: values of the settings, and the step that has to pass first.
_FIELDS_NEEDED: Final[Mapping[Step, tuple[str, ...]]] = {
    Step.HOST: ("issuer",),
    Step.DISCOVERY: ("issuer",),
    Step.KEYS: ("issuer",),
    Step.CLIENT: ("issuer", "client_id", SECRET),
    Step.REDIRECT: ("issuer", "client_id", "scopes", CALLBACK),
    Step.GRAPH: ("issuer", "scopes"),
}
_STEP_NEEDED: Final[Mapping[Step, Step]] = {
    Step.DISCOVERY: Step.HOST,
    Step.KEYS: Step.DISCOVERY,
    Step.CLIENT: Step.DISCOVERY,
    Step.REDIRECT: Step.DISCOVERY,
    Step.GRAPH: Step.DISCOVERY,
}


@dataclass(frozen=True, slots=True)
class Known:
    """What a later step needs to know of an earlier one."""

    outcome: Outcome
    codes: frozenset[str] = frozenset()


Run = Mapping[Step, Known]


def run_step(step: Step, *, config: Config, run: Run) -> StepResult:
    """Run one step; what needs an earlier one that did not pass is not tried."""
    return StepResult(step=step, findings=_blocked(step, config, run) or _STEPS[step](config, run))


def _blocked(step: Step, config: Config, run: Run) -> tuple[Finding, ...]:
    needed = _FIELDS_NEEDED.get(step, ())
    if needed and any(name in needed for name in checkup_settings.field_problems(config)):
        return (_not_tried(Step.FIELDS),)
    before = _STEP_NEEDED.get(step)
    while before is not None:
        known = run.get(before)
        if known is not None and known.outcome is Outcome.FAILED:
            return (_not_tried(before),)
        before = _STEP_NEEDED.get(before)
    return ()


def _not_tried(step: Step) -> Finding:
    return unknown(f"Not tried, because step {step.number} did not pass.")


def _fields(config: Config, _run: Run) -> tuple[Finding, ...]:
    return checkup_settings.fields(config)


def _host(config: Config, _run: Run) -> tuple[Finding, ...]:
    return documents.host(
        config.issuer,
        allow_http=not config.enforce_https,
        now=time.time(),
        deadline=Deadline(STEP_SECONDS),
    )


def _discovery(config: Config, _run: Run) -> tuple[Finding, ...]:
    findings = documents.discovery(
        config.issuer,
        allow_http=not config.enforce_https,
        now=time.time(),
        deadline=Deadline(STEP_SECONDS),
    )
    if all(finding.outcome is Outcome.PASSED for finding in findings):
        # It answers again: let readiness find that out at once.
        forget_answers(config.issuer)
    return findings


def _with_metadata(
    ask: Callable[[Config, Run, Metadata, Deadline], tuple[Finding, ...]],
) -> Callable[[Config, Run], tuple[Finding, ...]]:
    def step(config: Config, run: Run) -> tuple[Finding, ...]:
        deadline = Deadline(STEP_SECONDS)
        try:
            metadata = _metadata(config, deadline)
        except ProviderFailed:
            return (_not_tried(Step.DISCOVERY),)
        return ask(config, run, metadata, deadline)

    return step


def _metadata(config: Config, deadline: Deadline) -> Metadata:
    return discovery.metadata(
        config.issuer,
        max_age=_METADATA_AGE,
        deadline=deadline,
        allow_http=not config.enforce_https,
    )


def _keys(
    _config: Config, _run: Run, metadata: Metadata, deadline: Deadline
) -> tuple[Finding, ...]:
    return documents.signing_keys(metadata, deadline=deadline)


def _client(
    config: Config, _run: Run, metadata: Metadata, deadline: Deadline
) -> tuple[Finding, ...]:
    verdict = client.client(
        metadata,
        client_id=config.client_id,
        client_secret=config.client_secret,
        deadline=deadline,
    )
    if verdict.accepted:
        client_was_accepted(config)
    elif verdict.accepted is False and config.enabled:
        client_was_refused(config)
    return (verdict.finding,)


def _redirect(
    config: Config, run: Run, metadata: Metadata, deadline: Deadline
) -> tuple[Finding, ...]:
    # A journey that nobody goes on: its key is with no browser, so nothing can come back to it.
    trip = round_trip.start(
        purpose=Purpose.SIGN_IN,
        target="/",
        version=config.trip_version,
        browser_key=round_trip.new_browser_key(),
        now=timezone.now(),
    )

    def url_for(redirect_uri: str) -> str:
        asking = replace(config, redirect_uri=redirect_uri)
        return authorization_url(trip, config=asking, metadata=metadata, prompt="none")

    finding = redirect.redirect(
        url_for, callback_url=config.callback_url, metadata=metadata, deadline=deadline
    )
    before = run.get(Step.CLIENT)
    if before is not None and finding.code and finding.code in before.codes:
        return (_not_tried(Step.CLIENT),)
    return (finding,)


def _graph(
    config: Config, _run: Run, metadata: Metadata, deadline: Deadline
) -> tuple[Finding, ...]:
    scopes = config.scopes_for(is_entra=metadata.is_entra)
    return (graph.graph(metadata, scopes=scopes, deadline=deadline),)


def _mapping(config: Config, run: Run) -> tuple[Finding, ...]:
    return checkup_settings.mapping(config, is_entra=_is_entra(config, run))


def _is_entra(config: Config, run: Run) -> bool:
    """Tell by the host; a simulated tenant tells by its own document, if it can be had."""
    if is_microsoft_login_host(host_of(config.issuer)):
        return True
    if not config.issuer or _blocked(Step.KEYS, config, run):
        return False
    try:
        return _metadata(config, Deadline(STEP_SECONDS)).is_entra
    except ProviderFailed:
        return False


_STEPS: Final[Mapping[Step, Callable[[Config, Run], tuple[Finding, ...]]]] = {
    Step.FIELDS: _fields,
    Step.HOST: _host,
    Step.DISCOVERY: _discovery,
    Step.KEYS: _with_metadata(_keys),
    Step.CLIENT: _with_metadata(_client),
    Step.REDIRECT: _with_metadata(_redirect),
    Step.GRAPH: _with_metadata(_graph),
    Step.MAPPING: _mapping,
}
