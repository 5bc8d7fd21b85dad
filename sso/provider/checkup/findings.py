"""What a step of the check comes to, in words that name the cause and the cure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sso.rules.explanations import Blade, Explanation, Field, Who
from sso.rules.reasons import ProviderError


class Step(StrEnum):
    FIELDS = "fields"
    HOST = "host"
    DISCOVERY = "discovery"
    KEYS = "keys"
    CLIENT = "client"
    REDIRECT = "redirect"
    GRAPH = "graph"
    MAPPING = "mapping"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def number(self) -> int:
        return list(Step).index(self) + 1

    @property
    def next(self) -> Step | None:
        return next((step for step in Step if step.number == self.number + 1), None)


_LABELS = {
    Step.FIELDS: "Saved fields",
    Step.HOST: "Provider's host",
    Step.DISCOVERY: "Discovery document",
    Step.KEYS: "Signing keys",
    Step.CLIENT: "Client ID and secret",
    Step.REDIRECT: "Redirect URI and scopes",
    Step.GRAPH: "Microsoft Graph",
    Step.MAPPING: "Role mapping, and a way in if SSO fails",
}


class Outcome(StrEnum):
    """The worst last: a step is what the worst of its findings is."""

    PASSED = "passed"
    WARNING = "warning"
    UNKNOWN = "unknown"
    FAILED = "failed"

    @property
    def label(self) -> str:
        return "Could not tell" if self is Outcome.UNKNOWN else self.value.capitalize()


#: The field of the settings that a catalogue's cure is about, by the name it has in the form.
#: Server URL is in another form, hence its own name.
_PLACES = {Field.ISSUER_URL: "issuer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found out; `place` names the field to change here, `blade` the place in Entra."""

    outcome: Outcome
    happened: str
    cure: str = ""
    who: Who | None = None
    place: str = ""
    blade: Blade = Blade.NONE
    code: str = ""
    trace_id: str = ""
    correlation_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    step: Step
    findings: tuple[Finding, ...]

    @property
    def outcome(self) -> Outcome:
        return max((each.outcome for each in self.findings), key=list(Outcome).index)

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(each.code for each in self.findings if each.code)


def passed(happened: str) -> Finding:
    return Finding(outcome=Outcome.PASSED, happened=happened)


def unknown(happened: str, cure: str = "") -> Finding:
    return Finding(outcome=Outcome.UNKNOWN, happened=happened, cure=cure)


def explained(
    explanation: Explanation,
    *,
    outcome: Outcome | None = None,
    error: ProviderError | None = None,
) -> Finding:
    """Turn a catalogue's explanation into a finding; what passes by itself proves nothing."""
    if outcome is None:
        outcome = Outcome.UNKNOWN if explanation.who is Who.NOBODY else Outcome.FAILED
    return Finding(
        outcome=outcome,
        happened=explanation.happened,
        cure=explanation.cure,
        who=explanation.who,
        place=_PLACES.get(explanation.field, explanation.field.value),
        blade=explanation.blade,
        code=explanation.code if explanation.code.startswith("AADSTS") else "",
        trace_id=error.trace_id if error else "",
        correlation_id=error.correlation_id if error else "",
    )
