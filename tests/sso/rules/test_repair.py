from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.roles import Role
from sso.rules import repair
from sso.rules.repair import DiscoveredIssuer, NotAcceptable, NoteKind

GUID = "11111111-2222-3333-4444-555555555555"
OTHER = "99999999-2222-3333-4444-555555555555"
HOST = "https://login.microsoftonline.com"
ENTRA = f"{HOST}/{GUID}/v2.0"
CALLBACK = "https://patchmon.example.com/api/v1/auth/oidc/callback"


def issuer(typed, *, enforce_https=True, discovered=None):
    return repair.issuer(typed, enforce_https=enforce_https, discovered=discovered)


def kinds(repaired):
    return [note.kind for note in repaired.notes]


@pytest.mark.parametrize("typed", ["a", " a ", "\ta\n", "\u200ba\u200d\ufeff", "\u00a0a\u2060"])
def test_spaces_tabs_and_zero_width_characters_around_a_value_go(typed):
    assert repair.clean(typed) == "a"


@pytest.mark.parametrize(
    ("typed", "value", "noted"),
    [
        ("", "", []),
        (" \u200b", "", []),
        (f"\u200b {ENTRA}\t", ENTRA, []),
        (f"{ENTRA}/.well-known/openid-configuration", ENTRA, [NoteKind.INFO]),
        (f"{ENTRA}/.well-known/openid-configuration?appid={GUID}", ENTRA, [NoteKind.INFO]),
        (f"{ENTRA}/", ENTRA, [NoteKind.INFO]),
        (ENTRA.replace("login.", "LOGIN."), ENTRA, [NoteKind.INFO]),
        (f"https://login.windows.net/{GUID}/v2.0", ENTRA, [NoteKind.INFO]),
        (f"{HOST}/contoso.com/v2.0", f"{HOST}/contoso.com/v2.0", []),
        ("https://auth.example/application/o/p/", "https://auth.example/application/o/p/", []),
        ("https://Auth.example/realms/X", "https://Auth.example/realms/X", []),
        ("http://127.0.0.1:8400/t/v2.0", "http://127.0.0.1:8400/t/v2.0", []),
        ("http://localhost:8080/realms/x", "http://localhost:8080/realms/x", []),
        ("http://[::1]:8080/x", "http://[::1]:8080/x", []),
    ],
)
def test_an_issuer_is_repaired(typed, value, noted):
    repaired = issuer(typed)
    assert repaired.value == value
    assert kinds(repaired) == noted


@pytest.mark.parametrize(
    ("typed", "told", "suggestion"),
    [
        (f"{HOST}/{GUID}", ENTRA, ENTRA),
        (f"{HOST}/{GUID}/", ENTRA, ENTRA),
        (f"{HOST}/{GUID}/V2.0", ENTRA, ENTRA),
        (f"{HOST}/{GUID}/oauth2/v2.0/authorize", ENTRA, ENTRA),
        (f"https://sts.windows.net/{GUID}/", ENTRA, ENTRA),
        (f"http{HOST[5:]}/{GUID}/v2.0", "https only", ENTRA),
        (f"{HOST}/<TENANT_ID>/v2.0", "Directory (tenant) ID", ""),
        (f"{HOST}/{{tenantid}}/v2.0", "Directory (tenant) ID", ""),
        (f"{HOST}/TENANT_ID/v2.0", "Directory (tenant) ID", ""),
        (f"{HOST}/your-tenant-id/v2.0", "Directory (tenant) ID", ""),
        (HOST, "/<TENANT_ID>/v2.0", ""),
        (f"{HOST}/v2.0", "/<TENANT_ID>/v2.0", ""),
        (f"{HOST}/contoso/v2.0", "Directory (tenant) ID", ""),
        (f"{HOST}/common/v2.0", "Directory (tenant) ID", ""),
        (f"{HOST}/Organizations/v2.0", "Directory (tenant) ID", ""),
        (f"{HOST}/consumers/v2.0", "Directory (tenant) ID", ""),
        (f"{HOST}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", "Directory (tenant) ID", ""),
        ("https://auth.example/<slug>/", "placeholder", ""),
        ("http://auth.example/x", "Enforce HTTPS", "https://auth.example/x"),
        ("http://auth.example:8080/x", "Enforce HTTPS", ""),
        ("auth.example/x", "https://", ""),
        ("ftp://auth.example", "https://", ""),
        ("file:///etc/passwd", "https://", ""),
        ("javascript:alert(1)", "https://", ""),
        ("https://", "no host", ""),
        ("https://:443/x", "no host", ""),
        ("https://auth.example:99999/", "not an address", ""),
        ("https://auth.example:0/", "no host that can be called", ""),
        ("https://[::1", "not an address", ""),
        ("https://user:pass@auth.example/", "user name and password", ""),
        ("https://a\\@auth.example/", "character that no host has", ""),
        ("https://auth.example/?x=1", "from ? or #", ""),
        ("https://auth.example/#", "from ? or #", ""),
        ("https://auth. example/", "invisible", ""),
        ("https://auth.exam\u200bple/", "invisible", ""),
        ("https://auth.example/" + "x" * 500, "at most", ""),
        ("https://169.254.169.254/latest", "never calls", ""),
        ("https://[fe80::1]/", "never calls", ""),
        ("https://[fd00:ec2::254]/", "never calls", ""),
        ("https://[::ffff:169.254.169.254]/", "never calls", ""),
        ("https://100.100.100.200/", "never calls", ""),
        ("https://metadata.google.internal/", "never calls", ""),
        ("https://2852039166/", "never calls", ""),
        ("https://0xa9.0xfe.0xa9.0xfe/", "never calls", ""),
        ("https://169.254.169.254./", "never calls", ""),
    ],
)
def test_an_issuer_is_refused_with_what_it_should_be(typed, told, suggestion):
    with pytest.raises(NotAcceptable) as refused:
        issuer(typed)
    assert told in refused.value.message
    assert refused.value.suggestion == suggestion


