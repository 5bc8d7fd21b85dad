"""The card of the profile with one's own API tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.http import HttpRequest

from accounts import policy
from accounts.forms import CurrentPasswordForm
from accounts.models import User
from accounts.policy import Scope
from accounts.roles import Role
from accounts.services import MadeToken, own_tokens
from accounts.views.fresh import fresh_sign_in

DAYS: Final = (30, 90, 365)


class ApiTokenForm(forms.Form):
    """A new token: what it is for, what it may do and for how long."""

    name = forms.CharField(
        label="Name",
        max_length=100,
        help_text="What will use it, to tell it from the others.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        widget=forms.CheckboxSelectMultiple,
        help_text="At most what your role allows at the time.",
    )
    lifetime = forms.TypedChoiceField(
        label="Good for",
        coerce=lambda days: timedelta(days=int(days)),
        choices=[(days, f"{days} days") for days in DAYS],
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "token_%s"
        offered = policy.grantable_scopes(Role(user.role))
        self.fields["scopes"].choices = [  # type: ignore[attr-defined]
            (scope.value, f"{scope.label} ({scope.value})") for scope in offered
        ]

    def clean_scopes(self) -> frozenset[Scope]:
        return frozenset(Scope(scope) for scope in self.cleaned_data["scopes"])


class TokenPasswordForm(CurrentPasswordForm):
    """The password once more; the page has other fields of this name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "token_%s"
        self.fields[
            "current_password"
        ].help_text = "Needed once your last sign-in is more than fifteen minutes ago."


def token_card(
    request: HttpRequest,
    user: User,
    *,
    form: ApiTokenForm | None = None,
    password_form: TokenPasswordForm | None = None,
    made: MadeToken | None = None,
) -> dict[str, Any]:
    """Return the context of accounts/_tokens.html; `made` is shown this once."""
    return {
        "tokens": own_tokens(user),
        "token_form": form or ApiTokenForm(user=user),
        "token_password_form": password_form or TokenPasswordForm(),
        "made": made,
        "fresh": fresh_sign_in(request),
    }
