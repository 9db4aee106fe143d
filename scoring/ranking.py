"""Ranks on what is displayed: two scores that look equal are equal."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from scoring.metrics import Direction


def display_decimals(n_public: int) -> int:
    """Decimals worth showing: max(2, ceil(log10 n) - 1), so that no single row can be read off.

    >>> display_decimals(200), display_decimals(3000)
    (2, 3)
    """
    # ceil(log10 n) is the number of digits of n - 1: exact, where floats are not
    return max(2, len(str(max(n_public - 1, 1))) - 1)


def displayed(value: float, decimals: int) -> str:
    """The score as every page, API answer and event writes it, halves rounded up.

    >>> displayed(0.125, 2)
    '0.13'
    """
    rounded = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return f"{abs(rounded) if rounded == 0 else rounded:f}"


def rank(values: Sequence[float], direction: Direction = "maximize") -> list[int]:
    """The rank of each value, best first; equal values share it and the next ranks are skipped.

    >>> rank([0.9, 0.8, 0.95, 0.9])
    [2, 4, 1, 2]
    """
    first: dict[float, int] = {}
    for place, value in enumerate(sorted(values, reverse=direction == "maximize"), start=1):
        first.setdefault(value, place)
    return [first[value] for value in values]
