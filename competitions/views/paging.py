"""A long table of ranks: which page is asked for, which are linked, where the prizes end."""

from collections.abc import Sequence
from typing import Protocol

AROUND = 1  # pages on either side of the present one


def page_number(text: str) -> int:
    """The number in an address; 1 for what is none."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def pages_around(page: int, pages: int) -> list[int | None]:
    """The first, the last and those around the present one; None where some are left out."""
    shown = {1, pages, *range(max(1, page - AROUND), min(pages, page + AROUND) + 1)}
    numbers: list[int | None] = []
    for number in sorted(shown):
        last = numbers[-1] if numbers else None
        if last is not None and number - last > 1:
            numbers.append(None)
        numbers.append(number)
    return numbers


class Ranked(Protocol):
    @property
    def rank(self) -> int | None: ...


def prize_after(rows: Sequence[Ranked], prizes: int) -> int:
    """The row under which the prizes end; -1 where they end on another page, or never."""
    ranks = [row.rank or 0 for row in rows]
    last = max((n for n, rank in enumerate(ranks) if 0 < rank <= prizes), default=-1)
    return last if any(rank > prizes for rank in ranks[last + 1 :]) else -1
