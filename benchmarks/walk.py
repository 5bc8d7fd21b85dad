"""Which of PatchMon's pages are measured, and with what filters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SIGN_INS: Final = "/settings/sign-ins"
EXPORT: Final = f"{SIGN_INS}/export"
USERS: Final = "/settings/users"
CHANGES: Final = "/settings/changes"
ADMIN: Final = "/admin/sso/signinattempt/"
NOBODY: Final = "nobody.here"

Query = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmarks:
    """What there is to look for in a filled database."""

    reference: str
    refused: str
    username: str
    email: str
    user_key: int
    since: str
    until: str
    common_reason: str
    rare_reason: str


def pages(there: Landmarks) -> Iterator[tuple[str, str, Query]]:
    """Yield a name, a path and a query for each page."""
    yield "Home", "/", {}
    for name, query in _filters(there):
        yield f"Sign-ins{name}", SIGN_INS, query
    yield "One sign-in", f"{SIGN_INS}/{there.reference}", {}
    yield "One refused sign-in", f"{SIGN_INS}/{there.refused}", {}
    yield "Link refused identities", f"{SIGN_INS}/link", {}
    yield "Users", USERS, {}
    yield "Users, page 40", USERS, {"page": "40"}
    yield "Users, search", USERS, {"q": there.username}
    yield "Users, search for nobody", USERS, {"q": NOBODY}
    yield "Users, who sign in outside", USERS, {"way": "outside"}
    yield "One user", f"{USERS}/{there.user_key}", {}
    yield "Changes", CHANGES, {}
    yield "Changes by a person", CHANGES, {"actor": there.username}
    yield "Changes of a name", CHANGES, {"name": there.username}
    yield "Changes from and to", CHANGES, {"since": there.since, "until": there.until}
    yield "API: sign-ins", "/api/v1/auth/sign-ins", {}
    yield "Django admin: attempts", ADMIN, {}
    yield "Django admin: attempts, search", ADMIN, {"q": there.username}


def _filters(there: Landmarks) -> Iterator[tuple[str, Query]]:
    yield "", {}
    yield ", page 2", {"page": "2"}
    yield ", page 1,000", {"page": "1000"}
    yield ", outcome refused", {"outcome": "refused"}
    yield ", outcome tested", {"outcome": "tested"}
    yield ", a common reason", {"reason": there.common_reason}
    yield ", a rare reason", {"reason": there.rare_reason}
    yield ", from and to", {"since": there.since, "until": there.until}
    yield ", by reference", {"search": there.reference}
    yield ", by username", {"search": there.username}
    yield ", by e-mail", {"search": there.email}
    yield ", of nobody", {"search": NOBODY}
    yield ", by username and outcome", {"search": there.username, "outcome": "linked"}
    yield (
        ", by e-mail, reason and to",
        {"search": there.email, "reason": there.rare_reason, "until": there.until},
    )
    # A test that ended so is rare, the reason is common: every one with it is looked at.
    yield ", outcome and reason, none", {"outcome": "tested", "reason": there.common_reason}
