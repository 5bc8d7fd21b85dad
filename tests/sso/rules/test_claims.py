from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sso.rules.claims import (
    GroupsClaim,
    GroupsSource,
    Identity,
    VerifiedClaims,
    identity_from,
    needs_userinfo,
)
from sso.rules.reasons import Reason, SignInRefused

TENANT = "aaaaaaaa-0000-4000-8000-000000000001"
OBJECT = "bbbbbbbb-0000-4000-8000-000000000002"
LEAST = {"iss": "https://login.example/t/v2.0", "sub": "s-1"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        *("iss", "sub", "tid", "oid", "email", "email_verified", "Email_Verified", "xms_edov"),
        *("preferred_username", "upn", "name", "given_name", "family_name", "idp", "acct", "sid"),
        *("groups", "roles", "_claim_names", "hasgroups", "login_hint"),
    ]
)


def read(*, is_entra=True, userinfo=None, **claims) -> Identity:
    return identity_from(VerifiedClaims({**LEAST, **claims}), is_entra=is_entra, userinfo=userinfo)


def outcome(claims, **how) -> Identity | SignInRefused:
    try:
        return identity_from(claims, **how)
    except SignInRefused as refused:
        return refused


@settings(max_examples=200, deadline=None)
@given(
    claims=st.dictionaries(NAMES, JSON, max_size=12) | JSON,
    userinfo=st.none() | st.dictionaries(NAMES, JSON, max_size=6),
    is_entra=st.booleans(),
    sound=st.booleans(),
)
def test_any_json_gives_an_identity_or_a_refusal(claims, userinfo, is_entra, sound):
    if sound and isinstance(claims, dict):
        claims = {**claims, **LEAST}
    identity = outcome(claims, is_entra=is_entra, userinfo=userinfo)
    if isinstance(identity, SignInRefused):
        assert identity.reason in {Reason.CLAIMS, Reason.ISS, Reason.SUB}
        assert not sound or not isinstance(claims, dict)
        return
    assert 1 <= len(identity.subject) <= 255
    assert len(identity.email) <= 254
    assert identity.email_verified is None or identity.email
    for text in (identity.name, identity.given_name, identity.family_name, identity.upn):
        assert len(text) <= 150
        text.encode()
    for group in identity.groups.values:
        assert group.strip() == group != ""
        group.encode()


@pytest.mark.parametrize(
    "subject",
    [None, "", 5, True, [], ["s"], {}, "a" * 256, "s\x00", " s", "s ", "ſ", "s\n", "\ud800"],
)
def test_case_044_an_unusable_subject_refuses(subject):
    with pytest.raises(SignInRefused) as refused:
        read(sub=subject)
    assert refused.value.reason is Reason.SUB


def test_subjects_keep_their_case_and_length():
    assert read(sub="ABC").subject != read(sub="abc").subject
    assert read(sub="a" * 255).subject == "a" * 255


@pytest.mark.parametrize("issuer", [None, "", 7, [LEAST["iss"]], "https://x\r\n"])
def test_case_033_an_unusable_issuer_refuses(issuer):
    with pytest.raises(SignInRefused) as refused:
        read(iss=issuer)
    assert refused.value.reason is Reason.ISS


@pytest.mark.parametrize("claims", [None, [], "x", 4, True])
def test_claims_that_are_no_object_refuse(claims):
    with pytest.raises(SignInRefused) as refused:
        identity_from(claims, is_entra=True)
    assert refused.value.reason is Reason.CLAIMS


def test_entra_ids_are_read_for_entra_only():
    ids = {"tid": TENANT.upper(), "oid": OBJECT}
    assert (read(**ids).tenant_id, read(**ids).object_id) == (TENANT, OBJECT)
    elsewhere = read(is_entra=False, **ids)
    assert (elsewhere.tenant_id, elsewhere.object_id) == ("", "")
    assert read(tid="contoso", oid=[OBJECT]).object_id == ""


