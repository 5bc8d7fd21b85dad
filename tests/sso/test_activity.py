"""Settings → Sign-ins: filters, detail, export, and what they cost (issue 5)."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import roles
from accounts.roles import Role
from accounts.services import create_user
from entra_sim import defaults
from sso.models import SignInAttempt
from sso.rules.decision import RoleRule
from sso.rules.reasons import Reason
from sso.services.activity import DAYS
from sso.services.attempts import PRUNE_AT_ONCE
from sso.services.settings import save_settings
from sso.views import sign_ins_export
from tests.people import HOST, PASSWORD
from tests.sso.pages import reads

pytestmark = pytest.mark.django_db

PAGE = "/settings/sign-ins"
EXPORT = f"{PAGE}/export"
ADMIN = "/admin/sso/signinattempt/"
TABLE = "sso_signinattempt"
REFUSED = SignInAttempt.Outcome.REFUSED
UNKNOWN_GROUP = "0b1e2c3d-1111-4222-8333-444455556666"
TENANT = "11111111-2222-4333-8444-555555555555"
CLIENT = "99999999-8888-4777-8666-555555555555"


def attempt(reference: str, **values: Any) -> SignInAttempt:
    return SignInAttempt.objects.create(
        reference=reference, **{"outcome": SignInAttempt.Outcome.SIGNED_IN, **values}
    )


def shown(page) -> list[str]:
    assert page.status_code == 200
    return [row.reference for row in page.context["page"].object_list]


@pytest.fixture
def attempts(db) -> None:
    """Five, the newest first: A to E."""
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    attempt("AAAA", at=now, username="alice", email="Alice@Example.org")
    attempt("BBBB", at=now - timedelta(hours=1), outcome=REFUSED, reason=Reason.NO_ACCOUNT)
    attempt(
        "CCCC",
        at=now - timedelta(days=1),
        outcome=REFUSED,
        reason=Reason.CANCELLED,
        email="bob@example.org",
    )
    attempt("DDDD", at=now - timedelta(days=2), username="bob", email="bob@example.org")
    attempt("EEEE", at=now - timedelta(days=3), username="alice", outcome="tested")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["AAAA", "BBBB", "CCCC", "DDDD", "EEEE"]),
        ({"outcome": "refused"}, ["BBBB", "CCCC"]),
        ({"outcome": "tested"}, ["EEEE"]),
        ({"reason": "cancelled"}, ["CCCC"]),
        ({"reason": "cancelled", "outcome": "signed_in"}, []),
        ({"search": "ALICE"}, ["AAAA", "EEEE"]),
        ({"search": "alice", "outcome": "tested"}, ["EEEE"]),
        ({"search": " BOB@example.ORG "}, ["CCCC", "DDDD"]),
        ({"search": "bob@example.org", "reason": "cancelled"}, ["CCCC"]),
        ({"search": "dddd"}, ["DDDD"]),
        ({"search": "nobody"}, []),
        ({"search": "%"}, []),
        ({"since": "2026-05-19"}, ["AAAA", "BBBB", "CCCC"]),
        ({"until": "2026-05-18"}, ["DDDD", "EEEE"]),
        ({"since": "2026-05-18", "until": "2026-05-19"}, ["CCCC", "DDDD"]),
        ({"since": "2026-05-19", "outcome": "refused", "search": "bob@example.org"}, ["CCCC"]),
    ],
)
def test_filters_narrow_the_list_newest_first(attempts, admin_client, query, expected):
    assert shown(admin_client.get(PAGE, query)) == expected


def test_a_username_that_is_an_address_is_found(admin_client):
    attempt("FFFF", username="carol@corp.example")

    assert shown(admin_client.get(PAGE, {"search": "carol@corp.example"})) == ["FFFF"]


@pytest.mark.parametrize(
    "query",
    [
        {"since": "yesterday"},
        {"until": "9999-12-31"},
        {"since": "0001-01-01"},
        {"outcome": "other"},
        {"reason": "x" * 300},
        {"search": "\x00"},
    ],
)
def test_what_cannot_be_read_is_said_beside_its_field(attempts, admin_client, query):
    page = admin_client.get(PAGE, query)

    assert shown(page) == []
    assert set(page.context["filter_form"].errors) == set(query)


def test_reasons_are_chosen_in_words(admin_client):
    page = admin_client.get(PAGE)

    everything, *groups = page.context["filter_form"].fields["reason"].choices
    choices = [choice for _, group in groups for choice in group]
    assert everything == ("", "All reasons")
    assert sorted(value for value, _ in choices) == sorted(Reason)
    assert "_" not in "".join(text for _, text in choices)
    # Grouped by who can mend it.
    assert '<optgroup label="An Entra administrator">' in page.text


# In full


@pytest.fixture
def entra(db) -> None:
    save_settings(
        {
            "issuer": f"https://login.microsoftonline.com/{TENANT}/v2.0",
            "client_id": CLIENT,
            "sync_roles": True,
            "admin_group": defaults.ROLE_GROUPS["admin"],
            "user_group": defaults.ROLE_GROUPS["user"],
        },
        actor=None,
    )


def test_the_detail_says_groups_roles_rule_and_timings(entra, admin_client):
    attempt(
        "AAAA",
        username="alice",
        groups=[
            defaults.ROLE_GROUPS["user"],
            UNKNOWN_GROUP,
            defaults.ROLE_GROUPS["admin"].upper(),
        ],
        groups_source="token",
        notes=["email_kept"],
        object_id="5f0c1a3e-0d7b-4b53-9d53-1f7a7a3d2b10",
        role_before="user",
        role_after="admin",
        role_rule=RoleRule.GROUP,
        duration_ms=180,
        provider_ms=150,
    )

    page = admin_client.get(f"{PAGE}/AAAA")
    text = reads(page)

    assert "Source of the groups ID token" in text
    assert "The e-mail address stayed as it was: another account holds the new one." in text
    assert 'aria-label="Copy Object ID"' in page.text
    assert f"{defaults.ROLE_GROUPS['admin'].upper()} admin Admin" in text
    assert f"{defaults.ROLE_GROUPS['user']} user User" in text
    assert f"{UNKNOWN_GROUP} In no row" in text
    assert "Role before User" in text
    assert "Role after Admin" in text
    assert "The highest row of the mapping that holds one of the groups." in text
    assert "180 ms: 150 ms waiting for the provider, 30 ms in PatchMon" in text
    assert "What happened, and what mends it" not in text


def test_the_groups_follow_the_mapping_in_force(entra, admin_client):
    attempt("AAAA", groups=[UNKNOWN_GROUP])
    assert f"{UNKNOWN_GROUP} In no row" in reads(admin_client.get(f"{PAGE}/AAAA"))

    save_settings({"readonly_group": UNKNOWN_GROUP}, actor=None)

    assert f"{UNKNOWN_GROUP} readonly Readonly" in reads(admin_client.get(f"{PAGE}/AAAA"))


def test_a_providers_error_is_shown_in_full_with_the_fix_and_where(entra, admin_client):
    attempt(
        "AAAA",
        outcome=REFUSED,
        reason=Reason.TOKEN_REFUSED,
        provider_error="invalid_client",
        provider_description="AADSTS7000215: Invalid client secret provided.",
        provider_codes=[7000215],
        trace_id="trace-1",
        correlation_id="correlation-1",
    )

    page = admin_client.get(f"{PAGE}/AAAA")

    text = reads(page)
    assert "What happened, and what mends it" in text
    assert "Here: Client Secret" in text
    assert 'href="/settings/oidc#id_client_secret"' in page.text
    link = f"https://entra.microsoft.com/{TENANT}/#view/Microsoft_AAD_RegisteredApps"
    assert f'href="{link}/ApplicationMenuBlade/~/Credentials/appId/{CLIENT}"' in page.text
    for told in ("invalid_client", "AADSTS7000215", "trace-1", "correlation-1"):
        assert told in text
    assert "Who can mend it" in text


@pytest.mark.parametrize(
    "values",
    [
        {"role_rule": "of another version", "role_after": "owner", "reason": "unheard_of"},
        {"groups": [], "outcome": REFUSED, "reason": Reason.PROVIDER_UNREACHABLE},
        {"groups": [f"group-{number}" for number in range(500)]},
        {"provider_codes": [1], "reason": Reason.CANCELLED},
    ],
)
def test_any_row_can_be_shown_and_exported(entra, admin_client, values):
    attempt("AAAA", **values)

    assert admin_client.get(f"{PAGE}/AAAA").status_code == 200
    assert admin_client.get(PAGE).status_code == 200
    assert len(exported(admin_client)) == 1


def test_what_came_from_outside_is_text(entra, admin_client):
    evil = "<script>alert(1)</script>"
    attempt(
        "AAAA",
        outcome=REFUSED,
        reason=Reason.PROVIDER_ERROR,
        email=evil,
        username=evil,
        user_agent=evil,
        provider_error=evil,
        provider_description=evil,
        trace_id=evil,
        groups=[evil],
    )

    for path in (PAGE, f"{PAGE}/AAAA", f"{PAGE}?search={evil}"):
        assert evil not in admin_client.get(path).text


# As a file


def exported(browser, **query) -> list[dict[str, str]]:
    answer = browser.get(EXPORT, query)
    assert answer.status_code == 200
    assert answer.streaming
    text = b"".join(answer.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_export_holds_what_the_filter_shows(attempts, admin_client):
    rows = exported(admin_client, outcome="refused")

    assert [row["reference"] for row in rows] == ["BBBB", "CCCC"]
    assert rows[1]["time"] == "2026-05-19T12:00:00+00:00"
    assert rows[1]["reason"] == "cancelled"
    assert rows[1]["what_happened"]
    assert rows[1]["email"] == "bob@example.org"
    answer = admin_client.get(EXPORT)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(
        r'attachment; filename="sign-ins-\d{4}-\d\d-\d\d\.csv"', answer["Content-Disposition"]
    )
    assert answer["Cache-Control"] == "no-store"
    assert len(list(answer.streaming_content)) == 6


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(admin_client, start):
    evil = f'{start}HYPERLINK("https://evil.example")'
    attempt("AAAA", username=evil, email=evil, user_agent=evil, detail=evil, groups=[evil])

    (row,) = exported(admin_client)

    for name in ("username", "email", "user_agent", "detail", "groups"):
        assert row[name] == f"'{evil}"
    assert not any(cell.startswith(start) for cell in row.values())


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
@pytest.mark.parametrize("between", ["", " ", '"', '" ;"'])
def test_no_part_of_a_cell_is_a_formula_where_semicolons_separate_them(
    admin_client, start, between
):
    """What a browser says of itself is anybody's text."""
    formula = f'{start}HYPERLINK("https://evil.example";"see")'
    attempt("AAAA", user_agent=f"Mozilla/5.0 (X11; Linux);{between}{formula}", email=f" {formula}")

    (row,) = exported(admin_client)

    assert row["user_agent"] == f"Mozilla/5.0 (X11; Linux);{between}'{formula}"
    assert row["email"] == f"' {formula}"
    for cell in ";".join(row.values()).split(";"):
        assert not cell.strip(' "').startswith(start)


