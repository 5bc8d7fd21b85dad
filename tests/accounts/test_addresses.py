from __future__ import annotations

import pytest

from accounts.addresses import email_key


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("Alice@Contoso.COM", "alice@contoso.com"),
        ("  alice@contoso.com ", "alice@contoso.com"),
        ("", ""),
        ("JÜRGEN@example.com", "jÜrgen@example.com"),
    ],
)
def test_ascii_letters_lose_their_case_and_no_others(address, key):
    assert email_key(address) == key


@pytest.mark.parametrize(
    "look_alike",
    [
        "ａlice@contoso.com",  # a full-width letter
        "al\u2170ce@contoso.com",  # a small Roman numeral one
        "alice@contoso\ufe52com",  # a small full stop
        "\u212aate@contoso.com",  # the Kelvin sign
        "аlice@contoso.com",  # a Cyrillic letter
        "alıce@contoso.com",  # a dotless i
    ],
)
def test_a_look_alike_never_equals_an_ascii_address(look_alike):
    assert not email_key(look_alike).isascii()


def test_two_spellings_of_one_letter_are_one_address():
    assert email_key("jos\u00e9@example.com") == email_key("jose\u0301@example.com")
