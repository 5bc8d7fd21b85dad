"""Settings → Sign-ins: every attempt, newest first, and one in full."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from django import forms
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views import View

from accounts.paging import page_of
from accounts.roles import Role
from sso import conf
from sso.conf import Config
from sso.models import SignInAttempt
from sso.provider.checkup.findings import explained
from sso.rules.aadsts import explain_error
from sso.rules.attempt_words import note_words, source_words
from sso.rules.decision import RoleRule
from sso.rules.explanations import Explanation, Who
from sso.rules.groups import match
from sso.rules.meanings import explain_reason
from sso.rules.reasons import ProviderError, Reason, Stage
from sso.rules.trial_words import rule_words
from sso.services.attempt_list import AttemptFilter
from sso.services.attempt_list import matching as attempts_matching
from sso.views.checkup import shown

# Where the provider said no, by the reason that is recorded for it.
STAGES = {
    Reason.PROVIDER_ERROR.value: Stage.AUTHORIZE,
    Reason.CANCELLED.value: Stage.AUTHORIZE,
    Reason.DISCOVERY.value: Stage.DISCOVERY,
}
REASON_LENGTH: Final = 70
GROUPS_SHOWN: Final = 200
# Every day in between is one that every database and time zone can hold.
_A_DAY: Final = (MinValueValidator(date(1970, 1, 2)), MaxValueValidator(date(2999, 12, 30)))


def _reasons() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return every reason as a choice, under the one who can mend it."""
    groups: dict[Who, list[tuple[str, str]]] = {who: [] for who in Who}
    for reason in Reason:
        told = explain_reason(reason)
        text = told.happened
        if len(text) > REASON_LENGTH:
            text = f"{text[:REASON_LENGTH].rstrip()}…"
        groups[told.who].append((reason.value, text))
    return [
        (who.label, sorted(choices, key=lambda choice: choice[1]))
        for who, choices in groups.items()
        if choices
    ]


class FilterForm(forms.Form):
    """Narrow the list; the address of the page keeps what it is narrowed to."""

    search = forms.CharField(
        required=False,
        max_length=254,
        label="Person or reference",
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Username, e-mail or reference code"}
        ),
    )
    outcome = forms.ChoiceField(
        required=False,
        choices=[("", "All outcomes"), *SignInAttempt.Outcome.choices],
        label="Outcome",
    )
    reason = forms.ChoiceField(
        required=False, choices=[("", "All reasons"), *_reasons()], label="Reason"
    )
    since = forms.DateField(
        label="From",
        required=False,
        validators=_A_DAY,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    until = forms.DateField(
        label="To",
        required=False,
        validators=_A_DAY,
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def wanted(self) -> AttemptFilter:
        return AttemptFilter(**self.cleaned_data)


class SignInsView(PermissionRequiredMixin, View):
    """List attempts without counting them: counting is what gets slow."""

    permission_required = "accounts.can_manage_settings"
    raise_exception = True

    def get(self, request: HttpRequest) -> HttpResponse:
        form = FilterForm(request.GET)
        attempts = (
            attempts_matching(form.wanted()) if form.is_valid() else SignInAttempt.objects.none()
        )
        page = page_of(attempts, request.GET.get("page"))
        for attempt in page.object_list:
            attempt.reason_text = happened(attempt)  # type: ignore[attr-defined]
            attempt.role_text = _role_label(attempt.role_after)  # type: ignore[attr-defined]
        context = {
            "page": page,
            "filter_form": form,
            "filtered": any(request.GET.get(name) for name in form.fields),
        }
        return render(request, "sso/sign_ins.html", context)


class SignInView(PermissionRequiredMixin, View):
    """Show one attempt in full, with what happened and who can mend it."""

    permission_required = "accounts.can_manage_settings"
    raise_exception = True

    def get(self, request: HttpRequest, reference: str) -> HttpResponse:
        attempt = get_object_or_404(SignInAttempt, reference=reference.upper())
        if not attempt.is_sign_in:
            context = {"attempt": attempt, "happened": happened(attempt)}
            return render(request, "sso/local_opened.html", context)
        config = conf.current()
        explanation = explanation_of(attempt)
        error = _provider_error(attempt)
        context = {
            "attempt": attempt,
            "explanation": shown(explained(explanation, error=error), config)
            if explanation
            else None,
            "role_before": _role_label(attempt.role_before),
            "role_after": _role_label(attempt.role_after),
            "rule": rule_of(attempt),
            "notes": [note_words(note) for note in attempt.notes],
            "groups_source": source_words(attempt.groups_source),
            "own_ms": max(0, attempt.duration_ms - attempt.provider_ms),
            **_groups(attempt, config),
        }
        return render(request, "sso/sign_in_detail.html", context)


def explanation_of(attempt: SignInAttempt) -> Explanation | None:
    """Explain a refusal: by the provider's own error where there is one, else by the reason."""
    if not attempt.reason or attempt.reason not in list(Reason):
        return None
    error = _provider_error(attempt)
    return explain_reason(Reason(attempt.reason)) if error is None else explain_error(error)


def happened(attempt: SignInAttempt) -> str:
    """Say in a sentence what became of an attempt; nothing where it went through."""
    if not attempt.is_sign_in:
        return "The command line lets people sign in with passwords for a while."
    explanation = explanation_of(attempt)
    return explanation.happened if explanation is not None else ""


def rule_of(attempt: SignInAttempt) -> str:
    """Say in words which rule decided the role."""
    rule = attempt.role_rule
    return rule_words(RoleRule(rule)) if rule in list(RoleRule) else rule


def _provider_error(attempt: SignInAttempt) -> ProviderError | None:
    """Return the provider's error where it ended the sign-in; one of Graph's may stand beside."""
    if not attempt.provider_error and not attempt.provider_codes:
        return None
    if attempt.reason in list(Reason) and Reason(attempt.reason).is_our_own:
        return None
    return ProviderError(
        stage=STAGES.get(attempt.reason, Stage.TOKEN),
        error=attempt.provider_error,
        description=attempt.provider_description,
        codes=tuple(attempt.provider_codes),
        trace_id=attempt.trace_id,
        correlation_id=attempt.correlation_id,
    )


def _groups(attempt: SignInAttempt, config: Config) -> dict[str, Any]:
    """Match the groups that were received with the mapping as it is now."""
    found = match(attempt.groups, config.mapping)
    return {
        "matched": [
            (group, role.value.replace("_", " "), role.label)
            for role, group in found.matched[:GROUPS_SHOWN]
        ],
        "unmatched": found.unmatched[:GROUPS_SHOWN],
        "groups_more": max(0, len(found.matched) - GROUPS_SHOWN)
        + max(0, len(found.unmatched) - GROUPS_SHOWN),
    }


def _role_label(role: str) -> str:
    return Role(role).label if role in list(Role) else role
