"""A Redis server of our own that can be stopped, made to hang, and started again."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import redis

STARTS_WITHIN: Final = 20.0
ENDS_WITHIN: Final = 10.0


def program() -> str | None:
    """Return the server's program, None where it is not installed."""
    return shutil.which("redis-server")


class RedisServer:
    """An empty server on loopback, without a password, that writes nothing down."""

    def __init__(self, executable: str, folder: Path) -> None:
        self._executable = executable
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        with (self._folder / "redis.txt").open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - Debian's own program, our arguments
                [
                    self._executable,
                    *("--port", str(self._port), "--bind", "127.0.0.1"),
                    *("--save", "", "--appendonly", "no", "--dir", str(self._folder)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._answers():
                return
            time.sleep(0.05)
        self.stop()
        raise AssertionError(f"Redis did not start:\n{(self._folder / 'redis.txt').read_text()}")

    def stop(self) -> None:
        if self._process is None:
            return
        # One that hangs would never hear of it.
        self.goes_on()
        self._process.terminate()
        try:
            self._process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def hangs(self) -> None:
        """Accept connections and answer nothing."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def goes_on(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        client = redis.Redis(port=self._port, socket_connect_timeout=1, socket_timeout=1)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()
