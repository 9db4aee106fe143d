"""The shape of a right answer: everything about a challenge that a participant may know."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath
from typing import Self

from scoring.decoding import MAX_FIELD, admit, records, require_text
from scoring.errors import InvalidSubmission, SolutionError
from scoring.metrics import Accepts, Layout, Numbers
from scoring.spec import Spec
from scoring.vocabulary import Vocabulary

ANY_COLUMN = ""  # in the header: the column's name is the file's own
SOME = 1000  # ids that are looked at for what all have in common
LISTS: tuple[Layout, ...] = ("ranked", "sets")


@dataclass(frozen=True)
class Template:
    """Columns, ids and class names; holds no label, so that anybody may have it.

    Empty `classes` mean that the class names are not known and any label passes. `numbers` says
    which numbers the layouts score and probabilities may hold, `depth` how many labels of a ranked
    list count. Where the class names were taken from a solution, sentences must not tell them:
    then `tells_classes` is false.
    """

    header: tuple[str, ...]
    ids: Sequence[str]
    classes: Sequence[str] = ()
    layout: Layout = "labels"
    numbers: Numbers = "any"
    depth: int = 1
    tells_classes: bool = True

    @property
    def id_column(self) -> str:
        return self.header[0]

    @cached_property
    def id_vocabulary(self) -> Vocabulary:
        return Vocabulary.of(self.ids)

    @cached_property
    def class_vocabulary(self) -> Vocabulary:
        return Vocabulary.of(self.classes)

    @cached_property
    def longest_field(self) -> int:
        """Characters; a list of labels may be as long as all class names together."""
        if self.layout not in LISTS:
            return MAX_FIELD
        return max(MAX_FIELD, sum(len(name) + 1 for name in self.classes))

    @cached_property
    def suffixes(self) -> tuple[str, ...]:
        """The file extensions of the ids, for the hint about a missing one."""
        some = self.ids[:SOME]
        return tuple(sorted({PurePosixPath(name).suffix for name in some} - {""}))

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """How long ids with leading zeros are, for the hint about lost ones."""
        return tuple(sorted({len(name) for name in self.ids[:SOME] if name.startswith("0")}))

    @classmethod
    def read(
        cls,
        sample: bytes,
        *,
        id_column: str | None = None,
        classes: Sequence[str] | None = None,
        layout: Layout | None = None,
        spec: Spec | None = None,
    ) -> Self:
        """From a sample submission, for the layout, else the spec's that has as many columns.

        With neither, two columns hold labels and more hold probabilities. Raises SolutionError for
        a sample that cannot serve as one.
        """
        names, rows = _sample_rows(sample)
        if id_column is not None and id_column not in names:
            raise SolutionError(f"The sample submission has no column '{id_column}'.")
        at = 0 if id_column is None else names.index(id_column)
        ids = Vocabulary(row[at] for row in rows)
        if not ids or len(set(ids)) < len(ids):
            raise SolutionError("The sample submission needs rows, each with an id of its own.")
        header = (names[at], *names[:at], *names[at + 1 :])
        form = _form(len(header), layout, spec)
        if form.layout != "probabilities":
            return cls(header, ids, tuple(classes or ()), form.layout, form.numbers)
        if classes is not None and set(classes) != set(header[1:]):
            raise SolutionError("The sample submission's columns are not the classes given.")
        return cls(header, ids, header[1:], form.layout, form.numbers)


_LABELS = Accepts("labels", "codes")
_PROBABILITIES = Accepts("probabilities", "codes", "shares")


def _form(columns: int, layout: Layout | None, spec: Spec | None) -> Accepts:
    forms = [_LABELS, _PROBABILITIES] if spec is None else list(spec.table_row.accepts)
    if spec is None and layout is not None:
        forms = [replace(_PROBABILITIES if layout == "probabilities" else _LABELS, layout=layout)]
    wanted = [form for form in forms if layout in (None, form.layout)]
    fitting = [form for form in wanted if columns == 2 or form.layout == "probabilities"]
    if not fitting:
        raise SolutionError(
            f"The sample submission has {columns} columns; the layout "
            f"{wanted[0].layout if wanted else layout} has another number."
        )
    return fitting[0]


def _sample_rows(sample: bytes) -> tuple[list[str], list[list[str]]]:
    try:
        text = admit(sample)
        require_text(text)
        names, *rows = [record for _, record in records(text)]
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
