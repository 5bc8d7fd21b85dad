"""Check configuration and Explain an error, on Settings → OIDC / SSO."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.models import User
from sso import conf
from sso.conf import Config
from sso.provider.checkup.findings import Finding, Outcome, Step, StepResult, explained
from sso.rules.aadsts import TEXT_LIMIT, explain_text
from sso.services.checkup_runs import last_check, may_check, run_all, run_next
from sso.services.checkup_settings import PLACE_LABELS, blade_url

PILLS = {
    Outcome.PASSED: "green",
    Outcome.WARNING: "amber",
    Outcome.UNKNOWN: "grey",
    Outcome.FAILED: "red",
}
TOO_MANY = "Too many checks in a short time. Wait a minute, then check again."
NOTHING_FOUND = (
    "There is no error code in this text. Paste what Microsoft's page says from “AADSTS” on, or "
    "the code alone, such as AADSTS50011."
)


@method_decorator(never_cache, name="dispatch")
class CheckView(PermissionRequiredMixin, View):
    """Run one step for the page's script, or all of them for a browser without it."""

    permission_required = "accounts.can_manage_settings"
    raise_exception = True

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("sso:settings")

    def post(self, request: HttpRequest) -> HttpResponse:
        named = request.POST.get("step", "")
        return self._one(request, named) if named else self._all(request)

    def _one(self, request: HttpRequest, named: str) -> HttpResponse:
        if named not in list(Step):
            return JsonResponse({"detail": "There is no such step."}, status=400)
        step = Step(named)
        user = cast("User", request.user)
        if not may_check(user.pk, whole=False):
            return JsonResponse({"detail": TOO_MANY}, status=429)
        config = conf.current()
        result = run_next(step, config=config, user_id=user.pk)
        last = last_check(config) if step.next is None else None
        return JsonResponse(
            {
                "step": step.value,
                "number": step.number,
                "outcome": result.outcome.value,
                "html": render_to_string(
                    "sso/_check_step.html", {"result": shown_step(result, config)}
                ),
                "next": step.next.value if step.next else "",
                "summary": last.sentence if last else "",
            }
        )

    def _all(self, request: HttpRequest) -> HttpResponse:
        if not may_check(cast("User", request.user).pk, whole=True):
            return render(request, "sso/checkup.html", {"too_many": TOO_MANY}, status=429)
        config = conf.current()
        check = run_all(config)
        context = {
            "results": [shown_step(result, config) for result in check.steps],
            "summary": check.ended.sentence,
            "kind": "info"
            if check.ended.outcome is Outcome.UNKNOWN
            else PILLS[check.ended.outcome],
        }
        return render(request, "sso/checkup.html", context)


@method_decorator([never_cache, sensitive_post_parameters("text")], name="dispatch")
class ExplainView(PermissionRequiredMixin, View):
    """Explain a pasted error, which is neither kept nor logged."""

    permission_required = "accounts.can_manage_settings"
    raise_exception = True

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("sso:settings")

    def post(self, request: HttpRequest) -> HttpResponse:
        config = conf.current()
        text = request.POST.get("text", "")[:TEXT_LIMIT]
        context = {
            "text": text,
            "nothing_found": NOTHING_FOUND,
            "explanations": [
                {**shown(explained(explanation), config), "name": explanation.code, "code": ""}
                for explanation in explain_text(text)
            ],
        }
        # The page's script asks for the answer alone, so that nothing typed elsewhere is lost.
        template = "sso/_explanations.html" if "partial" in request.POST else "sso/explain.html"
        return render(request, template, context)


def shown_step(result: StepResult, config: Config) -> dict[str, Any]:
    return {
        "step": result.step.value,
        "number": result.step.number,
        "label": result.step.label,
        "outcome": result.outcome.value,
        "pill": {"kind": PILLS[result.outcome], "label": result.outcome.label},
        "findings": [shown(finding, config) for finding in result.findings],
    }


def shown(finding: Finding, config: Config) -> dict[str, Any]:
    """Return what a template says of a finding, with links to where its cure is."""
    return {
        "happened": finding.happened,
        "cure": finding.cure,
        "who": finding.who.label if finding.who and finding.cure else "",
        "place": PLACE_LABELS.get(finding.place, ""),
        "place_url": _place_url(finding.place),
        "blade": finding.blade.value,
        "blade_url": blade_url(finding, config),
        "code": finding.code,
        "trace_id": finding.trace_id,
        "correlation_id": finding.correlation_id,
    }


def _place_url(place: str) -> str:
    if place not in PLACE_LABELS:
        return ""
    if place == "server_url":
        return reverse("accounts:general")
    return f"{reverse('sso:settings')}#id_{place}"
