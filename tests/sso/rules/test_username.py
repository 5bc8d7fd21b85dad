from __future__ import annotations

import re
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sso.rules.claims import Identity
from sso.rules.username import candidates

GUEST = "bob_fabrikam.com#EXT#@contoso.onmicrosoft.com"


def first(count=1, **fields) -> list[str]:
    identity = Identity(issuer="https://x.example", subject="s", **fields)
    return list(islice(candidates(identity), count))


@pytest.mark.parametrize(
    ("fields", "username"),
    [
        ({"email": "alice@contoso.com"}, "alice"),
        ({"email": "Alice.Smith@contoso.com", "name": "x"}, "alice.smith"),
        ({"email": "o'brien+vpn@contoso.com"}, "obrienvpn"),
        ({"email": "müller@contoso.com"}, "muller"),
        ({"email": "ＡＬＩＣＥ@contoso.com"}, "alice"),
        ({"email": "-.bob.-@contoso.com"}, "bob"),
        ({"email": "a_b-c.9@contoso.com"}, "a_b-c.9"),
        ({"email": "x" * 40 + "@contoso.com"}, "x" * 32),
        ({"email": "x" * 31 + ".y@contoso.com"}, "x" * 31),
        ({"email": "王@contoso.com"}, "user"),
        ({"email": "...@contoso.com"}, "user"),
        ({"email": "../x@contoso.com"}, "x"),
        ({}, "user"),
        ({"preferred_username": "carol@contoso.com", "name": "x"}, "carol"),
        ({"preferred_username": "+49 170 1234567"}, "491701234567"),
        ({"upn": "dave@contoso.com", "name": "x"}, "dave"),
        ({"name": "Erin Müller"}, "erinmuller"),
        ({"name": "王小明"}, "user"),
        ({"upn": GUEST}, "bob"),
        ({"preferred_username": GUEST.replace("#EXT#", "#ext#")}, "bob"),
        ({"upn": "bob_smith_fabrikam.com#EXT#@contoso.onmicrosoft.com"}, "bob_smith"),
        ({"upn": "bob#EXT#@contoso.onmicrosoft.com"}, "bob"),
        ({"email": "robert@fabrikam.com", "upn": GUEST}, "robert"),
    ],
)
def test_the_first_choice(fields, username):
    assert first(**fields) == [username]


def test_taken_names_are_counted_on_from_two():
    assert first(4, email="alice@contoso.com") == ["alice", "alice2", "alice3", "alice4"]


def test_a_long_name_makes_room_for_its_number():
    names = first(120, email="x" * 29 + ".yz@contoso.com")
    assert names[:2] == ["x" * 29 + ".yz", "x" * 29 + ".y2"]
    assert names[10] == "x" * 29 + "11"
    assert len(set(names)) == 120


@settings(max_examples=100, deadline=None)
@given(local=st.text(max_size=60), digits=st.text("0129.-", min_size=28, max_size=34))
@pytest.mark.parametrize("source", ["email", "preferred_username", "upn", "name"])
def test_every_candidate_is_valid_and_none_comes_twice(source, local, digits):
    for text in (local, digits):
        names = first(130, **{source: text})
        assert len(set(names)) == 130
        for name in names:
            assert re.fullmatch(r"[a-z0-9_](?:[a-z0-9._-]{0,30}[a-z0-9_])?", name)
