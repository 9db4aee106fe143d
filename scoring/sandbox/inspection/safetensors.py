"""A safetensors file: eight bytes, a table of contents in JSON, numbers.

By the rules of the format (https://github.com/huggingface/safetensors#format): the length of the
table as a 64-bit little-endian number; JSON that begins with a brace and may end in spaces; for
each tensor type, shape and place; no name twice; the places cover the rest of the file without a
gap or an overlap.
"""

import json
from collections.abc import Mapping
from math import prod
from mmap import mmap
from typing import Any

from scoring.errors import InvalidSubmission
from scoring.sandbox.contract import Contract
from scoring.sandbox.inspection.facts import Facts, damaged, quoted, refuse_too_many, too_complex
from scoring.sandbox.inspection.origin import origin

MAX_HEADER = 4 << 20  # bytes: some 30 000 tensors; the format itself allows 100 MB
MAX_TENSORS = 20_000
MAX_RANK = 16
MAX_NAME = 512  # characters
_LENGTH = 8
_METADATA = "__metadata__"

BYTES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1,
    "BOOL": 1,
}  # fmt: skip
FLOATS = frozenset({"F64", "F32", "F16", "BF16"})

Table = Mapping[str, Any]


def read(data: mmap | bytes, contract: Contract) -> Facts:
    """Raises InvalidSubmission. Floats count as parameters; counters and indices do not."""
    table, body = _table(data)
    metadata = _metadata(table)
    tensors = {name: entry for name, entry in table.items() if name != _METADATA}
    if not tensors:
        raise damaged("it holds no tensor.")
    if len(tensors) > MAX_TENSORS:
        raise too_complex(f"The file has more than {MAX_TENSORS} tensors.")
    places = []
    parameters = 0
    for name, entry in tensors.items():
        numbers, begin, end = _tensor(name, entry)
        places.append((begin, end))
        parameters += numbers if entry["dtype"] in FLOATS else 0
    _refuse_gaps(places, body)
    refuse_too_many(parameters, contract)
    architecture, arguments = origin(metadata, contract)
    return Facts(
        parameters=parameters,
        architecture=architecture,
        arguments=arguments,
        told={"tensors": len(tensors)},
    )


def _table(data: mmap | bytes) -> tuple[Table, int]:
    """The table of contents, and how many bytes follow it."""
    length = int.from_bytes(data[:_LENGTH], "little")
    if length > MAX_HEADER:
        raise too_complex(f"The table of contents is larger than {MAX_HEADER >> 20} MiB.")
    body = len(data) - _LENGTH - length
    if body < 0:
        raise damaged("it ends within the table of contents.")
    try:
        text = data[_LENGTH : _LENGTH + length].decode().rstrip(" ")
        table = json.loads(text, object_pairs_hook=_pairs, parse_constant=_no_constant)
    except (ValueError, RecursionError):  # of UTF-8, of JSON, of a name twice, of numbers too long
        raise damaged("the table of contents is no JSON, or has a name twice.") from None
    if not isinstance(table, dict):
        raise damaged("the table of contents is no table.")
    return table, body


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name twice")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(name)  # NaN and infinity are no JSON


def _metadata(table: Table) -> dict[str, str]:
    found = table.get(_METADATA, {})
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise damaged("its metadata are not texts by name.")
    return found


def _tensor(name: str, entry: Any) -> tuple[int, int, int]:
    """How many numbers, and where they begin and end behind the table."""
    if len(name) > MAX_NAME:
        raise damaged(f"a tensor has a name of more than {MAX_NAME} letters.")
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _wrong(name, "needs exactly dtype, shape and data_offsets")
    kind, shape, place = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in BYTES:
        raise _wrong(name, f"is of a type that is not taken here; these are: {', '.join(BYTES)}")
    if not _are_sizes(shape) or len(shape) > MAX_RANK:
        raise _wrong(name, "has no proper shape")
    if not _are_sizes(place) or len(place) != 2:
        raise _wrong(name, "has no proper place in the file")
    numbers = prod(shape)
    if place[1] - place[0] != numbers * BYTES[kind]:
        raise _wrong(name, "has more or fewer bytes than its shape needs")
    return numbers, place[0], place[1]


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(
        type(value) is int and 0 <= value < 1 << 63 for value in values
    )


def _refuse_gaps(places: list[tuple[int, int]], body: int) -> None:
    at = 0
    for begin, end in sorted(places):
        if begin != at:
            raise damaged("there is a gap between two tensors, or they overlap.")
        at = end
    if at != body:
        raise damaged("the file is longer or shorter than its tensors.")


def _wrong(name: str, what: str) -> InvalidSubmission:
    return damaged(f"the tensor {quoted(name)} {what}.")
