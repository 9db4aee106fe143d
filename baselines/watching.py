"""Somebody looking on while a model learns: a progress bar, an event file, or nobody."""

from typing import Protocol


class Watch(Protocol):
    def step(self) -> None: ...
    def epoch(self, accuracy: float, **measured: float) -> None:
        """``accuracy`` on the training images, and whatever else the learner measures."""


class Nobody:
    def step(self) -> None: ...
    def epoch(self, accuracy: float, **measured: float) -> None: ...
