"""Every metric beside its reference value: what the tests compare, as a table.

python -m benchmarks.references
"""

from collections.abc import Callable, Iterator
from typing import Any

from tests.scoring import test_metrics as cases

value: Callable[..., float] = cases.value

TESTS: tuple[tuple[Callable[..., None], Any], ...] = (
    (cases.test_reference_with_one_label_per_row, cases.TRUTH),
    (cases.test_reference_with_a_set_of_labels_per_row, cases.SETS),
)


def rows() -> Iterator[tuple[str, float, float]]:
    """The call, our value and the reference."""
    for test, truth in TESTS:
        (mark,) = (mark for mark in vars(test)["pytestmark"] if mark.name == "parametrize")
        for key, parameters, answer, expected in mark.args[1]:
            words = [key, *(f"{name}={value}" for name, value in parameters.items())]
            yield " ".join(words), value(key, truth, answer, **parameters), expected


def main() -> None:
    print(f"{'metric':60} {'ours':>14} {'reference':>14} {'difference':>11}")
    for call, ours, reference in rows():
        print(f"{call:60} {ours:14.10f} {reference:14.10f} {abs(ours - reference):11.1e}")


if __name__ == "__main__":
    main()
