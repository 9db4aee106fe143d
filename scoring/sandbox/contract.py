"""What a challenge asks of a model, what a run is asked to do, and how it may end.

Plain values, so that every side can import them: neither torch nor onnxruntime is behind them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Format(StrEnum):
    """The kinds of file, in the order in which they are offered."""

    ONNX = "onnx"
    SAFETENSORS = "safetensors"
    PT2 = "pt2"
    TORCHSCRIPT = "torchscript"

    @property
    def carries_code(self) -> bool:
        """Whether loading it can run what its author wrote."""
        return self in (Format.PT2, Format.TORCHSCRIPT)


@dataclass(frozen=True)
class Budgets:
    """The most that a model may take; None is no limit of the host's."""

    seconds: float = 600.0  # on the clock, from the first byte read to the last answer
    memory_bytes: int = 4 << 30  # of the process, or of the device where it has its own
    file_bytes: int = 256 << 20
    parameters: int | None = None
    macs: int | None = None  # multiply-accumulates for one image


@dataclass(frozen=True)
class Contract:
    """float32 (N, channels, height, width) in [0, 1] in; logits (N, len(classes)) out."""

    channels: int
    height: int
    width: int
    classes: tuple[str, ...]  # the order of the columns of the logits
    formats: frozenset[Format] = frozenset({Format.ONNX, Format.SAFETENSORS})
    budgets: Budgets = field(default_factory=Budgets)
    bf16: bool = False  # 16-bit floats where the device is faster with them; the host's choice
    several: bool = False  # several classes may be right at once: a sigmoid each, no softmax


@dataclass(frozen=True)
class Upload:
    """A model's file as it lies on the disk, and what is needed to build it."""

    path: Path
    format: Format
    architecture: str = ""  # of safetensors: a name of the baselines' zoo, or "torchvision/NAME"
    arguments: Mapping[str, Any] = field(default_factory=dict)  # its keywords


@dataclass(frozen=True)
class Job:
    """One run: this model over these images."""

    upload: Upload
    images: Path  # a .npy of uint8 (N, channels, height, width), made by images.pack
    contract: Contract
    seed: int = 0  # of the order in which the model sees the images; the answers come in theirs
    batch_size: int | None = None  # None: as large as memory allows


class Ending(StrEnum):
    DONE = "done"
    REFUSED = "refused"  # the model does not keep the contract: a shape, a size, a budget
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    CANCELLED = "cancelled"
    UNAVAILABLE = "unavailable"  # ours: this machine cannot run it now


@dataclass(frozen=True)
class Outcome:
    """How a run ended. `message` is for the team: it never quotes what the model printed."""

    ending: Ending
    message: str = ""
    images: int = 0  # answered
    load_seconds: float = 0.0
    seconds: float = 0.0  # from the first batch to the last answer
    batch_size: int = 0
    parameters: int | None = None
    macs: int | None = None  # for one image
    device: str = ""

    @property
    def images_per_second(self) -> float:
        return self.images / self.seconds if self.seconds else 0.0