def test_a_cell_with_commas_quotes_and_lines_stays_one_cell(admin_client):
    attempt("AAAA", detail='one, "two"\r\n=three', groups=["a", "b"])

    (row,) = exported(admin_client)

    assert row["detail"] == 'one, "two"\r\n=three'
    assert row["groups"] == "a b"


def test_the_export_is_bounded(attempts, admin_client, monkeypatch):
    assert sign_ins_export.MOST_ROWS == 10_000
    monkeypatch.setattr(sign_ins_export, "MOST_ROWS", 3)

    assert [row["reference"] for row in exported(admin_client)] == ["AAAA", "BBBB", "CCCC"]


def test_a_filter_that_cannot_be_read_exports_nothing(attempts, admin_client):
    answer = admin_client.get(EXPORT, {"since": "yesterday"}, follow=True)

    assert "nothing was exported" in reads(answer)
    assert "text/html" in answer["Content-Type"]


def test_the_page_leads_to_the_export_of_its_filter(attempts, admin_client):
    page = admin_client.get(PAGE, {"outcome": "refused", "page": "1"})

    assert f'href="{EXPORT}?outcome=refused"' in page.text


@pytest.mark.parametrize("missing", ["can_export_data", "can_manage_settings"])
def test_the_export_asks_for_both_permissions(attempts, administrator, monkeypatch, missing):
    create_user(
        usernames=["adele"],
        email="",
        first_name="",
        last_name="",
        role=Role.ADMIN,
        actor=None,
        password=PASSWORD,
    )
    browser = Client(headers={"host": HOST})
    browser.login(username="adele", password=PASSWORD)
    assert browser.get(EXPORT).status_code == 200
    held = roles.permissions_of(Role.ADMIN) - {missing}
    monkeypatch.setattr("accounts.backends.permissions_of", lambda role: held)

    answer = browser.get(EXPORT)

    assert answer.status_code == 403
    assert "AAAA" not in answer.text


