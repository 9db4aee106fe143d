"""What the programs that measure a table of models share: their call, their lines, their intervals.

`python -m baselines.transfer.compare`, its `choose`, and `python -m baselines.classical.measure`.
"""

import argparse
from collections.abc import Sequence

from rich.console import Console

import scoring


class Lines:
    """Lines of a table, printed one by one: a row may take minutes."""

    def __init__(self, form: str, titles: Sequence[str]) -> None:
        self._form, self._console = form, Console(highlight=False, soft_wrap=True)
        self.add(*titles)

    def add(self, *cells: str) -> None:
        self.say(self._form.format(*cells))

    def say(self, line: str) -> None:
        self._console.print(line, markup=False)


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Of a program whose docstring begins with the question that it answers."""
    return argparse.ArgumentParser(description=doc.partition("\n")[0] if doc else None)


def with_interval(share: float, images: int, digits: int) -> tuple[str, str]:
    """The share of so many images that is right, and Wilson's 95 % interval, in per cent."""
    low, high = scoring.wilson(share, images)
    return f"{share:.{digits}%}", f"{low:.{digits}%} to {high:.{digits}%}"
