"""What a server has to know of the settings before it listens, and how it is started."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

BASE_DIR = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Hold what gunicorn needs: the port, the number of processes, and how it logs."""

    port: int
    processes: int
    log_format: str
    log_level: str


def judged(**variables: str) -> Start:
    """Read the settings with these variables as well; end this process where they end theirs.

    In a process of its own, so that a server's master keeps neither code nor variables of theirs:
    each worker, those after a SIGHUP too, reads both for itself. What is wrong with the settings
    is on standard error by then.
    """
    paths = [str(BASE_DIR), os.environ.get("PYTHONPATH", "")]
    told = subprocess.run(
        [sys.executable, "-m", "patchmon.start"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=False,
    )
    if told.returncode:
        sys.exit(told.returncode)
    return Start(**json.loads(told.stdout))


def run_gunicorn(*arguments: str) -> NoReturn:
    """Go on as gunicorn in place of this process: signals reach the server itself."""
    os.execv(  # noqa: S606 - our own interpreter, and nothing from outside in the arguments
        sys.executable,
        [
            sys.executable,
            "-m",
            "gunicorn",
            "--config",
            "python:patchmon.gunicorn",
            *arguments,
            "patchmon.wsgi:application",
        ],
    )


def _read() -> Start:
    settings = importlib.import_module(
        os.environ.get("DJANGO_SETTINGS_MODULE") or "patchmon.settings"
    )
    return Start(
        port=settings.PORT,
        processes=settings.PROCESSES,
        log_format=settings.LOG_FORMAT,
        log_level=settings.LOG_LEVEL,
    )


if __name__ == "__main__":
    print(json.dumps(asdict(_read())))  # noqa: T201 - for the process that asked
