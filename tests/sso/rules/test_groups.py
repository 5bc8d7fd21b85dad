from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.roles import ROLES, Role
from sso.rules.groups import RoleMapping, RoleMatch, match, parse_row

ADMINS = "11111111-aaaa-4000-8000-000000000001"


def mapping(default=Role.USER, **rows) -> RoleMapping:
    return RoleMapping(default, {Role(name): values for name, values in rows.items()})


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", ()),
        (" \n , ,\r\n", ()),
        ("a", ("a",)),
        ("a, b\nc\r\nd", ("a", "b", "c", "d")),
        ("\u200ba\ufeff,\tb ", ("a", "b")),
        ("Domain Admins", ("Domain Admins",)),
        ("a,A, a,b", ("a", "b")),
    ],
)
def test_a_row_is_split_at_commas_and_lines(text, values):
    assert parse_row(text) == values


@pytest.mark.parametrize("received", [ADMINS, ADMINS.upper(), f" {ADMINS} ", f"{ADMINS}\t"])
def test_case_120_trimmed_and_without_case(received):
    assert match([received], mapping(admin=(ADMINS,))).role is Role.ADMIN
    assert match([ADMINS], mapping(admin=(received,))).role is Role.ADMIN


@pytest.mark.parametrize(
    "received",
    [
        "not-superadmins",
        "superadmin",
        "superadmins,x",
        "/superadmins",
        "super\u200badmins",
        "ѕuperadmins",
        "superadminſ",
        "*",
        "",
        " ",
    ],
)
def test_case_116_120_nothing_else_matches(received):
    found = match([received], mapping(superadmin=("superadmins",)))
    assert found == RoleMatch(Role.USER, by_default=True, unmatched=(received,))


@pytest.mark.parametrize("row", [(), ("",), (" ", "\t")])
def test_case_121_an_empty_row_grants_nothing(row):
    rows = mapping(superadmin=row)
    assert not rows.fills(Role.SUPERADMIN)
    assert match(["", " ", "x"], rows).by_default


def test_the_highest_row_wins_in_any_order_and_all_are_told():
    rows = mapping(admin=("a",), user=("u",), readonly=("r",))
    for received in (["r", "a", "u", "z"], ["z", "u", "r", "a"]):
        found = match(received, rows)
        assert found.role is Role.ADMIN
        assert found.matched == ((Role.ADMIN, "a"), (Role.USER, "u"), (Role.READONLY, "r"))
        assert found.unmatched == ("z",)
        assert not found.by_default


def test_case_122_a_group_in_two_rows_gives_the_higher():
    found = match(["g"], mapping(readonly=("g",), admin=("G",)))
    assert found.matched == ((Role.ADMIN, "g"), (Role.READONLY, "g"))
    assert found.role is Role.ADMIN


def test_case_119_ten_thousand_groups():
    received = [f"g{number}" for number in range(10_000)]
    found = match(received, mapping(admin=tuple(received[-50:])))
    assert (found.role, len(found.matched), len(found.unmatched)) == (Role.ADMIN, 50, 9_950)


WORDS = st.sampled_from(["a", "A", " a ", "b", "ab", "", " ", "c"])


@settings(max_examples=150, deadline=None)
@given(
    received=st.lists(WORDS, max_size=5),
    rows=st.dictionaries(st.sampled_from(ROLES), st.lists(WORDS, max_size=3).map(tuple)),
    default=st.sampled_from(ROLES),
)
def test_a_role_never_exceeds_what_a_matching_row_grants(received, rows, default):
    found = match(received, RoleMapping(default, rows))
    keys = {value.strip().lower() for value in received} - {""}
    granted = [
        role for role in ROLES if keys & {value.strip().lower() for value in rows.get(role, ())}
    ]
    assert found.role is (granted[0] if granted else default)
    assert found.by_default is not bool(granted)
