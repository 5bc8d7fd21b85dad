"""The simulated tenant in a process of its own, which counts what applications ask of it.

Both ends are here: `Tenant` holds it, and `python -m benchmarks.tenant` is it. One line of JSON
asks, one line answers; when the asking end is gone, it ends too.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from benchmarks.processes import ENDS_WITHIN, ROOT, Failed, end, environment
from entra_sim.faults import Endpoint
from entra_sim.server import EntraSim

# What an application asks; the rest is asked by browsers.
BACK_CHANNEL: Final = (
    Endpoint.DISCOVERY,
    Endpoint.KEYS,
    Endpoint.TOKEN,
    Endpoint.USERINFO,
    Endpoint.GROUPS,
    Endpoint.PHOTO,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What applications asked since the last time: requests by endpoint, and new connections."""

    requests: Counter[str]
    connections: int


class Tenant:
    """The tenant's process, from `with` until its end."""

    def __init__(self, callbacks: tuple[str, ...]) -> None:
        self._callbacks = callbacks
        self._running: subprocess.Popen[bytes] | None = None
        self.issuer = ""

    def __enter__(self) -> Self:
        self._running = subprocess.Popen(  # noqa: S603 - this module
            [sys.executable, "-m", "benchmarks.tenant", *self._callbacks],
            cwd=ROOT,
            env=environment({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            self.issuer = str(self._told()["issuer"])
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

    def slow_down(self, seconds: float) -> None:
        """Let every request of an application take so much longer; 0 for none."""
        self._ask({"delay": seconds})

    def asked(self) -> Asked:
        """Return what was asked since this was called last, and count anew."""
        told = self._ask({})
        return Asked(Counter(told["requests"]), told["connections"])

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        if self._running is None or self._running.stdin is None:
            raise Failed("The simulated tenant is not running.")
        self._running.stdin.write(json.dumps(question).encode() + b"\n")
        self._running.stdin.flush()
        return self._told()

    def _told(self) -> dict[str, Any]:
        line = b""
        if self._running is not None and self._running.stdout is not None:
            line = self._running.stdout.readline()
        if not line:
            raise Failed("The simulated tenant has ended.")
        told: dict[str, Any] = json.loads(line)
        return told

    def _stop(self) -> None:
        if self._running is None:
            return
        for pipe in (self._running.stdin, self._running.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._running.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            end(self._running)
        self._running = None


def count(sim: EntraSim) -> Asked:
    """Return what applications have asked of a tenant, and count anew."""
    asked = [entry for entry in sim.requests if entry.endpoint in BACK_CHANNEL]
    sim.requests.clear()
    return Asked(
        Counter(entry.endpoint.value for entry in asked),
        sum(entry.opened_connection for entry in asked),
    )


def slow_down(sim: EntraSim, seconds: float) -> None:
    for endpoint in BACK_CHANNEL:
        if seconds:
            sim.fail(endpoint, delay=seconds)
        else:
            sim.heal(endpoint)


def _serve(callbacks: list[str]) -> None:
    with EntraSim(callback_urls=callbacks) as sim:
        _tell({"issuer": sim.issuer})
        for line in sys.stdin:
            question = json.loads(line)
            if "delay" in question:
                slow_down(sim, question["delay"])
                _tell({})
            else:
                asked = count(sim)
                _tell({"requests": asked.requests, "connections": asked.connections})


def _tell(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1:])
