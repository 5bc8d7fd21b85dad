"""How a lie is written down: five lines in a table, and the same checks for each.

Lie(
    "33 oidcc-client-test-invalid-iss D4",
    "an issuer with one more character",
    Reason.ISS,
    claims=lambda claims: claims | {"iss": claims["iss"] + "1"},
)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from sso.rules.reasons import Reason
from tests.sso.cases.front_door import Browser, assert_refused
from tests.sso.cases.hostile import HostileProvider, Query, Told

DOCUMENTS = (
    "claims",
    "header",
    "payload",
    "id_token",
    "token",
    "keys",
    "discovery",
    "userinfo",
    "groups",
)


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something unusual that an honest provider may do; whoever comes with it is let in.

    `rows` names what it is evidence for: the numbers of Table 4, the modules of Table 1 and the
    deviations of Table 3. Each document has a hook that gets the honest one.
    """

    rows: str
    title: str
    claims: Told | None = field(default=None, kw_only=True)
    header: Told | None = field(default=None, kw_only=True)
    payload: Told | None = field(default=None, kw_only=True)
    id_token: Told | None = field(default=None, kw_only=True)
    token: Told | None = field(default=None, kw_only=True)
    keys: Told | None = field(default=None, kw_only=True)
    discovery: Told | None = field(default=None, kw_only=True)
    userinfo: Told | None = field(default=None, kw_only=True)
    groups: Told | None = field(default=None, kw_only=True)
    #: Changes the query of the way back.
    callback: Callable[[Query], Query] | None = field(default=None, kw_only=True)
    #: Anything else about the provider, before the journey begins.
    setup: Callable[[HostileProvider], object] | None = field(default=None, kw_only=True)
    settings: dict[str, Any] = field(default_factory=dict, kw_only=True)
    entra: bool = field(default=False, kw_only=True)

    def prepare(self, provider: HostileProvider) -> None:
        if self.setup is not None:
            self.setup(provider)
        for document in DOCUMENTS:
            if (change := getattr(self, document)) is not None:
                provider.told[document] = change


@dataclass(frozen=True, slots=True)
class Lie(Oddity):
    """Something that no honest provider, network or browser says; nobody is let in."""

    #: None: the state is not genuine, so that there is nothing to record.
    reason: Reason | None = None
    #: Whether it is only known as a lie once the code was redeemed.
    redeems: bool = field(default=True, kw_only=True)


def told(stories: Iterable[Oddity]) -> list[Any]:
    """Make parameters of a table, each marked with the rows that it is evidence for."""
    return [
        pytest.param(
            story,
            id=f"{'-'.join(story.rows.split())}: {story.title}",
            marks=pytest.mark.case(*story.rows.split()),
        )
        for story in stories
    ]


def assert_caught(browser: Browser, lie: Lie) -> None:
    """Assert that a lie was refused, for its own reason, without a request too many."""
    asked = browser.provider.asked.copy()
    assert_refused(browser, lie.reason)
    assert asked["token"] == int(lie.redeems)
    # OpenID's suite fails whoever goes on to userinfo with an ID token that lies.
    assert asked["userinfo"] == int(lie.userinfo is not None)
    assert asked["groups"] == asked["photo"] == asked["unknown"] == 0