@pytest.mark.parametrize(
    "email",
    [
        [],
        ["a@x.example"],
        {"a": 1},
        5,
        True,
        "root",
        "a@b@c",
        "@x.example",
        "a@",
        "a@x.example\nBcc: b@x.example",
        "a\x00@x.example",
        "a@x.example,b@x.example",
        '"a b"@x.example',
        "a\u200b@x.example",
        "a\u202e@x.example",
        "a b@x.example",
        "a\u00a0b@x.example",
        "\ud800@x.example",
        "a" * 250 + "@x.example",
    ],
)
def test_case_109_an_unusable_address_is_none_and_noted(email):
    identity = read(email=email, xms_edov=True)
    assert identity.email == ""
    assert identity.email_verified is None
    assert identity.ignored == ("email",)


@pytest.mark.parametrize("email", [None, "", "   "])
def test_no_address_is_fine_and_not_noted(email):
    identity = read(email=email)
    assert (identity.email, identity.ignored) == ("", ())


@pytest.mark.parametrize(
    "email", ["alice@contoso.com", "Ann.O'Hara+x@contoso.com", "mıke@contoso.com", "李@例.example"]
)
def test_an_address_stays_as_it_was_written(email):
    assert read(email=f" {email} ").email == email


EDOV = [(True, True), (1, True), ("1", True), ("true", True), ("TRUE", True), ("True", True)]
NO_EDOV: list[Any] = [False, 0, "0", "false", "", None, 2, 1.0, [True], {"v": 1}, "verified"]


@pytest.mark.parametrize(("value", "verdict"), [*EDOV, *zip(NO_EDOV, [None] * 11, strict=True)])
def test_case_105_xms_edov(value, verdict):
    assert read(email="a@x.example", xms_edov=value).email_verified is verdict
    # Only Microsoft's own token may say so.
    assert read(is_entra=False, email="a@x.example", xms_edov=value).email_verified is None


def test_xms_edov_without_an_address_says_nothing():
    assert read(xms_edov=True).email_verified is None


VOUCHES: list[Any] = [True, "true"]
# Plainly true, but not as documented: neither trust nor denial.
SAYS_NOTHING: list[Any] = ["True", 1, "1", "yes"]
DENIES: list[Any] = [False, "false", "False", 0, [], {}, "no", "", None]
DENIES += [["true"], "maybe", 2, 0.0, {"verified": True}]


@pytest.mark.parametrize(
    ("values", "verdict"), [(VOUCHES, True), (SAYS_NOTHING, None), (DENIES, False)]
)
def test_case_105_email_verified(values, verdict):
    for value in values:
        claims = {"email": "a@x.example", "email_verified": value}
        assert read(is_entra=False, **claims).email_verified is verdict, value


@pytest.mark.parametrize("name", ["Email_Verified", "EMAIL_VERIFIED", "email_Verified"])
def test_case_052_a_denial_counts_in_any_casing_and_trust_does_not(name):
    address = {"email": "a@x.example"}
    assert read(**address, **{name: True}).email_verified is None
    assert read(**address, **{name: False}).email_verified is False
    assert read(**address, email_verified=True, **{name: "false"}).email_verified is False
    assert read(**address, xms_edov=True, **{name: 0}).email_verified is False


def test_case_051_userinfo_overrides_no_signed_claim():
    denied = {"email": "a@x.example", "email_verified": False}
    vouched = {"email": "b@x.example", "email_verified": True}
    identity = read(is_entra=False, userinfo=vouched, **denied)
    assert (identity.email, identity.email_verified) == ("a@x.example", False)
    identity = read(is_entra=False, userinfo=denied, **vouched)
    assert (identity.email, identity.email_verified) == ("b@x.example", True)
    # The verdict of one address is not lent to another.
    identity = read(is_entra=False, userinfo=vouched, email="a@x.example")
    assert (identity.email, identity.email_verified) == ("a@x.example", None)


def test_userinfo_fills_gaps_for_other_providers_only():
    userinfo = {
        "sub": "other",
        "iss": "https://evil.example",
        "email": "a@x.example",
        "email_verified": True,
        "name": "Ann",
        "groups": ["g"],
        "idp": "x",
        "tid": TENANT,
    }
    identity = read(is_entra=False, userinfo=userinfo)
    assert (identity.issuer, identity.subject) == (LEAST["iss"], LEAST["sub"])
    assert (identity.email, identity.email_verified, identity.name) == ("a@x.example", True, "Ann")
    assert identity.groups == GroupsClaim(("g",), GroupsSource.USERINFO)
    entra = read(is_entra=True, userinfo=userinfo)
    assert (entra.email, entra.name, entra.groups.source) == ("", "", GroupsSource.ABSENT)


