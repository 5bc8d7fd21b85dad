"""A bar chart as numbers for an inline SVG: drawn on the server, no script, no style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sso.services.activity import Day

WIDTH, HEIGHT = 720, 120
GAP = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One day: two stacked pieces, in the units of the SVG's view box."""

    x: float
    width: float
    signed_in_y: float
    signed_in_height: float
    refused_y: float
    refused_height: float
    day: date
    signed_in: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Bars in a box of WIDTH by HEIGHT; ``top`` is what the highest one stands for."""

    bars: tuple[Bar, ...]
    top: int
    width: int = WIDTH
    height: int = HEIGHT


def bar_chart(days: Sequence[Day]) -> Chart:
    """Lay the days out side by side; the highest fills the height."""
    top = max((day.total for day in days), default=0)
    step = WIDTH / max(len(days), 1)
    scale = HEIGHT / top if top else 0.0
    bars = []
    for index, day in enumerate(days):
        signed_in, refused = day.signed_in * scale, day.refused * scale
        bars.append(
            Bar(
                x=round(index * step + GAP / 2, 2),
                width=round(step - GAP, 2),
                signed_in_y=round(HEIGHT - signed_in, 2),
                signed_in_height=round(signed_in, 2),
                refused_y=round(HEIGHT - signed_in - refused, 2),
                refused_height=round(refused, 2),
                day=day.day,
                signed_in=day.signed_in,
                refused=day.refused,
            )
        )
    return Chart(bars=tuple(bars), top=top)
