"""A browser for the pages of other people's providers: cookies, redirects and forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import requests

TIMEOUT = 10
MOST_STEPS = 15


class Lost(Exception):
    """Say on which page the browser did not know how to go on."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it would be sent if nothing were typed and no button had a name."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """Where the browser is; `arrived` when it was sent to where it was told to stop."""

    url: str
    text: str = field(repr=False, default="")
    arrived: bool = False

    @property
    def forms(self) -> list[Form]:
        parser = _Forms()
        parser.feed(self.text)
        return parser.found

    def form_with(self, name: str) -> Form | None:
        """Return the first form that has a field of this name."""
        return next((form for form in self.forms if name in form.fields), None)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._inside = False

    def handle_starttag(self, tag, attrs):
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = True
            self.found.append(Form(told.get("action", ""), told.get("method", "get").lower()))
        elif self._inside and tag == "input" and told.get("name"):
            self.found[-1].fields[told["name"]] = told.get("value", "")
        elif self._inside and tag == "button" and told.get("name"):
            # Known to be there, and only sent by whoever presses it.
            self.found[-1].fields.setdefault(told["name"], "")

    def handle_endtag(self, tag):
        if tag == "form":
            self._inside = False


class Browser:
    """One person's browser at the provider; it never opens an address under `home`."""

    def __init__(self, home: str) -> None:
        self._home = home
        self.session = requests.Session()
        self.session.trust_env = False

    def open(self, url: str) -> Page:
        return self._follow("GET", url)

    def send(self, page: Page, form: Form, **typed: str) -> Page:
        url = urljoin(page.url, form.action or page.url)
        return self._follow(form.method.upper(), url, data=form.fields | typed)

    def _follow(self, method: str, url: str, **sent: Any) -> Page:
        for _step in range(MOST_STEPS):
            if url.startswith(self._home):
                return Page(url, arrived=True)
            if method == "GET":
                sent = {}
            answer = self.session.request(
                method, url, timeout=TIMEOUT, allow_redirects=False, **sent
            )
            if not answer.is_redirect:
                return Page(url, answer.text)
            url = urljoin(url, answer.headers["Location"])
            method, sent = "GET", {}
        raise Lost(f"no end of redirects at {url.partition('?')[0]}")

    def close(self) -> None:
        self.session.close()
