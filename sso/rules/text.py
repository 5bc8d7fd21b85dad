"""Taming text that came from outside before it is stored, shown or logged."""

from __future__ import annotations

import re
import unicodedata

#: Control, format (bidi and zero-width among them), surrogate, line and paragraph separators.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def is_guid(text: str) -> bool:
    return _GUID.fullmatch(text) is not None


def is_invisible(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE


def has_invisible(text: str) -> bool:
    return any(map(is_invisible, text))


def is_storable(text: str) -> bool:
    """Say whether every database and log line can hold the text: no control, no surrogate."""
    return not any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)


def one_line(text: str, limit: int) -> str:
    """Return the text on one line, without what hides or reorders it, of at most `limit`."""
    # Cut first, so that a megabyte costs no more than a line; what is removed only shortens it.
    visible = (" " if is_invisible(character) else character for character in text[: limit * 4])
    return " ".join("".join(visible).split())[:limit].rstrip()


def person_name(text: str, limit: int) -> str:
    """Return a name fit to show: composed, visible characters only, of at most `limit`."""
    kept = (
        " " if character in "\t\n\v\f\r\x85\u2028\u2029" else character
        for character in text[: limit * 4]
    )
    visible = "".join(character for character in kept if not is_invisible(character))
    return unicodedata.normalize("NFC", " ".join(visible.split()))[:limit].rstrip()


def strip_edges(text: str) -> str:
    """Return the text without the spaces, tabs and zero-width characters around it."""
    start, end = 0, len(text)
    while start < end and (text[start].isspace() or is_invisible(text[start])):
        start += 1
    while end > start and (text[end - 1].isspace() or is_invisible(text[end - 1])):
        end -= 1
    return text[start:end]
