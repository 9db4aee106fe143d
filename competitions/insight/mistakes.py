"""What the class got wrong, from each team's best file: computed by a worker, read by pages.

Before the reveal on the public rows alone: of the private ones nobody is told, not even the host.
Sums over rows are one private file, what tells single labels another one.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Now

from competitions import deadlines, files, model_rules, solutions
from competitions.insight import predictions, thumbnails
from competitions.insight.board import MOST
from competitions.insight.columns import SECONDS
from competitions.insight.confusion import Codes, Crowd, Floats, Grades
from competitions.models import (
    Competition,
    FinalStanding,
    Mistakes,
    Standing,
    State,
    Status,
    Submission,
    Team,
)
from competitions.models.standing import BEST_FIRST
from scoring import Solution, SolutionError

EVERY = timedelta(seconds=20)  # between two reports, however fast the files come
SHOWN = 24  # images of a list
MOST_CLASSES = 200  # a matrix of more is megabytes, and no one reads it
MOST_IN_A_MATRIX = 30  # teams
MOST_PAIRS = 12
NO_CLASSES = (
    "In this challenge a file does not name one class for each image, so nothing can be said of "
    "classes that were confused."
)
NO_FILES = "No team has a valid file yet."
SEVERAL = "The images of this challenge may have several classes, or none."


class Outcome(NamedTuple):
    """A run that is not complete ran out of time, and has written nothing."""

    is_changed: bool = False
    is_complete: bool = True


class Found(NamedTuple):
    """The report, and what tells single labels; or why there is neither."""

    report: dict[str, Any] | None = None
    labels: dict[str, Any] | None = None
    note: str = ""


def refresh(competition_pk: int, seconds: float = SECONDS) -> Outcome:
    """The report of the board as it is now; ``seconds`` go into reading files."""
    rows = Competition.objects.select_related("solution", "custom_metric")
    competition = rows.exclude(state=State.DRAFT).filter(pk=competition_pk).first()
    if competition is None or competition.solution is None:
        return Outcome()
    if not predictions.name_a_class(competition):
        return Outcome(_write(competition, Found(note=NO_CLASSES), {}))
    best, last = _best(competition), _last_valid(competition)
    paths = [path for _team, path in best] + [one.path for one in last]
    known = predictions.read(competition, paths, seconds)
    if any(path not in known for path in paths):
        return Outcome(is_complete=False)
    try:
        found = _found(competition, [(team, known[path]) for team, path in best])
    except SolutionError:
        found = Found(note=SEVERAL)
    dominant = _dominant(last, known, competition.solution.classes)
    return Outcome(_write(competition, found, dominant))


def stale() -> list[int]:
    """The challenges whose report is older than their board, and not from just now."""
    boards = Competition.objects.exclude(state=State.DRAFT).filter(board_version__gt=0)
    older = Q(mistakes__version__lt=F("board_version"))
    revealed = Q(state=State.REVEALED, mistakes__is_final=False)
    is_due = (older | revealed) & Q(mistakes__computed_at__lt=Now() - EVERY)
    return list(boards.filter(Q(mistakes=None) | is_due).values_list("pk", flat=True))


def _best(competition: Competition) -> list[tuple[int, str]]:
    """Team and file, the best first: by the public board, and by the final one once there is one.

    Of hidden scores there is no best file; then it is each team's first one.
    """
    if competition.state == State.REVEALED:
        lines: Any = FinalStanding.objects.filter(competition=competition, rank__isnull=False)
    else:
        lines = Standing.objects.filter(competition=competition, is_baseline=False)
    ordered = lines.order_by(*BEST_FIRST)
    return list(ordered.values_list("team_id", "submission__path")[:MOST])


def _last_valid(competition: Competition) -> list[Submission]:
    valid = Submission.objects.filter(team=OuterRef("pk"), status=Status.SCORED)
    teams = Team.objects.filter(competition=competition, is_baseline=False)
    last = teams.annotate(last=Subquery(valid.order_by("-received_at", "-pk").values("pk")[:1]))
    wanted = last.exclude(last=None).values_list("last", flat=True)[:MOST]
    return list(Submission.objects.filter(pk__in=list(wanted)).only("team_id", "path"))


def _dominant(
    last: Sequence[Submission], known: dict[str, Codes | None], classes: Sequence[str]
) -> dict[str, Any]:
    """Which class each team's last file names most, and how often: from the file alone."""
    found = {}
    for one in last:
        codes = known[one.path]
        if codes is None:
            continue
        most = np.bincount(codes, minlength=len(classes))
        share = round(float(most.max() / len(codes)), 3)
        told = {"submission": one.pk, "class": classes[int(most.argmax())], "share": share}
        found[str(one.team_id)] = told
    return found


def _found(competition: Competition, best: Sequence[tuple[int, Codes | None]]) -> Found:
    read = [(team, codes) for team, codes in best if codes is not None]
    if not read:
        return Found(note=NO_FILES)
    solution = _solution(competition)
    split: Any = "counted" if competition.state == State.REVEALED else "public"
    rows = solution.rows(split)
    crowd = Crowd(
        truth=solution.codes[rows],
        codes=np.stack([codes[rows] for _team, codes in read]),
        classes=len(solution.classes),
    )
    ids = np.arange(len(solution.ids))[rows]
    # Where the test images never leave the server, no copy of them does, however small.
    is_withheld = bool(model_rules.withheld(competition))
    pictures = None if is_withheld else thumbnails.Gallery(competition)
    teams = [team for team, _codes in read]
    report = {**_report(crowd, solution, teams), "split": split}
    report["disputed"] = _disputed(crowd, solution, ids, pictures)
    return Found(report, {"hardest": _hardest(crowd, solution, ids, teams, pictures)})


