"""Runs the rounds in a process of their own: Django's database is fixed when it starts.

Each test here is one kind of race, round after round, and fails with what went wrong there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from tests.races.postgres import Cluster, programs
from tests.races.rounds import (
    rounds_of_accounts,
    rounds_of_first_sign_ins,
    rounds_of_settings,
    rounds_of_sign_ins,
)

ROOT: Final = Path(__file__).resolve().parent.parent.parent
FILES: Final[tuple[ModuleType, ...]] = (
    rounds_of_sign_ins,
    rounds_of_first_sign_ins,
    rounds_of_accounts,
    rounds_of_settings,
)
RACES: Final = [name for file in FILES for name in vars(file) if name.startswith("test_")]
PYTEST: Final = (
    *(sys.executable, "-m", "pytest", "tests/races/rounds", "-q"),
    *("-o", "python_files=rounds_of_*.py", "-o", "junit_logging=no"),
    *("-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist"),
)
ENDS_WITHIN: Final = 900


@pytest.fixture(scope="session")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run all rounds once; return what failed by the name of the race, '' for what held."""
    folder = programs()
    if folder is None:
        missing = "PostgreSQL is not installed: apt-get install postgresql"
        if os.environ.get("REQUIRE_POSTGRES") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    report = tmp_path_factory.mktemp("races") / "report.xml"
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    with Cluster(folder) as cluster:
        run = subprocess.run(  # noqa: S603 - our own tests, no outside arguments
            [*PYTEST, f"--junitxml={report}"],
            cwd=ROOT,
            env={**outer, **cluster.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=ENDS_WITHIN,
            check=False,
        )
    assert report.exists(), run.stdout[-6000:]
    outcomes: dict[str, str] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - pytest has just written it
        problems = [each.text or "" for each in case if each.tag in {"failure", "error", "skipped"}]
        name = case.get("name", "")
        outcomes[name] = outcomes.get(name, "") + "\n".join(problems)
    return outcomes


@pytest.mark.xdist_group("postgresql")
@pytest.mark.parametrize("race", RACES)
def test_no_round_goes_wrong(race: str, outcomes: dict[str, str]) -> None:
    problem = outcomes.get(race, "It did not run.")
    if problem:
        pytest.fail(problem, pytrace=False)
