"""What a crowd of files says of the same images: what it confuses, where it agrees, what it misses.

Pure arithmetic on class codes. In blocks of rows, so that a large test set costs time and no room.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

BLOCK = 4096  # rows at a time: 26 MB of votes for 200 teams and 100 classes

Codes = NDArray[np.integer]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Grades:
    """Of each class, float64[K]: precision, recall and their harmonic mean; 0 where undefined."""

    precision: Floats
    recall: Floats
    f1: Floats

    @classmethod
    def of(cls, counts: Floats) -> "Grades":
        """From a confusion matrix of counts: rows are the true classes, columns the answers."""
        right = counts.diagonal()
        precision, recall = _share(right, counts.sum(axis=0)), _share(right, counts.sum(axis=1))
        return cls(precision, recall, _share(2 * precision * recall, precision + recall))


@dataclass(frozen=True, eq=False)
class Crowd:
    """The answers of T teams, the best first, on n rows of K classes.

    ``truth`` is integer[n], ``codes`` integer[T, n], both in [0, K).
    """

    truth: Codes
    codes: Codes
    classes: int

    def counts(self, team: int) -> Floats:
        """The team's confusion matrix [K, K]: true classes in rows."""
        cells = self.truth.astype(np.int64) * self.classes + self.codes[team]
        found = np.bincount(cells, minlength=self.classes**2)
        return found.reshape(self.classes, self.classes).astype(np.float64)

    @cached_property
    def mean_counts(self) -> Floats:
        """The mean of the teams' confusion matrices [K, K]."""
        total = np.zeros((self.classes, self.classes))
        for team in range(len(self.codes)):
            total += self.counts(team)
        return total / len(self.codes)

    @cached_property
    def confusion(self) -> Floats:
        """Of the images of a class, the share that the mean team calls each class [K, K]."""
        return _share(self.mean_counts, self.mean_counts.sum(axis=1, keepdims=True))

    @cached_property
    def solved(self) -> NDArray[np.int64]:
        """How many teams are right, by row [n]."""
        return np.asarray((self.codes == self.truth).sum(axis=0), np.int64)

    def accuracy(self) -> Floats:
        """The share of right answers, by team [T]."""
        return np.asarray((self.codes == self.truth).mean(axis=1), np.float64)

    def majority(self) -> float:
        """The share that a vote of all teams gets right; of a tie the best team's answer counts."""
        return self._right(_winners(votes, self.codes[0, rows]) for rows, votes in self.votes())

    def oracle(self) -> float:
        """The share that at least one team gets right: no combination can be better."""
        return float((self.solved > 0).mean())

    def agreement(self, team: int, other: int) -> float:
        """On what share of the rows both say the same, be it right or wrong."""
        return float((self.codes[team] == self.codes[other]).mean())

    def mean_agreement(self) -> float | None:
        """The mean over all pairs; None of a single team."""
        teams = len(self.codes)
        if teams < 2:
            return None
        same = sum(int((votes * (votes - 1)).sum()) for _rows, votes in self.votes())
        return same / (teams * (teams - 1)) / len(self.truth)

    def disputed(self) -> Floats:
        """How far the answers are apart, by row [n]: their entropy in nats. No label is needed."""
        return np.concatenate([_entropy(votes / len(self.codes)) for _rows, votes in self.votes()])

    def worst_answer(self) -> NDArray[np.int64]:
        """How many teams give the most frequent wrong answer, by row [n]."""
        found = []
        for rows, votes in self.votes():
            wrong = votes.copy()
            wrong[np.arange(len(wrong)), self.truth[rows]] = 0
            found.append(wrong.max(axis=1))
        return np.concatenate(found)

    def votes(self) -> Iterator[tuple[slice, NDArray[np.int64]]]:
        """Blocks of rows, and how many teams name each class in them [rows, K]."""
        for start in range(0, len(self.truth), BLOCK):
            rows = slice(start, start + BLOCK)
            codes = self.codes[:, rows].astype(np.int64)
            width = codes.shape[1]
            cells = codes + self.classes * np.arange(width)
            found = np.bincount(cells.ravel(), minlength=width * self.classes)
            yield rows, found.reshape(width, self.classes)

    def _right(self, answers: Iterator[NDArray[np.int64]]) -> float:
        return float((np.concatenate(list(answers)) == self.truth).mean())


def _winners(votes: NDArray[np.int64], tie: Codes) -> NDArray[np.int64]:
    doubled = 2 * votes
    doubled[np.arange(len(votes)), tie] += 1
    return np.asarray(doubled.argmax(axis=1), np.int64)


def _entropy(shares: Floats) -> Floats:
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.asarray(-(shares * logs).sum(axis=1), np.float64)


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
