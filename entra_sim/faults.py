"""Outages on command: any endpoint slow, throttled, broken, or answering nonsense."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from entra_sim.messages import Response


class Endpoint(StrEnum):
    DISCOVERY = "discovery"
    KEYS = "keys"
    AUTHORIZE = "authorize"
    TOKEN = "token"  # noqa: S105 - the name of an endpoint
    LOGOUT = "logout"
    USERINFO = "userinfo"
    GROUPS = "groups"
    PHOTO = "photo"
    PAGE = "page"


# Both answers of Graph under one name.
GRAPH = "graph"
_GRAPH = frozenset({Endpoint.GROUPS, Endpoint.PHOTO})


@dataclass(slots=True)
class Fault:
    """`left` counts the requests it still meets; None is until healed."""

    status: int
    delay: float
    left: int | None
    retry_after: int | None
    body: str | None
    content_type: str
    drop: bool

    def response(self, refusal: Callable[[int], Response]) -> Response | None:
        """Return the answer instead of the real one; None only delays the real one.

        `refusal` makes the endpoint's own answer with a status.
        """
        if self.drop:
            return Response(0, dropped=True)
        if not self.status:
            return None
        if self.body is not None:
            headers = [("Content-Type", self.content_type)]
            response = Response(self.status, self.body.encode(), headers)
        else:
            response = refusal(self.status)
        if self.retry_after is not None:
            kept = [each for each in response.headers if each[0] != "Retry-After"]
            response.headers = [*kept, ("Retry-After", str(self.retry_after))]
        return response


class Faults:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[Endpoint, Fault] = {}

    def plant(self, endpoint: str, fault: Fault) -> None:
        with self._lock:
            for each in _GRAPH if endpoint == GRAPH else (Endpoint(endpoint),):
                self._faults[each] = fault

    def heal(self, endpoint: str) -> None:
        with self._lock:
            for each in _GRAPH if endpoint == GRAPH else (Endpoint(endpoint),):
                self._faults.pop(each, None)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, endpoint: Endpoint) -> Fault | None:
        """Return the fault this request meets and count it down."""
        with self._lock:
            fault = self._faults.get(endpoint)
            if fault is None or fault.left == 0:
                return None
            if fault.left is not None:
                fault.left -= 1
            return fault
