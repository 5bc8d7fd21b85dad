"""Threads and processes that make requests at the same moment."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, Protocol

from django.db import connections

from tests.races.http import Answer, Job, perform
from tests.races.worker import PROGRAM

ROOT: Final = Path(__file__).resolve().parent.parent.parent
THREADS: Final = 8
PROCESSES: Final = 3
# Long enough for every lane to have its job in hand.
HEAD_START: Final = 0.004
ANSWERS_WITHIN: Final = 30.0
MOMENTS: Final = 25


class _Lane(Protocol):
    def send(self, job: Job) -> Future[Answer]: ...

    def close(self) -> None: ...


class _Thread:
    """A thread of this process, with a database connection of its own."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1)

    def send(self, job: Job) -> Future[Answer]:
        return self._pool.submit(perform, job)

    def close(self) -> None:
        self._pool.submit(connections.close_all).result()
        self._pool.shutdown()


class _Process:
    """A process of its own, started like any other of PatchMon's."""

    def __init__(self, database_url: str) -> None:
        environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "LOG_LEVEL": "error",
        }
        self._process = subprocess.Popen(  # noqa: S603 - our own program, no outside arguments
            [sys.executable, "-c", PROGRAM],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        # Only this thread talks to the process.
        self._pool = ThreadPoolExecutor(max_workers=1)

    def send(self, job: Job) -> Future[Answer]:
        return self._pool.submit(self._exchange, job)

    def _exchange(self, job: Job) -> Answer:
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("The process has no pipes.")
        self._process.stdin.write(json.dumps(dataclasses.asdict(job)) + "\n")
        self._process.stdin.flush()
        return Answer(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.terminate()
        self._process.communicate()
        self._pool.shutdown()


class Lanes:
    """Run the requests of a round side by side: even rounds in threads, odd ones in processes."""

    def __init__(self, threads: Sequence[_Lane], processes: Sequence[_Lane]) -> None:
        self._threads = threads
        self._processes = processes
        self._lasted = 0.0

    def forget(self) -> None:
        """Forget what is cached of a database that was emptied: rows have new keys since."""
        for lane in self._processes:
            lane.send(Job(path="", method="forget")).result(ANSWERS_WITHIN)

    def race(self, number: int, jobs: Sequence[Job], *, spread: bool = False) -> list[Answer]:
        """Make all requests at one moment.

        ``spread`` lets all but the first begin later, round by round at another moment of what
        the first took the last time.
        """
        lanes = self._threads if number % 2 == 0 else [*self._processes, *self._threads]
        start = time.monotonic() + HEAD_START
        later = start + self._lasted * (number % MOMENTS) / MOMENTS if spread else start
        waiting = [
            lane.send(dataclasses.replace(job, at=moment))
            for lane, job, moment in zip(
                lanes, jobs, (start, *(later for _ in jobs[1:])), strict=False
            )
        ]
        answers = [future.result(ANSWERS_WITHIN) for future in waiting]
        assert len(answers) == len(jobs)
        self._lasted = answers[0].ended - answers[0].began
        for answer in answers:
            assert answer.status < 500, answer.failure or answer
        return answers


@contextlib.contextmanager
def open_lanes(database_url: str) -> Iterator[Lanes]:
    with contextlib.ExitStack() as stack:
        threads = [_Thread() for _ in range(THREADS)]
        processes = [_Process(database_url) for _ in range(PROCESSES)]
        lanes: list[_Lane] = [*threads, *processes]
        for lane in lanes:
            stack.callback(lane.close)
        yield Lanes(threads, processes)
