"""Who would move, and by how much: the board now, and as it would be. Public values alone.

What would be is folded as the board itself folds it, so that the preview is what then happens; what
is hidden from everybody or frozen is so here too.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from competitions import leaderboard, snapshots, standings
from competitions.models import Competition, PublicScore, Rescoring, Standing, Team
from competitions.rescoring.settings import Settings, rescored
from scoring import displayed, rank


@dataclass(frozen=True)
class Who:
    """A team as the preview names it: its row would carry its whole line along."""

    pk: int
    name: str
    is_baseline: bool

    @classmethod
    def of(cls, team: Team) -> "Who":
        return cls(team.pk, team.name, team.is_baseline)


@dataclass(frozen=True)
class Place:
    """A line of one of the two boards; no rank for a baseline, no score while they are hidden."""

    rank: int | None
    score: str


@dataclass(frozen=True)
class Move:
    """A team before and after; ``old`` or ``new`` is None where it has no line."""

    team: Who
    old: Place | None
    new: Place | None

    @property
    def moved(self) -> int | None:
        """Places gained; None without a rank on both boards."""
        before, after = self.ranks
        return None if before is None or after is None else before - after

    @property
    def lost(self) -> int | None:
        """Places lost."""
        return None if self.moved is None else -self.moved

    @property
    def is_a_change(self) -> bool:
        """Of the place; another score alone is none."""
        before, after = self.ranks
        return before != after or (self.old is None) != (self.new is None)

    @property
    def is_scored_otherwise(self) -> bool:
        return (self.old and self.old.score) != (self.new and self.new.score)

    @property
    def ranks(self) -> tuple[int | None, int | None]:
        return self.old.rank if self.old else None, self.new.rank if self.new else None


@dataclass(frozen=True)
class Preview:
    """``moves`` has every team, in the new order, those without a new line at the end."""

    moves: list[Move]
    unscorable: int
    first_before: list[Who]
    first_after: list[Who]

    @property
    def moving(self) -> int:
        """How many teams get another place."""
        return sum(move.is_a_change for move in self.moves)

    @property
    def leaving(self) -> int:
        """How many teams would stand on the board no more."""
        return sum(move.new is None for move in self.moves)

    @property
    def has_scores(self) -> bool:
        """Whether the board shows any; what it hides is hidden here too."""
        return any(place and place.score for one in self.moves for place in (one.old, one.new))

    @property
    def first_no_more(self) -> list[Who]:
        return [team for team in self.first_before if team not in self.first_after]

    @property
    def has_new_leader(self) -> bool:
        return set(self.first_before) != set(self.first_after)


def preview(rescoring: Rescoring) -> Preview:
    """Of a rescoring that has a solution to score with; of an applied one nothing would move.

    It reads every score, so it is kept until the board or the scores are others.
    """
    name = f"rescoring-{rescoring.pk}"
    return snapshots.latest(name, _version(rescoring), lambda: _made(rescoring))


def _version(rescoring: Rescoring) -> str:
    competition = Competition.objects.select_related("solution", "custom_metric").get(
        pk=rescoring.competition_id
    )
    scores = PublicScore.objects.filter(
        solution=rescoring.after_id, submission__team__competition=competition
    )
    counts = (scores.count(), rescoring.unscorable.count())
    parts = (leaderboard.version_of(competition), rescoring.stage, *counts)
    return "-".join(map(str, parts))


def _made(rescoring: Rescoring) -> Preview:
    found = Standing.objects.filter(competition=rescoring.competition_id).select_related("team")
    now = {one.team_id: one for one in found.defer("curve")}
    then = {one.team_id: one for one in standings.would_be(rescored(rescoring))}
    old = _places(now.values(), Settings.before(rescoring).decimals)
    new = _places(then.values(), Settings.after(rescoring).decimals)
    gone = [one for pk, one in now.items() if pk not in then]
    in_order = sorted(then.values(), key=_order) + sorted(gone, key=_order)
    return Preview(
        moves=[
            Move(Who.of(one.team), old.get(one.team_id), new.get(one.team_id)) for one in in_order
        ],
        unscorable=rescoring.unscorable.count(),
        first_before=_first(now, old),
        first_after=_first(then, new),
    )


def _places(lines: Iterable[Standing], decimals: int) -> dict[int, Place]:
    """By team: ranked on what is displayed, as the board ranks."""
    lines = list(lines)
    ranked = [one for one in lines if not one.is_baseline and one.sort_key is not None]
    places = rank([one.sort_key for one in ranked if one.sort_key is not None])
    ranks = {one.team_id: place for one, place in zip(ranked, places, strict=True)}
    return {
        one.team_id: Place(
            ranks.get(one.team_id),
            "" if one.score is None else displayed(one.score, decimals),
        )
        for one in lines
    }


def _order(line: Standing) -> tuple[float, object, int]:
    return (0.0 if line.sort_key is None else -line.sort_key, line.reached_at, line.team_id)


def _first(lines: dict[int, Standing], places: dict[int, Place]) -> list[Who]:
    return [Who.of(lines[pk].team) for pk, place in places.items() if place.rank == 1]
