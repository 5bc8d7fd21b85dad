"""How often a session is written, and that nothing of it is lost for that."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Session
from accounts.services import end_sessions
from accounts.sessions import SessionStore
from tests.accounts.conftest import HOST, PASSWORD

pytestmark = pytest.mark.django_db


def writes(captured: CaptureQueriesContext) -> list[str]:
    """Return what was done to the table of sessions, other than reading it."""
    return [
        query["sql"].split(maxsplit=1)[0]
        for query in captured.captured_queries
        if '"accounts_session"' in query["sql"] and not query["sql"].startswith("SELECT")
    ]


def test_a_sign_in_writes_its_session_once(client, carol):
    with CaptureQueriesContext(connection) as captured:
        client.post("/login", {"username": "carol", "password": PASSWORD})

    assert writes(captured) == ["INSERT"]
    row = Session.objects.get()
    assert (row.user_id, row.address) == (carol.pk, "127.0.0.1")
    assert client.cookies[settings.SESSION_COOKIE_NAME].value == row.session_key
    assert client.get("/profile").status_code == 200


def test_a_sign_in_over_an_earlier_session_leaves_that_one_alone_in_nothing(client, carol):
    client.post("/login", {"username": "carol", "password": PASSWORD})
    earlier = Session.objects.get().session_key

    with CaptureQueriesContext(connection) as captured:
        client.post("/logout")
        client.post("/login", {"username": "carol", "password": PASSWORD})

    assert writes(captured) == ["DELETE", "INSERT"]
    assert Session.objects.get().session_key != earlier


def test_what_changes_after_the_first_write_is_written_too(django_assert_num_queries):
    store = SessionStore()
    store["list"] = [1]
    store.save()
    with django_assert_num_queries(0):
        store.save()
    store["list"].append(2)
    store.save()
    assert SessionStore(store.session_key)["list"] == [1, 2]

    read = SessionStore(store.session_key)
    read["more"] = True
    read.save()
    assert dict(SessionStore(store.session_key).items()) == {"list": [1, 2], "more": True}


def test_a_new_key_takes_everything_along():
    store = SessionStore()
    store["kept"] = 1
    store.cycle_key()
    unwritten = store.session_key
    assert unwritten is None
    store.save()
    first = store.session_key

    store.cycle_key()
    store.save()

    assert store.session_key not in {None, first}
    assert SessionStore(store.session_key)["kept"] == 1
    assert not Session.objects.filter(session_key=first).exists()
    store.flush()
    store["new"] = 1
    store.save()
    assert Session.objects.count() == 1
    assert "kept" not in SessionStore(store.session_key)


def test_a_session_that_was_ended_meanwhile_stays_ended(carol, monkeypatch):
    """Between the sign-in's own write and the cookie somebody ends the account's sessions."""
    client = Client(headers={"host": HOST})
    save = SessionStore.save

    def save_and_lose(store: SessionStore, must_create: bool = False) -> None:
        save(store, must_create)
        if Session.objects.filter(user_id=carol.pk).exists():
            end_sessions(carol)

    monkeypatch.setattr(SessionStore, "save", save_and_lose)
    client.post("/login", {"username": "carol", "password": PASSWORD})
    monkeypatch.undo()

    assert client.get("/profile").status_code == 302
    assert not Session.objects.exists()
