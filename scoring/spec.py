"""What is asked of a submission: the metric, and everything a participant may know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, Self

from scoring.decoding import MAX_BYTES, decode, records
from scoring.errors import InvalidSubmission, SolutionError, SpecError
from scoring.metrics import METRICS, Layout


@dataclass(frozen=True)
class Spec:
    """How a challenge is scored."""

    metric: str
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    max_bytes: int = MAX_BYTES

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise SpecError(
                f"There is no metric '{self.metric}'. Choose one of: {', '.join(METRICS)}."
            )
        if unknown := set(self.parameters) - set(METRICS[self.metric].parameters):
            raise SpecError(
                f"The metric '{self.metric}' does not take the parameter "
                f"'{min(unknown)}'. Leave it out."
            )


@dataclass(frozen=True)
class Template:
    """The shape of a right answer; holds no label, so that anybody may have it.

    Empty `classes` mean that the class names are not known and any label passes.
    """

    header: tuple[str, ...]
    ids: tuple[str, ...]
    classes: tuple[str, ...] = ()
    layout: Layout = "labels"

    @property
    def id_column(self) -> str:
        return self.header[0]

    @cached_property
    def positions(self) -> dict[str, int]:
        """Id to its place in `ids`."""
        return {name: at for at, name in enumerate(self.ids)}

    @cached_property
    def codes(self) -> dict[str, int]:
        """Class name to its place in `classes`."""
        return {name: at for at, name in enumerate(self.classes)}

    @cached_property
    def by_stem(self) -> dict[str, str]:
        """File name without extension to the id, for the hint about a missing extension."""
        return {PurePosixPath(name).stem: name for name in self.ids if "." in name}

    @cached_property
    def by_number(self) -> dict[str, str]:
        """Id without leading zeros to the id, for those whom a spreadsheet cost the zeros."""
        return {name.lstrip("0"): name for name in self.ids if name.startswith("0")}

    @classmethod
    def read(
        cls,
        sample: bytes,
        *,
        id_column: str | None = None,
        classes: Sequence[str] | None = None,
    ) -> Self:
        """From a sample submission: two columns hold labels, more hold probabilities."""
        names, rows = _sample_rows(sample)
        if id_column is not None and id_column not in names:
            raise SolutionError(f"The sample submission has no column '{id_column}'.")
        at = 0 if id_column is None else names.index(id_column)
        ids = tuple(row[at] for row in rows)
        if not ids or len(set(ids)) < len(ids):
            raise SolutionError("The sample submission needs rows, each with an id of its own.")
        header = (names[at], *names[:at], *names[at + 1 :])
        if len(header) == 2:
            return cls(header, ids, tuple(classes or ()))
        if classes is not None and set(classes) != set(header[1:]):
            raise SolutionError("The sample submission's columns are not the classes given.")
        return cls(header, ids, header[1:], "probabilities")


def _sample_rows(sample: bytes) -> tuple[list[str], list[list[str]]]:
    try:
        names, *rows = [record for _, record in records(decode(sample))]
    except InvalidSubmission as error:
        raise SolutionError(f"The sample submission cannot be read. {error}") from None
    if len(names) < 2 or len(set(names)) < len(names):
        raise SolutionError(
            "The sample submission needs an id column and at least one more, "
            "each with a name of its own."
        )
    if any(len(row) != len(names) for row in rows):
        raise SolutionError("A line of the sample submission has too many or too few values.")
    return names, rows
