"""A look at a model's file before anything loads it: which kind it is, and what speaks against it.

Every number in the file is taken for a lie until it fits. The file is mapped, never read whole, and
neither torch nor onnx nor onnxruntime is behind this package: the web process may call it. It is
no protection, as a file that passes can still crash, hang or attack what loads it; the sandbox is.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from mmap import ACCESS_READ, mmap
from pathlib import Path
from types import MappingProxyType
from typing import Any

from scoring.decoding import refuse
from scoring.errors import ProblemCode
from scoring.sandbox import architectures
from scoring.sandbox.contract import Contract, Format, Upload
from scoring.sandbox.inspection import onnx, safetensors
from scoring.sandbox.inspection.archives import Archive
from scoring.sandbox.inspection.facts import Facts
from scoring.sandbox.inspection.recognition import recognised

__all__ = ["Inspected", "inspect"]

TITLES = {
    Format.ONNX: "ONNX",
    Format.SAFETENSORS: "safetensors with a named architecture",
    Format.PT2: ".pt2 of torch.export",
    Format.TORCHSCRIPT: "TorchScript",
}
_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Inspected:
    """A file that may go to the sandbox, and what its head tells.

    `parameters` are the numbers that it stores (see facts.py), None where only loading tells.
    `batch` is the one number of images at a time that the model takes, None where it takes any.
    `told` is for people.
    """

    upload: Upload
    file_bytes: int
    parameters: int | None = None
    batch: int | None = None
    told: Mapping[str, str | int] = field(default_factory=dict)


def inspect(
    path: Path,
    contract: Contract,
    architecture: str = "",
    arguments: Mapping[str, Any] = _NONE,
) -> Inspected:
    """Raises InvalidSubmission with one problem, OSError where the file cannot be opened.

    `architecture` and its keyword `arguments` belong to safetensors, where they come before what
    the file itself says. The path must not be written to meanwhile.
    """
    with _mapped(path, contract.budgets.file_bytes) as data:
        kind = recognised(data)
        archive = Archive.of(data) if kind is None else None
        if archive is not None:
            kind = archive.kind
        assert kind is not None  # noqa: S101 - for the type checker
        _refuse_disabled(kind, contract)
        facts = archive.read(contract) if archive else _READERS[kind](data, contract)
        size = len(data)
    upload = Upload(path, kind, *_architecture(kind, facts, architecture, arguments))
    return Inspected(upload, size, facts.parameters, facts.batch, facts.told)


_READERS = {Format.ONNX: onnx.read, Format.SAFETENSORS: safetensors.read}


@contextmanager
def _mapped(path: Path, most: int) -> Iterator[mmap]:
    # a pipe in the file's place must not make us wait for its writer
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode):
            raise refuse(ProblemCode.UNKNOWN_MODEL_FORMAT, "A model is a file, not a folder.")
        if found.st_size > most:
            raise refuse(
                ProblemCode.MODEL_TOO_LARGE,
                f"The file has {found.st_size / 2**20:.1f} MiB, and this challenge allows "
                f"{most / 2**20:g} MiB. Train a smaller model, or keep its weights in 16 bits.",
            )
        if not found.st_size:
            raise refuse(ProblemCode.EMPTY_FILE, "The file is empty. Export the model again.")
        with mmap(number, 0, access=ACCESS_READ) as data:
            yield data
    finally:
        os.close(number)


def _refuse_disabled(kind: Format, contract: Contract) -> None:
    if kind in contract.formats:
        return
    enabled = [TITLES[each] for each in Format if each in contract.formats]
    raise refuse(
        ProblemCode.MODEL_FORMAT_NOT_ENABLED,
        f"The file is {TITLES[kind]}, and this challenge takes: {'; '.join(enabled) or 'none'}. "
        "Export the model in one of these.",
    )


def _architecture(
    kind: Format, facts: Facts, name: str, arguments: Mapping[str, Any]
) -> tuple[str, Mapping[str, Any]]:
    """What to build the network with; raises InvalidSubmission."""
    if kind is not Format.SAFETENSORS:
        if name or arguments:
            raise refuse(
                ProblemCode.BAD_MODEL_ARGUMENTS,
                f"{TITLES[kind]} brings its own architecture. Leave the architecture out.",
            )
        return "", {}
    if not name and not arguments:
        name, arguments = facts.architecture, facts.arguments
    if not name:
        raise refuse(
            ProblemCode.UNKNOWN_ARCHITECTURE,
            "The file holds weights alone. Name the architecture that they belong to, one of the "
            "baselines, such as resnet18, or of torchvision, such as torchvision/resnet18.",
        )
    architectures.check(name, arguments)
    return name, dict(arguments)
