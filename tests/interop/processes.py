"""A server of somebody else's in a process of its own, on loopback, ended by its number."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import requests

ROOM = Path(__file__).resolve().parent
SERVERS = ROOM / ".servers"
INSTALL = "bash tests/interop/install.sh"
STARTS_WITHIN = 60.0
ENDS_WITHIN = 10.0
ASKS_EVERY = 0.05


class NotInstalled(Exception):
    """Say in one line which server is missing and what installs it."""

    def __init__(self, server: str) -> None:
        super().__init__(f"{server} is not installed; {INSTALL} installs it")


class DidNotStart(Exception):
    """Say which server did not answer, with the end of what it wrote."""


def installed(server: str, *paths: Path) -> None:
    """Refuse to go on without a server's files."""
    if not all(path.exists() for path in paths):
        raise NotInstalled(server)


def command(server: str, name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise NotInstalled(server)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(values: Mapping[str, str]) -> dict[str, str]:
    """Return an environment that owes nothing to this shell but where programs are."""
    return {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", **values}


class Process:
    """One server; `start` returns when it answers at `answers_at`."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        answers_at: str,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._arguments = arguments
        self._folder = folder
        self._answers_at = answers_at
        self._environment = environment({"HOME": str(folder), **(variables or {})})
        self._output = folder / "output.txt"
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._output.open("ab") as output:
            self._running = subprocess.Popen(  # noqa: S603 - our own arguments
                self._arguments,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        ends = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < ends:
            if self._running.poll() is not None:
                break
            if self._answers():
                return
            time.sleep(ASKS_EVERY)
        self.stop()
        written = self._output.read_text(errors="replace")[-2000:]
        raise DidNotStart(f"{Path(self._arguments[0]).name} did not start:\n{written}")

    def _answers(self) -> bool:
        try:
            answer = requests.get(self._answers_at, timeout=2, allow_redirects=False)
        except requests.RequestException:
            return False
        return answer.ok

    def stop(self) -> None:
        if self._running is None:
            return
        if self._running.poll() is None:
            self._running.terminate()
            try:
                self._running.wait(ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                self._running.kill()
                self._running.wait(ENDS_WITHIN)
        self._running = None
