"""PatchMon's pages from inside, where queries can be counted: `python -m benchmarks.inside`.

A process of its own with PatchMon's settings, on a database that it fills first. Django's test
client goes through all of the application, middleware included, without a server in front. Prints
one line of JSON a figure.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from itertools import islice
from typing import Final
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.browser import Lost
from benchmarks.patchmon import BUTTON, CALLBACK
from benchmarks.walk import EXPORT, pages

FILLED: Final = "filled"


def main() -> None:
    options = _options()
    django.setup()
    # Only now: its models need what the line above loads.
    from benchmarks.filling import fill, sign_in_administrator  # noqa: PLC0415

    began = time.perf_counter()
    landmarks = fill(
        attempts=options.attempts,
        accounts=options.accounts,
        changes=options.changes,
        issuer=options.issuer,
    )
    _tell(FILLED, [time.perf_counter() - began], 0)
    browser = _browser()
    sign_in_administrator(browser)
    for name, path, query in pages(landmarks):
        _measure(name, options.times, partial(_open, browser, path, query))
    _measure("CSV: first line", options.times, partial(_export, browser, 1))
    _measure("CSV: first sign-in", options.times, partial(_export, browser, 2))
    _measure("CSV: all of it, up to 10,000", 1, partial(_export, browser, None))
    for name, prunes in (("Callback, cancelled", False), ("Callback, cancelled, pruning", True)):
        visitor = _browser()
        _measure(name, options.times, partial(_cancel, visitor), partial(_begin, visitor, prunes))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.inside")
    for name in ("attempts", "accounts", "changes", "times"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--issuer", required=True)
    return parser.parse_args()


def _browser() -> Client:
    return Client(headers={"host": urlsplit(settings.SERVER_URL).netloc})


def _measure(
    name: str,
    times: int,
    visit: Callable[[str], None],
    prepare: Callable[[], str] = str,
) -> None:
    """Visit once for warm caches, once to count queries, and then against the clock.

    `visit` gets what `prepare` returned, which is not measured.
    """
    visit(prepare())
    prepared = prepare()
    with CaptureQueriesContext(connection) as captured:
        visit(prepared)
        queries = len(captured)
    took = []
    for _ in range(times):
        prepared = prepare()
        began = time.perf_counter()
        visit(prepared)
        took.append(time.perf_counter() - began)
    _tell(name, took, queries)


def _tell(name: str, took: Sequence[float], queries: int) -> None:
    print(json.dumps({"name": name, "took": took, "queries": queries}), flush=True)


def _open(browser: Client, path: str, query: dict[str, str], _prepared: str) -> None:
    answer = browser.get(path, query)
    if answer.status_code != HTTPStatus.OK:
        raise Lost(f"{path} answered {answer.status_code}")


def _export(browser: Client, lines: int | None, _prepared: str) -> None:
    answer = browser.get(EXPORT)
    if not answer.streaming:
        raise Lost(f"{EXPORT} answered {answer.status_code} and no file")
    for _line in islice(answer, lines):
        pass
    answer.close()


def _begin(browser: Client, prunes: bool) -> str:  # noqa: FBT001 - an argument of partial()
    """Press the button and return the state; old attempts are pruned once an hour, by the cache."""
    if prunes:
        cache.clear()
    answer = browser.get(BUTTON)
    states = parse_qs(urlsplit(answer.headers.get("Location", "")).query).get("state")
    if not states:
        raise Lost(f"{BUTTON} answered {answer.status_code} without a state")
    return states[0]


def _cancel(browser: Client, state: str) -> None:
    """Come back from the provider having cancelled, which is recorded."""
    answer = browser.get(CALLBACK, {"state": state, "error": "access_denied"})
    if answer.status_code != HTTPStatus.FOUND:
        raise Lost(f"{CALLBACK} answered {answer.status_code}")


if __name__ == "__main__":
    main()
