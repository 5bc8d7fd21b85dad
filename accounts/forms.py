from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import ASCIIUsernameValidator
from django.core.exceptions import ValidationError

from accounts.models import User
from accounts.origins import ServerUrlError, clean_server_url
from accounts.policy import Refusal
from accounts.roles import ROLES, Role
from accounts.seen_forms import SeenFields
from accounts.services import username_taken
from accounts.throttle import TooManyAttempts

NAME_LENGTH = 150
# What the column holds; Django's form field lets 320 characters through.
EMAIL_LENGTH = 254

CONFIRM_SERVER_URL = "Confirm that this address leads to PatchMon, or correct it."


def _password(label: str, autocomplete: str, help_text: str = "") -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, strip=False, widget=widget, help_text=help_text)


def _name(label: str, autocomplete: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=label, max_length=NAME_LENGTH, required=False, widget=widget)


class FreeUsernameField(forms.CharField):
    """A username that nobody has yet, whatever its case."""

    def __init__(self, *, autofocus: bool = False) -> None:
        attrs: dict[str, Any] = {
            "autocomplete": "username",
            "autocapitalize": "none",
            "spellcheck": "false",
        }
        super().__init__(
            label="Username",
            max_length=NAME_LENGTH,
            help_text="Letters, digits and @ . + - _ only. It cannot be changed later.",
            validators=[ASCIIUsernameValidator()],
            widget=forms.TextInput(attrs=attrs | ({"autofocus": True} if autofocus else {})),
        )

    def clean(self, value: Any) -> str:
        username: str = super().clean(value)
        if username_taken(username):
            raise ValidationError(Refusal.USERNAME_TAKEN.sentence, code="unique")
        return username


class ServerUrlField(forms.CharField):
    def __init__(self) -> None:
        super().__init__(
            label="Server URL",
            max_length=255,
            help_text=(
                "The address people type to reach PatchMon, such as "
                "https://patchmon.example.com. Requests for any other host are refused."
            ),
            widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        )

    def clean(self, value: Any) -> str:
        try:
            return clean_server_url(super().clean(value))
        except ServerUrlError as error:
            raise ValidationError(str(error)) from error


class ServerUrlForm(SeenFields, forms.Form):
    """Ask once more before a Server URL that this browser did not come by."""

    server_url = ServerUrlField()
    confirm_server_url = forms.BooleanField(
        label="I can reach PatchMon at this new address",
        required=False,
        help_text=(
            "You are not using that address now. If it does not lead here, nobody gets in by "
            "browser until the command “manage.py server_url” sets it right."
        ),
    )

    def __init__(
        self, *args: Any, came_by: frozenset[str], current: str = "", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._came_by = came_by
        self._current = current
        if current:
            self.tell("server_url")
        if not self._asks_to_confirm():
            del self.fields["confirm_server_url"]

    def _asks_to_confirm(self) -> bool:
        if not self.is_bound:
            return False
        try:
            wanted = clean_server_url(self.data.get("server_url", ""))
        except ServerUrlError:
            return False
        known = {self._current, self.seen().get("server_url"), *self._came_by}
        return wanted not in known

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "confirm_server_url" in self.fields and not cleaned.get("confirm_server_url"):
            self.add_error("confirm_server_url", CONFIRM_SERVER_URL)
        return cleaned


class NewPasswordForm(forms.Form):
    """A new password, typed twice and judged by Django's validators."""

    new_password = _password(
        "New password",
        "new-password",
        # What the validators of AUTH_PASSWORD_VALIDATORS ask for, in one breath.
        "At least 12 characters. Not a common password, not digits alone, and nothing like your "
        "name or e-mail address.",
    )
    new_password_again = _password("New password again", "new-password")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        first, second = cleaned.get("new_password"), cleaned.get("new_password_again")
        if first and second and first != second:
            self.add_error("new_password_again", "The two passwords differ. Type the same twice.")
        if first:
            try:
                validate_password(first, self.user)
            except ValidationError as error:
                self.add_error("new_password", error)
        return cleaned


class ChangePasswordForm(NewPasswordForm):
    """A new password for whoever knows the present one; `is_right` compares and counts."""

    current_password = _password("Current password", "current-password")
    field_order = ("current_password", "new_password", "new_password_again")

    def __init__(
        self, *args: Any, user: User, is_right: Callable[[str], bool], **kwargs: Any
    ) -> None:
        super().__init__(*args, user=user, **kwargs)
        self._is_right = is_right
        self.retry_after = 0

    def clean_current_password(self) -> str:
        password: str = self.cleaned_data["current_password"]
        try:
            right = self._is_right(password)
        except TooManyAttempts as refused:
            self.retry_after = refused.seconds
            raise ValidationError(refused.sentence) from None
        if not right:
            raise ValidationError("This is not your current password.")
        return password


class CurrentPasswordForm(forms.Form):
    """The password once more, beside a sensitive change; accounts.freshness judges it.

    Never required by itself: whether it is needed depends on what else was changed, and when.
    """

    current_password = forms.CharField(
        label="Your PatchMon password",
        required=False,
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text="Needed for what decides who gets in, once your last sign-in is more than "
        "fifteen minutes ago.",
    )

    def refuse(self, sentence: str) -> None:
        self.add_error("current_password", sentence)


class SetupForm(NewPasswordForm, ServerUrlForm):
    """The first-run wizard: the first superadmin and the Server URL."""

    username = FreeUsernameField(autofocus=True)
    email = forms.EmailField(
        label="E-mail",
        max_length=EMAIL_LENGTH,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    field_order = (
        "username", "email", "new_password", "new_password_again",
        "server_url", "confirm_server_url",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, user=User(), **kwargs)
        self.fields["new_password"].label = "Password"
        self.fields["new_password_again"].label = "Password again"

    def clean(self) -> dict[str, Any]:
        # The validators compare the password with the name and the address.
        self.user.username = self.cleaned_data.get("username", "")
        self.user.email = self.cleaned_data.get("email", "")
        return super().clean()


class SignInForm(forms.Form):
    username = forms.CharField(
        label="Username",
        max_length=NAME_LENGTH,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    password = _password("Password", "current-password")


class NameForm(SeenFields, forms.Form):
    first_name = _name("First name", "given-name")
    last_name = _name("Last name", "family-name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tell(*self.fields)


class AccountForm(SeenFields, forms.Form):
    """Name, e-mail and role of somebody's account."""

    email = forms.EmailField(
        label="E-mail",
        required=False,
        max_length=EMAIL_LENGTH,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    first_name = _name("First name", "off")
    last_name = _name("Last name", "off")
    role = forms.TypedChoiceField(label="Role", coerce=Role)

    def __init__(
        self,
        *args: Any,
        roles: tuple[Role, ...],
        present: Role | None = None,
        role_locked: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        offered = [role for role in ROLES if role in roles or role is present]
        field = self.fields["role"]
        field.choices = [(role.value, role.label) for role in offered]  # type: ignore[attr-defined]
        if present is not None:
            self.tell(*self.fields)
        if role_locked:
            field.disabled = True
            field.help_text = role_locked

    def values(self) -> dict[str, Any]:
        """Return what was typed, by field name; a role that is locked is left out."""
        return {
            name: self.cleaned_data[name] for name in self.fields if not self.fields[name].disabled
        }


class NewAccountForm(AccountForm):
    username = FreeUsernameField()
    field_order = ("username", "email", "first_name", "last_name", "role")
