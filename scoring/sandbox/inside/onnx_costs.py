"""How large an ONNX model is and what one image costs, counted on its graph without running it."""

import importlib
import importlib.util
import math
from collections.abc import Iterator
from typing import Any

# It counts, onnxruntime runs: without it there is no model less, only no number.
onnx: Any = importlib.import_module("onnx") if importlib.util.find_spec("onnx") else None

_KEPT = 1 << 10  # numbers: a shape or an axis, which inference of shapes needs to read
_COUNTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def count(data: bytes, batch: int) -> tuple[int | None, int | None]:
    """(parameters, multiply-accumulates for one image); None for what cannot be told.

    Parameters are the floating-point numbers that the file stores. Multiply-accumulates are those
    of convolutions and matrix products, as is usual, wherever the shapes are known beforehand.
    Without the package onnx both are None.
    """
    if onnx is None:
        return None, None
    try:
        model = onnx.load_model_from_string(data)
        tensors = list(_tensors(model.graph))
        kinds = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16,
                 onnx.TensorProto.DOUBLE)  # fmt: skip
        parameters = sum(math.prod(t.dims) for t in tensors if t.data_type in kinds)
        return parameters, _macs(model, tensors, batch)
    except Exception:  # a file that onnxruntime takes and onnx does not: costs are not the verdict
        return None, None


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            if attribute.HasField("g"):
                yield from _tensors(attribute.g)


def _macs(model: Any, tensors: list[Any], batch: int) -> int | None:
    for tensor in tensors:
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
    shapes = dict(_shapes(graph))
    counts = [_of_node(node, shapes) for node in graph.node if node.op_type in _COUNTED]
    known = [count for count in counts if count is not None]
    return sum(known) // batch if len(known) == len(counts) else None


def _shapes(graph: Any) -> Iterator[tuple[str, tuple[int, ...]]]:
    for tensor in graph.initializer:
        yield tensor.name, tuple(tensor.dims)
    for value in (*graph.input, *graph.value_info, *graph.output):
        sides = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(s.HasField("dim_value") for s in sides):
            yield value.name, tuple(side.dim_value for side in sides)


def _of_node(node: Any, shapes: dict[str, tuple[int, ...]]) -> int | None:
    """None where a shape is not known."""
    first, second = (shapes.get(name) for name in node.input[:2])
    out = shapes.get(node.output[0])
    if first is None or second is None or out is None:
        return None
    if node.op_type == "ConvTranspose":  # every input number meets the whole of its filters
        return math.prod(first) * math.prod(second[1:])
    if node.op_type == "Conv":
        return math.prod(out) * math.prod(second[1:])
    turned = any(a.name == "transA" and a.i for a in node.attribute)
    return math.prod(out) * first[0 if turned and node.op_type == "Gemm" else -1]
