"""What fails to answer five times in a row is left alone for thirty seconds.

A host, so that Graph never counts for the login host (verification.md, The network); and each of
its endpoints, or a discovery document that is answered every minute would make up for a token
endpoint that never is.
"""

from __future__ import annotations

from urllib.parse import SplitResult

import structlog

from sso.provider import store

FAILURES = 5
OPEN_SECONDS = 30
# How long ago the failure before may be and still be "in a row".
MEMORY_SECONDS = 600
# How long a row may last at most.
ROW_SECONDS = 86_400

log = structlog.stdlib.get_logger(__name__)


def names(url: SplitResult) -> tuple[str, str]:
    """Return what a request to this URL counts for: its host and its endpoint."""
    return url.hostname or "", f"{url.scheme}://{url.netloc}{url.path}"


def is_open(*of: str) -> bool:
    """Say whether any of these is being left alone."""
    return bool(left_alone(*of))


def left_alone(*of: str) -> str:
    """Name the first of these that is being left alone; '' for none."""
    return next((name for name in of if store.read(_open(name)) is not None), "")


def failed(*of: str) -> None:
    """Count a request that got no answer: no connection, a time-out, a 5xx."""
    # After the pause the count stands: one more failure opens the breaker again at once.
    opened = [
        name
        for name in of
        if _failures(name) >= FAILURES and store.claim(_open(name), 1, OPEN_SECONDS)
    ]
    if opened:
        store.drop(store.VERDICT)
        log.warning(
            "provider does not answer", _event="provider.breaker.opened", left_alone=opened[0]
        )


def answered(*of: str) -> None:
    store.drop(*(key(name) for name in of for key in (_lately, _count, _open)))


def _failures(name: str) -> int:
    """Count one more of the row; a row of which nothing was heard for long is over."""
    if store.read(_lately(name)) is None:
        store.drop(_count(name))
    store.write(_lately(name), 1, MEMORY_SECONDS)
    return store.count(_count(name), ROW_SECONDS)


def _lately(name: str) -> str:
    return store.key("failed-lately", name)


def _count(name: str) -> str:
    return store.key("failures", name)


def _open(name: str) -> str:
    return store.key("breaker", name)