# What it costs


def plan(browser, path: str, query: dict[str, str]) -> str:
    """Return how SQLite goes about every query of a page that reads attempts."""
    with CaptureQueriesContext(connection) as captured:
        answer = browser.get(path, query)
        assert answer.status_code == 200
        if answer.streaming:
            b"".join(answer.streaming_content)
    asked = [entry["sql"] for entry in captured.captured_queries if TABLE in entry["sql"]]
    assert asked
    with connection.cursor() as cursor:
        # By the driver itself: the text holds its parameters already.
        plans = [cursor.connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall() for sql in asked]
    return "\n".join(step[3] for told in plans for step in told)


@pytest.mark.parametrize("path", [PAGE, EXPORT])
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({}, "sso_attempt_at"),
        ({"page": "400"}, "sso_attempt_at"),
        ({"since": "2026-05-01", "until": "2026-05-31"}, "sso_attempt_at"),
        ({"outcome": "refused"}, "sso_attempt_by_outcome"),
        ({"outcome": "refused", "since": "2026-05-01"}, "sso_attempt_by_outcome"),
        ({"reason": "cancelled"}, "sso_attempt_by_reason"),
        ({"reason": "cancelled", "outcome": "refused"}, "sso_attempt_by_reason"),
        ({"search": "alice"}, "sso_attempt_by_username"),
        ({"search": "alice", "outcome": "refused"}, "sso_attempt_by_username"),
        ({"search": "alice", "reason": "cancelled", "since": "2026-05-01"}, "by_username"),
        ({"search": "alice@example.org"}, "sso_attempt_by_email"),
        ({"search": "alice@example.org", "until": "2026-05-31"}, "sso_attempt_by_email"),
    ],
)
def test_no_list_is_sorted_or_read_in_full(attempts, admin_client, path, query, index):
    found = plan(admin_client, path, query)

    assert index in found
    assert "TEMP B-TREE" not in found
    for step in found.splitlines():
        assert step.startswith("SEARCH") or "USING INDEX sso_attempt_at" in step, found


