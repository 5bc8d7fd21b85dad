"""The same journey, again and again, with PatchMon and with each of the other libraries."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks import others, patchmon
from benchmarks.browser import sign_in
from benchmarks.figures import median, milliseconds, percentile, table
from benchmarks.others import LIBRARIES, Site
from benchmarks.patchmon import PatchMon
from benchmarks.tenant import Tenant

PERSON: Final = "alice"
SHOWS: Final = "alice@contoso.com"
# The first makes the account; caches and connections are warm after these.
WARM_UP: Final = 3
SLOWER: Final = 0.05
HEADINGS: Final = (
    "Sign-in with",
    "button",
    "callback",
    "95 %",
    "requests",
    "connections",
    "of which",
)


@dataclass(slots=True)
class Tally:
    """What the journeys with one library took, in seconds, and what they asked of the provider."""

    name: str
    button_url: str
    button: list[float] = field(default_factory=list)
    callback: list[float] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    connections: int = 0

    def row(self) -> tuple[str, ...]:
        journeys = len(self.callback)
        endpoints = [
            f"{name} {number / journeys:.2f}" for name, number in sorted(self.requests.items())
        ]
        return (
            self.name,
            milliseconds(median(self.button)),
            milliseconds(median(self.callback)),
            milliseconds(percentile(self.callback, 0.95)),
            f"{self.requests.total() / journeys:.2f}",
            f"{self.connections / journeys:.2f}",
            ", ".join(endpoints),
        )


def measure(folder: Path, *, journeys: int) -> str:
    """Return a table of `journeys` sign-ins with each library, and one with a slower provider."""
    callbacks = [f"http://localhost{patchmon.CALLBACK}"]
    callbacks += [f"http://localhost{library.callback}" for library in LIBRARIES]
    versions = others.versions()
    with contextlib.ExitStack() as stack:
        tenant = stack.enter_context(Tenant(tuple(callbacks)))
        product = PatchMon(_folder(folder, "patchmon"))
        product.prepare(tenant.issuer)
        stack.enter_context(product.server())
        starts = [("PatchMon", f"{product.url}{patchmon.BUTTON}")]
        for library in LIBRARIES:
            site = Site(library, _folder(folder, library.settings), tenant.issuer)
            site.prepare()
            stack.enter_context(site.server())
            name = f"{library.package} {versions[library.package]}"
            name += f", {library.how}" if library.how else ""
            starts.append((name, f"{site.url}{library.button}"))
        for _, address in starts * WARM_UP:
            sign_in(address, PERSON, shows=SHOWS)
        parts = []
        for delay in (0.0, SLOWER):
            tenant.slow_down(delay)
            tallies = [Tally(name, address) for name, address in starts]
            _take_turns(tallies, tenant, journeys)
            parts.append(
                f"Milliseconds, median of {journeys}; the provider "
                + (f"{milliseconds(delay)} ms slower a request" if delay else "at once")
                + "\n"
                + table(HEADINGS, [tally.row() for tally in tallies])
            )
    return "\n\n".join(parts)


def _take_turns(tallies: list[Tally], tenant: Tenant, journeys: int) -> None:
    """Go round the libraries, so that whatever else this computer does meets all of them.

    Each round begins with another one: none always comes after the same.
    """
    tenant.asked()
    for number in range(journeys):
        first = number % len(tallies)
        for tally in (*tallies[first:], *tallies[:first]):
            journey = sign_in(tally.button_url, PERSON, shows=SHOWS)
            tally.button.append(journey.button)
            tally.callback.append(journey.callback)
            asked = tenant.asked()
            tally.requests.update(asked.requests)
            tally.connections += asked.connections


def _folder(parent: Path, name: str) -> Path:
    path = parent / name
    path.mkdir()
    return path
