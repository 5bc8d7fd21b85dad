"""docs/operations.md names every event that is logged, and none that is not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from accounts import throttle
from sso.models import SignInAttempt

ROOT = Path(__file__).resolve().parent.parent
LEVELS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
# What an event's name may be put together from.
PARTS: dict[str, list[str]] = {
    "what": list(throttle._TOLD),
    # What the command line opens is no sign-in, and logs its own event (sso/services/upkeep.py).
    "outcome": [each for each in SignInAttempt.Outcome if each != "local_opened"],
}
NAME = re.compile(r"[a-z_]+(?:\.[a-z_]+)+")


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Yield every call that logs, with where it is."""
    for folder in ("accounts", "sso", "patchmon"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in LEVELS
                    and isinstance(node.func.value, ast.Name)
                    and node.func.value.id in {"log", "logger", "logging"}
                ):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def events_of(call: ast.Call) -> list[str]:
    """Return the names that a call may log; [] where it has none."""
    value = next((each.value for each in call.keywords if each.arg == "_event"), None)
    if isinstance(value, ast.Constant):
        return [str(value.value)]
    if not isinstance(value, ast.JoinedStr):
        return []
    names = [""]
    for part in value.values:
        if isinstance(part, ast.FormattedValue):
            words = PARTS[ast.unparse(part.value)]
        else:
            words = [str(ast.literal_eval(part))]
        names = [name + word for name in names for word in words]
    return names


def rows() -> list[list[str]]:
    """Return the cells of the table under Logs, each as the names in its backquotes."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = text.partition("\n## Logs\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [line.split("|")[1:3] for line in lines]


def documented() -> list[str]:
    return [name for row in rows() for name in re.findall(r"`([^`]+)`", row[1])]


def test_every_line_that_is_logged_has_an_event():
    found = list(calls())

    assert len(found) > 15
    assert [where for where, call in found if not events_of(call)] == []


def test_the_table_names_every_event_and_no_other():
    logged = {name for _, call in calls() for name in events_of(call)}

    assert set(documented()) == logged
    assert len(documented()) == len(logged)
    assert all(NAME.fullmatch(name) for name in logged)


def test_the_table_gives_each_event_its_message():
    wrong = [
        (name, message.value)
        for _, call in calls()
        if isinstance(message := call.args[0], ast.Constant) and isinstance(message.value, str)
        for name in events_of(call)
        if not any(f"`{name}`" in row[1] and f"`{message.value}`" in row[0] for row in rows())
    ]

    assert wrong == []
