"""Settings → OIDC / SSO: the page, the secret's own buttons, Enable, and Load from .env."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.models import User
from accounts.roles import Role
from sso import conf
from sso.conf import Config
from sso.environment import VARIABLES
from sso.environment_import import import_environment
from sso.forms import FORM_FIELDS, SWITCHES, ClientSecretForm, OIDCSettingsForm, seal_base
from sso.readiness import Cause, readiness
from sso.rules.hosts import host_of
from sso.rules.microsoft import is_microsoft_login_host
from sso.rules.permissions import locked_fields
from sso.rules.repair import SUPERADMIN_ROW_EMPTY, DiscoveredIssuer, NoteKind
from sso.services.in_force import values_in_force
from sso.services.look_up import look_up
from sso.services.settings import (
    SECRET,
    SettingsConflict,
    SettingsRefused,
    current_values,
    enable_problems,
    save_secret,
    save_settings,
    superadmin_has_password,
)

SAVED: Final = "OIDC settings saved"
PILLS: Final = {Cause.READY: ("green", "Ready"), Cause.OFF: ("grey", "Off")}
NOT_READY: Final = ("red", "Not ready")
_CHANGED_MEANWHILE: Final = (
    "Somebody else changed this to “{}” while you had “{}”. Nothing was saved: keep one of the "
    "two and press Apply again."
)


@method_decorator(
    [never_cache, sensitive_post_parameters(SECRET)],
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
            return values_in_force(config, is_entra=is_microsoft_login_host(host_of(config.issuer)))
        return current_values()

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
        *,
        status: int = 200,
    ) -> HttpResponse:
        state = readiness(config)
        kind, label = PILLS.get(state.cause, NOT_READY)
        context = {
            "form": form,
            "secret_form": secret_form or ClientSecretForm(),
            "config": config,
            "state_pill": {"kind": kind, "label": label},
            "env": self._environment(config, imported="imported" in request.GET),
            "warnings": list(self._warnings(config, state.cause, state.explanation)),
            "enable_problems": list(enable_problems(config).values()),
            "read_only": config.from_environment,
            "field_locks": {}
            if config.from_environment
            else locked_fields(Role(self.actor.role), config.mapping),
            "scopes_suggestion": form.suggestions.get("scopes", ""),
        }
        return render(request, "sso/settings.html", context, status=status)

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


def _callout(kind: str, heading: str, text: str) -> dict[str, str]:
    return {"kind": kind, "heading": heading, "text": text}


class SettingsView(SettingsPage):
    """Show the page; save panel, toggles and role mapping together, all or nothing."""

    def get(self, request: HttpRequest) -> HttpResponse:
        config = conf.current()
        return self.page(request, config, self.form(config))

    def post(self, request: HttpRequest) -> HttpResponse:
        config = conf.current()
        if config.from_environment:
            messages.error(request, "The values come from the environment and are read-only here.")
            return redirect("sso:settings")
        discovered = look_up(
            request.POST.get("issuer", config.issuer),
            known=config.issuer,
            enforce_https="enforce_https" in request.POST,
        )
        form = self.form(
            config,
            request.POST,
            discovered=discovered,
            ask_confirmation="disable_local_auth" in request.POST and not superadmin_has_password(),
        )
        secret_form = ClientSecretForm(request.POST)
        if form.is_valid() and secret_form.is_valid() and self._save(form, secret_form):
            messages.success(request, SAVED)
            for note in form.notes:
                add = messages.warning if note.kind is NoteKind.AMBER else messages.info
                add(request, note.text)
            if request.POST.get("then") == "enable":
                _enable(request, self.actor, enabled=True)
            return redirect("sso:settings")
        return self.page(request, config, form, secret_form)

    def _save(self, form: OIDCSettingsForm, secret_form: ClientSecretForm) -> bool:
        values = form.values()
        if secret_form.cleaned_data[SECRET]:
            # Typed and not saved by its own button: it belongs to what is applied.
            values[SECRET] = secret_form.cleaned_data[SECRET]
        try:
            save_settings(values, actor=self.actor, base=form.seen(), confirmed=form.confirmed())
        except SettingsConflict as conflict:
            form.refuse(
                {
                    name: [_CHANGED_MEANWHILE.format(_word(theirs), _word(mine))]
                    for name, (mine, theirs) in conflict.conflicts.items()
                }
            )
            # From here on they have seen the other's value.
            form.data = {
                **{name: form.data[name] for name in form.data},
                "base": seal_base(current_values()),
            }
            return False
        except SettingsRefused as refused:
            errors = dict(refused.errors)
            secret_errors = errors.pop(SECRET, [])
            form.refuse(errors)
            for text in secret_errors:
                secret_form.add_error(SECRET, text)
            return False
        return True


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value) or "empty"


class SecretView(SettingsPage):
    """Save or clear the secret alone, and keep whatever else was typed and not applied."""

    def post(self, request: HttpRequest) -> HttpResponse:
        config = conf.current()
        if config.from_environment:
            messages.error(request, "The secret comes from the environment and is read-only here.")
            return redirect("sso:settings")
        secret_form = ClientSecretForm(request.POST)
        if request.POST.get("secret_action") == "clear":
            self._store("", secret_form, done="Client secret cleared")
        elif secret_form.is_valid():
            secret = secret_form.cleaned_data[SECRET]
            if secret:
                self._store(secret, secret_form, done="Client secret saved")
            else:
                secret_form.add_error(SECRET, "Paste the secret's Value first, then press Save.")
        # The page as it was typed, with the badge as it is now.
        config = conf.current()
        form = self.form(config, initial=self._typed(request, config))
        form.unsaved = True
        return self.page(request, config, form, secret_form if secret_form.errors else None)

    def _store(self, secret: str, secret_form: ClientSecretForm, *, done: str) -> None:
        try:
            save_secret(secret, actor=self.actor)
        except SettingsRefused as refused:
            for texts in refused.errors.values():
                for text in texts:
                    secret_form.add_error(None if not secret_form.is_bound else SECRET, text)
            return
        messages.success(self.request, done)

    def _typed(self, request: HttpRequest, config: Config) -> dict[str, Any]:
        values = self.initial(config)
        for name in FORM_FIELDS:
            if name in SWITCHES:
                # An unticked box is not sent; a locked one is not either, but keeps its value.
                values[name] = name in request.POST
            elif name in request.POST:
                values[name] = request.POST[name]
        values["base"] = request.POST.get("base", "")
        return values


class EnableView(SettingsPage):
    """Switch single sign-on on or off, at once."""

    def post(self, request: HttpRequest) -> HttpResponse:
        if conf.current().from_environment:
            messages.error(request, "Enable comes from the environment and is read-only here.")
            return redirect("sso:settings")
        # The hidden field says off, the ticked box adds on: the last one counts.
        _enable(request, self.actor, enabled=request.POST.get("enabled") == "on")
        return redirect("sso:settings")


def _enable(request: HttpRequest, actor: User, *, enabled: bool) -> None:
    try:
        save_settings({"enabled": enabled}, actor=actor)
    except SettingsRefused as refused:
        text = " ".join(sentence for texts in refused.errors.values() for sentence in texts)
        messages.error(request, f"OIDC / SSO cannot be enabled yet. {text}")
        return
    if not enabled:
        messages.success(request, "OIDC / SSO is off. Everybody signs in with a password.")
        return
    state = readiness(conf.current())
    if state.ready:
        messages.success(request, "OIDC / SSO is enabled: the button is on the sign-in page.")
    else:
        messages.warning(request, f"OIDC / SSO is enabled, but not ready. {state.explanation}")


class ImportEnvironmentView(SettingsPage):
    """Copy every variable into the database, the secret too."""

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
