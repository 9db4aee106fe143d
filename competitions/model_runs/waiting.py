"""Where a model stands in the line, and how long that may take: reckoned as the claims will go."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from competitions.model_runs.claiming import claimable, ordered
from competitions.models import ModelRun, ModelStage
from competitions.models.model_run import LEASED

FORESEEN = 300  # of a longer line only the beginning is reckoned through
RECENT = 20  # runs whose median is what the next one is expected to take
UNKNOWN_SECONDS = 60.0
TRIAL_SECONDS = 5.0


@dataclass(frozen=True)
class Place:
    """A place in the line: 1 is the next; ``seconds`` until its run begins, as far as one knows."""

    position: int
    seconds: float


def place(run: ModelRun, workers: int = 1) -> Place | None:
    """None where it does not wait. ``workers`` is how many devices work off the line."""
    line = _foreseen()
    ahead = next((at for at, one in enumerate(line) if one.pk == run.pk), None)
    if ahead is None:
        return None
    recent = _Recent()
    busy = sum(recent.rest_of(one) for one in ModelRun.objects.filter(stage__in=LEASED))
    before = sum(recent.expected(one) for one in line[:ahead])
    return Place(ahead + 1, round((busy + before) / max(workers, 1), 1))


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
