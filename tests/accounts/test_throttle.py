"""Whoever guesses at passwords is slowed and locked out; nobody else is (issue 4, item 5)."""

from __future__ import annotations

import logging
import threading
import time

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import cache
from django.test import RequestFactory

from accounts import throttle
from accounts.models import Session, User
from accounts.services import password_link
from accounts.throttle import TooManyAttempts, count_guess
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db

MINUTES = 60
HERE = "203.0.113.7"
WRONG = "wrong horse battery"
NOT_RIGHT = "The username or password is not right."
TOO_MANY = "Too many attempts. Wait 15 minutes and try again."


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(time.time(), tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """Note the pauses instead of waiting."""
    taken: list[float] = []
    monkeypatch.setattr(time, "sleep", taken.append)
    return taken


def guess(client, username="carol", password=WRONG, address=HERE, **headers):
    return client.post(
        "/login",
        {"username": username, "password": password},
        REMOTE_ADDR=address,
        headers=headers,
    )


def lock(client, username="carol", address=HERE):
    for _ in range(5):
        assert guess(client, username, address=address).status_code == 200


def kept() -> list[str]:
    return list(cache._cache)  # type: ignore[attr-defined]


def is_signed_in(client):
    return client.get("/profile").status_code == 200


def test_the_sixth_try_waits_a_quarter_of_an_hour_even_with_the_right_password(
    client, carol, clock
):
    lock(client)

    answer = guess(client, password=PASSWORD)

    assert answer.status_code == 429
    assert answer["Retry-After"] == "900"
    assert TOO_MANY in answer.text
    assert NOT_RIGHT not in answer.text
    assert PASSWORD not in answer.text
    assert not Session.objects.exists()

    clock.shift(14 * MINUTES + 10)
    answer = guess(client, password=PASSWORD)
    assert "Wait 1 minute and try again." in answer.text
    assert answer["Retry-After"] == "50"
    clock.shift(51)
    assert guess(client, password=PASSWORD).status_code == 303
    assert is_signed_in(client)


def test_every_spelling_of_a_name_shares_one_counter(client, carol):
    for username in ("carol", "CAROL", " Carol ", "\uff43\uff41\uff52\uff4f\uff4c", "c\uff41rol"):
        assert guess(client, username).status_code == 200

    assert guess(client, "carol", PASSWORD).status_code == 429


@pytest.mark.parametrize("hops", [0, 1])
def test_a_forged_header_makes_no_new_address(client, carol, settings, hops):
    settings.TRUST_PROXY = hops
    # The one trusted proxy appends the address that it saw.
    seen = f", {HERE}" if hops else ""

    answers = [
        guess(
            client,
            address="10.0.0.1" if hops else HERE,
            **{"X-Forwarded-For": f"198.51.100.{number}{seen}"},
        ).status_code
        for number in range(6)
    ]

    assert answers == [200] * 5 + [429]


def test_an_account_alone_is_slowed_and_never_locked(client, alice, pauses):
    for number in range(20):
        lock(client, "alice", address=f"198.51.100.{number}")
    slowed = len(pauses)
    assert slowed == 90, "all but the first ten"
    assert set(pauses) == {throttle.SLOWED_BY}

    answer = guess(client, "alice", PASSWORD)

    assert answer.status_code == 303, "nobody locks the last superadmin out from outside"
    assert is_signed_in(client)
    assert len(pauses) == slowed + 1


def test_pauses_never_hold_every_thread(client, carol, pauses, monkeypatch):
    lock(client, address="198.51.100.1")
    lock(client, address="198.51.100.2")
    monkeypatch.setattr(throttle, "_PAUSES", threading.BoundedSemaphore(1))
    throttle._PAUSES.acquire()

    assert guess(client, password=PASSWORD).status_code == 303
    assert pauses == []


def test_one_address_is_locked_whatever_names_it_tries(client, carol):
    for number in range(50):
        assert guess(client, f"name{number}").status_code == 200

    assert guess(client, password=PASSWORD).status_code == 429
    before = len(kept())
    for number in range(30):
        assert guess(client, f"more{number}").status_code == 429
    assert len(kept()) <= before + 1, "a locked address makes no more keys"
    assert guess(client, password=PASSWORD, address="203.0.113.8").status_code == 303


def test_an_address_of_ipv6_is_a_whole_network(client, carol):
    for number in range(5):
        assert guess(client, address=f"2001:db8:0:1::{number + 1}").status_code == 200

    assert guess(client, address="2001:db8:0:1:ffff::1").status_code == 429
    assert guess(client, address="2001:db8:0:2::1").status_code == 200


def test_a_success_takes_back_its_own_tries_and_no_others(client, carol, make_person):
    make_person("mallory")
    for number in range(46):
        guess(client, f"name{number}")
    for _ in range(3):
        guess(client, "carol")
    guess(client, "mallory", PASSWORD)
    client.post("/logout")

    # Forty-nine wrong ones are still counted against the address.
    assert guess(client, "carol").status_code == 200
    assert guess(client, "mallory", PASSWORD).status_code == 429


def test_a_mistyped_password_is_forgotten_once_it_was_right(client, carol):
    for _ in range(3):
        for _ in range(4):
            assert guess(client).status_code == 200
        assert guess(client, password=PASSWORD).status_code == 303
        client.post("/logout")


class CountingHasher(MD5PasswordHasher):
    """The work that a comparison costs, which is what an observer could time."""

    worked = 0

    def encode(self, password, salt):
        CountingHasher.worked += 1
        return super().encode(password, salt)


def test_nobody_learns_who_has_an_account(client, settings, make_person):
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    make_person("carol")
    inactive = make_person("dave")
    inactive.is_active = False
    inactive.save(update_fields=["is_active"])
    make_person("erin", password=None)

    seen = {}
    for number, username in enumerate(("carol", "dave", "erin", "nobody", "Nobody else")):
        answers = []
        for _ in range(7):
            CountingHasher.worked = 0
            answer = guess(client, username, address=f"198.51.100.{number}")
            answers.append(
                (
                    answer.status_code,
                    answer.headers.get("Retry-After"),
                    answer.context["error"],
                    CountingHasher.worked,
                )
            )
        seen[username] = answers

    first = seen["carol"]
    assert [answer[0] for answer in first] == [200] * 5 + [429] * 2
    assert [answer[3] for answer in first] == [1] * 5 + [0] * 2
    assert all(answers == first for answers in seen.values())


def test_a_name_of_any_length_and_content_makes_a_short_key(client, carol):
    guess(client, "x" * 150)
    guess(client, "\u202ename\U0001f600 with spaces")
    # Longer than any username: no guess at all.
    assert "Type your username" in guess(client, "y" * 100_000).text

    assert kept()
    assert all(len(key) < 200 and key.isascii() for key in kept())
    assert not any("name" in key or "xxx" in key for key in kept())


def test_of_guesses_sent_side_by_side_no_more_than_five_are_compared():
    request = RequestFactory().post("/login", REMOTE_ADDR=HERE)
    outcomes = []
    start = threading.Barrier(16)

    def run():
        start.wait()
        try:
            count_guess(request, "carol")
            outcomes.append("compared")
        except TooManyAttempts:
            outcomes.append("refused")

    threads = [threading.Thread(target=run) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["compared"] * 5 + ["refused"] * 11


def test_a_lock_is_logged_once_without_what_was_typed(client, carol, caplog):
    with caplog.at_level(logging.WARNING):
        lock(client)
        for _ in range(4):
            guess(client)

    locked = [record for record in caplog.records if "too many wrong" in str(record.msg)]
    assert len(locked) == 1
    assert HERE in str(locked[0].msg)
    assert "carol" not in caplog.text
    assert WRONG not in caplog.text


def test_the_present_password_is_no_easier_to_guess_in_an_open_session(carol, signed_in, client):
    browser = signed_in(carol)
    fields = {"new_password": "another long secret", "new_password_again": "another long secret"}

    def change(password):
        return browser.post(
            "/profile/password", {"current_password": password, **fields}, REMOTE_ADDR=HERE
        )

    for _ in range(5):
        answer = change(WRONG)
        assert answer.status_code == 200
        assert "This is not your current password." in answer.text
    answer = change(PASSWORD)

    assert answer.status_code == 429
    assert answer["Retry-After"] == "900"
    assert TOO_MANY in answer.text
    assert User.objects.get(pk=carol.pk).check_password(PASSWORD)
    # One counter for every place that takes this account's password.
    assert guess(client, password=PASSWORD).status_code == 429


def test_password_links_cannot_be_guessed_for_long(client, carol, make_person, alice):
    link = password_link(carol, actor=alice)
    forged = f"{link[:-4]}{'aaaa' if not link.endswith('aaaa') else 'bbbb'}"

    answers = [client.get(forged, REMOTE_ADDR=HERE) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert TOO_MANY in answers[-1].text
    assert answers[-1]["Retry-After"] == "900"
    assert client.post(link, REMOTE_ADDR=HERE).status_code == 429
    # Its owner, elsewhere, is not held up, and another's link works here.
    assert client.get(link, REMOTE_ADDR="198.51.100.1").status_code == 200
    other = password_link(make_person("dave"), actor=alice)
    assert client.get(other, REMOTE_ADDR=HERE).status_code == 200
    # Nor is the sign-in page.
    assert guess(client, password=PASSWORD).status_code == 303


def test_a_link_that_works_may_be_opened_again_and_again(client, carol, alice):
    link = password_link(carol, actor=alice)

    assert {client.get(link, REMOTE_ADDR=HERE).status_code for _ in range(20)} == {200}
