"""Models in zip archives: .pt2 and TorchScript, told apart by their members, nothing unpickled.

Both can run what their author wrote when they are loaded; so this look at them protects nobody, it
only says early what would fail. What PyTorch writes into them: `torch.export.pt2_archive` and
https://docs.pytorch.org/docs/stable/export/pt2_archive.html; torch/csrc/jit/serialization.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Self

from scoring.decoding import refuse
from scoring.errors import InvalidSubmission, ProblemCode
from scoring.sandbox.contract import Contract, Format
from scoring.sandbox.inspection import zips
from scoring.sandbox.inspection.facts import Facts, damaged, quoted, refuse_too_many, too_complex
from scoring.sandbox.inspection.recognition import pickled
from scoring.sandbox.inspection.zips import Data, Member

MAX_CONFIG = 8 << 20  # bytes of JSON
_FLOATS = (6, 7, 8, 13)  # by torch.export's schema: of 16, 32 and 64 bits, and bfloat16
_NATIVE = (".so", ".dll", ".dylib", ".cubin", ".o")


@dataclass(frozen=True)
class Archive:
    """Members by their names without the folder that holds them all, as PyTorch looks them up."""

    data: Data
    members: Mapping[str, Member]

    @classmethod
    def of(cls, data: Data) -> Self:
        """Raises InvalidSubmission."""
        members = zips.directory(data)
        roots = {member.name.partition("/")[0] for member in members}
        prefix = f"{roots.pop()}/" if len(roots) == 1 else ""
        return cls(data, {member.name.removeprefix(prefix): member for member in members})

    @property
    def kind(self) -> Format:
        """Raises InvalidSubmission for an archive that holds something else."""
        names = self.members
        if "archive_format" in names:
            return Format.PT2
        if "constants.pkl" in names and any(name.startswith("code/") for name in names):
            return Format.TORCHSCRIPT
        if "serialized_exported_program.json" in names:
            raise _other("a .pt2 file of an older torch", "Export it again with a newer torch")
        if "data.pkl" in names:
            raise pickled("a file of torch.save: a pickle in a zip archive")
        if ".data/extern_modules" in names:
            raise pickled("a file of torch.package: pickles in a zip archive")
        if "model.weights.h5" in names:
            raise _other("a Keras model", "Convert it to ONNX: model.export(file, format='onnx')")
        if all(name.endswith(".npy") for name in names):
            raise _other("a NumPy archive", "Send a model, not its answers or weights alone")
        raise _other(
            f"a zip archive with {quoted(next(iter(names)))} in it, and no model",
            "Send the model's one file, not packed",
        )

    def read(self, contract: Contract) -> Facts:
        """Raises InvalidSubmission."""
        unpacked = sum(member.size for member in self.members.values())
        if unpacked > contract.budgets.file_bytes:
            raise too_complex("Unpacked, the archive is larger than this challenge allows a file.")
        for name in self.members:
            if name.endswith(_NATIVE) or name.startswith("data/aotinductor/"):
                raise refuse(
                    ProblemCode.NATIVE_CODE_FORBIDDEN,
                    f"The archive holds compiled code ({quoted(name)}). Save with "
                    "torch.export.save, not with AOTInductor.",
                )
        parameters = self._parameters() if self.kind is Format.PT2 else None
        refuse_too_many(parameters, contract)
        return Facts(parameters=parameters, told={"members": len(self.members)})

    def _parameters(self) -> int:
        """How many floats the one model stores, as weights, buffers and constants."""
        models = [name for name in self.members if name.startswith("models/")]
        if len(models) != 1:
            raise damaged(f"the archive needs one model, and has {len(models)}.")
        name = models[0].removeprefix("models/").removesuffix(".json")
        tables = (
            self._config(f"data/{kind}/{name}_{kind}_config.json")
            for kind in ("weights", "constants")
        )
        return sum(_numbers(entry) for table in tables for entry in table.values())

    def _config(self, name: str) -> Mapping[str, dict[str, Any]]:
        """The table of a kind of tensors; raises InvalidSubmission where one is a pickle."""
        member = self.members.get(name)
        if member is None:
            raise damaged(f"the archive has no {quoted(name)}.")
        try:
            found = json.loads(zips.content(self.data, member, MAX_CONFIG))
            entries = found["config"]
            if not all(isinstance(entry, dict) for entry in entries.values()):
                raise TypeError(name)
        except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
            raise damaged(f"{quoted(name)} in the archive is not the table it should be.") from None
        if any(entry.get("use_pickle") for entry in entries.values()):
            raise pickled("an archive with pickled tensors or objects in it")
        checked: Mapping[str, dict[str, Any]] = entries
        return checked


def _numbers(entry: Mapping[str, Any]) -> int:
    try:
        meta = entry["tensor_meta"]
        sizes = [int(side["as_int"]) for side in meta["sizes"]]
        is_float = meta["dtype"] in _FLOATS
    except (KeyError, TypeError, ValueError):
        raise damaged("the archive does not say how large a tensor is.") from None
    if len(sizes) > 16 or min(sizes, default=0) < 0 or max(sizes, default=0) >= 1 << 63:
        raise damaged("a tensor of the archive has no proper shape.")
    return prod(sizes) if is_float else 0


def _other(name: str, remedy: str) -> InvalidSubmission:
    return refuse(ProblemCode.UNKNOWN_MODEL_FORMAT, f"This is {name}. {remedy}.")
