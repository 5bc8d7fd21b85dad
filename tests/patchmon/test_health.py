"""Probes (product.md, HTTP interface)."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.models import Session, User
from accounts.roles import Role
from accounts.services import create_user

pytestmark = pytest.mark.django_db

LIVE, READY = "/health/live", "/health/ready"


@pytest.fixture
def administrator(db) -> User:
    return create_user(
        usernames=["boss"],
        email="",
        first_name="",
        last_name="",
        role=Role.SUPERADMIN,
        actor=None,
    )


def test_up_and_ready(client):
    for path in (LIVE, READY):
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/json"
        assert "no-store" in answer["Cache-Control"]
    assert Session.objects.count() == 0


def test_live_needs_no_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get(LIVE).status_code == 200


def test_probes_come_by_any_host_and_nothing_else_does(administrator):
    probe = Client(headers={"host": "10.2.3.4:3000"})

    assert probe.get(LIVE).status_code == 200
    assert probe.get(READY).status_code == 200
    assert probe.get("/login").status_code == 400


def test_pending_migrations_are_not_ready(client, monkeypatch):
    monkeypatch.setattr(
        "patchmon.health.MigrationExecutor.migration_plan", lambda *_: ["a migration"]
    )

    answer = client.get(READY)

    assert (answer.status_code, answer.json()["cause"]) == (503, "migrations")
    assert client.get(LIVE).status_code == 200


def test_a_database_that_is_down_is_not_ready_and_no_error_page(client, monkeypatch):
    def down(*_):
        raise OperationalError("password authentication failed for user patchmon")

    monkeypatch.setattr("patchmon.health.MigrationExecutor", down)

    answer = client.get(READY)

    assert (answer.status_code, answer.json()["cause"]) == (503, "database")
    assert "password" not in answer.text


@pytest.mark.parametrize("path", [LIVE, READY])
def test_they_are_read_only(client, path):
    assert client.post(path).status_code == 405
    assert client.head(path).status_code == 200
