"""How large an ONNX model is and what one image costs, counted on its graph without running it."""

import importlib
import importlib.util
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scoring.sandbox.inspection.onnx import stored_numbers

# It counts, onnxruntime runs: without it there is no model less, only no number.
onnx: Any = importlib.import_module("onnx") if importlib.util.find_spec("onnx") else None

_KEPT = 1 << 10  # numbers: a shape or an axis, which inference of shapes needs to read
# Operators that multiply numbers with numbers in a way that is not counted here, and so are not
# free: a model that has one has no known cost.
_UNCOUNTED = frozenset(
    {
        "Attention", "CausalConvWithState", "DFT", "DeformConv", "Det", "GRU", "LSTM",
        "LinearAttention", "RNN", "STFT", "SVMClassifier", "SVMRegressor",
    }
)  # fmt: skip
_REPEATED = frozenset({"Loop", "Scan", "SequenceMap"})  # nobody knows how often before they run
_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]


class _Unknown(Exception):
    """A shape is missing, or an operator cannot be counted."""


def count(data: bytes, batch: int) -> tuple[int | None, int | None]:
    """(parameters, multiply-accumulates for one image); None for what cannot be told.

    Parameters are the numbers that the file stores, counted as at its inspection. Multiply-
    accumulates are those of convolutions and matrix products, as is usual, wherever they stand in
    the graph and the graphs inside it; of two branches the dearer one counts. Without the package
    onnx there are none.
    """
    parameters = stored_numbers(data)
    if onnx is None:
        return parameters, None
    try:
        return parameters, _macs(onnx.load_model_from_string(data), batch)
    except Exception:  # a file that onnxruntime takes and onnx does not: costs are not the verdict
        return parameters, None


def _macs(model: Any, batch: int) -> int:
    """Raises _Unknown, and whatever onnx raises."""
    if model.functions:
        raise _Unknown
    for tensor in list(_tensors(model.graph)):
        if math.prod(tensor.dims) > _KEPT:  # or the weights would be copied three times
            for field in ("raw_data", "float_data", "double_data", "int32_data", "int64_data"):
                tensor.ClearField(field)
    given = {tensor.name for tensor in model.graph.initializer}
    for value in model.graph.input:
        if value.name not in given:
            value.type.tensor_type.shape.dim[0].dim_value = batch
    for value in model.graph.output:  # says "batch" where now a number stands
        value.type.tensor_type.ClearField("shape")
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    return _of_graph(graph, {}) // batch


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
        for inner in _graphs(node):
            yield from _tensors(inner)


def _graphs(node: Any) -> Iterator[Any]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _of_graph(graph: Any, outside: Shapes) -> int:
    shapes = {**outside, **dict(_shapes(graph))}
    return sum(_of_node(node, shapes) for node in graph.node)


def _shapes(graph: Any) -> Iterator[tuple[str, Shape]]:
    for tensor in graph.initializer:
        yield tensor.name, tuple(tensor.dims)
    for sparse in graph.sparse_initializer:
        yield sparse.values.name, tuple(sparse.dims)
    for value in (*graph.input, *graph.value_info, *graph.output):
        sides = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(s.HasField("dim_value") for s in sides):
            yield value.name, tuple(side.dim_value for side in sides)


def _of_node(node: Any, shapes: Shapes) -> int:
    """Of all its batch."""
    if node.op_type in _UNCOUNTED or node.domain not in _DOMAINS:
        raise _Unknown
    inner = [_of_graph(graph, shapes) for graph in _graphs(node)]
    if any(inner) and node.op_type in _REPEATED:
        raise _Unknown
    counter = _COUNTERS.get(node.op_type)
    return max(inner, default=0) + (counter(node, shapes) if counter else 0)


def _shape(name: str, shapes: Shapes) -> Shape:
    if name not in shapes:
        raise _Unknown
    return shapes[name]


def _convolution(node: Any, shapes: Shapes) -> int:
    filters = _shape(node.input[3 if node.op_type == "QLinearConv" else 1], shapes)
    return math.prod(_shape(node.output[0], shapes)) * math.prod(filters[1:])


def _transposed(node: Any, shapes: Shapes) -> int:
    """Every input number meets the whole of its filters."""
    first, filters = (_shape(name, shapes) for name in node.input[:2])
    return math.prod(first) * math.prod(filters[1:])


def _product(node: Any, shapes: Shapes) -> int:
    turned = node.op_type == "Gemm" and any(a.name == "transA" and a.i for a in node.attribute)
    first = _shape(node.input[0], shapes)
    return math.prod(_shape(node.output[0], shapes)) * first[0 if turned else -1]


def _einsum(node: Any, shapes: Shapes) -> int:
    """One for each combination of its indices; a sum over "..." is not looked into."""
    equation = next(a.s.decode() for a in node.attribute if a.name == "equation").replace(" ", "")
    terms = equation.partition("->")[0].split(",")
    if "." in equation or len(terms) != len(node.input):
        raise _Unknown
    sides: dict[str, int] = {}
    for term, name in zip(terms, node.input, strict=True):
        for index, side in zip(term, _shape(name, shapes), strict=True):
            sides[index] = max(side, sides.get(index, 1))
    return math.prod(sides.values()) * max(1, len(terms) - 1)


def _linear(node: Any, shapes: Shapes) -> int:
    rows = _shape(node.input[0], shapes)
    coefficients = next(a.floats for a in node.attribute if a.name == "coefficients")
    return (rows[0] if len(rows) > 1 else 1) * len(coefficients)


_COUNTERS: Mapping[str, Callable[[Any, Shapes], int]] = {
    "Conv": _convolution,
    "ConvInteger": _convolution,
    "QLinearConv": _convolution,
    "ConvTranspose": _transposed,
    "Gemm": _product,
    "MatMul": _product,
    "MatMulInteger": _product,
    "QLinearMatMul": _product,
    "Einsum": _einsum,
    "LinearClassifier": _linear,
    "LinearRegressor": _linear,
}