def _solution(competition: Competition) -> Solution:
    assert competition.solution_id is not None  # noqa: S101  (asked before)
    spec = solutions.spec(competition, files.scoring_limit(competition))
    return solutions.compiled(competition.solution_id, spec)


def _report(crowd: Crowd, solution: Solution, teams: Sequence[int]) -> dict[str, Any]:
    accuracy = crowd.accuracy()
    return {
        "classes": list(solution.classes),
        "rows": len(crowd.truth),
        "teams": list(teams),
        "confusion": _rounded(crowd.confusion) if crowd.classes <= MOST_CLASSES else None,
        "pairs": _pairs(crowd.confusion),
        "support": crowd.mean_counts.sum(axis=1).round().astype(int).tolist(),
        "field": _grades(crowd.mean_counts),
        "best": _grades(crowd.counts(0)),
        "agreement": _agreement(crowd),
        "accuracy": {
            "mean": float(accuracy.mean()),
            "best": float(accuracy[0]),
            "majority": crowd.majority(),
            "oracle": crowd.oracle(),
        },
    }


def _rounded(values: Floats) -> list[Any]:
    found: list[Any] = values.round(4).tolist()
    return found


def _grades(counts: Floats) -> dict[str, list[Any]]:
    grades = Grades.of(counts)
    return {name: _rounded(getattr(grades, name)) for name in ("precision", "recall", "f1")}


def _pairs(confusion: Floats) -> list[list[Any]]:
    """The classes taken for another one most often: true class, answer, share of its images."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    cells = [divmod(int(cell), len(wrong)) for cell in order]
    return [[i, j, round(float(wrong[i, j]), 4)] for i, j in cells if wrong[i, j] > 0]


def _agreement(crowd: Crowd) -> dict[str, Any]:
    teams = range(min(len(crowd.codes), MOST_IN_A_MATRIX))
    matrix = [[round(crowd.agreement(a, b), 4) for b in teams] for a in teams]
    return {"mean": crowd.mean_agreement(), "matrix": matrix if len(teams) > 1 else None}


def _disputed(
    crowd: Crowd, solution: Solution, ids: Any, pictures: thumbnails.Gallery | None
) -> list[dict[str, Any]]:
    """The images on which the teams differ most. Who is right is not told."""
    apart = crowd.disputed()
    order = [int(at) for at in np.argsort(-apart, kind="stable")[:SHOWN] if apart[at] > 0]
    return _shown(crowd, solution, ids, order, pictures)


def _hardest(
    crowd: Crowd,
    solution: Solution,
    ids: Any,
    teams: Sequence[int],
    pictures: thumbnails.Gallery | None,
) -> list[dict[str, Any]]:
    """The images that the fewest teams solved; of those, where most made the same mistake."""
    order = np.lexsort((-crowd.worst_answer(), crowd.solved))[:SHOWN]
    missed = [int(at) for at in order if crowd.solved[at] < len(teams)]
    shown = _shown(crowd, solution, ids, missed, pictures)
    for at, one in zip(missed, shown, strict=True):
        right = np.flatnonzero(crowd.codes[:, at] == crowd.truth[at])
        one["label"] = solution.classes[int(crowd.truth[at])]
        one["solved"] = [teams[int(team)] for team in right]
    return shown


def _shown(
    crowd: Crowd,
    solution: Solution,
    ids: Any,
    rows: Sequence[int],
    pictures: thumbnails.Gallery | None,
) -> list[dict[str, Any]]:
    names = [solution.ids[int(ids[at])] for at in rows]
    drawn = pictures.of(names) if pictures is not None else {}
    return [
        {
            "id": name,
            "answers": _answers(crowd.codes[:, at], solution),
            "thumbnail": b64encode(drawn.get(name, b"")).decode(),
        }
        for name, at in zip(names, rows, strict=True)
    ]


def _answers(codes: Codes, solution: Solution) -> list[list[Any]]:
    """Each class that a team named, and how many did; the most frequent first."""
    named, counts = np.unique(codes, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [[solution.classes[int(named[at])], int(counts[at])] for at in order]


def _write(seen: Competition, found: Found, dominant: dict[str, Any]) -> bool:
    """The files first, then the row that names them, then away with those of before."""
    paths = {"path": _stored(found.report), "labels_path": _stored(found.labels)}
    with transaction.atomic():
        fresh = Competition.objects.locked(seen.pk)
        if (fresh.solution_id, fresh.state) != (seen.solution_id, seen.state):
            return False  # another solution, or the reveal: the sweep comes back to it
        before = Mistakes.objects.filter(competition=fresh).first()
        fields = {
            **paths,
            "version": seen.board_version,
            "is_final": seen.state == State.REVEALED,
            "computed_at": deadlines.clock(fresh),
            "note": found.note,
            "dominant": dominant,
        }
        Mistakes.objects.update_or_create(competition=fresh, defaults=fields)
    if before is not None:
        _forget({before.path, before.labels_path})
    return True


def _stored(told: dict[str, Any] | None) -> str:
    return files.store_bytes("solutions", json.dumps(told).encode()).path if told else ""


def _forget(paths: set[str]) -> None:
    """A file every twenty seconds would fill the disk. Equal contents share one."""
    named = Mistakes.objects.filter(Q(path__in=paths) | Q(labels_path__in=paths))
    kept = {path for row in named for path in (row.path, row.labels_path)}
    for path in paths - kept - {""}:
        files.delete("solutions", path)
