"""The one form behind every way to change the settings: shape and repairs, no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from accounts.roles import ROLES, Role
from sso.conf import GROUP_FIELDS
from sso.rules import repair
from sso.rules.groups import parse_row
from sso.rules.hosts import host_of
from sso.rules.microsoft import is_microsoft_login_host
from sso.rules.repair import DiscoveredIssuer, NotAcceptable, Note, Repaired
from sso.secret_forms import SecretExpiryForm
from sso.seen_values import FORM_FIELDS

SWITCHES: Final = (
    "enforce_https",
    "sync_roles",
    "disable_local_auth",
    "auto_create_users",
    "trust_unverified_email",
)
_ADDRESS: Final = {
    "class": "mono",
    "spellcheck": "false",
    "autocapitalize": "off",
    "autocomplete": "off",
}
_ROW: Final = {**_ADDRESS, "rows": 1}


def _plain(name: str, value: Any) -> Any:
    """Return a value as it compares with the same one typed into the page."""
    if name in SWITCHES:
        return bool(value)
    text = value.isoformat() if isinstance(value, date) else repair.clean(str(value or ""))
    return parse_row(text) if name in GROUP_FIELDS.values() else text


def _group_row(role: Role) -> forms.CharField:
    return forms.CharField(
        label=role.label if role is Role.SUPERADMIN else role.value.replace("_", " "),
        required=False,
        widget=forms.Textarea(attrs=_ROW),
    )


class OIDCSettingsForm(SecretExpiryForm):
    """Settings and role mapping as an administrator types them.

    ``saved`` is what the database holds, where ``initial`` is not that but what was typed;
    ``discovered`` is what the provider said of itself (None: nobody asked). Notes on what was
    repaired, and warnings, are in ``notes`` once the form is valid.
    """

    enforce_https = forms.BooleanField(
        label="Enforce HTTPS",
        required=False,
        help_text="Refuses plain http for the provider and the callback, loopback aside. Off is "
        "only for local testing.",
    )
    sync_roles = forms.BooleanField(
        label="Sync roles from IdP",
        required=False,
        help_text="Sets each person's role from their groups at every sign-in. Off: new people "
        "get the default role, and roles are managed here.",
    )
    disable_local_auth = forms.BooleanField(
        label="Disable local auth",
        required=False,
        help_text="Passwords are refused everywhere while SSO works. They come back by "
        "themselves within a minute when it does not.",
    )
    auto_create_users = forms.BooleanField(
        label="Auto-create users",
        required=False,
        help_text="Makes an account at a person's first sign-in. Off: only people who have one "
        "get in.",
    )
    issuer = forms.CharField(
        label="Issuer URL",
        required=False,
        max_length=2000,
        widget=forms.TextInput(
            attrs={
                **_ADDRESS,
                "inputmode": "url",
                "placeholder": "https://login.microsoftonline.com/<TENANT_ID>/v2.0",
            }
        ),
        help_text="For Entra: https://login.microsoftonline.com/, your Directory (tenant) ID, "
        "/v2.0.",
    )
    client_id = forms.CharField(
        label="Client ID",
        required=False,
        max_length=2000,
        widget=forms.TextInput(attrs=_ADDRESS),
        help_text="Entra admin center → App registrations → your app → Overview → Application "
        "(client) ID.",
    )
    redirect_uri = forms.CharField(
        label="Redirect URI (optional override)",
        required=False,
        max_length=2000,
        widget=forms.TextInput(attrs={**_ADDRESS, "inputmode": "url"}),
        help_text="Leave empty, unless a reverse proxy presents another public address.",
    )
    scopes = forms.CharField(
        label="Scopes",
        required=False,
        max_length=2000,
        widget=forms.TextInput(attrs=_ADDRESS),
        help_text="For Entra: openid email profile User.Read, without groups.",
    )
    button_text = forms.CharField(
        label="Button Text",
        required=False,
        max_length=2000,
        help_text="What the button on the sign-in page says.",
    )
    default_role = forms.ChoiceField(
        label="Default (fallback)",
        choices=[(role.value, role.value.replace("_", " ")) for role in ROLES],
        help_text="For people who are in none of the groups below.",
    )
    superadmin_group = _group_row(Role.SUPERADMIN)
    admin_group = _group_row(Role.ADMIN)
    host_manager_group = _group_row(Role.HOST_MANAGER)
    user_group = _group_row(Role.USER)
    readonly_group = _group_row(Role.READONLY)
    trust_unverified_email = forms.BooleanField(
        label="Trust e-mail addresses that the provider does not vouch for",
        required=False,
        help_text="Lets people take over their existing account at their first sign-in by its "
        "e-mail address alone, administrators excepted. Switch it on only for the weeks in which "
        "existing people move over to SSO.",
    )
    base = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        initial: Mapping[str, Any] | None = None,
        saved: Mapping[str, Any] | None = None,
        discovered: DiscoveredIssuer | None = None,
        locked: Iterable[str] = (),
        read_only: bool = False,
        ask_confirmation: bool = False,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        self.saved: Mapping[str, Any] = dict(initial or {}) if saved is None else saved
        self.discovered = discovered
        self.notes: list[Note] = []
        self.suggestions: dict[str, str] = {}
        self.fields["superadmin_group"].label = "superadmin"
        for name, field in self.fields.items():
            if name != "base" and (read_only or name in set(locked)):
                field.disabled = True
        if ask_confirmation:
            self.fields["confirm_disable_local_auth"] = forms.BooleanField(
                label="Switch local sign-in off although no active Super Admin has a password",
                required=False,
                help_text="If SSO breaks, passwords come back, but nobody could use one. The way "
                "back in is then the command line: manage.py sso set-password USER.",
            )

    @property
    def is_entra(self) -> bool:
        """Say whether the typed issuer is Entra, by its host or by its own word."""
        host = host_of(str(self.cleaned_data.get("issuer") or self.data.get("issuer") or ""))
        return is_microsoft_login_host(host) or (
            self.discovered is not None and self.discovered.is_entra
        )

    def clean_issuer(self) -> str:
        # Declared after enforce_https, which is cleaned by now.
        enforce = bool(self.cleaned_data.get("enforce_https"))
        typed = self.cleaned_data["issuer"]
        return self._repaired(
            "issuer",
            lambda: repair.issuer(typed, enforce_https=enforce, discovered=self.discovered),
        )

    def clean_client_id(self) -> str:
        typed = self.cleaned_data["client_id"]
        return self._repaired("client_id", lambda: repair.client_id(typed, microsoft=self.is_entra))

    def clean_redirect_uri(self) -> str:
        enforce = bool(self.cleaned_data.get("enforce_https"))
        typed = self.cleaned_data["redirect_uri"]
        return self._repaired(
            "redirect_uri", lambda: repair.redirect_uri(typed, enforce_https=enforce)
        )

    def clean_scopes(self) -> str:
        typed = self.cleaned_data["scopes"]
        return self._repaired("scopes", lambda: repair.scopes(typed, microsoft=self.is_entra))

    def clean_button_text(self) -> str:
        typed = self.cleaned_data["button_text"]
        return self._repaired("button_text", lambda: repair.button_text(typed))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in GROUP_FIELDS.values():
            if name in cleaned:
                cleaned[name] = self._cleaned_row(name, cleaned[name])
        rows = {role: parse_row(cleaned.get(name) or "") for role, name in GROUP_FIELDS.items()}
        for duplicate in repair.duplicate_groups(rows):
            for role in duplicate.roles:
                self.add_error(GROUP_FIELDS[role], duplicate.message)
        return cleaned

    def _cleaned_row(self, name: str, typed: str) -> str:
        try:
            repaired = repair.role_row(typed, microsoft=self.is_entra)
        except NotAcceptable as refused:
            self.add_error(name, refused.message)
            return typed
        self.notes += repaired.notes
        return repaired.value

    def _repaired(self, name: str, repairing: Any) -> str:
        try:
            repaired: Repaired = repairing()
        except NotAcceptable as refused:
            if refused.suggestion:
                self.suggestions[name] = refused.suggestion
            raise ValidationError(refused.message) from None
        self.notes += repaired.notes
        return repaired.value

    def values(self) -> dict[str, Any]:
        """Return the cleaned settings by field name; fields that were locked are left out."""
        return {
            name: self.cleaned_data[name] for name in FORM_FIELDS if not self.fields[name].disabled
        }

    @property
    def unsaved(self) -> bool:
        """Say whether the page shows something typed that is not saved, locked fields aside."""
        return any(
            _plain(name, self[name].value()) != _plain(name, self.saved.get(name))
            for name in FORM_FIELDS
            if not self.fields[name].disabled
        )

    def confirmed(self) -> frozenset[str]:
        """Return what was confirmed by ticking its box."""
        ticked = self.cleaned_data.get("confirm_disable_local_auth")
        return frozenset({"disable_local_auth"}) if ticked else frozenset()

    def refuse(self, errors: Mapping[str, list[str]]) -> None:
        """Put refusals beside their fields, on a page that judged nothing itself too."""
        if not self.is_bound:
            self.full_clean()
            self.cleaned_data = {}
        for name, texts in errors.items():
            for text in texts:
                self.add_error(name if name in self.fields else None, text)


class ConnectForm(forms.Form):
    """Ask for the password just before an identity is tied to the account."""

    current_password = forms.CharField(
        label="Your PatchMon password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text="So that nobody who finds this page open can connect their account to yours.",
    )
