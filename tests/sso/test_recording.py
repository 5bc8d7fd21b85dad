"""What a sign-in leaves on record, also where PatchMon itself fails (sign-in.md, Record)."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import ProfilePhoto, Session, User
from accounts.roles import Role
from entra_sim import defaults
from sso.models import LinkedIdentity, SignInAttempt
from sso.services.settings import save_settings
from tests.people import HOST
from tests.sso.conftest import connect
from tests.sso.test_sign_in import only_attempt, signed_in_as
from tests.sso.trials import begin

pytestmark = pytest.mark.django_db

TOLD = "what the database would not write"


@contextlib.contextmanager
def failing(statement: str) -> Iterator[None]:
    """Let the database fail at every statement of this kind on this table."""
    kind, table = statement.split()

    def execute(run, sql, params, many, context):
        if sql.startswith(kind) and f'"{table}"' in sql:
            raise OperationalError(TOLD)
        return run(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT accounts_profilephoto",
        "INSERT accounts_profilephoto",
    ],
)
def test_a_photo_that_the_database_refuses_fails_no_sign_in(connected, sign_in, statement):
    with failing(statement):
        browser = sign_in("alice")

    assert browser.last["Location"] == "/"
    assert signed_in_as(browser) == "alice"
    assert not ProfilePhoto.objects.exists()
    attempt = only_attempt()
    assert attempt.outcome == "signed_in"
    assert attempt.notes == ["photo: not stored (OperationalError)"]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT accounts_session",
        "INSERT sso_linkedidentity",
        "SELECT accounts_installation",
    ],
    ids=["after the account was made", "while it was made", "before"],
)
def test_an_error_of_our_own_is_on_record_and_goes_on(connected, client, statement, caplog):
    client.raise_request_exception = False
    start = client.get(reverse("sso:login"))
    path = connected.new_browser().sign_in(start["Location"], "alice")

    with failing(statement):
        answer = client.get(path.removeprefix(f"http://{HOST}"))

    assert answer.status_code == 500
    assert signed_in_as(client) == ""
    assert Session.objects.count() == 0
    attempt = only_attempt()
    assert (attempt.outcome, attempt.reason) == ("refused", "unforeseen")
    assert attempt.detail == "OperationalError"
    assert attempt.created_account is User.objects.filter(username="alice").exists()
    assert attempt.created_account is LinkedIdentity.objects.exists()
    assert TOLD not in str(vars(attempt))
    lines = [line.getMessage() for line in caplog.records if line.name.startswith("sso")]
    assert lines
    assert TOLD not in "".join(lines)


def test_whoever_looks_an_error_of_our_own_up_reads_where_it_is(connected, client, admin_client):
    client.raise_request_exception = False
    start = client.get(reverse("sso:login"))
    path = connected.new_browser().sign_in(start["Location"], "alice")
    with failing("INSERT accounts_session"):
        client.get(path.removeprefix(f"http://{HOST}"))

    page = admin_client.get(reverse("sso:sign-in", args=[only_attempt().reference]))

    assert "PatchMon itself failed during the sign-in." in page.content.decode()


def test_an_error_of_our_own_during_a_test_is_recorded_as_a_test(connected, admin_client):
    path = connected.new_browser().sign_in(begin(admin_client), "alice")
    admin_client.raise_request_exception = False

    with failing("SELECT sso_linkedidentity"):
        answer = admin_client.get(path.removeprefix(f"http://{HOST}"))

    assert answer.status_code == 500
    attempt = only_attempt()
    assert (attempt.outcome, attempt.reason) == ("tested", "unforeseen")


def test_tidying_that_fails_undoes_no_sign_in(connected, sign_in, settings, caplog):
    settings.ATTEMPTS_KEPT = timedelta(days=30)
    SignInAttempt.objects.create(
        reference="OLDOLD", outcome="signed_in", at=timezone.now() - timedelta(days=40)
    )
    caplog.set_level(logging.ERROR)

    with failing("DELETE sso_signinattempt"):
        browser = sign_in("alice")

    assert browser.last["Location"] == "/"
    assert signed_in_as(browser) == "alice"
    assert SignInAttempt.objects.filter(username="alice", outcome="signed_in").count() == 1
    assert SignInAttempt.objects.filter(reference="OLDOLD").exists()
    assert any("oidc attempts not pruned" in line.getMessage() for line in caplog.records)


def test_a_record_that_fails_undoes_no_sign_in(connected, sign_in, caplog):
    caplog.set_level(logging.ERROR)

    with failing("INSERT sso_signinattempt"):
        browser = sign_in("alice")

    assert browser.last["Location"] == "/"
    assert signed_in_as(browser) == "alice"
    assert not SignInAttempt.objects.exists()
    assert any("oidc attempt not recorded" in line.getMessage() for line in caplog.records)
    assert TOLD not in caplog.text


def test_another_browser_is_none_the_wiser(connected):
    """An error of our own costs the one whom it hits, and nobody else."""
    first, second = Client(headers={"host": HOST}), Client(headers={"host": HOST})
    first.raise_request_exception = False
    start = first.get(reverse("sso:login"))
    path = connected.new_browser().sign_in(start["Location"], "alice")
    with failing("INSERT accounts_session"):
        first.get(path.removeprefix(f"http://{HOST}"))

    start = second.get(reverse("sso:login"))
    path = connected.new_browser().sign_in(start["Location"], "alice")
    second.get(path.removeprefix(f"http://{HOST}"))

    assert signed_in_as(second) == "alice"
    assert User.objects.filter(username__startswith="alice").count() == 1


# A superadmin row that is empty while roles are synced


EMPTY_ROW = "oidc superadmin row is empty"


@pytest.fixture
def told(caplog) -> Callable[[], list[str]]:
    """Say where it was told since the last question, at saving or at a sign-in."""
    caplog.set_level(logging.INFO)

    def where() -> list[str]:
        lines = [line for line in caplog.records if EMPTY_ROW in line.getMessage()]
        assert all(line.levelname == "WARNING" for line in lines)
        told = [line.msg["at"] for line in lines]
        caplog.clear()
        return told

    return where


def test_saving_an_empty_superadmin_row_is_told(
    connected, told, django_capture_on_commit_callbacks
):
    saves: list[tuple[dict[str, object], list[str]]] = [
        ({"superadmin_group": ""}, ["saving"]),
        ({"button_text": "Enter"}, ["saving"]),
        ({"sync_roles": False}, []),
        ({"sync_roles": True}, ["saving"]),
        ({"superadmin_group": "chiefs"}, []),
    ]
    for values, expected in saves:
        with django_capture_on_commit_callbacks(execute=True):
            save_settings(values, actor=None)
        assert told() == expected, values


def test_a_sign_in_that_it_mattered_at_is_told(connected, sign_in, told, caplog):
    sign_in("sofia")
    assert told() == []
    connect(connected, superadmin_group="")
    connected.tenant.people["sofia"].groups = [defaults.ROLE_GROUPS["user"]]
    caplog.clear()

    sign_in("sofia")

    assert User.objects.get(username="sofia").role == Role.SUPERADMIN
    assert told() == ["sign-in"]
    sign_in("alice")
    assert told() == []
    # Nor is anybody promoted by the default.
    connect(connected, superadmin_group="", default_role="superadmin")
    caplog.clear()
    connected.tenant.people["nora"].groups = []
    sign_in("nora")
    assert User.objects.get(username="nora").role == Role.ADMIN
    assert told() == ["sign-in"]
