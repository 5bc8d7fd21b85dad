"""What all processes share about the provider (accounts.shared_cache), under names of its own."""

from __future__ import annotations

import hashlib

from accounts.shared_cache import (
    claim,
    count,
    drop,
    is_reachable,
    read,
    read_shared,
    write,
    write_shared,
)

__all__ = [
    "VERDICT",
    "claim",
    "count",
    "drop",
    "is_reachable",
    "key",
    "read",
    "read_shared",
    "write",
    "write_shared",
]

#: What readiness found in the last minute; whatever contradicts it drops it.
VERDICT = "sso:verdict"


def key(kind: str, subject: str) -> str:
    """Return a cache key that no content of `subject` can break out of."""
    return f"sso:{kind}:{hashlib.sha256(subject.encode()).hexdigest()[:40]}"
