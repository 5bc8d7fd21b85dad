"""PatchMon's pages and its pruning on a database with as many sign-ins as are asked for."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks import patchmon
from benchmarks.figures import median, milliseconds, table
from benchmarks.inside import FILLED
from benchmarks.patchmon import PatchMon
from benchmarks.processes import run
from benchmarks.tenant import Tenant
from tests.races.postgres import Cluster, programs

ACCOUNTS: Final = 2000
CHANGES: Final = 50_000
TIMES: Final = 7


def measure(folder: Path, *, attempts: int) -> str:
    """Return a table of pages with SQLite, and with PostgreSQL where it is installed."""
    measured = {}
    with Tenant((f"http://localhost{patchmon.CALLBACK}",)) as tenant:
        for kind, database in _databases():
            with database as url:
                path = folder / kind
                path.mkdir()
                product = PatchMon(path, database_url=url)
                product.prepare(tenant.issuer)
                measured[kind] = _inside(product, tenant.issuer, attempts)
    return _told(measured, attempts)


def _databases() -> Iterator[tuple[str, contextlib.AbstractContextManager[str]]]:
    yield "SQLite", contextlib.nullcontext("")
    found = programs()
    if found is not None:
        yield "PostgreSQL", _cluster(found)


@contextlib.contextmanager
def _cluster(found: Path) -> Iterator[str]:
    with Cluster(found) as cluster:
        yield cluster.url


def _inside(product: PatchMon, issuer: str, attempts: int) -> dict[str, dict[str, Any]]:
    printed = run(
        [
            *(sys.executable, "-m", "benchmarks.inside", "--issuer", issuer),
            *("--attempts", str(attempts), "--accounts", str(ACCOUNTS)),
            *("--changes", str(CHANGES), "--times", str(TIMES)),
        ],
        # The log goes where the figures go.
        {**product.variables, "LOG_LEVEL": "error"},
    )
    figures = (json.loads(line) for line in printed.splitlines() if line.startswith('{"name"'))
    return {figure["name"]: figure for figure in figures}


def _told(measured: dict[str, dict[str, dict[str, Any]]], attempts: int) -> str:
    rows, filled = [], []
    for kind, figures in measured.items():
        filled.append(f"{kind} filled in {median(figures.pop(FILLED)['took']):.0f} s")
    for name in next(iter(measured.values())):
        row = [name]
        for figures in measured.values():
            figure = figures[name]
            row += [milliseconds(median(figure["took"])), str(figure["queries"])]
        rows.append(row)
    headings = ["Page", *(cell for kind in measured for cell in (kind, "queries"))]
    return (
        f"Milliseconds, median of {TIMES}; {attempts:,} sign-ins, {ACCOUNTS:,} accounts, "
        f"{CHANGES:,} changes ({', '.join(filled)})\n{table(headings, rows)}"
    )
