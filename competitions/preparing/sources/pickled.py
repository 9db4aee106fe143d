"""A pickle read as data: nothing in it is called, and no class is ever looked up.

A pickle is a program. ``pickletools`` takes it apart without running it, and the few instructions
that text, numbers, lists, dicts and numpy's arrays need are done here by hand; any other ends the
reading. So do too many of them, for each makes an object, and a key of a dict that is no text: the
hash of tuples within tuples takes as long as their writer likes.
"""

import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

MOST_STEPS = 1_000_000  # CIFAR-100's larger batch takes some 200 000


class Broken(Exception):
    """No pickle, or one that is more than data."""


class _Name(Enum):
    """What stands for the only names that a pickle may say."""

    NEW_ARRAY = "_reconstruct"
    ARRAY_OF_BUFFER = "_frombuffer"
    ARRAY = "ndarray"
    KIND = "dtype"
    ENCODED = "encode"


_NAMES = {
    "numpy.core.multiarray _reconstruct": _Name.NEW_ARRAY,
    "numpy._core.multiarray _reconstruct": _Name.NEW_ARRAY,
    "numpy.core.numeric _frombuffer": _Name.ARRAY_OF_BUFFER,
    "numpy._core.numeric _frombuffer": _Name.ARRAY_OF_BUFFER,
    "numpy ndarray": _Name.ARRAY,
    "numpy dtype": _Name.KIND,
    "_codecs encode": _Name.ENCODED,
}


@dataclass
class Kind:
    """What stands for numpy's type: its code, such as ``u1``."""

    code: object


@dataclass
class Array:
    """What stands for numpy's array; nothing of it is checked yet."""

    numbers: object = b""
    kind: object = None
    is_by_column: object = False


def read(data: bytes) -> object:
    """The value; texts of Python 2 come as str, a byte a character. Raises Broken."""
    machine = _Machine(len(data))
    try:
        for step, (instruction, argument, _at) in enumerate(pickletools.genops(data)):
            if step >= MOST_STEPS:
                raise Broken
            machine.do(instruction.name, argument)
        return machine.result()
    except Exception:
        # Bytes of a stranger: they break in as many ways as a program.
        raise Broken from None


_PUSHED = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1",
    "STRING", "BINSTRING", "SHORT_BINSTRING",
    "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
}  # fmt: skip
_CONSTANTS: Mapping[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
}
_WITHOUT_EFFECT = {"PROTO", "FRAME", "STOP"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_REMEMBERED = {"PUT", "BINPUT", "LONG_BINPUT"}
_RECALLED = {"GET", "BINGET", "LONG_BINGET"}


class _Machine:
    def __init__(self, size: int) -> None:
        self._stack: list[Any] = []
        self._marks: list[int] = []  # heights of the stack
        self._memo: dict[object, Any] = {}
        self._left = size  # bytes that may still be encoded: each text once

    def result(self) -> object:
        (value,) = self._stack
        return value

    def do(self, name: str, argument: Any) -> None:
        if name in _PUSHED:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name]())
        elif name in _REMEMBERED:
            self._memo[argument] = self._stack[-1]
        elif name in _RECALLED:
            self._stack.append(self._memo[argument])
        elif name in _TUPLES:
            self._stack.append(tuple(self._popped(_TUPLES[name])))
        elif name not in _WITHOUT_EFFECT:
            _RARE[name](self, argument)

    def mark(self, _argument: object) -> None:
        self._marks.append(len(self._stack))

    def memoize(self, _argument: object) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def pack_tuple(self, _argument: object) -> None:
        self._stack.append(tuple(self._since_mark()))

    def pack_list(self, _argument: object) -> None:
        self._stack.append(self._since_mark())

    def pack_dict(self, _argument: object) -> None:
        items = self._since_mark()
        self._stack.append({})
        self._fill(items)

    def append(self, _argument: object) -> None:
        self._extend(self._popped(1))

    def appends(self, _argument: object) -> None:
        self._extend(self._since_mark())

    def set_item(self, _argument: object) -> None:
        self._fill(self._popped(2))

    def set_items(self, _argument: object) -> None:
        self._fill(self._since_mark())

    def name(self, argument: str) -> None:
        self._stack.append(_NAMES[argument])

    def name_on_stack(self, _argument: object) -> None:
        module, name = self._popped(2)
        self.name(f"{_text(module)} {_text(name)}")

    def make(self, _argument: object) -> None:
        what, given = self._popped(2)
        if what is _Name.NEW_ARRAY:
            self._stack.append(Array())
        elif what is _Name.ARRAY_OF_BUFFER:
            numbers, kind, _shape, order = given
            self._stack.append(Array(numbers, kind, order == "F"))
        elif what is _Name.KIND:
            self._stack.append(Kind(given[0]))
        elif what is _Name.ENCODED:
            self._stack.append(self._encoded(*given))
        else:
            raise Broken

    def set_state(self, _argument: object) -> None:
        (state,) = self._popped(1)
        made = self._stack[-1]
        if isinstance(made, Array):
            _version, _shape, made.kind, made.is_by_column, made.numbers = state
        elif not isinstance(made, Kind):
            raise Broken

    def _encoded(self, text: object, coding: object = "latin1") -> bytes:
        self._left -= len(_text(text))
        if self._left < 0 or coding != "latin1":
            raise Broken
        return _text(text).encode("latin1")

    def _extend(self, values: list[Any]) -> None:
        found = self._stack[-1]
        if not isinstance(found, list):
            raise Broken
        found += values

    def _fill(self, items: list[Any]) -> None:
        found = self._stack[-1]
        if not isinstance(found, dict):
            raise Broken
        if not all(type(key) in (str, bytes) for key in items[::2]):
            raise Broken
        found.update(zip(items[::2], items[1::2], strict=True))

    def _popped(self, count: int) -> list[Any]:
        at = len(self._stack) - count
        if at < (self._marks[-1] if self._marks else 0):
            raise Broken
        found = self._stack[at:]
        del self._stack[at:]
        return found

    def _since_mark(self) -> list[Any]:
        return self._popped(len(self._stack) - self._marks.pop())


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Broken
    return value


_RARE: Mapping[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark,
    "MEMOIZE": _Machine.memoize,
    "TUPLE": _Machine.pack_tuple,
    "LIST": _Machine.pack_list,
    "DICT": _Machine.pack_dict,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "GLOBAL": _Machine.name,
    "STACK_GLOBAL": _Machine.name_on_stack,
    "REDUCE": _Machine.make,
    "BUILD": _Machine.set_state,
}
