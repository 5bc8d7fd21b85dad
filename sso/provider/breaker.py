"""A host that fails to answer five times in a row is left alone for thirty seconds.

Per host, so that Graph never counts for the login host (verification.md, The network).
"""

from __future__ import annotations

import structlog

from sso.provider import store

FAILURES = 5
OPEN_SECONDS = 30
# How long ago a failure may be and still be "in a row".
MEMORY_SECONDS = 600

log = structlog.stdlib.get_logger(__name__)


def is_open(host: str) -> bool:
    return store.read(_open(host)) is not None


def failed(host: str) -> None:
    """Count a request that got no answer: no connection, a time-out, a 5xx."""
    # After the pause the count stands: one more failure opens the breaker again at once.
    if store.count(_count(host), MEMORY_SECONDS) < FAILURES:
        return
    if store.claim(_open(host), 1, OPEN_SECONDS):
        log.warning("provider does not answer", _event="provider.breaker.opened", host=host)


def answered(host: str) -> None:
    store.drop(_count(host), _open(host))


def _count(host: str) -> str:
    return store.key("failures", host)


def _open(host: str) -> str:
    return store.key("breaker", host)
