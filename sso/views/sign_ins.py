"""Settings → Sign-ins: every attempt, newest first, and one in full."""

from __future__ import annotations

from django import forms
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views import View

from accounts.paging import page_of
from sso.models import SignInAttempt
from sso.rules.aadsts import explain_error
from sso.rules.explanations import Explanation
from sso.rules.meanings import explain_reason
from sso.rules.reasons import ProviderError, Reason, Stage

# Where the provider said no, by the reason that is recorded for it.
STAGES = {
    Reason.PROVIDER_ERROR.value: Stage.AUTHORIZE,
    Reason.CANCELLED.value: Stage.AUTHORIZE,
    Reason.DISCOVERY.value: Stage.DISCOVERY,
}


class FilterForm(forms.Form):
    """Narrow the list by outcome, and by person or reference."""

    outcome = forms.ChoiceField(
        required=False,
        choices=[("", "All outcomes"), *SignInAttempt.Outcome.choices],
        label="Outcome",
    )
    search = forms.CharField(required=False, max_length=254, label="Person or reference")


class SignInsView(PermissionRequiredMixin, View):
    """List attempts without counting them: counting is what gets slow."""

    permission_required = "accounts.can_manage_settings"
    raise_exception = True

    def get(self, request: HttpRequest) -> HttpResponse:
        form = FilterForm(request.GET)
        attempts = _matching(form) if form.is_valid() else SignInAttempt.objects.none()
        page = page_of(attempts, request.GET.get("page"))
        for attempt in page.object_list:
            attempt.reason_text = _happened(attempt)  # type: ignore[attr-defined]
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
        explanation = explanation_of(attempt)
        context = {
            "attempt": attempt,
            "explanation": None
            if explanation is None
            else {
                "happened": explanation.happened,
                "who": explanation.who.label,
                "cure": explanation.cure + (f" ({explanation.blade})" if explanation.blade else ""),
            },
        }
        return render(request, "sso/sign_in_detail.html", context)


def explanation_of(attempt: SignInAttempt) -> Explanation | None:
    """Explain a refusal: by the provider's own error where there is one, else by the reason."""
    if not attempt.reason or attempt.reason not in list(Reason):
        return None
    if attempt.provider_error or attempt.provider_codes:
        error = ProviderError(
            stage=STAGES.get(attempt.reason, Stage.TOKEN),
            error=attempt.provider_error,
            description=attempt.provider_description,
            codes=tuple(attempt.provider_codes),
        )
        return explain_error(error)
    return explain_reason(Reason(attempt.reason))


def _happened(attempt: SignInAttempt) -> str:
    explanation = explanation_of(attempt)
    return explanation.happened if explanation is not None else ""


def _matching(form: FilterForm) -> QuerySet[SignInAttempt]:
    attempts = SignInAttempt.objects.order_by("-at", "-pk")
    outcome, search = form.cleaned_data["outcome"], form.cleaned_data["search"].strip()
    if outcome:
        attempts = attempts.filter(outcome=outcome)
    if search:
        attempts = attempts.filter(
            Q(reference=search.upper()) | Q(username__iexact=search) | Q(email__iexact=search)
        )
    return attempts
