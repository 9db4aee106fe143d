"""An ONNX file: what it computes with, what it takes and gives, without the `onnx` package.

Only standard operators, only numbers that lie in the file itself. ONNX's ways out of the file have
been holes again and again (CVE-2022-25882, CVE-2024-27318, CVE-2025-51480): a tensor in any place
of the file that names another file is refused. Whether the operators fit together, and what they
cost, only the runtime tells, in the sandbox.
"""

from dataclasses import dataclass, field
from itertools import islice
from math import prod
from mmap import mmap

from scoring.decoding import refuse
from scoring.errors import InvalidSubmission, ProblemCode
from scoring.sandbox.contract import Contract
from scoring.sandbox.inspection import onnx_messages as proto
from scoring.sandbox.inspection.facts import Facts, damaged, quoted, refuse_too_many, too_complex
from scoring.sandbox.inspection.protobuf import (
    BYTES,
    MAX_FIELDS,
    Malformed,
    Reader,
    Span,
    TooMany,
)
from scoring.sandbox.inspection.signature import Dimension, Value, fixed_batch

DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})  # the first two are one
MAX_ENTRIES = 1_000  # beside the graph: sets of operators, metadata
MAX_NODES = 20_000
MAX_TENSORS = 50_000
MAX_GRAPHS = 1_000  # the branches of If, the bodies of Loop and Scan
MAX_DEPTH = 8  # of graphs inside graphs
MAX_NAME = 512  # bytes
MAX_RANK = 16
MAX_NUMBERS = 1 << 40  # of one tensor: beyond, it is no size but an attempt
SHAPE_SIZE = 64  # integers up to so many are shapes, axes and indices, more are weights


def read(data: mmap | bytes, contract: Contract) -> Facts:
    """Raises InvalidSubmission."""
    model = _Model(Reader(data))
    try:
        model.read()
    except Malformed:
        raise damaged("a part is longer than the file, or no ONNX at all.") from None
    except TooMany:
        raise too_complex(f"The ONNX file has more than {MAX_FIELDS:,} fields.") from None
    refuse_too_many(model.parameters, contract)
    return Facts(
        parameters=model.parameters,
        batch=fixed_batch(model.fed, model.outputs, contract),
        told={
            "made by": model.producer,
            "opset": model.opset,
            "nodes": model.nodes,
            "tensors": model.tensors,
        },
    )


def stored_numbers(data: bytes) -> int | None:
    """As `read` counts them; None for a file that it refuses."""
    model = _Model(Reader(data))
    try:
        model.read()
    except (Malformed, TooMany, InvalidSubmission):
        return None
    return model.parameters


