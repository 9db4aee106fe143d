"""Where a model stands in the line, and how long that may take: reckoned as the claims will go.

Each page of a waiting model asks every few seconds, and hundreds may: the line is reckoned for all
of them at once, about once a second.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from django.core.cache import cache
from django.utils import timezone

from competitions.model_runs import workers
from competitions.model_runs.claiming import MAX_ATTEMPTS, claimable, ordered
from competitions.models import ModelRun, ModelStage
from competitions.models.model_run import LEASED

FORESEEN = 300  # of a longer line only the beginning is reckoned through
RECENT = 20  # runs whose median is what the next one is expected to take
UNKNOWN_SECONDS = 60.0
TRIAL_SECONDS = 5.0
LINE, RECKONED = "models-line", "models-line-reckoned"
FRESH = 1  # seconds
KEPT = 10  # seconds: while one reckons anew the others take what there is


@dataclass(frozen=True)
class Place:
    """A place in the line: 1 is the next; ``seconds`` until its run begins, as far as one knows."""

    position: int
    seconds: float


@dataclass(frozen=True)
class Line:
    """The places by the numbers of the runs; all of them, where the line is not too long."""

    places: dict[int, Place]
    is_whole: bool


def place(run: ModelRun) -> Place | None:
    """None where it does not wait, or too far back to be foreseen. At most a second old."""
    if not _waits(run):
        return None
    is_due = cache.add(RECKONED, True, FRESH)  # true for one in all processes
    line: Line | None = cache.get(LINE)
    if line is None or is_due:
        line = _reckon()
    elif line.is_whole and run.pk not in line.places:
        line = _reckon()  # it came since: its page must not say that it stands nowhere
    return line.places.get(run.pk)


def _waits(run: ModelRun) -> bool:
    """As ``claimable`` has it: the line may still show what was taken or cancelled since."""
    if run.stage in LEASED:
        is_lost = run.lease_until is not None and run.lease_until < timezone.now()
        return is_lost and run.attempt < MAX_ATTEMPTS
    return not run.is_over


def _reckon() -> Line:
    """How many workers there are counts: they work off the line side by side."""
    foreseen = _foreseen()
    recent, devices = _Recent(), len(workers.known() or ()) or 1
    before = sum(recent.rest_of(one) for one in ModelRun.objects.filter(stage__in=LEASED))
    places = {}
    for position, one in enumerate(foreseen, 1):
        places[one.pk] = Place(position, round(before / devices, 1))
        before += recent.expected(one)
    line = Line(places, is_whole=len(foreseen) < FORESEEN)
    cache.set(LINE, line, KEPT)
    return line


def _foreseen() -> list[Any]:
    """The line in the order of the claims: after each the served ones stand further back."""
    left: list[Any] = list(ordered(claimable())[:FORESEEN])
    turns: Counter[tuple[str, int]] = Counter()
    line = []
    while left:
        chosen = min(left, key=lambda one: _key(one, turns))
        left.remove(chosen)
        line.append(chosen)
        turns["challenge", chosen.competition_id] = len(line)
        turns["team", chosen.team_id] = len(line)
    return line


def _key(one: Any, turns: Counter[tuple[str, int]]) -> tuple[Any, ...]:
    return (
        one.comes_first,
        one.challenge_runs,
        turns["challenge", one.competition_id],
        _moment(one.challenge_served),
        one.team_runs,
        turns["team", one.team_id],
        _moment(one.team_served),
        one.queued_at,
        one.pk,
    )


def _moment(at: datetime | None) -> float:
    return 0.0 if at is None else at.timestamp()


class _Recent:
    """What runs took lately, by challenge; asked once for each."""

    def __init__(self) -> None:
        self._known: dict[int, float] = {}

    def expected(self, run: ModelRun) -> float:
        if run.is_trial:
            return TRIAL_SECONDS
        if run.expected_seconds is not None:
            return run.expected_seconds
        return self._median(run.competition_id)

    def rest_of(self, run: ModelRun) -> float:
        """Of a run that is under way."""
        share = run.images_done / run.images_total if run.images_total else 0.0
        return self.expected(run) * (1 - share)

    def _median(self, competition: int) -> float:
        if competition not in self._known:
            done = ModelRun.objects.filter(competition=competition, stage=ModelStage.DONE)
            newest = done.exclude(seconds=None).order_by("-served_at")
            found = [float(took or 0) for took in newest.values_list("seconds", flat=True)[:RECENT]]
            self._known[competition] = median(found) if found else UNKNOWN_SECONDS
        return self._known[competition]
