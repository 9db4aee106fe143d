"""The python batches of CIFAR-10 and CIFAR-100, as their author publishes them.

They are pickles, and a pickle is a program. This one runs on a machine with six instructions of
ours: whatever it asks for beyond numpy's array and type, both of which are inert stand-ins here,
ends it. Form: https://www.cs.toronto.edu/~kriz/cifar.html
"""

import codecs
import io
import pickle
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from competitions.preparing.sources import expanding
from competitions.preparing.sources.containers import Container
from competitions.preparing.sources.idx import Numbers
from competitions.preparing.sources.item import Item, Part, Source

SIDE, CHANNELS = 32, 3
PIXELS = SIDE * SIDE * CHANNELS
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
    arrays: list[NDArray[np.uint8]] = []
    for base in wanted:
        pixels, codes = _batch(container, files[base])
        arrays.append(pixels)
        items += _items(container, base, codes, classes)
    if {item.part for item in items} == {"test"}:
        items = [Item(item.name, item.label) for item in items]
    return Numbers("CIFAR batches", items, arrays)


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


def _batch(container: Container, name: str) -> tuple[NDArray[np.uint8], list[int]]:
    table = _table(container, name)
    codes = next((table[key] for key in LABELS if key in table), None)
    data = table.get(b"data", table.get("data"))
    numbers = data.numbers if isinstance(data, _Array) else b""
    is_whole = (
        isinstance(codes, list)
        and bool(codes)
        and all(isinstance(code, int) and 0 <= code < 1000 for code in codes)
        and isinstance(numbers, bytes)
        and len(numbers) == len(codes) * PIXELS
    )
    if not is_whole or codes is None:
        raise container.refusal(f"holds {name!r}, which is not a whole CIFAR batch.")
    planes = np.frombuffer(numbers, np.uint8).reshape(-1, CHANNELS, SIDE, SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), codes


def _classes(container: Container, name: str | None) -> tuple[str, ...]:
    if name is None:
        return ()
    table = _table(container, name)
    found: Any = next((table[key] for key in CLASSES if key in table), [])
    if not isinstance(found, list):
        return ()
    words = [each.decode("utf-8", "replace") if isinstance(each, bytes) else each for each in found]
    return tuple(word for word in words if isinstance(word, str))


def _table(container: Container, name: str) -> dict[Any, Any]:
    data = expanding.read(container, name)
    try:
        found = _Unpickler(io.BytesIO(data), encoding="bytes").load()
    except Exception:
        # A pickle breaks in as many ways as a program.
        found = None
    if not isinstance(found, dict):
        raise container.refusal(f"holds {name!r}, which is not a CIFAR batch.")
    return found


class _Array:
    """What stands for numpy's array: it keeps the bytes that it is given."""

    numbers: Any = b""

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, tuple) and len(state) == 5:
            self.numbers = state[4]


class _Type:
    """What stands for numpy's type."""

    def __init__(self, *_words: Any) -> None: ...

    def __setstate__(self, _state: Any) -> None: ...


def _encoded(text: Any, coding: Any = "latin1") -> bytes:
    if not isinstance(text, str) or coding not in ("latin1", b"latin1"):
        raise pickle.UnpicklingError
    return codecs.encode(text, "latin1")


def _new_array(*_words: Any) -> _Array:
    return _Array()


_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _new_array,
    ("numpy._core.multiarray", "_reconstruct"): _new_array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encoded,
}


# The one in Python: the one in C sets memory aside for whatever place a pickle names.
class _Unpickler(pickle._Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name}") from None
