"""The server's own start: the real commands, on a port of their own (product.md, Environment)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from sso.environment import VARIABLES

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "hunter2-of-the-database"
LONG = "k" * 64
WITHIN = 30.0
# What the image runs, and what it runs in its turn.
IMAGE = [sys.executable, "-m", "patchmon"]
GUNICORN = [
    str(Path(sys.executable).with_name("gunicorn")),
    *("--config", "python:patchmon.gunicorn", "patchmon.wsgi:application"),
]
SERVE = [sys.executable, "manage.py", "serve"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Started:
    """One of the commands, with an environment that owes nothing to this shell."""

    def __init__(self, folder: Path, command: list[str], **variables: str) -> None:
        self.port = free_port()
        self._output = folder / "output.txt"
        environment = {
            # Set but empty: a developer's .env cannot reach the server then.
            **dict.fromkeys((*VARIABLES, "CACHE_URL", "DATABASE_URL", "SERVER_URL"), ""),
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(folder / "data"),
            "SECRET_KEY": LONG,
            "PORT": str(self.port),
            **variables,
        }
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def output(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def ended(self) -> int:
        try:
            return self.process.wait(WITHIN)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it goes on:\n{self.output()}")

    def answer(self) -> requests.Response | None:
        try:
            return requests.get(
                f"http://127.0.0.1:{self.port}/health/live",
                headers={"X-Forwarded-Proto": "https"},
                timeout=5,
            )
        except requests.RequestException:
            return None

    def wait_for(self, condition) -> None:
        ends = time.monotonic() + WITHIN
        while time.monotonic() < ends and self.process.poll() is None:
            if condition(self.answer()):
                return
            time.sleep(0.05)
        pytest.fail(f"it never came to that:\n{self.output()}")


@pytest.fixture
def start(tmp_path) -> Iterator[Callable[..., Started]]:
    started: list[Started] = []

    def run(command: list[str], **variables: str) -> Started:
        started.append(Started(tmp_path, command, **variables))
        return started[-1]

    yield run
    for each in started:
        each.process.terminate()
        each.process.wait(WITHIN)


@pytest.mark.parametrize(
    ("command", "name", "variables"),
    [
        (GUNICORN, "SECRET_KEY", {"SERVER_URL": "https://patchmon.example.com", "SECRET_KEY": ""}),
        (GUNICORN, "OIDC_ENABLED", {"OIDC_ENABLED": "maybe", "OIDC_CLIENT_SECRET": PASSWORD}),
        (GUNICORN, "LOG_LEVEL", {"LOG_LEVEL": "x"}),
        (IMAGE, "WEB_CONCURRENCY", {"WEB_CONCURRENCY": "abc"}),
        (SERVE, "WEB_CONCURRENCY", {"WEB_CONCURRENCY": "abc"}),
        ([*GUNICORN, "--workers", "2"], "CACHE_URL", {}),
    ],
)
def test_a_bad_value_stops_the_server_with_one_line(start, command, name, variables):
    server = start(command, **variables)

    assert server.ended() == 1
    (line,) = server.output().splitlines()[-1:]
    assert line.startswith(f"patchmon: {name} ")
    assert "Traceback" not in server.output()
    assert "Listening" not in server.output()
    assert PASSWORD not in server.output()


def test_the_image_runs_the_command_that_is_tried_here():
    (command,) = [
        line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("CMD")
    ]
    assert command == 'CMD ["python", "-m", "patchmon"]'


def test_workers_read_the_settings_for_themselves_and_a_reload_with_bad_ones_stops(start, tmp_path):
    address = tmp_path / "address"
    address.write_text("http://patchmon.example.com")
    server = start(IMAGE, SERVER_URL_FILE=str(address), TRUST_PROXY="1")

    def protected(answer: requests.Response | None) -> bool:
        return answer is not None and "Strict-Transport-Security" in answer.headers

    server.wait_for(lambda answer: answer is not None and not protected(answer))

    address.write_text("https://patchmon.example.com")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for(protected)

    address.write_text("nonsense")
    server.process.send_signal(signal.SIGHUP)
    assert server.ended() == 1
    assert "patchmon: SERVER_URL is no web address" in server.output()
    assert "Traceback" not in server.output()
    assert server.answer() is None
