"""One labelled image of a source, and what a source is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from competitions.pictures.examining import Picture

Part = Literal["", "train", "test"]
Usage = Literal["", "Public", "Private", "Ignored"]


@dataclass(frozen=True)
class Item:
    """An image before it is looked at."""

    name: str  # in the source, for the organiser's eyes
    label: str  # the class; empty where the source does not know it
    part: Part = ""  # the source's own split; empty where it has none
    group: str = ""  # patient, video, ...; empty: by itself
    usage: Usage = ""  # only where the source itself says so


class Source(Protocol):
    @property
    def form(self) -> str:
        """What the source is, in words."""

    @property
    def items(self) -> Sequence[Item]: ...

    def read(self, index: int) -> Picture:
        """The picture of the item at ``index``; raises Refused where it is damaged."""


@dataclass(frozen=True)
class Members:
    """A source whose items are members of a container, under their names."""

    form: str
    items: Sequence[Item]
    container: "Readable"

    def read(self, index: int) -> Picture:
        return self.container.read(self.items[index].name)


class Readable(Protocol):
    def read(self, name: str) -> bytes: ...
