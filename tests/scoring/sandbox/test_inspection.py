"""Which kind of file it is, what the host allows, and what it costs to look."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scoring import InvalidSubmission, ProblemCode
from scoring.sandbox.contract import Contract, Format
from scoring.sandbox.inspection import inspect
from tests.scoring.sandbox import specimens
from tests.scoring.sandbox.specimens import CONTRACT, LEARNT, STATISTICS, limited

ROOT = Path(__file__).resolve().parents[3]


def refusal(path, contract=CONTRACT, *more):
    with pytest.raises(InvalidSubmission) as error:
        inspect(path, contract, *more)
    (problem,) = error.value.problems
    return problem


@pytest.fixture
def write(tmp_path):
    def file(content, name="model.bin"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return file


@pytest.mark.torch
@pytest.mark.parametrize("old", [False, True])
def test_onnx_of_torch(tmp_path, old):
    for package in ("torch", "onnx", "onnxscript"):
        pytest.importorskip(package)
    path = specimens.write_onnx(tmp_path / "model.csv", old=old)
    found = inspect(path, CONTRACT)
    assert (found.upload.format, found.batch) == (Format.ONNX, None)
    # the exporters fold batch normalisation into the convolution before it
    assert found.parameters == LEARNT - 2 * 5
    assert found.told["made by"] == "pytorch"


@pytest.mark.torch
def test_a_fixed_batch_is_told(tmp_path):
    for package in ("torch", "onnx", "onnxscript"):
        pytest.importorskip(package)
    assert inspect(specimens.write_onnx(tmp_path / "m", dynamic=False), CONTRACT).batch == 2


@pytest.mark.torch
def test_external_data_of_torch(tmp_path):
    for package in ("torch", "onnx", "onnxscript"):
        pytest.importorskip(package)
    path = specimens.write_onnx(tmp_path / "m.onnx", external=True)
    assert refusal(path).code is ProblemCode.EXTERNAL_DATA_FORBIDDEN


@pytest.mark.torch
@pytest.mark.parametrize(
    ("writer", "kind", "parameters"),
    [
        (specimens.write_pt2, Format.PT2, LEARNT + STATISTICS),
        (specimens.write_torchscript, Format.TORCHSCRIPT, None),
    ],
)
def test_archives_of_torch(tmp_path, writer, kind, parameters):
    pytest.importorskip("torch")
    found = inspect(writer(tmp_path / "model.zip"), CONTRACT)
    assert (found.upload.format, found.parameters) == (kind, parameters)


@pytest.mark.torch
def test_safetensors_need_an_architecture(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    path = specimens.write_safetensors(tmp_path / "m")
    assert refusal(path).code is ProblemCode.UNKNOWN_ARCHITECTURE
    found = inspect(path, CONTRACT, "torchvision/resnet18", {"width_per_group": 32})
    assert found.upload.format is Format.SAFETENSORS
    assert found.upload.architecture == "torchvision/resnet18"
    assert found.upload.arguments == {"width_per_group": 32}
    assert found.parameters == LEARNT + STATISTICS


@pytest.mark.torch
@pytest.mark.parametrize("how", ["weights", "whole", "legacy", "package"])
def test_pickles_of_torch_are_told_how_to_become_safetensors(tmp_path, how):
    torch = pytest.importorskip("torch")
    path = tmp_path / "model.safetensors"
    if how == "package":
        with torch.package.PackageExporter(str(path)) as package:
            package.extern("**")
            package.save_pickle("a", "b", {})
    else:
        kept = specimens.network() if how == "whole" else specimens.network().state_dict()
        torch.save(kept, path, _use_new_zipfile_serialization=how != "legacy")
    problem = refusal(path)
    assert problem.code is ProblemCode.PICKLE_FORBIDDEN
    assert "safetensors.torch.save_file" in problem.message


@pytest.mark.torch
@pytest.mark.parametrize("kind", ["onnx", "safetensors", "pt2"])
def test_what_the_baselines_export_is_taken_as_it_is(tmp_path, kind):
    for package in ("torch", "onnxscript", "onnxruntime", "safetensors"):
        pytest.importorskip(package)
    from baselines import deep, export, runs, weights  # noqa: PLC0415

    run = runs.Run(
        "lenet5",
        "",
        tuple("0123"),
        3,
        8,
        8,
        (0.5,) * 3,
        (0.2,) * 3,
        0,
        {"model": {"activation": "tanh"}},
        {},
        {"accuracy": 0.25},  # or it would not be trained to its end
    )
    run.save(tmp_path)
    weights.save(deep.new(run), tmp_path)
    found = inspect(export.export(tmp_path, kind, tmp_path / "out"), CONTRACT)
    # besides what it learnt, the network stores mean and deviation of three channels
    assert 0 <= found.parameters - weights.count(deep.new(run)) <= 6
    if kind == "safetensors":
        assert found.upload.architecture == "lenet5"
        assert found.upload.arguments == run.training.model


def test_what_the_host_did_not_enable_is_refused_with_what_is(write):
    path = write(specimens.zip_bytes(specimens.TORCHSCRIPT))
    problem = refusal(path, Contract(3, 8, 8, tuple("0123")))
    assert problem.code is ProblemCode.MODEL_FORMAT_NOT_ENABLED
    assert "ONNX; safetensors" in problem.message
    problem = refusal(write(specimens.onnx_bytes()), Contract(3, 8, 8, ("a",), frozenset()))
    assert problem.code is ProblemCode.MODEL_FORMAT_NOT_ENABLED


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x1f\x8b\x08", "gzip"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 50, "Keras"),
        (b"\x1c\0\0\0TFL3" + b"\0" * 50, "TensorFlow Lite"),
        (b"\x08\x01\x12\x03abc", "saved_model.pb"),
        (b"GGUF\x03", "GGUF"),
        (b"\x7fELF\x02", "program"),
        (b"\x93NUMPY\x01", "NumPy"),
        (b"id,label\n1,cat\n", "none of the formats"),
        (b"PK\x05\x06" + b"\0" * 18, "empty zip"),
        (b"\x08", "none of the formats"),
    ],
)
def test_other_files_are_told_what_they_are(write, content, words):
    problem = refusal(write(content))
    assert problem.code is ProblemCode.UNKNOWN_MODEL_FORMAT
    assert words in problem.message


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_refused_and_not_read(write, tmp_path, protocol):
    import pickle  # noqa: PLC0415

    marker = tmp_path / "touched"

    class Touch:
        def __reduce__(self):
            return (Path.touch, (marker,))

    problem = refusal(write(pickle.dumps(Touch(), protocol), "model.onnx"))
    assert problem.code is ProblemCode.PICKLE_FORBIDDEN
    assert not marker.exists()


def test_onnxruntime_s_own_format_cannot_come_in_the_guise_of_onnx(write):
    """It takes bytes with ORTM at the fifth place for its flat format, which we do not read."""
    disguised = specimens.number(1, 10) + specimens.part(2, "ORTM") + specimens.onnx_bytes()[2:]
    assert disguised[4:8] == b"ORTM"
    assert "ORT format" in refusal(write(disguised)).message


def test_a_brace_at_the_ninth_place_makes_no_safetensors(write):
    named = specimens.number(1, 10) + specimens.part(2, "torc{}") + specimens.onnx_bytes()[2:]
    assert named[8:9] == b"{"
    assert inspect(write(named), CONTRACT).upload.format is Format.ONNX


def test_sizes(write):
    assert refusal(write(b"")).code is ProblemCode.EMPTY_FILE
    large = write(b"\0" * 2000)
    problem = refusal(large, limited(file_bytes=1999))
    assert problem.code is ProblemCode.MODEL_TOO_LARGE


def test_a_folder_a_pipe_and_nothing(tmp_path):
    assert refusal(tmp_path).code is ProblemCode.UNKNOWN_MODEL_FORMAT
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").code is ProblemCode.UNKNOWN_MODEL_FORMAT
    with pytest.raises(FileNotFoundError):
        inspect(tmp_path / "none", CONTRACT)


def test_an_architecture_belongs_to_safetensors_alone(write):
    problem = refusal(write(specimens.onnx_bytes()), CONTRACT, "resnet18")
    assert problem.code is ProblemCode.BAD_MODEL_ARGUMENTS


def run(program):
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=120,
    ).stdout.split()  # fmt: skip


def test_web_and_scorer_need_nothing_that_loads_models(write):
    path = write(specimens.onnx_bytes())
    loaded = run(
        "import sys; from pathlib import Path; import scoring.sandbox.submission, "
        "scoring.sandbox.settings, scoring.sandbox.perturbation; "
        "from scoring.sandbox.inspection import inspect; "
        "from tests.scoring.sandbox.specimens import CONTRACT; "
        f"inspect(Path({str(path)!r}), CONTRACT); "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    assert "scoring" in loaded
    heavy = {"torch", "torchvision", "onnx", "onnxruntime", "safetensors", "baselines", "google"}
    assert not heavy & set(loaded)


@pytest.mark.parametrize("kind", ["onnx", "safetensors"])
def test_a_large_file_is_not_read_into_memory(tmp_path, kind):
    """200 MB of weights, and the process grows by less than 20 MB of its own."""
    size = 200_000_000
    if kind == "onnx":
        hole = b"\x4a" + specimens.varint(size)  # raw_data, the bytes of which follow
        tensor = specimens.number(1, size // 4) + specimens.number(2, 1) + specimens.part(8, "w")
        whole = len(tensor) + len(hole) + size
        inside = b"\x2a" + specimens.varint(whole) + tensor + hole
        rest = specimens.IMAGES + specimens.LOGITS + specimens.node()
        graph = b"\x3a" + specimens.varint(len(rest) + len(inside) + size)
        head = specimens.number(1, 10) + graph + rest + inside
    else:
        head = specimens.safetensors_bytes({"w": specimens.entry(0, size)})
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + size)
    found, grown = run(
        "import resource, sys; from pathlib import Path; "
        "from scoring.sandbox.inspection import inspect; "
        "from tests.scoring.sandbox.specimens import CONTRACT; "
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; before = peak(); "
        f"name = 'resnet18' if {kind!r} == 'safetensors' else ''; "
        f"found = inspect(Path({str(path)!r}), CONTRACT, name); "
        "print(found.parameters, peak() - before)"
    )
    assert int(found) == size // 4
    assert int(grown) < 20_000  # KiB
