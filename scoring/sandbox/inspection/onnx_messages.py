"""The messages of an ONNX file that are looked into, field by field.

From the standard's own onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), IR
version 14. What is not in these tables is refused, so that no later way to name a file or a piece
of code passes unread.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scoring.sandbox.inspection.facts import damaged
from scoring.sandbox.inspection.protobuf import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    Field,
    Reader,
    Runs,
    Span,
    runs,
)


@dataclass(frozen=True)
class Message:
    """`once` and `many` give the wire type of each field by number, as it may stand there."""

    title: str
    once: Mapping[int, int]
    many: Mapping[int, int]
    passed: Runs | None = None

    def fields(self, reader: Reader, span: Span) -> Iterator[Field]:
        """Raises InvalidSubmission for a field that is unknown, doubled or of another type.

        Protocol buffers let the last of two fields win or merge them; a reader that did otherwise
        would see another model than the runtime does.
        """
        seen: set[int] = set()
        for field in reader.fields(span, self.passed):
            number = field.number
            if number in self.once:
                if number in seen:
                    raise damaged(f"{self.title} has the field {number} twice.")
                seen.add(number)
                wires: tuple[int, ...] = (self.once[number],)
            elif number in self.many:
                wires = (self.many[number], BYTES)  # BYTES: numbers that are packed
            else:
                raise damaged(
                    f"{self.title} has a field {number}, which the ONNX standard did not know up "
                    "to IR version 14. An older opset_version may do without."
                )
            if field.wire not in wires:
                raise damaged(f"the field {number} of {self.title} is of another type.")
            yield field


MODEL = Message(
    "the model",
    once={1: VARINT, 2: BYTES, 3: BYTES, 4: BYTES, 5: VARINT, 6: BYTES, 7: BYTES},
    many={8: BYTES, 14: BYTES, 20: BYTES, 25: BYTES, 26: BYTES},
)
OPERATOR_SET = Message("an operator set", once={1: BYTES, 2: VARINT}, many={})
GRAPH = Message(
    "a graph",
    once={2: BYTES, 10: BYTES},
    many=dict.fromkeys((1, 5, 11, 12, 13, 14, 15, 16), BYTES),
)
NODE = Message(
    "a node",
    once={3: BYTES, 4: BYTES, 6: BYTES, 7: BYTES, 8: BYTES},
    many=dict.fromkeys((1, 2, 5, 9, 10), BYTES),
)
ATTRIBUTE = Message(
    "an attribute",
    once={
        1: BYTES, 2: FIXED32, 3: VARINT, 4: BYTES, 5: BYTES, 6: BYTES, 13: BYTES, 14: BYTES,
        20: VARINT, 21: BYTES, 22: BYTES,
    },
    many={7: FIXED32, 8: VARINT, 9: BYTES, 10: BYTES, 11: BYTES, 15: BYTES, 23: BYTES},
    passed=runs(varints=(8,), floats=(7,), texts=(9,)),
)  # fmt: skip
TENSOR = Message(
    "a tensor",
    once={2: VARINT, 3: BYTES, 8: BYTES, 9: BYTES, 12: BYTES, 14: VARINT},
    many={
        1: VARINT, 4: FIXED32, 5: VARINT, 6: BYTES, 7: VARINT, 10: FIXED64, 11: VARINT,
        13: BYTES, 16: BYTES,
    },
    passed=runs(varints=(5, 7, 11), floats=(4,)),
)  # fmt: skip
SPARSE_TENSOR = Message("a sparse tensor", once={1: BYTES, 2: BYTES}, many={3: VARINT})
VALUE = Message("an input or output", once={1: BYTES, 2: BYTES, 3: BYTES}, many={4: BYTES})
TYPE = Message("a type", once=dict.fromkeys((1, 4, 5, 6, 7, 8, 9), BYTES), many={})
TENSOR_TYPE = Message("a tensor's type", once={1: VARINT, 2: BYTES}, many={})
SHAPE = Message("a shape", once={}, many={1: BYTES})
DIMENSION = Message("a dimension", once={1: VARINT, 2: BYTES, 3: BYTES}, many={})

# Bits of one number by ONNX's code of its type; a string has none.
FLOAT, STRING = 1, 8
BITS = {
    1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64,
    15: 128, 16: 16, 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2,
    27: 6, 28: 6,
}  # fmt: skip
INTEGERS = frozenset({6, 7, 9, 12, 13})  # what shapes, axes and indices are made of
