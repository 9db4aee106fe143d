"""safetensors by the rules of the format, and what the baselines write into it."""

import json
import struct
import time

import pytest

from scoring import InvalidSubmission, ProblemCode
from scoring.sandbox.inspection import inspect
from tests.scoring.sandbox.specimens import CONTRACT, entry, limited, safetensors_bytes

GOOD = {"a": entry(0, 8), "b": entry(8, 16)}


@pytest.fixture
def look(tmp_path):
    def inspected(content, contract=CONTRACT, *more):
        path = tmp_path / "model"
        path.write_bytes(content)
        return inspect(path, contract, *(more or ("resnet18",)))

    return inspected


@pytest.fixture
def refusal(look):
    def problem(content, *more):
        with pytest.raises(InvalidSubmission) as error:
            look(content, *more)
        (found,) = error.value.problems
        return found

    return problem


def test_a_right_file(look):
    found = look(safetensors_bytes(GOOD, bytes(16)))
    assert (found.parameters, found.told["tensors"]) == (4, 2)


def test_order_empty_tensors_spaces_and_metadata(look):
    table = {
        "__metadata__": {"format": "pt"},
        "late": entry(12, 20, [2]),
        "scalar": entry(8, 12, []),
        "none": entry(8, 8, [0, 7]),
        "count": entry(0, 8, [], "I64"),
    }
    text = json.dumps(table).encode() + b"    "
    assert look(safetensors_bytes(text, bytes(20))).parameters == 3


def test_floats_are_parameters_and_counters_are_not(look, refusal):
    table = {"bn.weight": entry(0, 8), "bn.num_batches_tracked": entry(8, 16, [], "I64")}
    content = safetensors_bytes(table, bytes(16))
    assert look(content, limited(parameters=2)).parameters == 2
    problem = refusal(content, limited(parameters=1))
    assert problem.code is ProblemCode.TOO_MANY_PARAMETERS


