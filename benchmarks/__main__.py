"""`make bench`: sign-ins beside other libraries, pages at a million sign-ins, pages a second."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final

from benchmarks import pages, sign_ins, throughput
from benchmarks.browser import Lost
from benchmarks.processes import Failed

PARTS: Final = ("sign-ins", "pages", "throughput")
LIMIT: Final = 280


class _Interrupted(BaseException):
    """End everything that was started, and then this; `reason` is a line for the terminal."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def main() -> int:
    options = _options()
    _end_on_signals(options.limit)
    measures: dict[str, Callable[[Path], str]] = {
        "sign-ins": partial(sign_ins.measure, journeys=options.sign_ins),
        "pages": partial(pages.measure, attempts=options.attempts),
        "throughput": partial(throughput.measure, seconds=options.seconds),
    }
    print(_here(), flush=True)
    try:
        # Nothing is left of it but what is printed.
        with tempfile.TemporaryDirectory(prefix="patchmon-bench-") as folder:
            for part in options.part or PARTS:
                began = time.monotonic()
                path = Path(folder, part)
                path.mkdir()
                print(f"\n{measures[part](path)}", flush=True)
                print(f"({part}: {time.monotonic() - began:.0f} s)", flush=True)
    except _Interrupted as interrupted:
        print(f"\nStopped: {interrupted.reason}", file=sys.stderr)
        return 1
    except (Failed, Lost) as failed:
        print(f"\n{failed}", file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench BENCH=", description=__doc__)
    parser.add_argument("--part", action="append", choices=PARTS, help="this one alone; repeatable")
    parser.add_argument(
        "--sign-ins", type=int, default=60, metavar="N", help="with each library (60)"
    )
    parser.add_argument(
        "--attempts", type=int, default=1_000_000, metavar="N", help="in the database (1000000)"
    )
    parser.add_argument(
        "--seconds", type=float, default=6, metavar="S", help="of throughput for each page (6)"
    )
    parser.add_argument(
        "--limit", type=int, default=LIMIT, metavar="S", help=f"seconds for all of it ({LIMIT})"
    )
    return parser.parse_args()


def _end_on_signals(limit: int) -> None:
    """Leave through every `with`, so that whatever was started is ended, however this ends."""

    def leave(number: int, _frame: FrameType | None) -> None:
        # What happens while everything is being ended does not interrupt that.
        signal.alarm(0)
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        late = number == signal.SIGALRM
        raise _Interrupted(f"it took {limit} s" if late else signal.Signals(number).name)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, leave)
    signal.alarm(limit)


def _here() -> str:
    """Say when and on what this is measured; a busy computer gives figures of no use."""
    load = os.getloadavg()[0]
    return (
        f"{time.strftime('%Y-%m-%d %H:%M')}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, load {load:.2f}"
        + (" - busy: measure again when it is below 1" if load >= 1 else "")
    )


if __name__ == "__main__":
    sys.exit(main())
