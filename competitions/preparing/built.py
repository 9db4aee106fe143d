"""What a preparation makes: the downloads, the split solution, the classes, the leak report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from competitions import files
from competitions.files import Stored
from competitions.preparing import tables
from competitions.preparing.answers import Answers
from competitions.preparing.leaks.report import Line
from competitions.preparing.sprites import Sample


@dataclass(frozen=True)
class Download:
    """A file for participants, stored."""

    name: str
    stored: Stored
    rows: int | None
    description: str


@dataclass(frozen=True)
class Built:
    downloads: list[Download]
    answers: Answers
    classes: tuple[str, ...]
    samples: list[Sample]
    train_images: int
    image_spec: Mapping[str, Any]
    findings: Sequence[Line] = field(default_factory=list)


def train_table(id_column: str, label_column: str, labels: Mapping[str, str]) -> Download:
    """``labels`` has the class of each member of the train archive."""
    table = tables.write((id_column, label_column), sorted(labels.items()))
    stored = files.store_bytes("data", table)
    return Download("train.csv", stored, len(labels), "The class of every training image")


def sample_download(sample: bytes, found: Answers) -> Download:
    stored = files.store_bytes("data", sample)
    return Download(files.SAMPLE, stored, len(found.ids), "The form of a submission, all the same")
