"""Requests and responses as values, so that the endpoints know no sockets."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie


class Params:
    """Decoded parameters of a query or a form; values may hold secrets and are in no repr."""

    def __init__(self, encoded: str) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in urllib.parse.parse_qsl(encoded, keep_blank_values=True):
            self._values.setdefault(name, []).append(value)

    def __repr__(self) -> str:
        return f"Params({sorted(self._values)})"

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __getitem__(self, name: str) -> str:
        """Return the first value, '' for none."""
        return self._values.get(name, [""])[0]

    def names(self) -> frozenset[str]:
        return frozenset(self._values)

    def doubled(self) -> str:
        """Return the name of a parameter that was sent twice, '' for none."""
        return next((name for name, values in self._values.items() if len(values) > 1), "")


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: Params
    form: Params
    # Names in lower case.
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)

    def cookie(self, name: str) -> str:
        try:
            jar = SimpleCookie(self.headers.get("cookie", ""))
        except CookieError:
            return ""
        return jar[name].value if name in jar else ""


@dataclass(slots=True)
class Response:
    status: int
    body: bytes = field(default=b"", repr=False)
    headers: list[tuple[str, str]] = field(default_factory=list, repr=False)
    # Close the connection without an answer.
    dropped: bool = False

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


def json_response(data: object, status: int = HTTPStatus.OK) -> Response:
    body = json.dumps(data).encode()
    return Response(status, body, [("Content-Type", "application/json; charset=utf-8")])


def html_response(page: str, status: int = HTTPStatus.OK) -> Response:
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-store, no-cache"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ]
    return Response(status, page.encode(), headers)


def redirect_response(address: str) -> Response:
    return Response(HTTPStatus.FOUND, b"", [("Location", address), ("Cache-Control", "no-store")])
