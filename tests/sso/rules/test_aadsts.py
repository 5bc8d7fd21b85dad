from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sso.rules.aadsts import (
    KNOWN_CODES,
    Blade,
    Field,
    Who,
    explain_code,
    explain_error,
    explain_text,
    find_codes,
)
from sso.rules.aadsts_people import PEOPLE
from sso.rules.aadsts_setup import SETUP
from sso.rules.meanings import explain_reason
from sso.rules.reasons import ProviderError, Reason, Stage

GUID = "11111111-2222-3333-4444-555555555555"
PAGE = (
    "Sorry, but we’re having trouble signing you in. AADSTS50011: The redirect URI 'https://x'"
    " does not match. Request Id: 0 Correlation Id: 1 Timestamp: 2026-08-25T11:20:33Z"
)


def test_no_code_is_in_two_rows():
    codes = [code for row in (*SETUP, *PEOPLE) for code in row.codes]
    assert len(codes) == len(set(codes)) == len(KNOWN_CODES)


@pytest.mark.parametrize(
    ("code", "who", "field", "told"),
    [
        (50011, Who.ENTRA_ADMINISTRATOR, Field.SERVER_URL, "no slash at the end"),
        (70011, Who.ADMINISTRATOR, Field.SCOPES, "openid email profile User.Read"),
        (700016, Who.ADMINISTRATOR, Field.CLIENT_ID, "Application (client) ID"),
        (7000215, Who.ADMINISTRATOR, Field.CLIENT_SECRET, "Value"),
        (7000222, Who.ADMINISTRATOR, Field.CLIENT_SECRET, "new secret"),
        (90002, Who.ADMINISTRATOR, Field.ISSUER_URL, "Directory (tenant) ID"),
        (50105, Who.ENTRA_ADMINISTRATOR, Field.NONE, "Assign"),
        (90033, Who.NOBODY, Field.NONE, "Try again"),
    ],
)
def test_the_guides_troubleshooting_is_covered(code, who, field, told):
    found = explain_code(code)
    assert (found.code, found.who, found.field) == (f"AADSTS{code}", who, field)
    assert told in found.cure


@pytest.mark.parametrize("code", sorted(KNOWN_CODES))
def test_every_explanation_says_something(code):
    found = explain_code(code)
    assert found.happened.endswith(".")
    assert found.cure
    assert found.who.label


def test_a_code_nobody_has_heard_of_is_looked_up():
    found = explain_code(1234567)
    assert "error?code=1234567" in found.cure
    assert found.blade is Blade.SIGN_IN_LOGS


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("50011", (50011,)),
        (" AADSTS50011: ", (50011,)),
        ("aadsts50011", (50011,)),
        ("Error 700016", (700016,)),
        (PAGE, (50011,)),
        ("AADSTS70002: a. AADSTS54005: b. AADSTS70002: c", (70002, 54005)),
        ("https://login.microsoftonline.com/error?code=50058", (50058,)),
        ('{"error":"invalid_client","error_codes":[7000215]}', (7000215,)),
        ("error_code: 90002", (90002,)),
        ("AADSTS123456789012", ()),
        ("at 20:33 on 2026-08-25 with 12345678", ()),
        ("", ()),
        ("٥٠٠١١", ()),
    ],
)
def test_codes_are_found_in_what_was_pasted(text, codes):
    assert find_codes(text) == codes


def test_the_most_telling_code_comes_first():
    found = explain_text("AADSTS70002: umbrella. AADSTS99999: unknown. AADSTS54005: used.")
    assert [one.code for one in found] == ["AADSTS54005", "AADSTS70002", "AADSTS99999"]


def test_an_error_without_a_code_is_explained_by_its_name():
    (found,) = explain_text("?error=invalid_client&state=x")
    assert (found.code, found.field) == ("invalid_client", Field.CLIENT_SECRET)
    assert explain_text("it does not work") == ()
    assert explain_text("noninvalid_clientele") == ()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"error": "invalid_client", "codes": [7000215]}, "AADSTS7000215"),
        ({"error": "invalid_grant", "codes": [70002, 54005]}, "AADSTS54005"),
        ({"error": "invalid_grant", "codes": [54005, 70002]}, "AADSTS54005"),
        ({"error": "invalid_grant", "codes": [9999999, 70008]}, "AADSTS70008"),
        ({"error": "access_denied"}, "access_denied"),
        ({"error": "invalid_client", "codes": [9999999]}, "invalid_client"),
        ({"error": "strange", "codes": [9999999]}, "AADSTS9999999"),
        ({"error": "strange"}, "strange"),
        ({}, ""),
    ],
)
@pytest.mark.parametrize("stage", Stage)
def test_an_error_is_explained_by_code_then_name_then_stage(stage, error, code):
    found = explain_error(ProviderError.read(stage, **error))
    assert found.code == code
    assert found.happened
    assert found.cure


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_explained_to_administrators(reason):
    found = explain_reason(reason)
    assert found.code == reason
    assert found.happened.endswith(".")
    assert found.cure


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200) | st.text("AADST0123456789:= []error_codes", max_size=60))
def test_any_text_is_explained_or_not(text):
    for found in explain_text(text):
        assert found.happened
