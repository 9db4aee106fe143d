"""Whatever the bytes: a model that may be tried, or a refusal in words, soon and in bounds."""

import tempfile
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring import InvalidSubmission
from scoring.sandbox.inspection import Inspected, inspect
from tests.scoring.sandbox.specimens import (
    CONTRACT,
    IMAGES,
    LOGITS,
    TORCHSCRIPT,
    entry,
    node,
    number,
    onnx_bytes,
    part,
    safetensors_bytes,
    zip_bytes,
)

MANY = settings(max_examples=150, deadline=None)

PT2 = zip_bytes([
    ("m/archive_format", b"pt2"),
    ("m/models/model.json", b"{}"),
    ("m/data/weights/model_weights_config.json", b'{"config": {}}'),
    ("m/data/constants/model_constants_config.json", b'{"config": {}}'),
])  # fmt: skip
SEEDS = {
    "onnx": onnx_bytes(node("Constant", part(5, part(7, bytes(8)))), part(5, number(1, 0))),
    "safetensors": safetensors_bytes({"a": entry(0, 8), "b": entry(8, 12)}, bytes(12)),
    "torchscript": zip_bytes(TORCHSCRIPT),
    "pt2": PT2,
}


def look(content):
    """What comes of it, and how much memory and time it took."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        begun = time.process_time()
        tracemalloc.start()
        try:
            found = inspect(Path(file.name), CONTRACT, *_architecture(content))
        except InvalidSubmission as refusal:
            found = refusal
        finally:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
    # the second number is for whatever else the test's process does meanwhile
    assert peak < 50 * len(content) + 32_000_000
    assert time.process_time() - begun < 5
    return found


def _architecture(content):
    return ("resnet18",) if content[8:9] == b"{" else ()


def answered(found):
    if isinstance(found, Inspected):
        return True
    (problem,) = found.problems
    return problem.message.endswith((".", ")")) and len(problem.message) < 600


@pytest.mark.parametrize("kind", SEEDS)
def test_the_seeds_are_read(kind):
    assert answered(look(SEEDS[kind]))


@MANY
@given(st.data(), st.sampled_from(sorted(SEEDS)))
def test_bytes_that_are_changed(data, kind):
    content = bytearray(SEEDS[kind])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    assert answered(look(bytes(content)))


@MANY
@given(st.data(), st.sampled_from(sorted(SEEDS)))
def test_pieces_that_are_cut_out_doubled_or_put_in(data, kind):
    content = SEEDS[kind]
    begin = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(begin, len(content)))
    piece = data.draw(st.sampled_from([b"", content[begin:end] * 2]) | st.binary(max_size=40))
    assert answered(look(content[:begin] + piece + content[end:]))


@MANY
@given(
    st.binary(max_size=200), st.sampled_from([b"", b"\x08\x0a", b"PK\x03\x04", b"\0" * 8 + b"{"])
)
def test_bytes_behind_a_right_beginning(tail, head):
    assert answered(look(head + tail))


fields = st.recursive(
    st.builds(number, st.integers(1, 30), st.integers(0, (1 << 64) - 1))
    | st.builds(part, st.integers(1, 30), st.binary(max_size=12)),
    lambda inner: st.builds(
        lambda field, parts: part(field, *parts), st.integers(1, 30), st.lists(inner, max_size=4)
    ),
    max_leaves=25,
)


@MANY
@given(st.lists(fields, max_size=5))
def test_right_protocol_buffers_that_make_no_sense(parts):
    graph = part(7, *parts, IMAGES, LOGITS)
    assert answered(look(number(1, 10) + graph))
    assert answered(look(number(1, 10) + b"".join(parts)))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)
entries = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.sampled_from(["F32", "I8", "F4"]) | json_values,
        "shape": st.lists(st.integers(-1, 5), max_size=3) | json_values,
        "data_offsets": st.lists(st.integers(-4, 40), max_size=3) | json_values,
    },
)


@MANY
@given(st.dictionaries(st.text(max_size=8) | st.just("__metadata__"), entries | json_values))
def test_tables_of_contents_that_make_no_sense(table):
    assert answered(look(safetensors_bytes(table, bytes(20))))
