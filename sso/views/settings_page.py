"""What the views of Settings → OIDC / SSO share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.forms import CurrentPasswordForm
from accounts.freshness import PASSWORD_FIELD, Way
from accounts.models import User
from accounts.roles import Role
from accounts.views.fresh import FreshSignIn, fresh_sign_in
from sso.conf import DEFAULT_SCOPES, ENTRA_SCOPES, Config
from sso.forms import OIDCSettingsForm
from sso.fresh_sign_in import ONLY_REPAIRS, may_repair
from sso.readiness import Cause, readiness
from sso.rules.microsoft import LOGIN_HOSTS
from sso.rules.permissions import locked_fields
from sso.rules.repair import SUPERADMIN_ROW_EMPTY, DiscoveredIssuer
from sso.secret_forms import ClientSecretForm
from sso.seen_values import seal_base
from sso.services.checkup_runs import last_check
from sso.services.guide import guide
from sso.services.in_force import values_in_force
from sso.services.secret_expiry import secret_expiry
from sso.services.settings import SECRET, enable_problems, shown_values
from sso.services.settings_checks import endpoint_problems
from sso.services.trial_reports import last_test

PILLS: Final = {Cause.READY: ("green", "Ready"), Cause.OFF: ("grey", "Off")}
NOT_READY: Final = ("red", "Not ready")
# For settings.js, which corrects the scopes as soon as the issuer is seen to be Microsoft's.
_ENTRA: Final = {
    "scopes": ENTRA_SCOPES,
    "other_scopes": DEFAULT_SCOPES,
    "hosts": sorted(LOGIN_HOSTS),
}


@method_decorator(
    [never_cache, sensitive_post_parameters(SECRET, PASSWORD_FIELD)],
    name="dispatch",
)
class SettingsPage(PermissionRequiredMixin, View):
    """What every view of this page shares: who may, what is in force, how it is rendered."""

    permission_required = "accounts.can_manage_settings"
    raise_exception = True

    @property
    def actor(self) -> User:
        return cast("User", self.request.user)

    def initial(self, config: Config) -> dict[str, Any]:
        """Return what the fields show: the environment's values while it is in charge."""
        if config.from_environment:
            return values_in_force(config)
        return shown_values()

    def form(
        self,
        config: Config,
        data: Mapping[str, Any] | None = None,
        *,
        initial: Mapping[str, Any] | None = None,
        discovered: DiscoveredIssuer | None = None,
        ask_confirmation: bool = False,
    ) -> OIDCSettingsForm:
        values = self.initial(config) if initial is None else dict(initial)
        if not values.get("base"):
            values["base"] = seal_base(values)
        return OIDCSettingsForm(
            data,
            initial=values,
            saved=None if initial is None else self.initial(config),
            discovered=discovered,
            locked=locked_fields(Role(self.actor.role), config.mapping),
            read_only=config.from_environment,
            ask_confirmation=ask_confirmation,
        )

    def page(
        self,
        request: HttpRequest,
        config: Config,
        form: OIDCSettingsForm,
        secret_form: ClientSecretForm | None = None,
        password_form: CurrentPasswordForm | None = None,
        *,
        preview: dict[str, Any] | None = None,
        status: int = 200,
    ) -> HttpResponse:
        state = readiness(config)
        kind, label = PILLS.get(state.cause, NOT_READY)
        forms = (form, secret_form or ClientSecretForm(), password_form or CurrentPasswordForm())
        context = {
            "form": form,
            "secret_form": forms[1],
            "password_form": forms[2],
            "error_forms": forms,
            "error_count": sum(len(each.errors) for each in forms),
            "fresh": self.fresh(request),
            "config": config,
            "secret_expiry": secret_expiry(config),
            "state_pill": {"kind": kind, "label": label},
            "env": self._environment(config, imported="imported" in request.GET),
            "warnings": list(self._warnings(config, state.cause, state.explanation)),
            "ahead": _ahead(config),
            "entra": _ENTRA,
            "read_only": config.from_environment,
            "field_locks": {}
            if config.from_environment
            else locked_fields(Role(self.actor.role), config.mapping),
            "last_check": last_check(config),
            "last_test": last_test(config),
            "scopes_suggestion": form.suggestions.get("scopes", ""),
            "preview": preview,
            "guide": guide(config),
        }
        return render(request, "sso/settings.html", context, status=status)

    def fresh(self, request: HttpRequest) -> FreshSignIn:
        asked = fresh_sign_in(request)
        if asked.way is Way.NONE and may_repair(self.actor):
            return replace(asked, no_way=ONLY_REPAIRS)
        return asked

    def _environment(self, config: Config, *, imported: bool) -> dict[str, Any] | None:
        if not config.from_environment:
            return None
        return {"set": config.environment_variables, "imported": imported}

    def _warnings(self, config: Config, cause: Cause, explanation: str) -> list[dict[str, str]]:
        warnings = []
        if cause not in {Cause.READY, Cause.OFF}:
            warnings.append(_callout("red", "Single sign-on is not ready", explanation))
        if config.sync_roles and not config.mapping.fills(Role.SUPERADMIN):
            warnings.append(
                _callout("amber", "The superadmin row is empty", SUPERADMIN_ROW_EMPTY.text)
            )
        if not config.enforce_https:
            warnings.append(
                _callout(
                    "amber",
                    "Enforce HTTPS is off",
                    "Plain http is accepted: only for local testing.",
                )
            )
        if config.trust_unverified_email:
            warnings.append(
                _callout(
                    "amber",
                    "E-mail addresses are trusted",
                    "Whoever the provider gives an address can take over the ordinary account "
                    "that has it here. Switch this off once your people have moved over.",
                )
            )
        return warnings


def _ahead(config: Config) -> dict[str, Any] | None:
    """Say what to do next, from an empty page until single sign-on is on."""
    if config.enabled or config.from_environment:
        return None
    problems = list((endpoint_problems(config) | enable_problems(config)).values())
    if problems:
        return {
            "kind": "info",
            "heading": "Before you can enable OIDC / SSO",
            "items": problems,
            "action_url": "#guide",
            "action_label": "The setup guide says where each value comes from",
        }
    check, test = last_check(config), last_test(config)
    if check is None and test is None:
        return {
            "kind": "info",
            "heading": "Everything is filled in. Check it next",
            "items": (),
            "text": "Check configuration asks the provider whether it accepts what is saved, "
            "Test sign-in shows what would become of one. Both work while SSO is off.",
            "action_url": "#check-configuration",
            "action_label": "Go to Check configuration",
        }
    return {
        "kind": "info",
        "heading": "Filled in, and still off",
        "items": (),
        "text": " ".join(last.sentence for last in (check, test) if last),
        "action_url": "#id_enabled",
        "action_label": "Enable OIDC / SSO when people may use it",
    }


def _callout(kind: str, heading: str, text: str) -> dict[str, str]:
    return {"kind": kind, "heading": heading, "text": text}