def test_blank_userinfo_hides_nothing():
    identity = read(is_entra=False, userinfo={"email": "", "name": " "}, email="a@x", name="Ann")
    assert (identity.email, identity.name) == ("a@x", "Ann")


@pytest.mark.parametrize("blank", ["", " ", "\u200b"])
def test_a_signed_blank_is_not_filled_from_userinfo(blank):
    userinfo = {"email": "b@x", "email_verified": True, "name": "Bob"}
    identity = read(is_entra=False, userinfo=userinfo, email=blank, name=blank)
    assert (identity.email, identity.email_verified, identity.name) == ("", None, "")
    missing = read(is_entra=False, userinfo=userinfo, email=None, name=None)
    assert (missing.email, missing.email_verified, missing.name) == ("b@x", True, "Bob")


@pytest.mark.parametrize(
    ("claims", "needed"),
    [
        ({"email": "a@x", "name": "A", "groups": []}, False),
        ({"email": "a@x", "given_name": "A", "groups": ["g"]}, False),
        ({"email": None, "name": "A", "groups": []}, True),
        # Signed and empty: the provider has said that there is none.
        ({"email": "", "name": "A", "groups": []}, False),
        ({"email": "a@x", "groups": []}, True),
        ({"email": "a@x", "name": "A"}, True),
        # Entra's words for more groups than fit say nothing at another provider.
        ({"email": "a@x", "name": "A", "_claim_names": {"groups": "src1"}}, True),
    ],
)
def test_userinfo_is_asked_only_for_what_is_missing(claims, needed):
    token = VerifiedClaims({**LEAST, **claims})
    assert needs_userinfo(token, is_entra=False, groups_matter=True) is needed
    assert needs_userinfo(token, is_entra=True, groups_matter=True) is False
    if "groups" not in claims:
        assert needs_userinfo(token, is_entra=False, groups_matter=False) is False


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Alice  Müller", "Alice Müller"),
        ("Mu\u0308ller", "Müller"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\u200bb\ufeff", "ab"),
        ("a\x00\x1b[31mb", "a[31mb"),
        ("two\r\nlines", "two lines"),
        ("x" * 10_000, "x" * 150),
        ("\ud83d", ""),
        ("王小明", "王小明"),
        ("محمد", "محمد"),
    ],
)
def test_case_112_names_are_cleaned_and_capped(typed, kept):
    assert read(name=typed).name == kept


@pytest.mark.parametrize("value", [5, [], ["Ann"], {"a": 1}, True])
def test_a_name_of_another_type_is_ignored_and_noted(value):
    identity = read(name=value, given_name="Ann")
    assert (identity.name, identity.given_name, identity.ignored) == ("", "Ann", ("name",))


def test_first_and_last_name():
    whole = read(name="王小明")
    assert (whole.first_name, whole.last_name) == ("王小明", "")
    split = read(name="Ann Lee", given_name="Ann", family_name="Lee")
    assert (split.first_name, split.last_name) == ("Ann", "Lee")
    last_only = read(name="Ann Lee", family_name="Lee")
    assert (last_only.first_name, last_only.last_name) == ("", "Lee")


@pytest.mark.parametrize(
    ("claims", "guest"),
    [
        ({}, False),
        ({"acct": 0}, False),
        ({"acct": "0"}, False),
        ({"idp": None}, False),
        ({"acct": 1}, True),
        ({"acct": "1"}, True),
        ({"acct": True}, True),
        ({"acct": False}, True),
        ({"acct": [0]}, True),
        ({"idp": "live.com"}, True),
        ({"idp": ""}, True),
        ({"upn": "bob_fabrikam.com#EXT#@contoso.onmicrosoft.com"}, True),
        ({"preferred_username": "bob_fabrikam.com#ext#@contoso.onmicrosoft.com"}, True),
        ({"upn": "bob@contoso.com"}, False),
    ],
)
def test_guests(claims, guest):
    assert read(**claims).is_guest is guest


