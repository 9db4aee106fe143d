"""The table `[model]` of a challenge's competition.toml, as the contract that models are held to.

    [model]
    image = [3, 32, 32]                # channels, height, width
    formats = ["onnx", "safetensors"]  # and, where the host wants them: "pt2", "torchscript"
    seconds = 600
    memory_mb = 4096
    file_mb = 256
    parameters = 1000000               # without it, any number
    macs = 50000000                    # multiply-accumulates for one image; without it, any number
    bf16 = false
    several = false                    # whether several classes may be right at once
    classes = ["cat", "dog"]           # in the order of the logits; default: the challenge's

Only `image` must be there; `size = 32` and `channels = 3` say the same. A megabyte has 2**20 bytes.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from scoring.errors import SpecError
from scoring.sandbox.contract import Budgets, Contract, Format

T = TypeVar("T")

MIB = 1 << 20
MAX_SIDE = 4096  # pixels
MAX_CHANNELS = 64
MAX_CLASSES = 100_000
MAX_SECONDS = 24 * 3600.0
MAX_MEMORY = 1 << 20  # megabytes: a tebibyte
MAX_FILE = 64 << 10  # megabytes
MAX_COUNT = 10**15  # parameters or operations
KEYS = (
    "image", "size", "channels", "formats", "seconds", "memory_mb", "file_mb", "parameters",
    "macs", "bf16", "several", "classes",
)  # fmt: skip


def contract_from(table: Mapping[str, Any], classes: Sequence[str] | None = None) -> Contract:
    """`classes` are the challenge's own, from its solution or its sample submission.

    Where the table lists classes too, both must be the same and the table's order counts. Raises
    SpecError with the key and what it may hold.
    """
    if unknown := sorted(set(table) - set(KEYS)):
        raise SpecError(f"[model] does not know {', '.join(unknown)}. It takes: {', '.join(KEYS)}.")
    channels, height, width = _image(table)
    return Contract(
        channels=channels,
        height=height,
        width=width,
        classes=_classes(table, classes),
        formats=_formats(table),
        budgets=_budgets(table),
        bf16=_flag(table, "bf16"),
        several=_flag(table, "several"),
    )


def _image(table: Mapping[str, Any]) -> tuple[int, int, int]:
    if "image" in table:
        if "size" in table or "channels" in table:
            raise _wrong("image", "alone, or size and channels in its place")
        sides = table["image"]
        if not isinstance(sides, list) or len(sides) != 3:
            raise _wrong("image", "[channels, height, width], such as [3, 32, 32]")
    elif "size" in table:
        size = table["size"]
        pair = size if isinstance(size, list) else [size, size]
        if len(pair) != 2:
            raise _wrong("size", "one number of pixels, or [height, width]")
        sides = [table.get("channels", 3), *pair]
    else:
        raise SpecError("[model] needs image = [channels, height, width], such as [3, 32, 32].")
    key = "image" if "image" in table else "size"
    names, most = ("channels", key, key), (MAX_CHANNELS, MAX_SIDE, MAX_SIDE)
    channels, height, width = map(_whole, names, sides, most)
    return channels, height, width


def _classes(table: Mapping[str, Any], known: Sequence[str] | None) -> tuple[str, ...]:
    listed = table.get("classes")
    names = known if listed is None else listed
    if names is None:
        raise SpecError(
            "[model] needs classes = [...], in the order of the logits: neither a solution nor a "
            "sample submission names them here."
        )
    is_list = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
    if not is_list or not all(names) or not 2 <= len(names) <= MAX_CLASSES:
        raise _wrong("classes", "a list of at least two names")
    if len(set(names)) < len(names):
        raise _wrong("classes", "a list in which no name comes twice")
    if listed is not None and known is not None and (strange := set(listed) ^ set(known)):
        raise SpecError(
            f"The classes of [model] are not those of the challenge (see '{min(strange)}')."
        )
    return tuple(names)


def _formats(table: Mapping[str, Any]) -> frozenset[Format]:
    names = table.get("formats", list(Contract.formats))
    known = [each.value for each in Format]
    if not isinstance(names, list) or not names or not all(name in known for name in names):
        raise _wrong("formats", f"a list of some of: {', '.join(known)}")
    return frozenset(Format(name) for name in names)


def _budgets(table: Mapping[str, Any]) -> Budgets:
    default = Budgets()
    memory = default.memory_bytes // MIB
    file = default.file_bytes // MIB
    return Budgets(
        seconds=_seconds(table.get("seconds", default.seconds)),
        memory_bytes=MIB * _whole("memory_mb", table.get("memory_mb", memory), MAX_MEMORY),
        file_bytes=MIB * _whole("file_mb", table.get("file_mb", file), MAX_FILE),
        parameters=_optional(table, "parameters", lambda key, it: _whole(key, it, MAX_COUNT)),
        macs=_optional(table, "macs", lambda key, it: _whole(key, it, MAX_COUNT)),
    )


def _seconds(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not 0 < value <= MAX_SECONDS:
        raise _wrong("seconds", f"a number above 0, up to {MAX_SECONDS:.0f}")
    return float(value)


def _optional(table: Mapping[str, Any], key: str, read: Callable[[str, Any], T]) -> T | None:
    return read(key, table[key]) if key in table else None


def _flag(table: Mapping[str, Any], key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise _wrong(key, "true or false")
    return value


def _whole(key: str, value: Any, most: int) -> int:
    if type(value) is not int or not 1 <= value <= most:
        raise _wrong(key, f"a whole number from 1 to {most}")
    return value


def _wrong(key: str, wanted: str) -> SpecError:
    return SpecError(f"[model] {key} must be {wanted}.")
