"""How many ordinary pages a second PatchMon serves with gunicorn as shipped."""

from __future__ import annotations

import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from benchmarks import patchmon
from benchmarks.browser import ANSWERS_WITHIN, Lost, sign_in
from benchmarks.figures import median, milliseconds, percentile, table
from benchmarks.patchmon import PatchMon
from benchmarks.sign_ins import PERSON, SHOWS
from benchmarks.tenant import Tenant

# As many browsers at once as the server has threads.
BROWSERS: Final = 8
WARM_UP: Final = 1.0


def measure(folder: Path, *, seconds: float) -> str:
    """Return a table of what was served in so many seconds for each page."""
    with Tenant((f"http://localhost{patchmon.CALLBACK}",)) as tenant:
        product = PatchMon(folder)
        product.prepare(tenant.issuer)
        with product.server():
            journey = sign_in(f"{product.url}{patchmon.BUTTON}", PERSON, shows=SHOWS)
            cookies = "; ".join(f"{name}={value}" for name, value in journey.cookies.items())
            rows = [
                _row("/ signed in", f"{product.url}/", cookies, seconds),
                _row("/login", f"{product.url}/login", "", seconds),
            ]
    return (
        f"{BROWSERS} browsers at once for {seconds:.0f} s each, one process of "
        f"{BROWSERS} threads\n" + table(("Page", "a second", "median ms", "95 % ms"), rows)
    )


def _row(name: str, address: str, cookies: str, seconds: float) -> tuple[str, ...]:
    _visits(address, cookies, min(WARM_UP, seconds))
    took = _visits(address, cookies, seconds)
    return (
        name,
        f"{len(took) / seconds:.0f}",
        milliseconds(median(took)),
        milliseconds(percentile(took, 0.95)),
    )


def _visits(address: str, cookies: str, seconds: float) -> list[float]:
    """Open one page again and again in all browsers; what each visit took, in seconds."""
    ends = time.perf_counter() + seconds
    with ThreadPoolExecutor(BROWSERS) as pool:
        browsers = [pool.submit(_visit_until, ends, address, cookies) for _ in range(BROWSERS)]
        return [took for browser in browsers for took in browser.result()]


def _visit_until(ends: float, address: str, cookies: str) -> list[float]:
    parts = urlsplit(address)
    headers = {"Cookie": cookies} if cookies else {}
    connection = http.client.HTTPConnection(parts.netloc, timeout=ANSWERS_WITHIN)
    took = []
    try:
        while (began := time.perf_counter()) < ends:
            connection.request("GET", parts.path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != HTTPStatus.OK:
                raise Lost(f"{address} answered {answer.status}")
            took.append(time.perf_counter() - began)
    finally:
        connection.close()
    return took
