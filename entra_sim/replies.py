"""Answers that go back to the application through the browser."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from entra_sim import pages
from entra_sim.messages import Response, html_response, redirect_response


@dataclass(frozen=True, slots=True)
class Reply:
    """Where an authorization request wants its answer."""

    redirect_uri: str
    state: str
    has_state: bool
    mode: str

    def response(self, values: Mapping[str, str]) -> Response:
        values = {**values, "state": self.state} if self.has_state else dict(values)
        if self.mode == "form_post":
            return html_response(pages.form_post(self.redirect_uri, values))
        if self.mode == "fragment":
            address = f"{_with_path(self.redirect_uri)}#{urllib.parse.urlencode(values)}"
            return redirect_response(address)
        return redirect_response(with_query(_with_path(self.redirect_uri), values))


def with_query(address: str, values: Mapping[str, str]) -> str:
    if not values:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urllib.parse.urlencode(values)}"


def _with_path(address: str) -> str:
    """Add the slash that Entra adds to an address without a path (entra-facts §10.1)."""
    parts = urllib.parse.urlsplit(address)
    return address if parts.path else parts._replace(path="/").geturl()


def is_registered(address: str, registered: Iterable[str]) -> bool:
    """Compare exactly; only the port of http://localhost is left out (entra-facts §10.1)."""
    wanted = _without_local_port(address)
    return any(wanted == _without_local_port(each) for each in registered)


def _without_local_port(address: str) -> str:
    scheme, separator, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    name, colon, port = host.partition(":")
    if scheme == "http" and name == "localhost" and colon and port.isdecimal():
        host = name
    return f"{scheme}{separator}{host}{slash}{path}"
