"""Enable, and Load from .env: what of Settings → OIDC / SSO saves at once."""

from __future__ import annotations

from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.forms import CurrentPasswordForm
from accounts.freshness import PASSWORD_FIELD, NotConfirmed
from accounts.models import User
from accounts.views.who import PostOnly, wait
from sso import conf
from sso.environment import VARIABLES
from sso.environment_import import import_environment
from sso.fresh_sign_in import with_fresh_sign_in
from sso.readiness import readiness
from sso.services.checkup_runs import last_check
from sso.services.look_up import look_before_enabling
from sso.services.settings import Assurance, SettingsRefused, save_settings
from sso.services.trial_reports import last_test
from sso.views.settings_page import SettingsPage


class EnableView(SettingsPage, PostOnly):
    """Switch single sign-on on or off, at once."""

    leads_to = "sso:settings"

    def post(self, request: HttpRequest) -> HttpResponse:
        if conf.current().from_environment:
            messages.error(request, "Enable comes from the environment and is read-only here.")
            return redirect("sso:settings")
        # The hidden field says off, the ticked box adds on: the last one counts.
        enabled = request.POST.get("enabled") == "on"
        try:
            with_fresh_sign_in(
                request, partial(enable, request=request, actor=self.actor, enabled=enabled)
            )
        except NotConfirmed as refused:
            return wait(self._ask(request, refused, enabled=enabled), refused.retry_after)
        return redirect("sso:settings")

    def _ask(self, request: HttpRequest, refused: NotConfirmed, *, enabled: bool) -> HttpResponse:
        """Ask for a fresh sign-in on a page of its own: there is nothing else on it to lose."""
        password_form = CurrentPasswordForm()
        if PASSWORD_FIELD in request.POST:
            password_form = CurrentPasswordForm(request.POST)
            password_form.refuse(refused.sentence)
        context = {
            "password_form": password_form,
            "fresh": self.fresh(request),
            "enabled": enabled,
        }
        return render(request, "sso/confirm_enable.html", context)


def enable(assurance: Assurance, *, request: HttpRequest, actor: User, enabled: bool) -> None:
    """Switch single sign-on on or off, and say what came of it."""
    if enabled:
        config = conf.current()
        look_before_enabling(config.issuer, enforce_https=config.enforce_https)
    try:
        save_settings({"enabled": enabled}, actor=actor, assurance=assurance)
    except SettingsRefused as refused:
        text = " ".join(sentence for texts in refused.errors.values() for sentence in texts)
        messages.error(request, f"OIDC / SSO cannot be enabled yet. {text}")
        return
    if not enabled:
        messages.success(request, "OIDC / SSO is off. Everybody signs in with a password.")
        return
    config = conf.current()
    state = readiness(config)
    found = [last.sentence for last in (last_check(config), last_test(config)) if last]
    checked = " ".join(found) or "It has not been checked: press Check configuration."
    if state.ready:
        text = "OIDC / SSO is enabled: the button is on the sign-in page."
        messages.success(request, f"{text} {checked}")
    else:
        text = f"OIDC / SSO is enabled, but not ready. {state.explanation}"
        messages.warning(request, f"{text} {checked}")


class ImportEnvironmentView(SettingsPage, PostOnly):
    """Copy every variable into the database, the secret too."""

    leads_to = "sso:settings"

    def post(self, request: HttpRequest) -> HttpResponse:
        config = conf.current()
        if not config.from_environment:
            messages.error(request, "No OIDC_* variable is set, so there is nothing to load.")
            return redirect("sso:settings")
        errors = import_environment(config, actor=self.actor)
        if errors:
            for name, texts in errors.items():
                variable = _variable(name)
                messages.error(request, f"{variable}: {' '.join(texts)} Nothing was loaded.")
            return redirect("sso:settings")
        messages.success(request, "The values are in the database now.")
        response = redirect("sso:settings")
        response["Location"] += "?imported"
        return response


def _variable(field: str) -> str:
    return next((name for name, target in VARIABLES.items() if target == field), "OIDC_*")
