"""Two attacks on a leaderboard, and the world they play in: the tests must see them succeed.

The attacker's model is right in 90 % of the rows and knows for a fifth of them ("uncertain") that
its first guess is right in 55 % and its second in 35 %.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

ROWS, CLASSES = 10_000, 10
BASE, UNCERTAIN, FIRST, SECOND = 0.90, 0.20, 0.55, 0.35
BLOCKS = (1, 2, 3, 4, 8, 16, 32, 64, 128, 256)  # rows that a hill climber changes at a time

# what a board shows for the submission with these public rows right
Display = Callable[[NDArray[np.bool_]], float]


@dataclass(frozen=True)
class World:
    """Which guesses are right; `chosen` says for each uncertain row whether the second is sent."""

    first: NDArray[np.bool_]
    second: NDArray[np.bool_]
    uncertain: NDArray[np.intp]
    public: NDArray[np.bool_]

    @classmethod
    def drawn(cls, seed, n_public=3000):
        draw = np.random.default_rng(seed)
        draw.integers(0, CLASSES, ROWS)  # the true classes: nothing here depends on which
        uncertain = draw.random(ROWS) < UNCERTAIN
        sure = (BASE - UNCERTAIN * FIRST) / (1 - UNCERTAIN)
        chance = draw.random(ROWS)
        draw.integers(1, CLASSES, (2, ROWS))  # nor on which wrong class is guessed
        first = chance < np.where(uncertain, FIRST, sure)
        second = uncertain & (chance >= FIRST) & (chance < FIRST + SECOND)
        public = np.zeros(ROWS, np.bool_)
        public[draw.choice(ROWS, n_public, replace=False)] = True
        return cls(first, second, np.flatnonzero(uncertain), public)

    def scores(self, chosen):
        """The true public and private accuracy."""
        right = self.first.copy()
        right[self.uncertain[chosen]] = self.second[self.uncertain[chosen]]
        return right[self.public].mean(), right[~self.public].mean()

    @cached_property
    def _places(self):
        """For each uncertain row its place among the public ones; one past the end if private."""
        place = np.where(self.public, np.cumsum(self.public) - 1, self.public.sum())
        return place[self.uncertain]

    @cached_property
    def _guesses(self):
        """Which first guesses are right among the public rows, one past the end; which seconds."""
        return np.append(self.first[self.public], False), self.second[self.uncertain]

    def public_rows(self, chosen):
        """Which public rows are right, which is all that a board can see."""
        first, second = self._guesses
        rows = first.copy()
        rows[self._places[chosen]] = second[chosen]
        return rows[:-1]


def boosted(world, queries, seed, display: Display, sigma=0.0):
    """Random choices, then Bayesian least squares on what was shown; the rows finally chosen.

    Blum & Hardt's voting attack by an attacker who knows how sure he is. sigma: the standard
    deviation of what the display leaves out, of the score.
    """
    coins = np.random.default_rng(seed + 1000).random((queries, len(world.uncertain))) < 0.5
    shown = np.array([display(world.public_rows(coin)) for coin in coins])
    n_public = int(world.public.sum())
    share = n_public / ROWS
    variance, mean = 0.9 * share, (SECOND - FIRST) * share  # of a row's part in the public score
    signs = 2.0 * coins - 1
    signs -= signs.mean(axis=0)
    told = (shown - shown.mean()) * 2 * n_public - signs.sum(axis=1) * mean
    ridge = (sigma * 2 * n_public) ** 2 + 1e-6
    if queries > len(world.uncertain):
        square = variance * signs.T @ signs + ridge * np.eye(signs.shape[1])
        weights = np.linalg.solve(square, signs.T @ told)
    else:
        square = variance * signs @ signs.T + ridge * np.eye(queries)
        weights = signs.T @ np.linalg.solve(square, told)
    return mean + variance * weights > 0


def climbed(world, queries, seed, block, display: Display):
    """Change some rows, keep what the board calls better: the last value shown, the rows chosen."""
    draw = np.random.default_rng(seed + 1000)
    chosen = np.zeros(len(world.uncertain), np.bool_)
    best = display(world.public_rows(chosen))
    for _ in range(queries):
        tried = chosen.copy()
        tried[draw.choice(len(tried), block, replace=False)] ^= True
        shown = display(world.public_rows(tried))
        if shown > best + 1e-12:
            best, chosen = shown, tried
    return best, chosen
