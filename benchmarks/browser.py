"""A browser without a screen: press the button, pick a person, come back, see the first page."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urljoin

import requests

ANSWERS_WITHIN: Final = 30.0
MOST_REDIRECTS: Final = 5
_FORM: Final = re.compile(r'<form method="post" action="([^"]+)"><input [^>]*value="([^"]+)"')


class Lost(Exception):
    """Say where the journey ended otherwise than it should; no address is told with its query."""


@dataclass(frozen=True, slots=True)
class Journey:
    """How long the application took to answer, in seconds, and who it then took the browser for."""

    button: float
    callback: float
    cookies: requests.cookies.RequestsCookieJar


def sign_in(button: str, person: str, *, shows: str) -> Journey:
    """Sign a person of the simulated tenant in with a browser that was never there before.

    `button` is the address that the button leads to; `shows` is what the first page after the
    sign-in must say, an address of theirs.
    """
    with requests.Session() as browser:
        # Neither a proxy nor a .netrc of this machine has a part in it.
        browser.trust_env = False
        pressed, at_provider = _redirected(browser, button)
        came_back, first_page = _redirected(browser, _pick(browser, at_provider, person))
        page = _page(browser, first_page)
        if shows not in page.text:
            raise Lost(f"{_place(page.url)} does not say {shows}")
        return Journey(pressed, came_back, browser.cookies)


def _redirected(browser: requests.Session, address: str) -> tuple[float, str]:
    """Open an address that leads on; how long it took, and where to."""
    began = time.perf_counter()
    answer = browser.get(address, timeout=ANSWERS_WITHIN, allow_redirects=False)
    took = time.perf_counter() - began
    if not answer.is_redirect:
        raise Lost(f"{_place(address)} answered {answer.status_code} and leads nowhere")
    return took, urljoin(address, answer.headers["Location"])


def _pick(browser: requests.Session, address: str, person: str) -> str:
    """Pick a person on the page of the simulated tenant, and return the callback's address."""
    form = _FORM.search(browser.get(address, timeout=ANSWERS_WITHIN).text)
    if form is None:
        raise Lost(f"{_place(address)} offers nobody to pick")
    answer = browser.post(
        urljoin(address, form[1]),
        {"flow": form[2], "person": person},
        timeout=ANSWERS_WITHIN,
        allow_redirects=False,
    )
    if not answer.is_redirect:
        raise Lost(f"{_place(answer.url)} answered {answer.status_code} and leads nowhere")
    return answer.headers["Location"]


def _page(browser: requests.Session, address: str) -> requests.Response:
    for _step in range(MOST_REDIRECTS):
        answer = browser.get(address, timeout=ANSWERS_WITHIN, allow_redirects=False)
        if answer.status_code == HTTPStatus.OK:
            return answer
        if not answer.is_redirect:
            raise Lost(f"{_place(address)} answered {answer.status_code}")
        address = urljoin(address, answer.headers["Location"])
    raise Lost(f"no end of redirects at {_place(address)}")


def _place(address: str) -> str:
    """Return an address without its query, where codes are."""
    return address.partition("?")[0]
