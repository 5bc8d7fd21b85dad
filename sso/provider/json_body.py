"""Strict JSON: what a provider signs or sends means one thing or nothing at all.

Python's own reader lets the last of two equal keys win, reads NaN, and passes lone surrogates on
to whoever stores them (reference/rp-cases.md, cases 27, 29 to 31).
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

MAX_DEPTH = 32


class NotJson(ValueError):
    """Say what is wrong with a document, without any of its content."""


def parse_object(data: bytes) -> dict[str, Any]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise NotJson("not UTF-8") from None
    try:
        # json refuses a text that begins with a byte order mark.
        document = json.loads(
            text,
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except NotJson:
        raise
    except RecursionError:
        raise NotJson("nested too deeply") from None
    except ValueError:
        raise NotJson("not JSON") from None
    if not isinstance(document, dict):
        raise NotJson("not a JSON object")
    _check(document)
    return document


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise NotJson("a key appears twice")
    return result


def _refuse_constant(_name: str) -> NoReturn:
    raise NotJson("a number is not finite")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotJson("a number is not finite")
    return number


def _check(document: dict[str, Any]) -> None:
    """Refuse depth and lone surrogates, without recursion of our own."""
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below.extend(value)
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
            elif isinstance(value, str) and not _encodable(value):
                raise NotJson("a string is not Unicode")
        if not below:
            return
        level = below
    raise NotJson("nested too deeply")


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
