from __future__ import annotations

from enum import StrEnum

from django import forms

from accounts.roles import ROLES


class WayIn(StrEnum):
    """How somebody signs in, as the list of users is narrowed by it."""

    OUTSIDE = "outside"
    PASSWORD = "password"  # noqa: S105 - a way in, not a password
    NONE = "none"


class UserFilterForm(forms.Form):
    """What the list of users is narrowed to; nonsense in an address narrows nothing."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Name, username or e-mail"}),
    )
    role = forms.ChoiceField(
        label="Role",
        required=False,
        choices=[("", "All roles"), *((role.value, role.label) for role in ROLES)],
    )
    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "Active and inactive"), ("active", "Active"), ("inactive", "Inactive")],
    )
    way = forms.ChoiceField(
        label="Signs in with",
        required=False,
        choices=[
            ("", "Anything"),
            (WayIn.OUTSIDE.value, "Single sign-on"),
            (WayIn.PASSWORD.value, "Password"),
            (WayIn.NONE.value, "Nothing yet"),
        ],
    )
