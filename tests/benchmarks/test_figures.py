from __future__ import annotations

import pytest

from benchmarks.figures import median, milliseconds, percentile, table


def test_a_percentile_is_one_of_the_values():
    hundred = [float(number) for number in range(100, 0, -1)]

    assert percentile(hundred, 0.95) == 95
    assert percentile(hundred, 1) == 100
    assert percentile(hundred, 0.001) == 1
    assert percentile([7.0], 0.95) == 7
    # Of twenty the nineteenth: one of them is above.
    assert percentile([float(number) for number in range(20)], 0.95) == 18


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 0), ([1.0], 1.1)])
def test_a_percentile_of_nothing_is_a_mistake(values, share):
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, share)


def test_medians_and_milliseconds():
    assert median([3.0, 1.0, 2.0]) == 2
    assert median([1.0, 2.0]) == 1.5
    assert milliseconds(0.01234) == "12.3"


def test_a_table_has_even_columns_with_figures_to_the_right():
    assert table(["Page", "ms"], [["Home", "9.5"], ["Sign-ins", "120.0"]]).splitlines() == [
        "Page         ms",
        "--------  -----",
        "Home        9.5",
        "Sign-ins  120.0",
    ]


def test_a_row_that_lacks_a_cell_is_a_mistake():
    with pytest.raises(ValueError, match="cell"):
        table(["Page", "ms"], [["Home"]])