def test_plain_http_is_accepted_with_a_warning_when_https_is_not_enforced():
    repaired = issuer("http://auth.example/x", enforce_https=False)
    assert repaired.value == "http://auth.example/x"
    assert kinds(repaired) == [NoteKind.AMBER]
    assert "local testing" in repaired.notes[0].text
    with pytest.raises(NotAcceptable):
        issuer("http://169.254.169.254/", enforce_https=False)


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("https://auth.example/o/p", "https://auth.example/o/p/"),
        ("https://auth.example/o/p/", "https://auth.example/o/p"),
        (f"{HOST}/contoso.com/v2.0", ENTRA),
        (f"{HOST}/contoso.onmicrosoft.com/v2.0/", ENTRA),
    ],
)
def test_the_spelling_of_the_discovery_document_is_kept(typed, named):
    repaired = issuer(typed, discovered=DiscoveredIssuer(named))
    assert repaired.value == named
    assert NoteKind.INFO in kinds(repaired)
    again = issuer(named, discovered=DiscoveredIssuer(named))
    assert (again.value, again.notes) == (named, ())


def test_a_simulated_tenant_on_loopback_counts_as_entra():
    tenant = f"http://127.0.0.1:8400/{GUID}/v2.0"
    found = DiscoveredIssuer(tenant, is_entra=True)
    assert issuer("http://127.0.0.1:8400/contoso.com/v2.0", discovered=found).value == tenant
    assert issuer(f"{tenant}/", discovered=found).value == tenant
    with pytest.raises(NotAcceptable):
        issuer(f"http://127.0.0.1:8400/{GUID}", discovered=found)


@pytest.mark.parametrize(
    ("typed", "named", "suggestion"),
    [
        ("https://auth.example/o/p", "https://evil.example/o/p", ""),
        ("https://auth.example/o/P", "https://auth.example/o/p", ""),
        ("https://auth.example", "http://auth.example", ""),
        (ENTRA, f"{HOST}/{OTHER}/v2.0", f"{HOST}/{OTHER}/v2.0"),
        (ENTRA, f"https://login.microsoftonline.us/{GUID}/v2.0", None),
        (f"{HOST}/contoso.com/v2.0", f"https://evil.example/{GUID}/v2.0", ""),
        (f"{HOST}/contoso.com/v2.0", f"{HOST}/{{tenantid}}/v2.0", ""),
        ("https://contoso.com/v2.0", f"https://contoso.com/{GUID}/v2.0", ""),
        ("https://auth.example", "https://[", ""),
    ],
)
def test_case_092_another_issuer_is_refused_with_both_values(typed, named, suggestion):
    with pytest.raises(NotAcceptable) as refused:
        issuer(typed, discovered=DiscoveredIssuer(named))
    assert typed in refused.value.message
    assert named in refused.value.message
    assert refused.value.suggestion == (named if suggestion is None else suggestion)


