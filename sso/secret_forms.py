"""The client secret, and the day on which it expires, as an administrator types them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from sso.rules import repair
from sso.rules.repair import NotAcceptable
from sso.rules.secret_expiry import not_past
from sso.seen_values import open_base
from sso.services.settings import EXPIRES, SECRET

SECRET_AGAIN: Final = "Paste the secret's Value again: what was typed is never shown once more."  # noqa: S105


class ClientSecretForm(forms.Form):
    """The write-only secret; what was typed is never rendered again."""

    client_secret = forms.CharField(
        label="Client Secret",
        required=False,
        max_length=4000,
        strip=True,
        widget=forms.PasswordInput(
            render_value=False, attrs={"autocomplete": "off", "spellcheck": "false"}
        ),
        help_text="The Value, not the Secret ID: Entra admin center → App registrations → your "
        "app → Certificates & secrets → column Value.",
    )

    def clean_client_secret(self) -> str:
        try:
            return repair.client_secret(self.cleaned_data[SECRET]).value
        except NotAcceptable as refused:
            raise ValidationError(refused.message) from None


class Day(forms.DateField):
    """A day in the one way of writing it that every country reads alike."""

    def to_python(self, value: Any) -> date | None:
        return super().to_python(repair.clean(value) if isinstance(value, str) else value)


class SecretExpiryForm(forms.Form):
    """The day on which the secret expires: a part of the settings, saved with the secret too."""

    client_secret_expires = Day(
        label="Secret expires on (optional)",
        required=False,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text="Entra shows it in the column Expires, beside the Value. PatchMon reminds you "
        "on Home thirty days before.",
        error_messages={"invalid": "This is no date. Write year, month and day: 2027-03-31."},
    )

    def clean_client_secret_expires(self) -> date | None:
        day: date | None = self.cleaned_data[EXPIRES]
        # What is saved already is not judged again, nor what was when the page was opened.
        if day is None or day in {self.initial.get(EXPIRES), (self.seen() or {}).get(EXPIRES)}:
            return day
        try:
            not_past(day, today=timezone.localdate())
        except NotAcceptable as refused:
            raise ValidationError(refused.message) from None
        return day

    def seen(self) -> Mapping[str, Any] | None:
        """Return the values the editor saw, or None where the form does not say."""
        return open_base(str(self.data.get("base", "")))
