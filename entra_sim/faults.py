"""Outages on command: any endpoint slow, throttled, broken, or answering nonsense."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from entra_sim.messages import Response, json_response


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

    def response(self, *, is_graph: bool) -> Response | None:
        """Return the answer instead of the real one; None only delays the real one."""
        if self.drop:
            return Response(0, dropped=True)
        if not self.status:
            return None
        if self.body is not None:
            response = Response(self.status, self.body.encode())
            response.headers.append(("Content-Type", self.content_type))
        elif is_graph:
            throttled = self.status == HTTPStatus.TOO_MANY_REQUESTS
            code = "TooManyRequests" if throttled else "serviceNotAvailable"
            error = {"code": code, "message": "Please retry again later.", "innerError": {}}
            response = json_response({"error": error}, self.status)
        else:
            response = json_response(
                {
                    "error": "temporarily_unavailable",
                    "error_description": "AADSTS90033: A transient error has occurred.",
                    "error_codes": [90033],
                },
                self.status,
            )
        if self.retry_after is not None:
            response.headers.append(("Retry-After", str(self.retry_after)))
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