def test_a_provider_that_does_not_answer_leaves_the_issuer_as_typed():
    repaired = issuer(f"{HOST}/contoso.com/v2.0", discovered=DiscoveredIssuer(""))
    assert repaired.value == f"{HOST}/contoso.com/v2.0"
    assert kinds(repaired) == [NoteKind.AMBER]


def test_client_id():
    assert repair.client_id(f"\u200b{GUID} ", microsoft=True).value == GUID
    upper = repair.client_id(GUID.upper().replace("1", "A"), microsoft=True)
    assert upper.value == GUID.replace("1", "a")
    assert kinds(upper) == [NoteKind.INFO]
    assert repair.client_id("patchmon", microsoft=False).value == "patchmon"
    assert repair.client_id(" ", microsoft=True).value == ""


@pytest.mark.parametrize(
    ("typed", "microsoft"),
    [
        ("patchmon", True),
        (f"{{{GUID}}}", True),
        (f"api://{GUID}", True),
        ("a b", False),
        ("a\u200bb", False),
        ("a" * 256, False),
    ],
)
def test_a_client_id_is_refused(typed, microsoft):
    with pytest.raises(NotAcceptable):
        repair.client_id(typed, microsoft=microsoft)


def test_a_secret_keeps_every_character_inside():
    assert repair.client_secret(" aB8Q~x_y.z-1:%ü \n").value == "aB8Q~x_y.z-1:%ü"


@pytest.mark.parametrize("typed", [GUID, f" {GUID.upper()}\n"])
def test_a_secret_id_is_no_secret(typed):
    with pytest.raises(NotAcceptable) as refused:
        repair.client_secret(typed)
    assert refused.value.message == "This looks like the Secret ID. Paste the Value column."


@pytest.mark.parametrize(
    "typed", [GUID, "hunter2\u200bhunter2", "hunter2\x00hunter2", "hunter2" * 200]
)
def test_no_refusal_repeats_the_secret(typed):
    with pytest.raises(NotAcceptable) as refused:
        repair.client_secret(typed)
    told = f"{refused.value!r} {refused.value.message} {refused.value.suggestion}"
    assert "hunter2" not in told
    assert GUID not in told


@pytest.mark.parametrize(
    ("typed", "value", "noted"),
    [
        ("openid email profile User.Read", "openid email profile User.Read", []),
        (" email  profile\topenid ", "email profile openid", []),
        ("email profile", "openid email profile", [NoteKind.INFO]),
        ("openid,email, profile", "openid email profile", []),
        ("openid email email", "openid email", []),
        ("OpenID email", "openid email", []),
        ("", "openid", [NoteKind.INFO]),
        ("openid groups", "openid groups", []),
    ],
)
def test_scopes_are_repaired(typed, value, noted):
    repaired = repair.scopes(typed, microsoft=False)
    assert repaired.value == value
    assert kinds(repaired) == noted


@pytest.mark.parametrize("typed", [repair.DEFAULT_SCOPES, "openid Groups", "groups"])
def test_groups_is_no_scope_of_entra(typed):
    with pytest.raises(NotAcceptable) as refused:
        repair.scopes(typed, microsoft=True)
    assert refused.value.suggestion == "openid email profile User.Read"
    assert repair.scopes(refused.value.suggestion, microsoft=True).notes == ()


@pytest.mark.parametrize("typed", ['openid "x"', "openid é", "openid \\", "openid a\u200bb"])
def test_scopes_of_other_characters_are_refused(typed):
    with pytest.raises(NotAcceptable):
        repair.scopes(typed, microsoft=False)


def test_very_long_scopes_are_refused():
    with pytest.raises(NotAcceptable):
        repair.scopes("openid " + "x" * 600, microsoft=False)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        CALLBACK,
        f" {CALLBACK}\u200b",
        "http://localhost:3000/api/v1/auth/oidc/callback",
        "http://127.0.0.1:3000/api/v1/auth/oidc/callback",
    ],
)
def test_a_redirect_override_is_accepted(typed):
    assert repair.redirect_uri(typed, enforce_https=True).value == repair.clean(typed)


