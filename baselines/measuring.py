"""What the programs that measure a table of models share: their call, their lines, their intervals.

`python -m baselines.transfer.compare` and `python -m baselines.classical.measure` are two of them.
"""

import argparse
from collections.abc import Sequence

from rich.console import Console

import scoring
from baselines.catalogue import Classifier
from baselines.data.dataset import Dataset
from baselines.train import accuracy


class Lines:
    """Lines of a table, printed one by one: a row may take minutes."""

    def __init__(self, form: str, titles: Sequence[str]) -> None:
        self._form, self._console = form, Console(highlight=False, soft_wrap=True)
        self.add(*titles)

    def add(self, *cells: str) -> None:
        self._console.print(self._form.format(*cells), markup=False)


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Of a program whose docstring begins with the question that it answers."""
    return argparse.ArgumentParser(description=doc.partition("\n")[0] if doc else None)


def measured(model: Classifier, data: Dataset, digits: int) -> tuple[str, str]:
    """The share of the held-out images that is right, and Wilson's 95 % interval, in per cent."""
    share = accuracy(model, data.test)
    low, high = scoring.wilson(share, len(data.test))
    return f"{share:.{digits}%}", f"{low:.{digits}%} to {high:.{digits}%}"
