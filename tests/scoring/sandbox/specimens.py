"""Models to look at: honest ones from the real exporters, and bytes put together by hand."""

import io
import json
import struct
import warnings
import zipfile

from scoring.sandbox.contract import Budgets, Contract, Format

CONTRACT = Contract(3, 8, 8, tuple("0123"), formats=frozenset(Format))


def limited(**budgets):
    return Contract(3, 8, 8, tuple("0123"), frozenset(Format), Budgets(**budgets))


def network():
    """Three convolutions' worth of layers, and how many parameters they have."""
    import torch  # noqa: PLC0415 - where it is installed
    from torch import nn  # noqa: PLC0415

    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(5, 4),
    )  # fmt: skip
    return layers.eval()


LEARNT = 3 * 5 * 9 + 5 + 2 * 5 + 5 * 4 + 4  # parameters of `network`
STATISTICS = 2 * 5  # its running means and variances


def images(count=2):
    import torch  # noqa: PLC0415

    return torch.rand(count, 3, 8, 8)


def write_onnx(path, *, dynamic=True, external=False, old=False):
    import torch  # noqa: PLC0415

    names = {"input_names": ["images"], "output_names": ["logits"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if old:
            axes = {"dynamic_axes": {"images": {0: "n"}, "logits": {0: "n"}}} if dynamic else {}
            torch.onnx.export(network(), (images(),), path, dynamo=False, **names, **axes)
            return path
        shapes = ({0: torch.export.Dim("batch", min=1)},) if dynamic else None
        program = torch.onnx.export(
            network(), (images(),), dynamo=True, verbose=False, dynamic_shapes=shapes, **names
        )
    program.save(str(path), external_data=external)
    return path


def write_pt2(path):
    import torch  # noqa: PLC0415

    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(network(), (images(),), dynamic_shapes=({0: batch},))
    torch.export.save(program, path)
    return path


def write_torchscript(path):
    import torch  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(network()).save(str(path))
    return path


def write_safetensors(path, metadata=None):
    import safetensors.torch  # noqa: PLC0415

    safetensors.torch.save_file(network().state_dict(), path, metadata=metadata)
    return path


# --- by hand ---------------------------------------------------------------------------------


def varint(value):
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


def number(field, value):
    return varint(field << 3) + varint(value)


def part(field, *payloads):
    payload = b"".join(each.encode() if isinstance(each, str) else each for each in payloads)
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def value(field, name, *sides, kind=1):
    """An input (11) or output (12) of a graph."""
    dimensions = b"".join(
        part(1, number(1, side) if isinstance(side, int) else part(2, side)) for side in sides
    )
    tensor_type = number(1, kind) + part(2, dimensions)
    return part(field, part(1, name), part(2, part(1, tensor_type)))


def node(operator="Relu", *attributes, domain=""):
    named = part(7, domain) if domain else b""
    return part(1, part(1, "x"), part(2, "y"), part(4, operator), *attributes, named)


IMAGES = value(11, "x", "n", 3, 8, 8)
LOGITS = value(12, "y", "n", 4)


def onnx_bytes(*graph, model=(), inputs=IMAGES, outputs=LOGITS):
    """An ONNX file of these parts of a graph; the nodes need not make sense together."""
    return (
        number(1, 10) + part(7, *graph, inputs, outputs) + part(8, number(2, 20)) + b"".join(model)
    )


def safetensors_bytes(table, body=b"", length=None):
    text = table if isinstance(table, bytes) else json.dumps(table).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def entry(begin, end, shape=None, dtype="F32"):
    sides = [(end - begin) // 4] if shape is None else shape
    return {"dtype": dtype, "shape": sides, "data_offsets": [begin, end]}


def zip_bytes(members, method=zipfile.ZIP_STORED):
    """An archive of names and bytes, in this order."""
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as archive:
        warnings.simplefilter("ignore")  # of a name that comes twice
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


TORCHSCRIPT = (
    ("m/data.pkl", b"x"),
    ("m/code/__torch__.py", b"y"),
    ("m/constants.pkl", b"z"),
    ("m/version", b"3\n"),
)
