"""Checks as wholes: how often, how far one has come, how the last one ended.

Between two steps only the shared cache knows of a check, and it goes on without: each step then
finds out for itself what it needs.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sso.conf import Config, credential_fingerprint
from sso.provider import store
from sso.provider.checkup.findings import Outcome, Step, StepResult
from sso.services.checkup import Known, Run, run_step

CHECKS_A_MINUTE: Final = 6
_RUN_KEPT: Final = 600
_LAST_KEPT: Final = 30 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class LastCheck:
    """How the last whole check of these very settings ended, and at which step first."""

    outcome: Outcome
    step: Step | None
    at: datetime

    @property
    def sentence(self) -> str:
        where = f" at step {self.step.number} ({self.step.label})" if self.step else ""
        match self.outcome:
            case Outcome.PASSED:
                return "The last check passed."
            case Outcome.WARNING:
                return f"The last check passed, with a warning{where}."
            case Outcome.UNKNOWN:
                return f"The last check could not tell everything{where}."
            case Outcome.FAILED:
                return f"The last check failed{where}."


@dataclass(frozen=True, slots=True)
class WholeCheck:
    steps: tuple[StepResult, ...]
    ended: LastCheck


def run_all(config: Config) -> WholeCheck:
    """Run every step and remember how it ended."""
    results: list[StepResult] = []
    run: dict[Step, Known] = {}
    for step in Step:
        result = run_step(step, config=config, run=run)
        run[step] = Known(result.outcome, result.codes)
        results.append(result)
    return WholeCheck(tuple(results), _remembered(config, run))


def may_check(user_id: int, *, whole: bool) -> bool:
    """Count a whole check, or one step of one, against a person's few in a minute."""
    limit = CHECKS_A_MINUTE if whole else CHECKS_A_MINUTE * len(Step)
    kind = "check-rate" if whole else "check-step-rate"
    return store.count(store.key(kind, str(user_id)), 60) <= limit


def run_next(step: Step, *, config: Config, user_id: int) -> StepResult:
    """Run a step of a person's check; the last one remembers how the whole of it ended."""
    key = store.key("check-run", f"{user_id} {_fingerprint(config)}")
    run = {} if step is Step.FIELDS else _read_run(key)
    result = run_step(step, config=config, run=run)
    run[step] = Known(result.outcome, result.codes)
    store.write(
        key,
        {each.value: (known.outcome.value, sorted(known.codes)) for each, known in run.items()},
        _RUN_KEPT,
    )
    # One in the middle of which the settings changed knows only some of its steps.
    if step.next is None and set(run) == set(Step):
        _remembered(config, run)
    return result


def _read_run(key: str) -> dict[Step, Known]:
    held: dict[str, tuple[str, list[str]]] = store.read(key) or {}
    return {
        Step(name): Known(Outcome(outcome), frozenset(codes))
        for name, (outcome, codes) in held.items()
    }


def _remembered(config: Config, run: Run) -> LastCheck:
    order = list(Outcome)
    worst = max((known.outcome for known in run.values()), key=order.index)
    first = next(step for step in Step if run[step].outcome is worst)
    now = time.time()
    store.write(
        store.key("check-last", _fingerprint(config)), (worst.value, first.value, now), _LAST_KEPT
    )
    return _ended(worst, first, now)


def _ended(outcome: Outcome, step: Step, at: float) -> LastCheck:
    return LastCheck(
        outcome=outcome,
        step=None if outcome is Outcome.PASSED else step,
        at=datetime.fromtimestamp(at, tz=UTC),
    )


def last_check(config: Config) -> LastCheck | None:
    """Return how the last check of exactly these settings ended."""
    held: tuple[str, str, float] | None = store.read(store.key("check-last", _fingerprint(config)))
    if held is None:
        return None
    return _ended(Outcome(held[0]), Step(held[1]), held[2])


def _fingerprint(config: Config) -> str:
    """Digest of all that the check looks at: not the version, which Enable alone moves on."""
    parts = [
        credential_fingerprint(config.issuer, config.client_id, config.client_secret),
        str(config.client_secret_expires),
        config.callback_url,
        config.scopes,
        config.enforce_https,
        config.sync_roles,
        config.mapping.default_role.value,
        sorted((role.value, list(values)) for role, values in config.mapping.rows.items()),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
