"""docs/access.md names tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@cache
def functions_of(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_test_that_the_table_names_exists():
    text = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")
    named = NAMED.findall(text)

    assert len(named) > 50
    missing = {f"{path}::{name}" for path, name in named if name not in functions_of(path)}
    assert missing == set()


def test_every_row_of_the_tables_names_a_test():
    text = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]

    unheld = [row for row in rows if "what holds it" not in row and not NAMED.search(row)]
    assert unheld == []
