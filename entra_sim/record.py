"""What was asked of the tenant, for tests that count requests or look into one."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

from entra_sim.faults import GRAPH, Endpoint
from entra_sim.messages import Request

_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    endpoint: Endpoint
    request: Request
    # Whether a Browser made it; False for what came over the wire.
    in_process: bool
    # Whether it was the first on its connection.
    opened_connection: bool = False

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def path(self) -> str:
        return self.request.path


class RequestLog:
    """The last ten thousand requests, and how many there were of each kind and path."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._counts: Counter[str] = Counter()

    def add(self, entry: Entry) -> None:
        with self._lock:
            self._entries.append(entry)
            self._counts.update((entry.endpoint, entry.path))
            if entry.endpoint in {Endpoint.GROUPS, Endpoint.PHOTO}:
                self._counts[GRAPH] += 1

    def count(self, what: str) -> int:
        """Count by endpoint ("token", "keys", "graph", …) or by exact path."""
        with self._lock:
            return self._counts[what]

    def of(self, endpoint: str) -> list[Entry]:
        return [entry for entry in self if entry.endpoint == endpoint]

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._counts.clear()

    def __iter__(self) -> Iterator[Entry]:
        with self._lock:
            return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)