@pytest.mark.parametrize(
    ("typed", "suggestion"),
    [
        (f"{CALLBACK}/", CALLBACK),
        ("https://patchmon.example.com", CALLBACK),
        ("https://patchmon.example.com/API/v1/auth/oidc/callback", CALLBACK),
        (f"{CALLBACK}#x", CALLBACK),
        (f"{CALLBACK}#", CALLBACK),
        (f"{CALLBACK}?x=1", CALLBACK),
        (CALLBACK.replace("https", "http"), CALLBACK),
        (CALLBACK.replace("patchmon.", "p" * 220 + "."), ""),
        *((CALLBACK.replace("patchmon.", f"patch{mark}mon."), "") for mark in "!$'(),;"),
        ("/api/v1/auth/oidc/callback", ""),
        ("https://user@patchmon.example.com/api/v1/auth/oidc/callback", ""),
        (CALLBACK.replace("patchmon", "patch mon"), ""),
    ],
)
def test_a_redirect_override_is_refused(typed, suggestion):
    with pytest.raises(NotAcceptable) as refused:
        repair.redirect_uri(typed, enforce_https=True)
    assert refused.value.suggestion == suggestion


def test_a_plain_http_redirect_is_for_local_testing():
    repaired = repair.redirect_uri(CALLBACK.replace("https", "http"), enforce_https=False)
    assert kinds(repaired) == [NoteKind.AMBER]


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("", ""),
        (f" {GUID} ,,\u200b{OTHER}", f"{GUID}, {OTHER}"),
        (f"{GUID}\r\n\n{OTHER}\n", f"{GUID}\n{OTHER}"),
    ],
)
def test_a_role_row_is_tidied(typed, value):
    repaired = repair.role_row(typed, microsoft=True)
    assert (repaired.value, repaired.notes) == (value, ())


def test_names_in_a_row_are_warned_of_for_entra_only():
    repaired = repair.role_row(f"PatchMon Admins, {GUID}", microsoft=True)
    assert repaired.value == f"PatchMon Admins, {GUID}"
    assert kinds(repaired) == [NoteKind.AMBER]
    assert "Entra sends object IDs, not names" in repaired.notes[0].text
    assert "PatchMon Admins" in repaired.notes[0].text
    assert GUID not in repaired.notes[0].text
    assert repair.role_row("PatchMon Admins", microsoft=False).notes == ()
    many = repair.role_row(",".join("abcdefg"), microsoft=True).notes[0].text
    assert "“e” and others" in many


@pytest.mark.parametrize("typed", ["a\x00b", "x" * 5000])
def test_a_role_row_is_refused(typed):
    with pytest.raises(NotAcceptable):
        repair.role_row(typed, microsoft=False)


def test_the_same_group_in_two_rows_is_told_with_both():
    rows = {
        Role.ADMIN: ("x", "A"),
        Role.USER: (" a ",),
        Role.READONLY: ("y", ""),
        Role.SUPERADMIN: (),
    }
    (found,) = repair.duplicate_groups(rows)
    assert found.roles == (Role.ADMIN, Role.USER)
    assert found.message.startswith("“A” is in the Admin row and in the User row.")
    assert repair.duplicate_groups({Role.ADMIN: ("a", "a"), Role.USER: ("",)}) == ()


def test_button_text():
    assert repair.button_text("  Sign in  with\tMicrosoft ").value == "Sign in with Microsoft"
    assert repair.button_text(" ").value == "Login with SSO"
    for typed in ("x" * 61, "a\u202eb"):
        with pytest.raises(NotAcceptable):
            repair.button_text(typed)


@settings(max_examples=150, deadline=None)
@given(
    typed=st.text(max_size=60)
    | st.text("htps:/[]@.<>{}x0%#?1\u200b", max_size=40).map("https://".__add__),
    found=st.none() | st.text(max_size=30).map(DiscoveredIssuer),
)
def test_whatever_is_typed_is_repaired_or_refused(typed, found):
    fields = (
        lambda: issuer(typed, discovered=found),
        lambda: repair.redirect_uri(typed, enforce_https=True),
        lambda: repair.client_id(typed, microsoft=False),
        lambda: repair.client_secret(typed),
        lambda: repair.scopes(typed, microsoft=True),
        lambda: repair.role_row(typed, microsoft=True),
        lambda: repair.button_text(typed),
    )
    for field in fields:
        try:
            repaired = field()
        except NotAcceptable:
            continue
        assert "\x00" not in repaired.value
        assert repaired.value == repair.clean(repaired.value)
