"""Address → candidate usernames (sign-in.md, Username)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import count

from sso.rules.claims import Identity

LENGTH_LIMIT = 32
FALLBACK = "user"

_DROPPED = re.compile(r"[^a-z0-9._-]")
_GUEST = re.compile(r"#ext#", re.IGNORECASE)


def candidates(identity: Identity) -> Iterator[str]:
    """Yield usernames to try, best first (alice, alice2, alice3 and on without end).

    No name comes twice, though shortening can make two numbers look alike.
    """
    base = _reduced(_local_part(_source(identity))) or FALLBACK
    yield base
    given = {base}
    for number in count(2):
        suffix = str(number)
        candidate = base[: LENGTH_LIMIT - len(suffix)].rstrip(".-") + suffix
        if candidate not in given:
            given.add(candidate)
            yield candidate


def _source(identity: Identity) -> str:
    return identity.email or identity.preferred_username or identity.upn or identity.name


def _local_part(address: str) -> str:
    outside, *guest = _GUEST.split(address, maxsplit=1)
    if guest:
        # Entra turns the @ of the guest's home address into an underscore, the last one.
        return outside.rpartition("_")[0] or outside
    return address.partition("@")[0]


def _reduced(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).lower()
    return _DROPPED.sub("", decomposed).strip(".-")[:LENGTH_LIMIT].rstrip(".-")
