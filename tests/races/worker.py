"""A process of PatchMon that makes the requests it is told on standard input, one a line."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from typing import Final

from tests.races.http import Job, perform

# This module imports models, so the apps have to be ready before it is.
PROGRAM: Final = "import django; django.setup(); from tests.races.worker import main; main()"


def main() -> None:
    # Whatever the program logs goes to standard error, so that answers stand alone.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        answer = perform(Job(**json.loads(line)))
        answers.write(json.dumps(dataclasses.asdict(answer)) + "\n")
        answers.flush()
