"""What a field for a new password says, and that it is what the validators ask for."""

from __future__ import annotations

import pytest

from accounts.forms import NewPasswordForm
from accounts.models import User


@pytest.mark.parametrize(
    ("password", "rule", "refusal"),
    [
        ("kT4-wq9!zRb", "At least 12 characters", "too short"),
        ("administrator", "Not a common password", "too common"),
        ("4839201748392", "not digits alone", "entirely numeric"),
        ("rosalind.moore", "nothing like your name", "too similar to the username"),
    ],
)
def test_each_rule_of_the_help_text_is_enforced(password, rule, refusal):
    user = User(username="rosalind.moore", email="r.m@example.com")
    typed = {"new_password": password, "new_password_again": password}

    form = NewPasswordForm(typed, user=user)

    assert rule in form.fields["new_password"].help_text
    assert refusal in str(form.errors["new_password"])


def test_no_validator_is_left_unsaid(settings):
    names = [each["NAME"].rpartition(".")[2] for each in settings.AUTH_PASSWORD_VALIDATORS]

    assert sorted(names) == [
        "CommonPasswordValidator",
        "MinimumLengthValidator",
        "NumericPasswordValidator",
        "UserAttributeSimilarityValidator",
    ]
