"""Programs in processes of their own on loopback, ended by their number whatever happens."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import requests

ROOT: Final = Path(__file__).resolve().parent.parent
STARTS_WITHIN: Final = 60.0
ENDS_WITHIN: Final = 15.0
ASKS_EVERY: Final = 0.05
TOLD: Final = 2000


class Failed(Exception):
    """Say which program did not do what it is for, with the end of what it wrote."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(values: Mapping[str, str]) -> dict[str, str]:
    """Return an environment that owes nothing to this shell, nor to a .env file here."""
    emptied = dict.fromkeys(_names_in(ROOT / ".env"), "")
    return {**emptied, "PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", **values}


def _names_in(path: Path) -> list[str]:
    if not path.is_file():
        return []
    lines = path.read_text("utf-8").splitlines()
    names = (line.partition("=")[0].strip().removeprefix("export ") for line in lines)
    return [name for name in names if name.isidentifier()]


def run(arguments: Sequence[str], variables: Mapping[str, str], *, typed: str = "") -> str:
    """Run a program to its end and return what it printed; Failed unless it ends well."""
    done = subprocess.run(  # noqa: S603 - our own programs and arguments
        arguments,
        cwd=ROOT,
        env=environment(variables),
        input=typed,
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise Failed(f"{' '.join(arguments[1:4])} failed:\n{(done.stderr or done.stdout)[-TOLD:]}")
    return done.stdout


class Process:
    """One server, there from `with` until its end; it is ready once `answers_at` answers."""

    def __init__(
        self,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        *,
        answers_at: str,
        log: Path,
    ) -> None:
        self._arguments = arguments
        self._environment = environment(variables)
        self._answers_at = answers_at
        self._log = log
        self._running: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def _start(self) -> None:
        with self._log.open("ab") as log:
            self._running = subprocess.Popen(  # noqa: S603 - our own programs and arguments
                self._arguments,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C reaches the benchmark alone, which then ends this one.
                start_new_session=True,
            )
        ends = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < ends and self._running.poll() is None:
            if self._answers():
                return
            time.sleep(ASKS_EVERY)
        written = self._log.read_text("utf-8", errors="replace")[-TOLD:]
        raise Failed(f"{' '.join(self._arguments[1:4])} did not start:\n{written}")

    def _answers(self) -> bool:
        try:
            answer = requests.get(self._answers_at, timeout=5, allow_redirects=False)
        except requests.RequestException:
            return False
        return answer.ok

    def _stop(self) -> None:
        if self._running is not None:
            end(self._running)
        self._running = None


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and end it where it does not."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
