"""From what an organiser writes to what a metric's function takes.

The parsers take a string, as a terminal gives it, or a JSON value, as the site does.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

from scoring.metrics.metric import Floats
from scoring.metrics.trees import Tree, tree_of

# Far above any use; the square of a larger number would leave the range of a float one day.
MAX_FACTOR = 1000.0
# Bins take memory: a million need 24 MB.
MAX_WHOLE = 1_000_000


def whole_number(value: object) -> int:
    """
    >>> whole_number("5"), whole_number(3.0)
    (5, 3)
    """
    number = _number(value)
    if number is None or number != int(number) or not 1 <= number <= MAX_WHOLE:
        raise ValueError(f"It must be a whole number from 1 to {MAX_WHOLE}.")
    return int(number)


def factor(value: object) -> float:
    """
    >>> factor("0.5")
    0.5
    """
    number = _number(value)
    if number is None or not 0 < number <= MAX_FACTOR:
        raise ValueError(f"It must be a number above 0 and not above {MAX_FACTOR:g}.")
    return number


def flag(value: object) -> bool:
    """
    >>> flag("true"), flag("0"), flag(True)
    (True, False, True)
    """
    word = str(value).strip().lower()
    if word not in ("true", "false", "1", "0"):
        raise ValueError("It must be true or false.")
    return word in ("true", "1")


def choice(*words: str) -> Callable[[object], str]:
    """A parser for one of these words.

    >>> choice("macro", "micro")("micro")
    'micro'
    """

    def parse(value: object) -> str:
        if not isinstance(value, str) or value.strip() not in words:
            raise ValueError(f"It must be one of: {', '.join(words)}.")
        return value.strip()

    return parse


def class_name(value: object) -> str | None:
    """The name of a class; nothing, or an empty string, leaves the choice to the default.

    >>> class_name("cat"), class_name(1), class_name("")
    ('cat', '1', None)
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("It must be the name of a class.")
    return str(value)


def weights(value: object) -> Floats | None:
    """float64[K], or None where nothing is given: every column weighs the same.

    >>> weights("2,1,1"), weights([1, 2])
    (array([2., 1., 1.]), array([1., 2.]))
    """
    if value is None or value == "":
        return None
    found = _table(value)
    if found is None or found.ndim != 1 or not _weighs(found):
        raise ValueError(
            "It must be one number per class, such as 2,1,1, none below 0 and one above."
        )
    return found


def costs(value: object) -> Floats:
    """float64[K, K]: nested lists, JSON, or rows with ``;`` between them.

    >>> costs("0,1;2,0")
    array([[0., 1.],
           [2., 0.]])
    """
    found = _table(value)
    square = found is not None and found.ndim == 2 and found.shape[0] == found.shape[1]
    if found is None or not square or not _weighs(found) or found.diagonal().any():
        raise ValueError(
            "It must be a square table, such as 0,1;2,0, with a row for each true class and a "
            "column for each predicted one: 0 on the diagonal, no number below 0 and one above."
        )
    return found


def parents(value: object) -> dict[str, tuple[str, ...]]:
    """The ancestors of each class, the most general one first.

    >>> parents('{"cat": "animal/mammal", "car": "thing"}')
    {'cat': ('animal', 'mammal'), 'car': ('thing',)}
    """
    found = _json(value) if isinstance(value, str) else value
    if not isinstance(found, Mapping) or not found:
        raise ValueError(_PARENTS)
    return {str(name): _path(path) for name, path in found.items()}


_PARENTS = (
    "It must name each class's ancestors, the most general one first, "
    'such as {"cat": "animal/mammal", "car": "thing"}.'
)


def _path(value: object) -> tuple[str, ...]:
    if not isinstance(value, str):
        raise ValueError(_PARENTS)
    names = tuple(name.strip() for name in value.split("/")) if value.strip() else ()
    if not all(names):
        raise ValueError(_PARENTS)
    return names


def positive_code(
    value: str | None, classes: Sequence[str], values: Mapping[str, Any]
) -> int | None:
    """The code of the positive class where ``average`` is binary, else None.

    >>> positive_code(None, ("no", "yes"), {"average": "binary"})
    1
    """
    if values["average"] != "binary":
        if value is not None:
            raise ValueError("It is of use only with average=binary.")
        return None
    if value is not None:
        return _code(value, classes)
    if "1" in classes:
        return classes.index("1")
    if len(classes) != 2:
        raise ValueError("With average=binary it must be the name of a class.")
    return 1


def weights_per_class(
    value: Floats | None, classes: Sequence[str], values: Mapping[str, Any]
) -> Floats:
    """float64[K], ones where nothing was given."""
    if value is None:
        return np.ones(len(classes))
    if len(value) != len(classes):
        raise ValueError(f"It must be one number for each of the {len(classes)} classes.")
    return value


def costs_per_class(value: Floats, classes: Sequence[str], values: Mapping[str, Any]) -> Floats:
    """float64[K, K], if it has the right size."""
    if len(value) != len(classes):
        raise ValueError(
            f"It must have a row and a column for each of the {len(classes)} classes, "
            f"not {len(value)}."
        )
    return value


def tree(
    value: Mapping[str, tuple[str, ...]], classes: Sequence[str], values: Mapping[str, Any]
) -> Tree:
    """The classes as the leaves of a tree, if exactly they are named."""
    for name in value:
        _code(name, classes)
    if missing := [name for name in classes if name not in value]:
        raise ValueError(f"It says nothing of the class '{missing[0]}'.")
    return tree_of([(*value[name], name) for name in classes])


def _code(name: str, classes: Sequence[str]) -> int:
    if name not in classes:
        raise ValueError(f"There is no class '{name}'.")
    return classes.index(name)


def _number(value: object) -> float | None:
    """A finite number, or None. A bool is none, although Python counts it among the integers."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def _table(value: object) -> Floats | None:
    """Numbers in one dimension or two, or None."""
    if isinstance(value, str):
        value = _json(value) if value.lstrip().startswith("[") else _cells(value)
    try:
        return np.array(value, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        return None


def _cells(text: str) -> list[str] | list[list[str]]:
    rows = [row.split(",") for row in text.split(";")]
    return rows if len(rows) > 1 else rows[0]


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _weighs(numbers: Floats) -> bool:
    """Whether these can be weights: finite, none below 0, one above."""
    return bool(np.isfinite(numbers).all() and (numbers >= 0).all() and (numbers > 0).any())
