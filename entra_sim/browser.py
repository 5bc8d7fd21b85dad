"""A browser without a screen: follows the tenant's pages in process, for tests over HTTP."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Mapping
from http import HTTPStatus

from entra_sim.authorize import SESSION_COOKIE
from entra_sim.messages import Params, Request, Response

_FLOW = re.compile(r'name="flow" value="([^"]+)"')
_CODE = re.compile(r"AADSTS(\d+)")
_PLAIN = re.compile(r"<[^>]+>")


class StoppedAtProvider(Exception):
    """The tenant kept the person on a page of its own; `code` is its AADSTS number, 0 for none."""

    def __init__(self, page: str) -> None:
        match = _CODE.search(page)
        self.code = int(match.group(1)) if match else 0
        super().__init__(f"AADSTS{self.code}" if match else _PLAIN.sub(" ", page)[-200:])


class Browser:
    """One browser: its session at the tenant lasts from call to call."""

    def __init__(self, handle: Callable[[Request], Response]) -> None:
        self._handle = handle
        self._cookie = ""

    def sign_in(self, authorize_url: str, person: str) -> str:
        """Pick a person, consent where asked, and return the callback URL with the code."""
        response, path = self._pick(authorize_url, {"person": person})
        if response.status == HTTPStatus.OK:
            flow = _FLOW.search(response.body.decode())
            if flow and "/consent" in response.body.decode():
                form = {"flow": flow.group(1), "action": "accept"}
                response = self._send("POST", path.replace("/login", "/consent"), form)
        return _location(response)

    def cancel(self, authorize_url: str) -> str:
        return _location(self._pick(authorize_url, {"action": "cancel"})[0])

    def decline(self, authorize_url: str) -> str:
        return _location(self._pick(authorize_url, {"action": "decline"})[0])

    def fail(self, authorize_url: str, code: int) -> str:
        return _location(self._pick(authorize_url, {"fail": str(code)})[0])

    def silent(self, authorize_url: str) -> str:
        """Follow a request with prompt=none, or one that is refused before any page."""
        return _location(self._get(authorize_url))

    def sign_out(self, end_session_url: str, person: str = "") -> Response:
        """Ask to sign out; `person` answers the page that asks which account."""
        if not person:
            return self._get(end_session_url)
        parts = urllib.parse.urlsplit(end_session_url)
        form = dict(urllib.parse.parse_qsl(parts.query)) | {"person": person}
        return self._send("POST", parts.path, form)

    def _pick(self, authorize_url: str, choice: Mapping[str, str]) -> tuple[Response, str]:
        page = self._get(authorize_url)
        flow = _FLOW.search(page.body.decode())
        path = urllib.parse.urlsplit(authorize_url).path.replace("/oauth2/v2.0/authorize", "/login")
        if flow is None:
            # Answered already: a redirect with an error, or an error page.
            return page, path
        return self._send("POST", path, {"flow": flow.group(1), **choice}), path

    def _get(self, address: str) -> Response:
        parts = urllib.parse.urlsplit(address)
        return self._request(
            Request("GET", parts.path, Params(parts.query), Params(""), self._headers())
        )

    def _send(self, method: str, path: str, form: Mapping[str, str]) -> Response:
        encoded = Params(urllib.parse.urlencode(form))
        return self._request(Request(method, path, Params(""), encoded, self._headers()))

    def _headers(self) -> dict[str, str]:
        return {"cookie": f"{SESSION_COOKIE}={self._cookie}"} if self._cookie else {}

    def _request(self, request: Request) -> Response:
        response = self._handle(request)
        for name, value in response.headers:
            if name == "Set-Cookie" and value.startswith(f"{SESSION_COOKIE}="):
                self._cookie = value.partition("=")[2].partition(";")[0]
        return response


def _location(response: Response) -> str:
    location = response.header("Location")
    if not location:
        raise StoppedAtProvider(response.body.decode())
    return location
