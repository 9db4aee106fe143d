"""The numbers of a board from its teams' evidence: pure, and on what is displayed alone.

Scores are taken as they are displayed, so that no digit behind them comes out in another one; the
evidence tells their covariance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from statistics import median

import numpy as np
from numpy.typing import NDArray

from competitions.standings import Rules
from scoring.evidence import Evidence, covariance
from scoring.intervals import Z95
from scoring.rank_sets import RankSets, rank_sets_of
from scoring.shrinkage import expected_on_private

NEAREST = 10  # teams next to the leader, whose differences are the typical ones
FIGURES = 2  # significant ones of what says how sure a score is


@dataclass(frozen=True)
class Entrant:
    """A team in the comparison: its displayed score and what its rows tell."""

    key: int
    score: float
    is_baseline: bool
    evidence: Evidence


@dataclass(frozen=True, eq=False)
class Field:
    """The entrants, best first, and how they compare."""

    entrants: tuple[Entrant, ...]
    scores: NDArray[np.float64]
    covariance: NDArray[np.float64]
    sets: RankSets
    rules: Rules

    @classmethod
    def of(cls, entrants: Sequence[Entrant], rules: Rules) -> "Field":
        scores = np.array([one.score for one in entrants])
        shared = covariance([one.evidence for one in entrants])
        return cls(
            tuple(entrants), scores, shared, rank_sets_of(scores, shared, rules.direction), rules
        )

    @property
    def teams(self) -> list[int]:
        """The places of those who compete. A baseline may lead them, and is no rival."""
        return [at for at, one in enumerate(self.entrants) if not one.is_baseline]

    @property
    def leads(self) -> NDArray[np.float64]:
        """What each team k has over j in the displayed score: float64[S, S], j by k."""
        ordered = self.rules.sign * self.scores
        return np.asarray(ordered[None, :] - ordered[:, None])

    def tied(self) -> list[bool]:
        """Who cannot be told from the best team: the one-sided test of Mogstad and others 2023."""
        far, teams = self.sets.one_sided[:, None] * self.sets.errors, self.teams
        unbeaten: list[bool] = np.all((self.leads <= far)[:, teams], axis=1).tolist()
        return unbeaten

    def expected(self) -> list[float | None]:
        """Each score drawn towards the mean of the teams, rounded as scores are displayed.

        None for a baseline: it was not chosen for being lucky, and the spread of the field is that
        of those who compete.
        """
        teams = self.teams
        drawn = expected_on_private(self.scores[teams], self.covariance[np.ix_(teams, teams)])
        found: list[float | None] = [None] * len(self.entrants)
        for at, score in zip(teams, drawn, strict=True):
            found[at] = self.rules.rounded(float(score))
        return found

    def halves(self) -> list[float]:
        """Half the width of each score's 95 % interval."""
        errors = np.sqrt(np.maximum(np.diag(self.covariance), 0))
        return [coarse(Z95 * float(error), self.rules.decimals) for error in errors]

    def noise(self) -> float | None:
        """What the test calls a real difference to the leader, of the teams nearest to him."""
        leader, *others = self.teams or [0]
        apart = [
            float(self.sets.one_sided[at] * self.sets.errors[leader, at])
            for at in others[:NEAREST]
            if self.sets.errors[leader, at] > 0
        ]
        return coarse(median(apart), self.rules.decimals + 1) if apart else None

    def rank_sets(self, others: int, unread: int = 0) -> list[tuple[int, int]]:
        """From which place to which each entrant may stand among all teams, at 95 %.

        ``others`` teams follow that were not compared. They count as certainly worse where the last
        one compared is: their scores are no better, and their errors are alike. Of ``unread`` ones
        nothing is known.
        """
        far, teams = self.sets.two_sided[:, None] * self.sets.errors, self.teams
        ahead = (self.leads > far)[:, teams].sum(axis=1)
        behind = (-self.leads > far)[:, teams].sum(axis=1)
        beaten = (-self.leads > far)[:, teams[-1]] if teams else np.zeros(0, np.bool_)
        last = len(teams) + unread - behind + np.where(beaten, 0, others)
        return [(1 + int(low), int(high)) for low, high in zip(ahead, last, strict=True)]


def coarse(width: float, decimals: int) -> float:
    """To two significant figures, no finer than these decimals, and never nothing.

    An interval's width is made of the rows too: all its digits would be a second score.

    >>> coarse(0.012345, 4), coarse(0.0567, 2), coarse(0.0, 3)
    (0.012, 0.06, 0.001)
    """
    unit = float(10**-decimals)
    if width <= unit:
        return round(unit, decimals)
    return round(width, min(FIGURES - 1 - floor(log10(width)), decimals))


def around(
    score: float, half: float, rules: Rules, bounds: tuple[float, float]
) -> tuple[float, float]:
    """The interval about the displayed score, within what the metric can be."""
    low, high = max(bounds[0], score - half), min(bounds[1], score + half)
    return min(low, score), max(high, score)
