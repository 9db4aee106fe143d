"""The report's lines as they are stored: numbers in the row, pictures in a private file.

An example names images and classes of the test set too, so it lies where the solution lies and is
opened by one page of the admin alone.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from competitions import files
from competitions.models import Competition, Finding, FindingKind, Remedy
from competitions.pictures.examining import thumbnails
from competitions.preparing.leaks.finding import Found, Look, Set
from competitions.preparing.sources import Item

SHOWN_SETS, SHOWN_OF_A_SET = 24, 4


@dataclass(frozen=True)
class Line:
    """A finding before it has a row."""

    kind: FindingKind
    images: int
    counts: Mapping[str, Any]
    examples: str
    remedy: Remedy
    is_automatic: bool


def lines(
    found: Sequence[Found],
    chosen: Mapping[FindingKind, str],
    wanted: Mapping[str, str],
    look: Look,
    items: Sequence[Item],
) -> list[Line]:
    """``chosen`` is the remedy of each kind, ``wanted`` what a person has decided of them."""
    return [
        Line(
            each.kind,
            each.images,
            each.counts,
            _stored(each, look, items),
            Remedy(chosen[each.kind]),
            is_automatic=not wanted.get(each.kind) and chosen[each.kind] != Remedy.OPEN,
        )
        for each in found
    ]


def replace(competition: Competition, new: Sequence[Line]) -> None:
    """The report of these files instead of the last ones'; in the caller's transaction."""
    Finding.objects.filter(competition=competition).delete()
    Finding.objects.bulk_create(
        Finding(
            competition=competition,
            kind=line.kind,
            images=line.images,
            counts=dict(line.counts),
            examples=line.examples,
            remedy=line.remedy,
            is_automatic=line.is_automatic,
        )
        for line in new
    )


def examples(finding: Finding) -> list[list[dict[str, str]]]:
    """Sets of ``{"name", "part", "label", "thumbnail"}``; the last in base64, or empty."""
    if not finding.examples:
        return []
    found: list[list[dict[str, str]]] = json.loads(files.read("solutions", finding.examples))
    return found


def _stored(found: Found, look: Look, items: Sequence[Item]) -> str:
    shown = [each[:SHOWN_OF_A_SET] for each in _worst_first(found.sets, look)[:SHOWN_SETS]]
    if not shown:
        return ""
    told = list(_told(shown, look, items))
    return files.store_bytes("solutions", json.dumps(told).encode()).path


def _worst_first(sets: Sequence[Set], look: Look) -> list[Set]:
    """What lies on both sides of the split gives the most away."""
    return sorted(sets, key=lambda each: -len({look.parts[i] for i in each}))


def _told(
    shown: Sequence[Set], look: Look, items: Sequence[Item]
) -> Iterator[list[dict[str, str]]]:
    wanted = [i for each in shown for i in each if i not in look.survey.unreadable]
    small = dict(zip(wanted, thumbnails([look.survey.data(i) for i in wanted]), strict=True))
    for each in shown:
        yield [
            {
                "name": items[i].name,
                "part": look.parts[i],
                "label": look.labels[i],
                "thumbnail": b64encode(small.get(i, b"")).decode(),
            }
            for i in each
        ]