@pytest.mark.parametrize("length", [1 << 63, (1 << 64) - 1, 100 << 20, (4 << 20) + 1])
def test_an_absurd_length_of_the_table(refusal, length):
    assert refusal(safetensors_bytes(b"{}", length=length)).code is ProblemCode.MODEL_TOO_COMPLEX


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (safetensors_bytes(b"{}", length=3), "ends within the table"),
        (safetensors_bytes(b"{}"), "no tensor"),
        (safetensors_bytes(b"{"), "no JSON"),
        (safetensors_bytes(b"{\xff}"), "no JSON"),
        (safetensors_bytes(b'{"a": NaN}'), "no JSON"),
        (safetensors_bytes(b'{"a": ' + b"9" * 5000 + b"}"), "no JSON"),
        (safetensors_bytes(b'{"a":' * 100_000), "no JSON"),
        (safetensors_bytes(b'{"a":1,"a":2}'), "a name twice"),
        (safetensors_bytes(b'{"a": {"dtype":"F32","dtype":"F32"}}'), "a name twice"),
        (safetensors_bytes({"a": 1}), "exactly dtype"),
        (safetensors_bytes({"a": {**entry(0, 8), "extra": 1}}, bytes(8)), "exactly dtype"),
        (safetensors_bytes({"__metadata__": {"a": 1}, **GOOD}, bytes(16)), "metadata"),
        (safetensors_bytes({"__metadata__": [], **GOOD}, bytes(16)), "metadata"),
        (safetensors_bytes({"a": entry(0, 8, [2], "F8_E4M3")}, bytes(8)), "of a type"),
        (safetensors_bytes({"a": entry(0, 8, [2], ["F32"])}, bytes(8)), "of a type"),
        (safetensors_bytes({"a": entry(0, 8, [-2])}, bytes(8)), "no proper shape"),
        (safetensors_bytes({"a": entry(0, 8, [2.0])}, bytes(8)), "no proper shape"),
        (safetensors_bytes({"a": entry(0, 8, [True])}, bytes(8)), "no proper shape"),
        (safetensors_bytes({"a": entry(0, 8, [1] * 17)}, bytes(8)), "no proper shape"),
        (safetensors_bytes({"a": entry(0, 8, [1 << 62, 4])}, bytes(8)), "more or fewer"),
        (safetensors_bytes({"a": entry(0, 8, [3])}, bytes(8)), "more or fewer"),
        (safetensors_bytes({"a": entry(8, 0, [2])}, bytes(8)), "more or fewer"),
        (safetensors_bytes({"a": entry(-8, 0, [2])}, bytes(8)), "no proper place"),
        (safetensors_bytes({"a": {**entry(0, 8), "data_offsets": [0]}}, bytes(8)), "proper place"),
        (safetensors_bytes({"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)), "overlap"),
        (safetensors_bytes({"a": entry(0, 8), "b": entry(0, 8)}, bytes(8)), "overlap"),
        (safetensors_bytes({"a": entry(0, 8), "b": entry(12, 20)}, bytes(20)), "gap"),
        (safetensors_bytes({"a": entry(4, 12)}, bytes(12)), "gap"),
        (safetensors_bytes(GOOD, bytes(15)), "longer or shorter"),
        (safetensors_bytes(GOOD, bytes(17)), "longer or shorter"),
        (safetensors_bytes({"a" * 600: entry(0, 8)}, bytes(8)), "512 letters"),
    ],
)
def test_what_breaks_the_rules_is_damaged(refusal, content, words):
    problem = refusal(content)
    assert problem.code is ProblemCode.DAMAGED_MODEL
    assert words in problem.message
    assert len(problem.message) < 400


def test_ten_thousand_nested_lists_are_damaged(refusal):
    content = safetensors_bytes(b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}")
    assert refusal(content).code is ProblemCode.DAMAGED_MODEL


def test_too_many_tensors(refusal):
    table = {f"t{at}": entry(0, 0, [0]) for at in range(20_001)}
    begun = time.process_time()
    assert refusal(safetensors_bytes(table)).code is ProblemCode.MODEL_TOO_COMPLEX
    assert time.process_time() - begun < 10


def test_the_reader_of_the_library_agrees(look, refusal):
    library = pytest.importorskip("safetensors")
    for good in (
        safetensors_bytes(GOOD, bytes(16)),
        safetensors_bytes({"a": entry(0, 8)}, bytes(8)),
    ):
        library.deserialize(good)
        look(good)
    for bad in (
        safetensors_bytes(GOOD, bytes(15)),
        safetensors_bytes({"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)),
        safetensors_bytes({"a": entry(4, 12)}, bytes(12)),
        struct.pack("<Q", 1 << 63) + b"{",
    ):
        with pytest.raises(library.SafetensorError):
            library.deserialize(bad)
        refusal(bad)


def exported(**changes):
    facts = {
        "arch": "resnet18",
        "model": {"width": 2},
        "input": [3, 8, 8],
        "classes": ["0", "1", "2", "3"],
    } | changes
    head = {name: json.dumps(fact) for name, fact in facts.items()}
    return safetensors_bytes({"__metadata__": head, **GOOD}, bytes(16))


def test_the_architecture_of_an_export_is_in_the_file(look):
    upload = look(exported(), CONTRACT, "", {}).upload
    assert (upload.architecture, upload.arguments) == ("resnet18", {"width": 2})


def test_the_team_s_own_words_come_first(look):
    upload = look(exported(), CONTRACT, "vgg11", {"depth": 1}).upload
    assert (upload.architecture, upload.arguments) == ("vgg11", {"depth": 1})


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"input": [3, 32, 32]}, ProblemCode.WRONG_MODEL_INPUT, "3 x 32 x 32"),
        ({"classes": ["0", "1", "3", "2"]}, ProblemCode.WRONG_MODEL_CLASSES, "another order"),
        ({"classes": ["0", "1", "2", "cat"]}, ProblemCode.WRONG_MODEL_CLASSES, "'3'"),
        ({"arch": "../x"}, ProblemCode.UNKNOWN_ARCHITECTURE, "'../x'"),
        ({"model": {"weights": "DEFAULT"}}, ProblemCode.BAD_MODEL_ARGUMENTS, "Leave out weights"),
        ({"model": {"width": 10**400}}, ProblemCode.BAD_MODEL_ARGUMENTS, "none of them very long"),
        ({"model": {"act": "\0x"}}, ProblemCode.BAD_MODEL_ARGUMENTS, "a printable text"),
        ({"arch": 3}, ProblemCode.UNKNOWN_ARCHITECTURE, "Name the architecture"),
    ],
)
def test_an_export_for_another_challenge(refusal, changes, code, words):
    problem = refusal(exported(**changes), CONTRACT, "", {})
    assert problem.code is code
    assert words in problem.message


def test_metadata_of_others_mean_nothing_here(look):
    table = {"__metadata__": {"arch": "{not json", "classes": "x" * 10}, **GOOD}
    assert look(safetensors_bytes(table, bytes(16))).upload.architecture == "resnet18"
