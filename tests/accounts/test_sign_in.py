from __future__ import annotations

import time

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from accounts.models import Session
from tests.accounts.conftest import HOST, PASSWORD

pytestmark = pytest.mark.django_db


def sign_in(client, username="carol", password=PASSWORD, **more):
    return client.post("/login", {"username": username, "password": password} | more)


def is_signed_in(client):
    return client.get("/profile").status_code == 200


def test_the_right_password_signs_in_and_lands_on_the_page_that_was_asked_for(client, carol):
    page = client.get("/login?next=/profile")
    assert 'value="/profile"' in page.text

    answer = sign_in(client, next="/profile")

    assert answer.status_code == 303
    assert answer["Location"] == "/profile"
    assert is_signed_in(client)
    assert client.get("/login").status_code == 302


def test_case_makes_no_difference_to_a_username(client, carol):
    sign_in(client, "CAROL")

    assert is_signed_in(client)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/logout"])
def test_no_other_place_is_landed_on(client, carol, target):
    assert sign_in(client, next=target)["Location"] == "/"


def test_every_wrong_sign_in_reads_the_same(client, carol, make_person, alice):
    inactive = make_person("dave")
    inactive.is_active = False
    inactive.save(update_fields=["is_active"])
    make_person("erin", password=None)
    tries = [
        ("carol", "wrong"),
        ("nobody", PASSWORD),
        ("dave", PASSWORD),
        ("erin", ""),
        ("erin", "!"),
    ]

    for username, password in tries[:3] + tries[4:]:
        answer = sign_in(client, username, password)
        assert answer.status_code == 200
        assert "The username or password is not right." in answer.text
        assert PASSWORD not in answer.text
    assert "Type your username and your password." in sign_in(client, "erin", "").text
    assert not Session.objects.exists()


def test_no_password_is_taken_while_none_is_accepted(client, carol, outside):
    outside.accepted = False

    answer = sign_in(client)

    assert answer.status_code == 403
    assert "single sign-on" in answer.text
    assert 'name="password"' not in client.get("/login").text
    assert not Session.objects.exists()


def test_the_session_says_whose_it_is_and_from_where(client, carol):
    client.post(
        "/login",
        {"username": "carol", "password": PASSWORD},
        REMOTE_ADDR="203.0.113.7",
        headers={"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0"},
    )

    session = Session.objects.get()
    assert session.user == carol
    assert session.address == "203.0.113.7"
    assert "Firefox" in session.user_agent
    assert session.session_key not in str(session)


def test_a_session_ends_a_fixed_time_after_the_sign_in_however_much_it_is_used(client, carol):
    with time_machine.travel(time.time(), tick=False) as clock:
        sign_in(client)
        clock.shift(settings.SESSION_LIFETIME - 60)
        session = client.session
        session["used"] = "again"
        session.save()
        assert is_signed_in(client)
        clock.shift(61)
        assert not is_signed_in(client)

        sign_in(client)

        assert Session.objects.count() == 1, "what has ended is pruned"


def test_signing_in_changes_the_session_key_and_another_person_finds_it_empty(
    client, carol, make_person
):
    make_person("dave")
    sign_in(client)
    first = client.session.session_key
    session = client.session
    session["carols"] = "own"
    session.save()

    client.cookies[settings.SESSION_COOKIE_NAME] = first
    client.post("/logout")
    sign_in(client, "dave")

    assert client.session.session_key != first
    assert "carols" not in client.session


def test_signing_out_ends_the_session_and_only_by_post(client, carol):
    sign_in(client)

    assert client.get("/logout").status_code == 405
    assert is_signed_in(client)

    answer = client.post("/logout")

    assert answer.status_code == 303
    assert answer["Location"] == "/login"
    assert not is_signed_in(client)
    assert not Session.objects.exists()
    assert client.post("/logout").status_code == 303


def test_what_comes_from_outside_may_answer_a_sign_out(client, carol, outside):
    from_outside = client.get("/login")
    seen = []

    def after_sign_out(request, user):
        seen.append(user)
        return from_outside

    outside.after_sign_out = after_sign_out
    sign_in(client)

    assert client.post("/logout").status_code == 200
    assert seen == [carol]
    assert not Session.objects.exists()


def test_a_form_of_another_site_signs_nobody_in(carol):
    strict = Client(enforce_csrf_checks=True, headers={"host": HOST})

    answer = strict.post(
        "/login",
        {"username": "carol", "password": PASSWORD},
        headers={"origin": "https://evil.example"},
    )

    assert answer.status_code == 403
    assert not Session.objects.exists()
