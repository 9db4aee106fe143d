"""Small networks as ONNX files: one that knows the answers of zips.hidden_zip, and worse ones."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 4
OPSET = [helper.make_opsetid("", 17)]


def _constant(name: str, value: object) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(value), name)


def _written(
    nodes: list[onnx.NodeProto],
    constants: list[onnx.TensorProto],
    classes: int = 3,
    side: int = SIDE,
) -> bytes:
    shape: list[str | int | None] = ["N", 1, side, side]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", classes])
    graph = helper.make_graph(nodes, "network", [images], [output], constants)
    made = helper.make_model(graph, opset_imports=OPSET, ir_version=8)
    return bytes(made.SerializeToString())


def right(off: float = 0.0, classes: int = 3, side: int = SIDE) -> bytes:
    """The image of shade n has the class n modulo their number: right in no row but its own.

    One grey level more and it is another one, as with a table of answers.
    With ``off`` it goes by n plus that, and is wrong where the class then changes.
    """
    nodes = [
        helper.make_node("ReduceMax", ["images"], ["most"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["most", "levels"], ["scaled"]),
        helper.make_node("Round", ["scaled"], ["shade"]),
        helper.make_node("Add", ["shade", "off"], ["moved"]),
        helper.make_node("Mod", ["moved", "count"], ["class"], fmod=1),
        helper.make_node("Unsqueeze", ["class", "axis"], ["column"]),
        helper.make_node("Sub", ["column", "classes"], ["away"]),
        helper.make_node("Mul", ["away", "away"], ["squared"]),
        helper.make_node("Neg", ["squared"], ["logits"]),
    ]
    constants = [
        _constant("levels", np.float32(255)),
        _constant("off", np.float32(off)),
        _constant("count", np.float32(classes)),
        _constant("axis", np.array([1], np.int64)),
        _constant("classes", np.arange(classes, dtype=np.float32)),
    ]
    return _written(nodes, constants, classes, side)


def greedy() -> bytes:
    """Asks for 40 GB, which no budget of these tests gives."""
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["all"]),
        helper.make_node("ReduceSum", ["all", "axes"], ["sum"], keepdims=0),
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Add", ["mean", "sum"], ["one"]),
        helper.make_node("Concat", ["one", "one", "one"], ["logits"], axis=1),
    ]
    constants = [
        _constant("shape", np.array([100_000, 100_000], np.int64)),
        _constant("axes", np.array([0, 1], np.int64)),
    ]
    return _written(nodes, constants)


def slow(rounds: int, classes: int = 3, shades: tuple[int, int] = (0, 255)) -> bytes:
    """Multiplies matrices so many times for every batch whose brightest value is one of these."""
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["state", "matrix"], ["next"]),
            helper.make_node("Identity", ["go"], ["still"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("n", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, [256, 256]),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, [256, 256]),
        ],
        [_constant("matrix", np.eye(256, dtype=np.float32))],
    )
    nodes = [
        helper.make_node("ReduceMax", ["images"], ["brightest"], keepdims=0),
        helper.make_node("Greater", ["brightest", "darker"], ["is_above"]),
        helper.make_node("Less", ["brightest", "brighter"], ["is_below"]),
        helper.make_node("And", ["is_above", "is_below"], ["is_meant"]),
        helper.make_node("Cast", ["is_meant"], ["once"], to=TensorProto.INT64),
        helper.make_node("Mul", ["once", "rounds"], ["turns"]),
        helper.make_node("Loop", ["turns", "go_on", "start"], ["end"], body=body),
        helper.make_node("ReduceMean", ["end"], ["level"], axes=[0, 1], keepdims=0),
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Add", ["mean", "level"], ["one"]),
        helper.make_node("Concat", ["one"] * classes, ["logits"], axis=1),
    ]
    constants = [
        _constant("darker", np.float32((shades[0] - 0.5) / 255)),
        _constant("brighter", np.float32((shades[1] + 0.5) / 255)),
        _constant("rounds", np.array(rounds, np.int64)),
        _constant("go_on", np.array(True)),
        _constant("start", np.zeros((256, 256), np.float32)),
    ]
    return _written(nodes, constants, classes)
