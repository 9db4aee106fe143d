"""Every choice of a transfer, with its default."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from baselines.errors import CallError

AFTER_UNFREEZING = {"tune_epochs", "rate"}


@dataclass(frozen=True)
class TransferOptions:
    base: str = "mobilenet_v2"  # a torchvision architecture
    weights: str | None = None  # a file, or torchvision's name for them; None: their best ones
    freeze: str = "all"  # all | until LAYER | none
    head_epochs: int = 30  # passes in which only the new last layer learns
    tune_epochs: int = 6  # passes after unfreezing; none with `all`, where nothing is unfrozen
    rate: float = 1e-3  # after unfreezing, at the head; smaller towards the image
    head_rate: float = 1e-3
    side: int = 224  # of the images as the network sees them
    cache: Path | None = None  # a folder for what frozen layers say about the images

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """From names and values as a run folder or a command line has them. Raises CallError."""
        known = {each.name for each in fields(cls)}
        if unknown := sorted(settings.keys() - known):
            raise CallError(f"Transfer takes no {unknown[0]}. It takes {', '.join(sorted(known))}.")
        cache = settings.get("cache")
        options = cls(**{**settings, "cache": Path(cache) if cache else None})
        if options.side < 32:
            raise CallError(f"A side of {options.side} pixels is too small; take 32 or more.")
        return options

    def refuse_idle(self, given: Mapping[str, Any]) -> None:
        """Raises CallError for the first option of ``given`` that would change nothing."""
        idle = sorted(AFTER_UNFREEZING & given.keys())
        if self.freeze == "all" and idle:
            flag = f"--{idle[0].replace('_', '-')}"
            raise CallError(
                f"{flag} changes nothing together with --freeze all, which is the default. Leave "
                "it out, or unfreeze some layers: --freeze 'until LAYER' or none."
            )
