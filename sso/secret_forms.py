"""The client secret as an administrator types it."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from sso.rules import repair
from sso.rules.repair import NotAcceptable
from sso.services.settings import SECRET


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