@dataclass
class _Model:
    """Fills itself while it walks through the file once; `graphs` waits for those inside others."""

    reader: Reader
    producer: str = ""
    opset: int = 0
    nodes: int = 0
    tensors: int = 0
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    graphs: list[tuple[Span, int]] = field(default_factory=list)
    graphs_seen: int = 0
    parameters: int = 0
    initialisers: set[str] = field(default_factory=set)

    @property
    def fed(self) -> list[Value]:
        """The inputs that the caller gives: before IR version 4 weights are listed with them."""
        return [value for value in self.inputs if value.name not in self.initialisers]

    def read(self) -> None:
        """Raises InvalidSubmission, Malformed, TooMany."""
        main: Span | None = None
        entries = proto.MODEL.fields(self.reader, self.reader.whole)
        for seen, each in enumerate(entries, 1):
            if seen > MAX_ENTRIES:
                raise too_complex(f"The ONNX file has more than {MAX_ENTRIES} entries of metadata.")
            match each.number:
                case 2:
                    self.producer = quoted(self.reader.text(each.span, MAX_NAME)).strip("'\"")
                case 7:
                    main = each.span
                case 8:
                    self._operator_set(each.span)
                case 20:
                    raise damaged("it holds a training graph. Export the model for inference.")
                case 25:
                    raise _has_functions()
        if main is None:
            raise damaged("it holds no graph.")
        self.graphs.append((main, 0))
        while self.graphs:
            self._graph(*self.graphs.pop())

    def _operator_set(self, span: Span) -> None:
        domain, version = "", 0
        for each in proto.OPERATOR_SET.fields(self.reader, span):
            if each.number == 1:
                domain = self.reader.text(each.span, MAX_NAME)
            else:
                version = each.value
        _refuse_other(domain, "imports")
        if domain in ("", "ai.onnx"):
            self.opset = version

    def _graph(self, span: Span, depth: int) -> None:
        self.graphs_seen += 1
        if self.graphs_seen > MAX_GRAPHS:
            raise too_complex(f"The model has more than {MAX_GRAPHS} graphs.")
        if depth > MAX_DEPTH:
            raise too_complex(f"The model has graphs inside graphs, more than {MAX_DEPTH} deep.")
        for each in proto.GRAPH.fields(self.reader, span):
            match each.number:
                case 1:
                    self._node(each.span, depth)
                case 5:
                    self.initialisers.add(self._tensor(each.span))
                case 15:
                    self._sparse(each.span)
                case 11 if depth == 0:
                    self.inputs.append(self._value(each.span))
                case 12 if depth == 0:
                    self.outputs.append(self._value(each.span))

    def _node(self, span: Span, depth: int) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise too_complex(f"The model has more than {MAX_NODES} nodes.")
        attributes: list[Span] = []
        operator = domain = ""
        for each in proto.NODE.fields(self.reader, span):
            match each.number:
                case 4:
                    operator = self.reader.text(each.span, MAX_NAME)
                case 5:
                    attributes.append(each.span)
                case 7:
                    domain = self.reader.text(each.span, MAX_NAME)
        _refuse_other(domain, f"uses {quoted(operator)} of")
        holds_weights = domain == "ai.onnx.ml" or operator == "Constant"
        for attribute in attributes:
            floats = self._attribute(attribute, depth)
            self.parameters += floats if holds_weights else 0

    def _attribute(self, span: Span, depth: int) -> int:
        """How many floats it lists, as trees and linear models keep their weights."""
        floats = 0
        for each in proto.ATTRIBUTE.fields(self.reader, span):
            match each.number:
                case 5 | 10:
                    self._tensor(each.span)
                case 6 | 11:
                    self.graphs.append((each.span, depth + 1))
                case 7:
                    floats += each.span.size // 4 if each.wire == BYTES else each.repeats
                case 22 | 23:
                    self._sparse(each.span)
        return floats

    def _sparse(self, span: Span) -> None:
        for each in proto.SPARSE_TENSOR.fields(self.reader, span):
            if each.number in (1, 2):
                self._tensor(each.span)

    def _tensor(self, span: Span) -> str:
        """Counts its numbers as parameters; its name."""
        self.tensors += 1
        if self.tensors > MAX_TENSORS:
            raise too_complex(f"The model has more than {MAX_TENSORS} tensors.")
        name, kind, raw = "", 0, None
        sides: list[int] = []
        for each in proto.TENSOR.fields(self.reader, span):
            match each.number:
                case 1:
                    sides += islice(self.reader.packed(each), MAX_RANK + 1)
                case 2:
                    kind = each.value
                case 3:
                    raise damaged("a tensor comes in segments, which no runtime reads.")
                case 8:
                    name = self.reader.text(each.span, MAX_NAME)
                case 9:
                    raw = each.span
                case 13:
                    raise _is_elsewhere(name)
                case 14 if each.value != 0:
                    raise _is_elsewhere(name)
        numbers = _numbers(sides, kind, raw, span)
        is_shape = kind in proto.INTEGERS and numbers <= SHAPE_SIZE
        self.parameters += 0 if is_shape or kind == proto.STRING else numbers
        return name

    def _value(self, span: Span) -> Value:
        name, value = "", None
        for each in proto.VALUE.fields(self.reader, span):
            if each.number == 1:
                name = self.reader.text(each.span, MAX_NAME)
            elif each.number == 2:
                value = self._tensor_type(each.span)
        is_float32, shape = value or (False, None)
        return Value(name, is_float32, shape)

    def _tensor_type(self, span: Span) -> tuple[bool, tuple[Dimension, ...] | None] | None:
        for each in proto.TYPE.fields(self.reader, span):
            if each.number == 1:
                kind, shape = 0, None
                for part in proto.TENSOR_TYPE.fields(self.reader, each.span):
                    if part.number == 1:
                        kind = part.value
                    else:
                        shape = self._shape(part.span)
                return kind == proto.FLOAT, shape
        return None

    def _shape(self, span: Span) -> tuple[Dimension, ...]:
        sides: list[Dimension] = []
        for each in proto.SHAPE.fields(self.reader, span):
            side: Dimension = None
            for part in proto.DIMENSION.fields(self.reader, each.span):
                if part.number == 1:
                    side = part.value if part.value < 1 << 63 else None  # -1: open, as some write
                elif part.number == 2:
                    side = self.reader.text(part.span, MAX_NAME)
            sides.append(side)
            if len(sides) > MAX_RANK:
                raise damaged("an input or output has more dimensions than any array.")
        return tuple(sides)


def _numbers(sides: list[int], kind: int, raw: Span | None, whole: Span) -> int:
    """How many numbers a tensor holds; raises InvalidSubmission where they cannot be there."""
    numbers = prod(sides) if len(sides) <= MAX_RANK else MAX_NUMBERS + 1
    if numbers > MAX_NUMBERS or (kind != proto.STRING and kind not in proto.BITS):
        raise damaged("a tensor has a size or a type of number that does not exist.")
    bits = numbers * proto.BITS.get(kind, 0)
    if raw is not None and kind != proto.STRING:
        is_right = raw.size == -(-bits // 8)
    else:  # in lists: four numbers of two bits may share a byte there
        is_right = numbers <= 4 * whole.size
    if not is_right:
        raise damaged("a tensor holds more or fewer numbers than its shape says.")
    return numbers


def _refuse_other(domain: str, how: str) -> None:
    if domain not in DOMAINS:
        raise refuse(
            ProblemCode.CUSTOM_OPERATORS_FORBIDDEN,
            f"The model {how} the domain {quoted(domain)}. Only ONNX's own operators run here: "
            "the domains '' and 'ai.onnx.ml'.",
        )


def _has_functions() -> InvalidSubmission:
    return refuse(
        ProblemCode.CUSTOM_OPERATORS_FORBIDDEN,
        "The model defines functions of its own. Have them written out: "
        "onnx.inliner.inline_local_functions(onnx.load(file)), then onnx.save.",
    )


def _is_elsewhere(name: str) -> InvalidSubmission:
    named = f" {quoted(name)}" if name else ""
    return refuse(
        ProblemCode.EXTERNAL_DATA_FORBIDDEN,
        f"The numbers of the tensor{named} lie in another file. Send one file with everything in "
        "it: program.save(file, external_data=False) of torch.onnx.export, or "
        "onnx.save(onnx.load(file), file).",
    )
