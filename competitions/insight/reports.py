"""What the class got wrong, read: who may see it, and who may see single labels."""

import json
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import transaction

from competitions import access, audit, files, model_rules
from competitions.access import Person
from competitions.models import Act, Competition, Kind, Member, Mistakes
from competitions.refusals import NotFound, Refused

LISTS = ("disputed", "hardest")


class NotYet(Refused):
    code = "not_yet"
    http_status = 403


@dataclass(frozen=True)
class Report:
    """The report as a worker wrote it; ``told`` is empty where ``note`` says why."""

    told: dict[str, Any]
    note: str
    computed_at: datetime | None


def require_visible(competition: Competition, person: Person) -> None:
    """For editors at any time; for the others here once the final board is published.

    Not for judges before that: they act on teams while these compete. Raises NotYet.
    """
    if access.may_edit(person, competition):
        return
    if competition.published_at is None:
        raise NotYet("What the class got wrong is shown once the final board is published.")
    if not (access.is_organiser(person, competition) or _takes_part(competition, person)):
        raise NotYet("What the class got wrong is for those who took part.")


def read(competition: Competition) -> Report:
    """Without single labels; ask ``require_visible`` before."""
    row = Mistakes.objects.filter(competition=competition).first()
    if row is None:
        return Report({}, "", None)
    told = _present(competition, "path") if row.path else {}
    return Report(told, row.note, row.computed_at)


def labels(competition: Competition, person: Person) -> list[dict[str, Any]]:
    """The images that the fewest teams solved, with their labels; ask ``require_visible`` before.

    Once the final board is published for all. Before, for whoever was given the permission by
    name, and each look is written down. Raises Refused.
    """
    _with_labels(competition)
    if competition.published_at is None:
        _require_labels(competition, person)
        with transaction.atomic():
            held = Competition.objects.locked(competition.pk)
            audit.record(held, person, Kind.LABELS_VIEWED, "of the hardest test images")
    found: list[dict[str, Any]] = _present(competition, "labels_path")["hardest"]
    return found


def thumbnail(competition: Competition, person: Person, which: str, number: int) -> bytes:
    """A PNG from a list of the report; which images are the hardest tells of their labels.

    Those who looked at the list have that written down; its pictures are not, one by one. Raises
    NotFound, and NotYet for who has not looked at the list.
    """
    _with_labels(competition)
    if which == "hardest" and competition.published_at is None:
        _require_labels(competition, person)
        looks = Act.objects.filter(competition=competition, kind=Kind.LABELS_VIEWED)
        if not looks.filter(actor=person.pk).exists():
            raise NotYet("Open the list first; that you looked is written into the audit log.")
    shown = _present(competition, "labels_path" if which == "hardest" else "path")[which]
    is_withheld = bool(model_rules.withheld(competition))  # also by a report of before
    if is_withheld or number >= len(shown) or not shown[number]["thumbnail"]:
        raise NotFound("There is no picture of this image.")
    return b64decode(shown[number]["thumbnail"])


def _with_labels(competition: Competition) -> Mistakes:
    row = Mistakes.objects.filter(competition=competition).exclude(path="").first()
    if row is None:
        raise NotFound("There is no report yet.")
    return row


def _require_labels(competition: Competition, person: Person) -> None:
    if not access.may_view_labels(person, competition):
        raise NotYet(
            "Single test labels are for whoever was given the permission “Can see single test "
            "labels” by name. Whoever runs the site gives it, in the admin."
        )


def _takes_part(competition: Competition, person: Person) -> bool:
    if not person.is_authenticated:
        return False
    return Member.objects.filter(competition=competition, user=person.pk).exists()


def _present(competition: Competition, field: str) -> dict[str, Any]:
    """The report's file. A worker renews it every twenty seconds, and takes the one of before away:
    who has read its name a moment too early reads the name once more. Raises NotFound."""
    for _ in range(2):
        try:
            return _opened(getattr(_with_labels(competition), field))
        except FileNotFoundError:
            continue
    raise NotFound("The report is being renewed. Load the page again.")


@lru_cache(maxsize=8)
def _opened(path: str) -> dict[str, Any]:
    """A report lies under the hash of its content, so that what was read once stays true."""
    found: dict[str, Any] = json.loads(files.read("solutions", path))
    return found
