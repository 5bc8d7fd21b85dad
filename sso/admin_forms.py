"""The admin's forms for the two singletons: the page's form, showing a part of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django import forms
from django.http import HttpRequest

from accounts.forms import CurrentPasswordForm
from accounts.freshness import PASSWORD_FIELD, NotConfirmed, confirm
from sso.forms import OIDCSettingsForm
from sso.fresh_sign_in import assurance
from sso.rules.repair import DiscoveredIssuer
from sso.secret_forms import SECRET_AGAIN, ClientSecretForm
from sso.seen_values import seal_base
from sso.services.settings import (
    EXPIRES,
    MAPPING_FIELDS,
    SECRET,
    SENSITIVE,
    SETTING_FIELDS,
    shown_values,
)

CLEAR: Final = "clear_client_secret"


class SingletonAdminForm(OIDCSettingsForm):
    """The page's form with the fields of one row; the rest keeps what is saved.

    The admin makes its forms with an instance and asks them to save; saving is the service's.
    """

    shown: tuple[str, ...] = ()
    actor_locks: Mapping[str, str] = {}
    looked_up: DiscoveredIssuer | None = None
    request: HttpRequest

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        *,
        instance: Any = None,
        initial: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.instance = instance
        self.saved = shown_values()
        if data is not None:
            data = self._completed(data)
        super().__init__(
            data,
            initial={**self.saved, "base": seal_base(self.saved), **(initial or {})},
            saved=self.saved,
            discovered=self.looked_up,
            locked=self.actor_locks,
        )
        self._add_own_fields()
        for name, field in self.fields.items():
            if getattr(field.widget, "input_type", "") == "text" and name in self.shown:
                # The admin's own class for a field as wide as its contents.
                field.widget.attrs["class"] = "vLargeTextField"
            if name not in (*self.shown, *self.own_fields()):
                field.widget = forms.HiddenInput()
                field.required = False

    def own_fields(self) -> Iterable[str]:
        return ("base", PASSWORD_FIELD)

    def _add_own_fields(self) -> None:
        self.fields[PASSWORD_FIELD] = CurrentPasswordForm.base_fields[PASSWORD_FIELD]

    def clean(self) -> dict[str, Any]:
        """Ask for a fresh sign-in where something sensitive changes, as the page does."""
        cleaned = super().clean()
        if self.errors:
            return cleaned
        changed = {
            name
            for name, value in self.wanted().items()
            if name not in self.saved or value != self.saved[name]
        }
        if SENSITIVE & changed <= assurance(self.request).fields:
            return cleaned
        try:
            confirm(self.request)
        except NotConfirmed as refused:
            self.add_error(PASSWORD_FIELD, refused.sentence)
        return cleaned

    def _completed(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Fill in what this part of the form does not show, from what is saved."""
        given = {name: data[name] for name in data}
        hidden = {
            name: value
            for name, value in self.saved.items()
            if name not in (*self.shown, *self.own_fields()) and value is not False
        }
        return {**given, **hidden, "base": data.get("base", "")}

    def wanted(self) -> dict[str, Any]:
        """Return what the admin's user may have changed: the fields that are shown."""
        return {name: value for name, value in self.values().items() if name in self.shown}

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 - the admin's signature
        """Hand the row back unchanged; ModelAdmin.save_model saves through the service."""
        return self.instance

    def save_m2m(self) -> None:
        """Do nothing: there is none, and the admin asks."""


class OIDCSettingsAdminForm(SingletonAdminForm):
    shown = tuple(name for name in SETTING_FIELDS if name != "enabled")

    def own_fields(self) -> Iterable[str]:
        return (*super().own_fields(), "enabled", SECRET, CLEAR, "confirm_disable_local_auth")

    def _add_own_fields(self) -> None:
        super()._add_own_fields()
        self.fields["enabled"] = forms.BooleanField(
            label="Enable OIDC / SSO", required=False, initial=self.saved["enabled"]
        )
        self.fields[SECRET] = ClientSecretForm.base_fields[SECRET]
        self.fields[CLEAR] = forms.BooleanField(label="Clear the client secret", required=False)
        self.fields["confirm_disable_local_auth"] = forms.BooleanField(
            label="Switch local sign-in off even if no active Super Admin has a password",
            required=False,
        )

    def clean_client_secret(self) -> str:
        # The same repair and the same refusal as the page's own field.
        secret_form = ClientSecretForm({SECRET: self.cleaned_data[SECRET]})
        if not secret_form.is_valid():
            raise forms.ValidationError(list(secret_form.errors[SECRET]))
        return str(secret_form.cleaned_data[SECRET])

    def clean(self) -> dict[str, Any]:
        """Ask for the secret once more where its new date would go on without it."""
        cleaned = super().clean()
        if self.errors and cleaned.get(SECRET) and EXPIRES in self.changed_data:
            self.add_error(SECRET, SECRET_AGAIN)
        return cleaned

    def wanted(self) -> dict[str, Any]:
        wanted = super().wanted() | {"enabled": self.cleaned_data["enabled"]}
        if self.cleaned_data[SECRET]:
            wanted[SECRET] = self.cleaned_data[SECRET]
        elif self.cleaned_data[CLEAR]:
            wanted[SECRET] = ""
        return wanted


class RoleMappingAdminForm(SingletonAdminForm):
    shown = MAPPING_FIELDS
