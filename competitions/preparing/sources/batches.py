"""The python batches of CIFAR-10 and CIFAR-100, as their author publishes them.

They are pickles, which pickled.py reads as data. Form: https://www.cs.toronto.edu/~kriz/cifar.html
"""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from competitions.preparing.sources import arrays, expanding, pickled
from competitions.preparing.sources.arrays import Numbers
from competitions.preparing.sources.containers import Container
from competitions.preparing.sources.folders import refuse_bad_classes
from competitions.preparing.sources.item import Item, Part, Source

SIDE, CHANNELS = 32, 3
PIXELS = SIDE * SIDE * CHANNELS
MOST_CLASSES = 1000
KINDS = ("u1", "|u1", b"u1", b"|u1")
TENS = {*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"}
HUNDREDS = {"train", "test", "meta"}
LABELS = (b"labels", b"fine_labels", "labels", "fine_labels")
CLASSES = (b"label_names", b"fine_label_names", "label_names", "fine_label_names")


def fits(names: Sequence[str]) -> bool:
    found = {_base(name) for name in names}
    return bool(found & TENS) or found >= HUNDREDS


def read(container: Container, _name: str) -> Source:
    files = {_base(name): name for name in container.names}
    is_ten = bool(files.keys() & TENS)
    wanted = sorted(files.keys() & TENS) if is_ten else ["train", "test"]
    classes = _classes(container, files.get("batches.meta" if is_ten else "meta"))
    items: list[Item] = []
    found: list[NDArray[np.uint8]] = []
    for base in wanted:
        pixels, codes = _batch(container, files[base], arrays.room(found))
        arrays.refuse_too_many(container, len(items) + len(codes))
        found.append(pixels)
        items += _items(container, base, codes, classes)
    if {item.part for item in items} == {"test"}:
        items = [Item(item.name, item.label) for item in items]
    refuse_bad_classes(container, items)
    return Numbers("CIFAR batches", items, found)


def _base(name: str) -> str:
    return PurePosixPath(expanding.plain(name)).name


def _items(
    container: Container, base: str, codes: Sequence[int], classes: Sequence[str]
) -> list[Item]:
    if classes and max(codes) >= len(classes):
        raise container.refusal(f"has the label {max(codes)} in {base!r}, beyond its class names.")
    part: Part = "test" if base in ("test_batch", "test") else "train"
    return [
        Item(f"{base}[{n}]", classes[code] if classes else str(code), part)
        for n, code in enumerate(codes)
    ]


def _batch(container: Container, name: str, most: int) -> tuple[NDArray[np.uint8], list[int]]:
    """The pixels (n, 32, 32, 3) and their codes; raises Refused."""
    table = _table(container, name, most)
    codes = next((table[key] for key in LABELS if key in table), None)
    array = table.get(b"data", table.get("data"))
    numbers = _numbers(array) if isinstance(array, pickled.Array) else b""
    is_whole = (
        isinstance(codes, list)
        and bool(codes)
        and all(type(code) is int and 0 <= code < MOST_CLASSES for code in codes)
        and len(numbers) == len(codes) * PIXELS
    )
    if not is_whole or codes is None or not isinstance(array, pickled.Array):
        raise container.refusal(f"holds {name!r}, which is not a whole CIFAR batch.")
    order: Literal["F", "C"] = "F" if array.is_by_column else "C"
    rows = np.frombuffer(numbers, np.uint8).reshape((len(codes), PIXELS), order=order)
    planes = rows.reshape(-1, CHANNELS, SIDE, SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), codes


def _numbers(array: pickled.Array) -> bytes:
    """The bytes of an array of bytes; none where it is not one."""
    kind = array.kind.code if isinstance(array.kind, pickled.Kind) else None
    if kind not in KINDS:
        return b""
    if isinstance(array.numbers, str):  # Python 2's, a byte a character
        return array.numbers.encode("latin1", "replace")
    return bytes(array.numbers) if isinstance(array.numbers, bytes | bytearray) else b""


def _classes(container: Container, name: str | None) -> tuple[str, ...]:
    if name is None:
        return ()
    table = _table(container, name)
    found: Any = next((table[key] for key in CLASSES if key in table), [])
    if not isinstance(found, list):
        return ()
    words = [each.decode("utf-8", "replace") if isinstance(each, bytes) else each for each in found]
    return tuple(word for word in words if isinstance(word, str))


def _table(container: Container, name: str, most: int = expanding.MOST) -> dict[Any, Any]:
    data = expanding.read(container, name, most)
    try:
        found = pickled.read(data)
    except pickled.Broken:
        found = None
    if not isinstance(found, dict):
        raise container.refusal(f"holds {name!r}, which is not a CIFAR batch.")
    return found
