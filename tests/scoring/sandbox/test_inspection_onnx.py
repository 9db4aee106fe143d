"""ONNX put together by hand: what the signature must be, and what no file can do."""

import time

import pytest

from scoring import ProblemCode
from scoring.sandbox.inspection import onnx_messages
from tests.scoring.sandbox.specimens import (
    IMAGES,
    LOGITS,
    limited,
    node,
    number,
    onnx_bytes,
    part,
    value,
    varint,
)

OUTSIDE = ("weights.bin", "../weights.bin", "/etc/passwd", "sub/../../x", "link")


def tensor(name="w", sides=(2,), kind=1, data=None):
    raw = bytes(8) if data is None else data
    dimensions = b"".join(number(1, side) for side in sides)
    return dimensions + number(2, kind) + part(8, name) + part(9, raw)


def initialiser(*arguments, **named):
    return part(5, tensor(*arguments, **named))


def attribute(*parts):
    return part(5, part(1, "value"), *parts)


def external(location):
    """A tensor whose numbers are said to lie in a file of that name."""
    entry = part(13, part(1, "location"), part(2, location))
    return number(1, 2) + number(2, 1) + part(8, "w") + entry + number(14, 1)


def test_a_graph_with_nothing_strange_is_taken(look):
    found = look(onnx_bytes(node(), initialiser()))
    assert (found.parameters, found.batch, found.told["opset"]) == (2, None, 20)


@pytest.mark.parametrize("location", OUTSIDE)
def test_external_data_is_refused_wherever_it_points(refusal, location):
    problem = refusal(onnx_bytes(part(5, external(location))))
    assert problem.code is ProblemCode.EXTERNAL_DATA_FORBIDDEN
    assert location not in problem.message


@pytest.mark.parametrize(
    "graph",
    [
        part(5, external("x")),
        part(15, part(1, external("x"))),
        part(15, part(2, external("x"))),
        node("Constant", attribute(part(5, external("x")))),
        node("Constant", attribute(part(10, external("x")))),
        node("Constant", attribute(part(22, part(1, external("x"))))),
        node("If", attribute(part(6, part(5, external("x"))))),
        node("If", attribute(part(11, node("Constant", attribute(part(5, external("x"))))))),
        part(5, number(2, 1) + number(14, 1)),
        part(5, number(2, 1) + part(13, part(1, "location"), part(2, "x"))),
    ],
    ids=[
        "initialiser", "sparse values", "sparse indices", "constant", "constants",
        "sparse constant", "branch", "constant in a branch", "flag alone", "entry alone",
    ],
)  # fmt: skip
def test_external_data_is_refused_wherever_it_stands(refusal, graph):
    assert refusal(onnx_bytes(graph)).code is ProblemCode.EXTERNAL_DATA_FORBIDDEN


@pytest.mark.parametrize(
    ("model", "graph"),
    [
        ((part(25, part(1, "f")),), ()),
        ((part(8, part(1, "com.microsoft")),), ()),
        ((), (node(domain="evil.ops"),)),
        ((), (node("If", attribute(part(6, node(domain="evil.ops")))),)),
    ],
    ids=["function", "operator set", "node", "node in a branch"],
)
def test_operators_that_are_not_onnx_s_own_are_refused(refusal, model, graph):
    problem = refusal(onnx_bytes(*graph, model=model))
    assert problem.code is ProblemCode.CUSTOM_OPERATORS_FORBIDDEN


def test_machine_learning_operators_are_taken_and_their_floats_count(look):
    coefficients = attribute(*(varint(7 << 3 | 5) + bytes(4) for _ in range(12)))
    packed = attribute(part(7, bytes(8)))
    linear = node("LinearClassifier", coefficients, packed, domain="ai.onnx.ml")
    assert look(onnx_bytes(linear, model=(part(8, part(1, "ai.onnx.ml")),))).parameters == 14


def test_shapes_are_no_parameters(look):
    shape = initialiser("shape", sides=(4,), kind=7, data=bytes(32))
    assert look(onnx_bytes(shape, initialiser(sides=(2,)))).parameters == 2


def test_many_integers_are_weights_in_disguise(look):
    assert look(onnx_bytes(initialiser(sides=(100,), kind=7, data=bytes(800)))).parameters == 100


