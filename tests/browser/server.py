"""The real PatchMon in a process of its own, as `make run` starts it, on an empty data folder."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import requests
from django.contrib.sessions.serializers import JSONSerializer
from django.core.signing import TimestampSigner

from entra_sim.server import EntraSim
from sso.environment import VARIABLES

ROOT = Path(__file__).resolve().parent.parent.parent
STARTS_WITHIN = 60.0
ENDS_WITHIN = 20.0
SETUP_LINE = re.compile(r"^Set up PatchMon: (\S+)$", re.MULTILINE)
SESSION = "SELECT session_data FROM accounts_session WHERE session_key = ?"
AGED_SESSION = "UPDATE accounts_session SET session_data = ? WHERE session_key = ?"
# As Django makes it of the name of the class (accounts.sessions).
SESSION_SALT = "django.contrib.sessions.SessionStore"
# Set but empty: neither this shell nor a developer's .env reaches the server then.
EMPTY = (
    *VARIABLES,
    *("SECRET_KEY", "DATABASE_URL", "CACHE_URL", "ENCRYPTION_KEYS", "TRUST_PROXY"),
    *("HTTPS_PROXY", "NO_PROXY", "OIDC_SESSION_TTL", "OIDC_POST_LOGOUT_URI", "OIDC_CA_BUNDLE"),
    *("OIDC_ALLOW_PRIVATE_ADDRESSES", "SESSION_LIFETIME", "ATTEMPTS_KEPT", "LOG_LEVEL"),
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """PatchMon at `url`; what it wrote to standard output and error is in `output()`."""

    def __init__(self, folder: Path, variables: Mapping[str, str] | None = None) -> None:
        self._variables = variables or {}
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.data = folder / "data"
        self._output = folder / "output.txt"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {
            **dict.fromkeys(EMPTY, ""),
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.data.parent),
            "DATA_DIR": str(self.data),
            "PORT": str(self.port),
            "SERVER_URL": self.url,
            "WEB_CONCURRENCY": "1",
            "LOG_FORMAT": "json",
            **self._variables,
        }
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "serve"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._wait_until_ready()

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def output(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def setup_link(self) -> str:
        """Return the link to the first-run wizard, from the line an operator copies it from."""
        match = SETUP_LINE.search(self.output())
        if match is None:
            raise AssertionError(f"No setup link was printed:\n{self.output()}")
        return match[1]

    def stored(self) -> bytes:
        """Return every byte that the server keeps: database, write-ahead log, everything."""
        return b"".join(path.read_bytes() for path in self.data.rglob("*") if path.is_file())

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """Open what the server keeps beside it; what is written counts from its next request."""
        with closing(sqlite3.connect(self.data / "patchmon.sqlite3")) as rows, rows:
            yield rows

    def age_session(self, key: str) -> None:
        """Let a session have begun an hour ago: too long for what asks for a fresh sign-in."""
        secret = (self.data / "secret_key").read_text(encoding="ascii").strip()
        signer = TimestampSigner(key=secret, salt=SESSION_SALT, fallback_keys=[])
        with self.database() as rows:
            ((data,),) = rows.execute(SESSION, (key,)).fetchall()
            values = signer.unsign_object(data, serializer=JSONSerializer)
            values["signed_in_at"] -= 3600
            aged = signer.sign_object(values, serializer=JSONSerializer, compress=True)
            rows.execute(AGED_SESSION, (aged, key))

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            if self._is_ready():
                return
            time.sleep(0.05)
        raise AssertionError(f"PatchMon did not start:\n{self.output()}")

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/health/ready", timeout=5).ok
        except requests.RequestException:
            # Not listening yet, or listening and not answering yet.
            return False


def tenant_for(server: Server) -> EntraSim:
    """Return the simulated tenant with that server's addresses registered, as in the guide's
    Step 2. It is at 127.0.0.1: another site than the server's localhost, as in life.
    """
    callbacks = (f"{server.url}/api/v1/auth/oidc/callback", f"{server.url}/login")
    return EntraSim(port=0, callback_urls=callbacks)
