"""What an ONNX model stores and costs, however it is written down."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the models extra is not installed")

from onnx import TensorProto, helper, numpy_helper

from scoring.sandbox.inside.onnx_costs import count


def weights(name="w", shape=(5, 3), dtype=np.float32):
    return numpy_helper.from_array(np.ones(shape, dtype), name)


def node(operator, inputs=("x", "w"), outputs=("y",), domain="", **attributes):
    return helper.make_node(operator, inputs, outputs, domain=domain, **attributes)


def model(*nodes, stored=None, shape=("N", 4, 1, 5), kind=TensorProto.FLOAT, out=None):
    """Of (N, 4, 1, 5) and weights (5, 3): 4 * 15 products for one image."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", out or kind, None)],
        [weights()] if stored is None else stored,
    )
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=sets).SerializeToString()


def branch(*nodes, out="z"):
    value = helper.make_tensor_value_info(out, TensorProto.FLOAT, None)
    return helper.make_graph(nodes, "branch", [], [value])


YES = helper.make_tensor("yes", TensorProto.BOOL, [], [True])
DEAR = branch(node("MatMul", outputs=["z"]))
CHEAP = branch(node("Identity", ["x"], ["z"]))
BODY = helper.make_graph(
    [node("Identity", ["on"], ["on_again"]), node("MatMul", outputs=["z"])],
    "body",
    [
        helper.make_tensor_value_info("turn", TensorProto.INT64, []),
        helper.make_tensor_value_info("on", TensorProto.BOOL, []),
    ],
    [
        helper.make_tensor_value_info("on_again", TensorProto.BOOL, []),
        helper.make_tensor_value_info("z", TensorProto.FLOAT, None),
    ],
)
INTEGERS = [weights(dtype=np.uint8)]
SCALE = [helper.make_tensor("s", TensorProto.FLOAT, [], [1.0]), *INTEGERS]
ZERO = [helper.make_tensor("o", TensorProto.UINT8, [], [0]), *SCALE]
QUANTISED = ("x", "s", "o", "w", "s", "o", "s", "o")


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize(
    ("data", "macs"),
    [
        (model(node("MatMul")), 60),
        (model(node("Einsum", equation="ncrk,kj->ncrj")), 60),
        (model(node("MatMulInteger"), stored=INTEGERS, kind=TensorProto.UINT8,
               out=TensorProto.INT32), 60),
        (model(node("QLinearMatMul", QUANTISED), stored=ZERO, kind=TensorProto.UINT8), 60),
        (model(node("ConvInteger"), stored=[weights(shape=(3, 4, 1, 2), dtype=np.uint8)],
               kind=TensorProto.UINT8, out=TensorProto.INT32), 3 * 4 * 4 * 2),
        (model(node("If", ["yes"], then_branch=DEAR, else_branch=CHEAP),
               stored=[YES, weights()]), 60),
        (model(node("If", ["yes"], then_branch=CHEAP, else_branch=CHEAP), stored=[YES]), 0),
        (model(node("LinearRegressor", ["x"], domain="ai.onnx.ml", coefficients=[0.5] * 15,
                    targets=3), stored=[], shape=("N", 5)), 15),
    ],
    ids=["product", "einsum", "integers", "quantised", "convolution", "branch", "none", "linear"],
)  # fmt: skip
def test_products_count_wherever_they_stand(data, macs, batch):
    assert count(data, batch)[1] == macs


@pytest.mark.parametrize(
    "data",
    [
        model(node("Loop", ["", "yes"], body=BODY), stored=[YES, weights()]),
        model(node("Einsum", equation="...k,kj->...j")),
        model(node("LSTM", ["x", "w", "w"], hidden_size=1)),
        model(node("MatMul", domain="com.example")),
        model(node("MatMul", ["elsewhere", "w"])),
        model(node("If", ["yes"], then_branch=CHEAP, else_branch=branch(
            node("LSTM", ["x", "w", "w"], ["z"], hidden_size=1))), stored=[YES, weights()]),
    ],
    ids=["loop", "ellipsis", "recurrent", "foreign", "unknown shape", "in a branch"],
)  # fmt: skip
def test_what_cannot_be_counted_has_no_cost_rather_than_none(data):
    assert count(data, 1)[1] is None


@pytest.mark.parametrize(
    "stored",
    [
        [weights(shape=(5, 30), dtype=np.uint8)],
        [weights(shape=(5, 30), dtype=np.int64)],
        [weights(shape=(5, 30))],
    ],
)
def test_weights_count_in_whole_numbers_too_as_at_the_inspection(stored):
    data = model(node("MatMul"), stored=stored, shape=("N", 4, 1, 5))
    assert count(data, 1)[0] == 150


def test_the_numbers_of_attributes_count_as_at_the_inspection():
    constant = node("Constant", [], ["w"], value_floats=[0.5] * 15)
    data = model(constant, stored=[])
    assert count(data, 1)[0] == 15
