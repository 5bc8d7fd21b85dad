from __future__ import annotations

from collections import defaultdict

import pytest

from tests.verification_map import Collector, Unaccounted, account, read_rows


def test_a_row_with_neither_a_test_nor_a_reason_is_told():
    rows = read_rows()
    rows["cases"] = {"1": {"title": "t"}, "2": {"title": "t", "none": "later"}}
    rows["modules"] = {"m": {"title": "t", "none": "n/a: there is none"}}
    rows["deviations"] = {"D1": {"title": "t", "tests": ["tests/gone.py"]}}
    collected = Collector(tests=defaultdict(set, {"148": {"tests/a.py::test_a"}}), nodes=set())

    with pytest.raises(Unaccounted) as told:
        account(rows, collected)

    assert str(told.value).splitlines() == [
        "148: no such row",
        "1: neither a test nor a reason",
        "2: neither a test nor a reason",
        "D1: tests/gone.py does not exist",
    ]