def test_too_many_parameters(refusal, look):
    content = onnx_bytes(initialiser(sides=(10,), data=bytes(40)))
    assert look(content, limited(parameters=10)).parameters == 10
    problem = refusal(content, limited(parameters=9))
    assert problem.code is ProblemCode.TOO_MANY_PARAMETERS
    assert "stores 10 numbers" in problem.message


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (value(11, "x", "n", 8, 8, 3), "put a transpose in front"),
        (value(11, "x", "n", 192), "flattening"),
        (value(11, "x", "n", 3, 32, 32), "it is (n, 3, 32, 32)"),
        (value(11, "x", "n", 3, 8, 8, kind=11), "another type"),
        (value(11, "x", "n", 3, 8, 8, kind=2), "another type"),
        (value(11, "x", 0, 3, 8, 8), "fixed at 0"),
        (part(11, part(1, "x"), part(2, part(4, b""))), "another type"),
        (part(11, part(1, "x")), "another type"),
        (IMAGES + value(11, "y", 1), "has 2: 'x', 'y'"),
        (b"", "has none"),
    ],
)
def test_the_input_must_be_the_images(refusal, inputs, words):
    problem = refusal(onnx_bytes(inputs=inputs))
    assert problem.code is ProblemCode.WRONG_MODEL_INPUT
    assert words in problem.message


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        (value(12, "y", "n", 5), "it is (n, 5)"),
        (value(12, "y", "n"), "it is (n)"),
        (value(12, "y", "n", 4, 1), "it is (n, 4, 1)"),
        (value(12, "y", "n", 4, kind=7), "another type"),
        (LOGITS + value(12, "label", "n", kind=7), "exactly one output"),
        (b"", "has none"),
    ],
)
def test_the_output_must_be_the_logits(refusal, outputs, words):
    problem = refusal(onnx_bytes(outputs=outputs))
    assert problem.code is ProblemCode.WRONG_MODEL_OUTPUT
    assert words in problem.message


@pytest.mark.parametrize(
    ("inputs", "outputs", "batch"),
    [
        (value(11, "x", 16, 3, 8, 8), LOGITS, 16),
        (IMAGES, value(12, "y", 16, 4), 16),
        (value(11, "x", "n", "c", "h", "w"), value(12, "y", "n", "k"), None),
        (value(11, "x", (1 << 64) - 1, 3, 8, 8), LOGITS, None),
        (part(11, part(1, "x"), part(2, part(1, number(1, 1)))), LOGITS, None),
    ],
    ids=["fixed", "fixed at the output", "open", "-1", "no shape"],
)
def test_open_and_fixed_sizes(look, inputs, outputs, batch):
    assert look(onnx_bytes(inputs=inputs, outputs=outputs)).batch == batch


def test_weights_listed_as_inputs_are_no_inputs(look):
    listed = IMAGES + value(11, "w", 2)
    assert look(onnx_bytes(initialiser(), inputs=listed)).parameters == 2


def nested(depth):
    graph = node()
    for _ in range(depth):
        graph = node("If", attribute(part(6, graph)))
    return graph


def test_graphs_in_graphs(look, refusal):
    assert look(onnx_bytes(nested(8))).told["nodes"] == 9
    assert refusal(onnx_bytes(nested(9))).code is ProblemCode.MODEL_TOO_COMPLEX
    assert refusal(onnx_bytes(nested(10_000))).code is ProblemCode.MODEL_TOO_COMPLEX


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (lambda: node() * 20_001, "20000 nodes"),
        (lambda: part(5, number(1, 0), number(2, 1)) * 50_001, "50000 tensors"),
        (lambda: node("If", *[attribute(part(11, b"") * 50) for _ in range(21)]), "1000 graphs"),
        (lambda: part(16, b"") * 200_001, "200,000 fields"),
    ],
    ids=["nodes", "tensors", "graphs", "fields"],
)
def test_there_is_a_most_of_everything(refusal, graph, words):
    content = onnx_bytes(graph())
    begun = time.process_time()
    problem = refusal(content)
    assert problem.code is ProblemCode.MODEL_TOO_COMPLEX
    assert words in problem.message
    assert time.process_time() - begun < 20


def test_millions_of_numbers_in_a_forest_are_passed_over(look):
    """As skl2onnx writes trees: a tag for each number."""
    numbers = (varint(8 << 3) + varint(300)) * 1_500_000
    floats = (varint(7 << 3 | 5) + bytes(4)) * 1_500_000
    modes = (part(9, "BRANCH_LEQ") + part(9, "LEAF")) * 500_000
    forest = node("TreeEnsembleClassifier", attribute(numbers, floats, modes), domain="ai.onnx.ml")
    begun = time.process_time()
    assert look(onnx_bytes(forest)).parameters == 1_500_000
    assert time.process_time() - begun < 10


