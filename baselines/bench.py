"""The recipes measured anew: are their claims true here?"""

import platform
import statistics
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from baselines import catalogue, recipes, train
from baselines.recipes import Recipe
from baselines.train import Result
from baselines.watching import Watch


@dataclass(frozen=True)
class Measured:
    """A recipe over several seeds."""

    recipe: Recipe
    results: tuple[Result, ...]

    @property
    def accuracy(self) -> float:
        return statistics.fmean(one.test_accuracy for one in self.results)

    @property
    def deviation(self) -> float | None:
        """None of a single seed."""
        if len(self.results) < 2:
            return None
        return statistics.stdev(one.test_accuracy for one in self.results)

    @property
    def seconds(self) -> float:
        return statistics.fmean(one.train_seconds for one in self.results)

    @property
    def keeps(self) -> bool:
        return self.accuracy >= self.recipe.accuracy and self.seconds <= self.recipe.seconds

    def as_json(self) -> dict[str, Any]:
        return {
            **asdict(self.recipe), "mean": self.accuracy, "deviation": self.deviation,
            "mean_seconds": self.seconds, "n": len(self.results), "keeps": self.keeps,
            "device": self.results[0].device,
        }  # fmt: skip


def bench(
    names: list[str], root: Path, out: Path, seeds: int, watch: Callable[[str, int], Watch]
) -> Iterator[Measured]:
    """One recipe after the other, its seeds 0, 1, ...; the runs stay below ``out``."""
    for recipe in map(recipes.read, names):
        data = catalogue.dataset(recipe.data, root)
        source = {"data": recipe.data, "root": str(root), "largest": None}
        results = []
        for seed in range(seeds):
            run = train.plan(recipe.arch, data, seed=seed, options=recipe.options, source=source,
                             tuned=False)  # fmt: skip
            bar = watch(f"{recipe.name}, seed {seed}", train.steps(run, data))
            results.append(train.train(run, data, out / f"{recipe.name}-{seed}", bar))
        yield Measured(recipe, tuple(results))


def machine() -> str:
    """Hardware and versions, for whoever reads the figures later."""
    torch = catalogue.named("torch")
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    cores = f"{torch.get_num_threads()} threads on {platform.machine()}"
    return f"{gpu or cores}, Python {platform.python_version()}, torch {torch.__version__}"