@pytest.mark.parametrize(
    ("groups", "values", "ignored"),
    [
        (["a", "b"], ("a", "b"), False),
        ([], (), False),
        ("superadmins,x", ("superadmins,x",), False),
        ([" a ", "a"], ("a",), False),
        ([{"name": "a"}, {"name": "b", "id": 1}], ("a", "b"), False),
        (["a", 5, None, ["b"], {"id": "c"}, {"name": 7}, "b"], ("a", "b"), True),
        (["", "  "], (), True),
        ("", (), True),
        ({"a": 1}, (), True),
        (7, (), True),
        (True, (), True),
        (["a\x00", "\ud800", "b" * 513], (), True),
    ],
)
def test_case_116_117_shapes_of_groups(groups, values, ignored):
    identity = read(is_entra=False, groups=groups)
    assert identity.groups == GroupsClaim(values, GroupsSource.TOKEN, ignored)
    assert ("groups" in identity.ignored) is ignored


def test_case_123_entras_groups_have_no_display_names():
    claim = read(groups=[{"name": "PatchMon SuperAdmins"}, "g"]).groups
    assert claim == GroupsClaim(("g",), GroupsSource.TOKEN, ignored=True)


@pytest.mark.parametrize("groups", [{}, {"groups": None}])
def test_no_groups_claim_is_absent(groups):
    assert read(**groups).groups == GroupsClaim((), GroupsSource.ABSENT)


def test_app_roles_count_as_groups_for_entra():
    claim = read(roles=["PatchMon.Admin"]).groups
    assert claim == GroupsClaim(("PatchMon.Admin",), GroupsSource.ABSENT)
    both = read(groups=["g"], roles=["PatchMon.Admin", "g"]).groups
    assert both == GroupsClaim(("g", "PatchMon.Admin"), GroupsSource.TOKEN)
    assert read(is_entra=False, roles=["PatchMon.Admin"]).groups.values == ()


@pytest.mark.parametrize(
    "marker",
    [{"_claim_names": {"groups": "src1"}}, {"hasgroups": True}, {"hasgroups": "true"}],
)
def test_case_108_overage_is_not_an_empty_membership(marker):
    claim = read(roles=["PatchMon.User"], **marker).groups
    assert claim == GroupsClaim(("PatchMon.User",), GroupsSource.OVERAGE)
    assert not claim.is_complete


@pytest.mark.parametrize(
    "marker", [{"_claim_names": "groups"}, {"_claim_names": {"x": "src1"}}, {"hasgroups": False}]
)
def test_what_is_no_overage(marker):
    assert read(**marker).groups.source is GroupsSource.ABSENT


@pytest.mark.parametrize("marker", [{"_claim_names": {"groups": "src1"}}, {"hasgroups": True}])
def test_overage_is_a_word_of_entras_alone(marker):
    absent = read(is_entra=False, **marker).groups
    assert absent == GroupsClaim((), GroupsSource.ABSENT)
    found = read(is_entra=False, userinfo={"groups": ["g"]}, **marker).groups
    assert found == GroupsClaim(("g",), GroupsSource.USERINFO)


def test_a_look_up_keeps_the_app_roles_of_the_token():
    token = read(roles=["PatchMon.User"], hasgroups=True).groups
    resolved = token.resolved_by(GroupsClaim(("g",), GroupsSource.GRAPH))
    assert resolved == GroupsClaim(("PatchMon.User", "g"), GroupsSource.GRAPH)
    assert resolved.is_complete
    failed = token.resolved_by(GroupsClaim((), GroupsSource.INCOMPLETE))
    assert not failed.is_complete


def test_ten_thousand_groups_are_read():
    assert len(read(groups=[f"g{number}" for number in range(10_000)]).groups.values) == 10_000


@pytest.mark.parametrize("value", [None, 5, [], "a\nb", "x" * 3000, "é"])
def test_an_unusable_session_id_is_none(value):
    identity = read(sid=value, login_hint=value)
    assert (identity.session_id, identity.login_hint) == ("", "")


def test_case_053_no_claim_makes_anyone_anything():
    identity = read(is_superuser=True, role="superadmin", is_staff=True, pk=1, __class__="x")
    assert identity == read()


def test_the_login_hint_is_not_in_the_representation():
    assert "opaque-hint" not in repr(read(login_hint="opaque-hint"))