def test_a_row_of_empty_metadata_does_not_hold_up_the_site(refusal):
    problem = refusal(number(1, 8) + part(14, b"") * 999_990)
    assert problem.code is ProblemCode.MODEL_TOO_COMPLEX
    assert "1000 entries" in problem.message


WHOLE = onnx_bytes(node(), initialiser())


ENDS_WELL = len(WHOLE) - len(part(8, number(2, 20)))  # with everything but the operator set


@pytest.mark.parametrize("end", [end for end in range(2, len(WHOLE)) if end != ENDS_WELL])
def test_a_file_that_is_cut_off_is_refused_at_every_byte(refusal, end):
    assert refusal(WHOLE[:end]).code is ProblemCode.DAMAGED_MODEL


@pytest.mark.parametrize(
    "tail",
    [
        b"\x3a" + b"\xff" * 11,  # a varint of more than ten bytes
        b"\x3a" + b"\xff" * 9 + b"\x02",  # of more than 64 bits
        b"\x3a" + varint((1 << 64) - 1),  # a length beyond the file
        b"\x3a" + varint(1 << 40),
        b"\x00\x00",  # the field 0
        b"\x0b\x0c",  # a group
        b"\x0e",  # the wire type 6
        b"\x0f",
        varint(1 << 40 | 2) + b"\0",  # a field of an absurd number
        number(99, 1),  # a field that nobody knows
        number(7, 1),  # the graph as a number
        part(2, b"\xff\xfe"),  # a producer that is no UTF-8
        part(2, b"x" * 1000),
        part(7, b"") + part(7, b""),  # two graphs
        part(20, b""),  # a graph for training
        b"PK\x03\x04",
    ],
)
def test_hostile_bytes_are_damaged(refusal, tail):
    assert refusal(number(1, 10) + tail).code is ProblemCode.DAMAGED_MODEL


@pytest.mark.parametrize(
    "parts",
    [
        number(1, 1 << 41) + number(2, 1) + part(9, bytes(8)),
        number(1, 1 << 63) + number(2, 1),
        number(1, 1) * 17 + number(2, 1),
        part(1, varint(1) * 1000) + number(2, 1),
        number(1, 3) + number(2, 1) + part(9, bytes(8)),
        number(1, 2) + number(2, 99) + part(9, bytes(8)),
        number(1, 1000) + number(2, 1) + part(4, bytes(8)),
        number(1, 2) + number(2, 1) + number(2, 7) + part(9, bytes(8)),
        part(3, number(1, 0)) + number(2, 1),
    ],
    ids=[
        "too large", "negative", "too many sides", "packed sides", "too few bytes", "unknown type",
        "too few floats", "two types", "segment",
    ],
)  # fmt: skip
def test_tensors_that_cannot_be(refusal, parts):
    assert refusal(onnx_bytes(part(5, parts))).code is ProblemCode.DAMAGED_MODEL


def test_names_in_sentences_are_short_and_plain(refusal):
    problem = refusal(onnx_bytes(node(domain="<b>\u202e\n" + "x" * 300)))
    assert len(problem.message) < 300
    assert "\u202e" not in problem.message
    assert "\n" not in problem.message


def test_the_tables_hold_every_field_of_the_standard_s_messages():
    proto = pytest.importorskip("onnx.onnx_ml_pb2")
    kinds = {3: 0, 4: 0, 5: 0, 14: 0, 1: 1, 2: 5, 9: 2, 11: 2, 12: 2}  # descriptor's to wire type
    types = proto.DESCRIPTOR.message_types_by_name
    tables = {
        "ModelProto": onnx_messages.MODEL,
        "OperatorSetIdProto": onnx_messages.OPERATOR_SET,
        "GraphProto": onnx_messages.GRAPH,
        "NodeProto": onnx_messages.NODE,
        "AttributeProto": onnx_messages.ATTRIBUTE,
        "TensorProto": onnx_messages.TENSOR,
        "SparseTensorProto": onnx_messages.SPARSE_TENSOR,
        "ValueInfoProto": onnx_messages.VALUE,
        "TypeProto": onnx_messages.TYPE,
        "TensorShapeProto": onnx_messages.SHAPE,
    }
    for name, table in tables.items():
        fields = types[name].fields
        assert table.many == {f.number: kinds[f.type] for f in fields if f.is_repeated}, name
        assert table.once == {f.number: kinds[f.type] for f in fields if not f.is_repeated}, name
    numbers = dict(proto.TensorProto.DataType.items())
    assert set(onnx_messages.BITS) == set(numbers.values()) - {0, onnx_messages.STRING}
