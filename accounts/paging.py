from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

Row = TypeVar("Row")
ModelRow = TypeVar("ModelRow", bound=Model)
LAST_PAGE = 100_000


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list whose length nobody counts: counting is what gets slow."""

    object_list: Sequence[Row]
    number: int
    has_next: bool

    def __iter__(self) -> Iterator[Row]:
        return iter(self.object_list)

    def __len__(self) -> int:
        return len(self.object_list)

    @property
    def has_previous(self) -> bool:
        return self.number > 1

    @property
    def has_other_pages(self) -> bool:
        return self.has_next or self.has_previous

    @property
    def next_page_number(self) -> int:
        return self.number + 1

    @property
    def previous_page_number(self) -> int:
        return self.number - 1


def page_of(rows: QuerySet[ModelRow], number: str | None, *, size: int = 50) -> Page[ModelRow]:
    """Read one page and the one row after it, which says whether there is another."""
    text = number or "1"
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) < len("1000000") else 1
    wanted = min(max(wanted, 1), LAST_PAGE)
    first = (wanted - 1) * size
    found = list(rows[first : first + size + 1])
    return Page(found[:size], wanted, has_next=len(found) > size)