@pytest.mark.parametrize(
    ("search", "expected", "index"),
    [
        ("Alice", ["AAAA", "EEEE"], "sso_attempt_by_username"),
        ("alice@example.ORG", ["AAAA"], "sso_attempt_by_email"),
        ("cccc", ["CCCC"], "(reference=?)"),
        # Not a part of one: that would read every attempt.
        ("lic", [], "sso_attempt_by_username"),
    ],
)
def test_the_django_admin_looks_for_the_whole_of_one_thing_along_an_index(
    attempts, admin_client, search, expected, index
):
    listed = admin_client.get(ADMIN, {"q": search}).context["cl"].result_list
    found = plan(admin_client, ADMIN, {"q": search})

    assert [attempt.reference for attempt in listed] == expected
    assert index in found
    assert "SCAN" not in found


def test_home_counts_along_indexes_and_reads_one_persons_attempts_by_whose_they_are(
    attempts, admin_client
):
    steps = [step for step in plan(admin_client, "/", {}).splitlines() if TABLE in step]

    assert sum("sso_attempt_by_outcome (outcome=? AND at>? AND at<?)" in s for s in steps) == DAYS
    # Whether the only Super Admin kept the role against their groups.
    assert sum("(user_id=?)" in step for step in steps) == 1
    for step in steps:
        assert step.startswith("SEARCH") or "USING INDEX sso_attempt_at" in step, step
        # By an outcome alone it would read everybody's, however old.
        assert not step.endswith("(outcome=?)"), step


def test_the_list_counts_nothing(attempts, admin_client):
    with CaptureQueriesContext(connection) as captured:
        admin_client.get(PAGE, {"outcome": "refused"})

    assert "COUNT(" not in "".join(entry["sql"] for entry in captured.captured_queries)


# How long it is kept


def test_what_is_older_than_it_is_kept_goes_with_the_next_attempt(
    connected, sign_in, settings, attempts
):
    settings.ATTEMPTS_KEPT = timedelta(days=30)
    now = timezone.now()
    attempt("OLDOLD", at=now - timedelta(days=30, minutes=1))
    attempt("YOUNG", at=now - timedelta(days=29))

    sign_in("alice")

    kept = set(SignInAttempt.objects.values_list("reference", flat=True))
    assert "OLDOLD" not in kept
    assert "YOUNG" in kept
    assert len(kept & {"AAAA", "BBBB", "CCCC"}) in {0, 3}


def test_one_sign_in_waits_for_a_bounded_number_and_the_oldest_go_first(
    connected, sign_in, settings
):
    settings.ATTEMPTS_KEPT = timedelta(days=30)
    long_ago = timezone.now() - timedelta(days=60)
    SignInAttempt.objects.bulk_create(
        SignInAttempt(reference=f"OLD{number}", at=long_ago + timedelta(minutes=number))
        for number in range(PRUNE_AT_ONCE + 3)
    )

    sign_in("alice")

    left = SignInAttempt.objects.filter(reference__startswith="OLD").order_by("at")
    assert [attempt.reference for attempt in left] == [
        f"OLD{PRUNE_AT_ONCE + number}" for number in range(3)
    ]


def test_it_is_looked_after_now_and_then_and_not_at_every_attempt(connected, sign_in, settings):
    settings.ATTEMPTS_KEPT = timedelta(days=30)
    sign_in("alice")
    attempt("OLDOLD", at=timezone.now() - timedelta(days=40))

    sign_in("alice")

    assert SignInAttempt.objects.filter(reference="OLDOLD").exists()
