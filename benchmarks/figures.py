"""Medians, percentiles and tables of plain text."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence


def median(values: Sequence[float]) -> float:
    """Return the middle of the values; of an even number of them the mean of the middle two."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share (0 to 1) of the values do not exceed."""
    if not values or not 0 < share <= 1:
        raise ValueError("A percentile needs values, and a share above 0 and up to 1.")
    return sorted(values)[math.ceil(share * len(values)) - 1]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return lines of even columns: the first to the left, the others, which are figures, right."""
    if any(len(row) != len(headings) for row in rows):
        raise ValueError("Every row has a cell for each heading.")
    columns = list(zip(headings, *rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]

    def line(cells: Sequence[str]) -> str:
        first, *others = (
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join((first, *others)).rstrip()

    return "\n".join([line(headings), line(["-" * width for width in widths]), *map(line, rows)])
