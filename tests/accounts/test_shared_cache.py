"""What a process knows while the shared cache is missing, and what it owes it afterwards."""

from __future__ import annotations

import logging
import threading
import time

import pytest
import time_machine
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache

from accounts.shared_cache import (
    claim,
    count,
    drop,
    is_reachable,
    read,
    read_shared,
    uncount,
    write,
    write_shared,
)
from tests.fakes.cache import BreakableCache


def test_what_is_counted_and_claimed_stays_so(outage):
    outage.breaks()

    assert [count("guesses", 900) for _ in range(3)] == [1, 2, 3]
    uncount("guesses")
    assert read("guesses") == 2
    assert [claim("refetch", 1, 30) for _ in range(2)] == [True, False]
    write("keys", ["a key"], 3600)
    assert read("keys") == ["a key"]
    drop("keys", "refetch")
    assert read("keys") is None
    assert claim("refetch", 1, 30)


def test_the_shared_count_goes_on_where_it_was(outage):
    assert count("guesses", 900) == 1
    outage.breaks()
    assert [count("guesses", 900) for _ in range(2)] == [1, 2]
    outage.heals()
    assert count("guesses", 900) == 2
    # Nor is what was counted meanwhile forgotten by the time of the next one.
    outage.breaks()
    assert count("guesses", 900) == 3


def test_what_was_noted_in_an_outage_is_no_news_in_a_later_one(outage):
    outage.breaks()
    with time_machine.travel(time.time(), tick=False) as clock:
        write("last-check", "passed", 30 * 86_400)
        clock.shift(3590)
        assert read("last-check") == "passed"
        clock.shift(20)
        assert read("last-check") is None


def test_it_is_asked_once_in_five_seconds(outage):
    outage.breaks()
    before = outage.asked
    for _ in range(10):
        read("anything")
    assert outage.asked == before + 1
    assert not is_reachable()

    outage.is_asked_again()
    for _ in range(10):
        read("anything")
    assert outage.asked == before + 2


def test_one_thread_waits_for_a_cache_that_hangs_and_the_others_go_on(shared_cache, monkeypatch):
    shared_cache.breaks()
    read("anything")
    shared_cache.is_asked_again()
    waiting, end = threading.Event(), threading.Event()

    def hang(self, *args, **kwargs):
        waiting.set()
        assert end.wait(10)
        raise TimeoutError

    monkeypatch.setattr(BreakableCache, "get", hang)
    unlucky = threading.Thread(target=read, args=("anything",))
    unlucky.start()
    assert waiting.wait(10)

    # Would wait for ever if it asked.
    assert read("anything") is None

    end.set()
    unlucky.join()


def test_it_is_told_once_a_minute_and_when_it_is_over(outage, caplog):
    def told() -> list[str]:
        return [record.msg["_event"] for record in caplog.records]

    with caplog.at_level(logging.INFO, "accounts.shared_cache"):
        outage.breaks()
        for _ in range(20):
            read("anything")
            outage.is_asked_again()
        assert told() == ["cache.unreachable"]

        outage.a_minute_passes()
        outage.is_asked_again()
        read("anything")
        assert told() == ["cache.unreachable"] * 2

        outage.heals()
        for _ in range(5):
            read("anything")
        assert told() == ["cache.unreachable"] * 2 + ["cache.reachable"]

        # One that comes and goes is no flood either.
        for _ in range(5):
            outage.breaks()
            read("anything")
            outage.heals()
            read("anything")
        assert len(told()) == 3


def test_no_line_says_what_the_client_says(outage, caplog):
    outage.breaks()
    read("anything")

    (record,) = caplog.records
    assert record.msg["kind"] in {"ConnectionError", "TimeoutError"}
    assert "refused" not in caplog.text.lower()


def test_what_all_must_agree_on_is_not_known_by_one(outage):
    assert write_shared("hosts", "one.example", 60)
    assert read_shared("hosts") == "one.example"
    outage.breaks()

    assert read_shared("hosts") is None
    assert not write_shared("hosts", "two.example", 60)
    assert read_shared("hosts") is None
    assert read("hosts") is None


def test_what_nobody_could_be_told_is_deleted_before_it_is_read_again(outage):
    write_shared("hosts", "one.example", 60)
    claim("discovery", "asking", 30)
    outage.breaks()
    write_shared("hosts", "two.example", 60)
    drop("discovery")
    # Nobody had asked it a thing, so that it still holds them.
    outage.heals()

    assert read_shared("hosts") is None
    assert claim("discovery", "asking", 30)
    # Once: a later value stays.
    write_shared("hosts", "three.example", 60)
    assert read_shared("hosts") == "three.example"


def test_what_was_owed_for_a_minute_is_left_alone(outage, monkeypatch):
    claim("discovery", "asking", 30)
    outage.breaks()
    drop("discovery")
    monkeypatch.setattr("accounts.shared_cache.OWED_FOR", 0.0)
    outage.heals()

    assert read("discovery") == "asking", "it may be somebody else's by now"


def test_what_is_wrong_with_the_program_is_no_outage(shared_cache):
    with pytest.raises(TypeError):
        write("unsound", threading.Lock(), 60)
    assert is_reachable()


def test_a_count_that_runs_out_while_it_is_counted_ends_all_the_same(shared_cache, monkeypatch):
    def incr_as_redis(self, key, delta=1, version=None):
        """Count a key that was there when asked for, and has run out since."""
        LocMemCache.set(self, key, delta, timeout=None)
        return delta

    with time_machine.travel(time.time(), tick=False) as clock:
        count("guesses", 900)
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(BreakableCache, "incr", incr_as_redis)
            assert count("guesses", 900) == 1
        assert count("guesses", 900) == 2
        clock.shift(901)
        assert count("guesses", 900) == 1
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(BreakableCache, "incr", incr_as_redis)
            uncount("guesses")
        assert read("guesses") is None


def test_a_cache_that_answers_is_asked_for_everything(shared_cache):
    write("keys", "shared", 60)
    assert cache.get("keys") == "shared"
    drop("keys")
    assert cache.get("keys") is None
