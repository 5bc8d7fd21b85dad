"""A PostgreSQL server of our own for as long as a program runs, from Debian's package.

``python -m tests.races.postgres PROGRAM ...`` runs a program with DATABASE_URL set to it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psycopg

PROGRAMS: Final = Path("/usr/lib/postgresql")
STARTS_WITHIN: Final = 30.0
ENDS_WITHIN: Final = 20.0
# Nothing here has to survive a power cut, and a deadlock is to be told soon.
OPTIONS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "deadlock_timeout": "100ms",
    "log_lock_waits": "off",
    "max_connections": "100",
}


def programs() -> Path | None:
    """Return the folder of the newest server installed, None where there is none."""
    found = sorted(PROGRAMS.glob("*/bin/initdb"), key=lambda path: int(path.parent.parent.name))
    return found[-1].parent if found else None


def _owner() -> dict[str, Any]:
    """Name the account to run as: the server refuses to be root."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("postgres")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


class Cluster:
    """An empty server on loopback that believes anyone, deleted when it stops."""

    def __init__(self, folder: Path) -> None:
        self._programs = folder
        self._owner = _owner()
        self._home = Path()
        self._server: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self._port}/postgres"

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to find the server and what it writes."""
        return {"DATABASE_URL": self.url, "POSTGRES_LOG": str(self._log)}

    @property
    def _log(self) -> Path:
        return self._home / "log"

    def __enter__(self) -> Self:
        self._home = Path(tempfile.mkdtemp(prefix="patchmon-postgres-"))
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
        if self._owner:
            os.chown(self._home, self._owner["user"], self._owner["group"])
        data = self._home / "data"
        initdb = [str(self._programs / "initdb"), "--auth=trust", "--username=postgres"]
        locale = ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run(  # noqa: S603 - Debian's own program, no outside arguments
            [*initdb, *locale, "--pgdata", data],
            check=True,
            cwd=self._home,
            capture_output=True,
            **self._owner,
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        settings = [f"--{name}={value}" for name, value in OPTIONS.items()]
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(  # noqa: S603 - as above
                [self._programs / "postgres", "-D", data, f"--port={self._port}", *settings],
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                **self._owner,
            )
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < deadline and self._server and self._server.poll() is None:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(f"PostgreSQL did not start:\n{self._log.read_text()}")

    def _stop(self) -> None:
        if self._server is not None:
            # SIGINT is its "fast" stop: sessions are ended, not waited for.
            self._server.send_signal(signal.SIGINT)
            try:
                self._server.wait(ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            self._server = None
        shutil.rmtree(self._home, ignore_errors=True)


def main(program: list[str]) -> int:
    folder = programs()
    if folder is None:
        sys.exit("PostgreSQL is not installed: apt-get install postgresql")
    with Cluster(folder) as cluster:
        environment = {**os.environ, **cluster.environment}
        return subprocess.run(program, env=environment, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
