"""The organiser's answers, compiled once and then only looked up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scoring.answers import Answers, compiled
from scoring.categorical import Categorical
from scoring.errors import SolutionError
from scoring.metrics import Accepts, Truth
from scoring.solution_table import SolutionTable
from scoring.spec import Spec
from scoring.template import ANY_COLUMN, LISTS, Template
from scoring.vocabulary import Vocabulary

Split: TypeAlias = Literal["counted", "public", "private"]
Selection: TypeAlias = slice | NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Solution:
    """Ids and answers in the file's order; masks bool[n] say which rows count where."""

    id_column: str
    label_column: str  # ANY_COLUMN where the solution has one 0/1 column per class
    ids: Vocabulary
    answers: Answers = field(repr=False)
    counted: NDArray[np.bool_] = field(repr=False)
    public: NDArray[np.bool_] = field(repr=False)
    private: NDArray[np.bool_] = field(repr=False)
    groups: Categorical | None = field(default=None, repr=False)

    @classmethod
    def read(
        cls,
        data: bytes,
        *,
        id_column: str | None = None,
        label_column: str | None = None,
        classes: Sequence[str] | None = None,
        spec: Spec | None = None,
        group_column: str | None = None,
    ) -> Self:
        """From CSV: id (the first column unless named), answers and perhaps `Usage`.

        The answers are a label, a set of labels separated by spaces, or one column of 0 and 1 per
        class. A label column is read as `spec` needs it, as one label per row without.
        Raises SolutionError.
        """
        table = SolutionTable.read(data, id_column, label_column, group_column)
        usage = table.usages()
        counted = np.ones(len(table), np.bool_) if usage is None else usage != "ignored"
        nowhere = np.zeros(len(table), np.bool_)
        return cls(
            id_column=table.id_column,
            label_column=table.label_column,
            ids=table.ids,
            answers=compiled(table, classes, spec, counted),
            counted=counted,
            public=nowhere if usage is None else usage == "public",
            private=nowhere if usage is None else usage == "private",
            groups=table.groups,
        )

    @cached_property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.answers.classes)

    @property
    def codes(self) -> NDArray[np.intp]:
        """The class of each row, -1 where a row that never counts has none."""
        return self.answers.codes

    @property
    def has_class_columns(self) -> bool:
        return self.label_column == ANY_COLUMN

    @property
    def has_split(self) -> bool:
        return self.n_public > 0

    @cached_property
    def n_public(self) -> int:
        return int(self.public.sum())

    @cached_property
    def n_private(self) -> int:
        return int(self.private.sum())

    def rows(self, split: Split) -> Selection | None:
        """What selects the rows of a split from an array; None when there are none."""
        return self._rows[split]

    @cached_property
    def _rows(self) -> dict[Split, Selection | None]:
        return {split: _selection(getattr(self, split)) for split in _SPLITS}

    @cached_property
    def _truths(self) -> dict[tuple[Truth, Split], NDArray[Any]]:
        return {}

    def truth(self, kind: Truth, split: Split) -> NDArray[Any]:
        """The answers of a split's rows as a metric wants them, kept for the next submission."""
        if (kind, split) not in self._truths:
            rows = self.rows(split)
            if rows is None:
                raise SolutionError(f"No row of the solution is {split}.")
            self._truths[kind, split] = self.answers.truth(kind)[rows]
        return self._truths[kind, split]

    @cached_property
    def _templates(self) -> dict[tuple[Accepts, int], Template]:
        return {}

    def template(self, accepts: Accepts, depth: int = 1) -> Template:
        """What a participant may know of this form: columns, ids, class names.

        Raises SolutionError where a class could not be written in it.
        """
        key = (accepts, depth)
        if key not in self._templates:
            _refuse_spaces(self.classes, accepts)
            names = self.answers.classes
            columns = (self.label_column,) if accepts.layout != "probabilities" else tuple(names)
            told = self.answers.are_told or accepts.layout == "probabilities"
            self._templates[key] = Template(
                header=(self.id_column, *columns),
                ids=self.ids,
                classes=names,
                layout=accepts.layout,
                numbers=accepts.numbers,
                depth=depth,
                tells_classes=told,
            )
        return self._templates[key]


_SPLITS: tuple[Split, ...] = ("counted", "public", "private")


def _refuse_spaces(classes: Sequence[str], accepts: Accepts) -> None:
    spaced = next((name for name in classes if " " in name), None)
    if spaced is not None and accepts.layout in LISTS:
        raise SolutionError(
            f"The layout '{accepts.layout}' has spaces between the classes, and '{spaced}' holds "
            "one. Rename the class, or choose another layout."
        )


def _selection(mask: NDArray[np.bool_]) -> Selection | None:
    if mask.all():
        return slice(None)
    rows = np.flatnonzero(mask)
    return rows if rows.size else None
