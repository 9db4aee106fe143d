"""Looking at single labels of the hidden solution. Nothing else of the site shows one."""

from typing import Any

from competitions import audit, files
from competitions.models import Competition, Kind
from scoring import Solution

Row = tuple[str, str, str]


def look(competition: Competition, search: str, first: int, most: int, by: Any) -> list[Row]:
    """Rows of id, label and usage whose id begins so, in the ids' order from ``first`` on.

    Written down before anything is read: how many were asked for and from which id on, no label.
    """
    solution = competition.solution
    if solution is None:
        return []
    audit.record(competition, by, Kind.LABELS_VIEWED, search=search, first=first + 1, most=most)
    data = files.read("solutions", solution.path)
    known = Solution.read(data, id_column=solution.id_column)
    masks = zip(known.ids, known.codes, known.public, known.private, strict=True)
    rows = [
        (name, known.classes[code] if code >= 0 else "", _usage(public, private))
        for name, code, public, private in masks
        if name.startswith(search)
    ]
    return sorted(rows)[first : first + most]


def _usage(public: bool, private: bool) -> str:
    return "Public" if public else "Private" if private else "Ignored"
