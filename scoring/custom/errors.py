"""What is wrong with the organiser's module, told to the organiser alone."""

from scoring.errors import ScoringError


class MetricError(ScoringError):
    """The organiser's metric cannot be read, or gave no score.

    `sentence` and therefore `str(error)` are this package's own words. `traceback` and `log` are
    text that the metric made while it could see the labels: for the host, never for a participant.
    `line` counts from 1 in the module's source.

    >>> str(MetricError("There is no function 'score'.", 1))
    "Line 1: There is no function 'score'."
    """

    def __init__(
        self, sentence: str, line: int | None = None, traceback: str = "", log: str = ""
    ) -> None:
        self.sentence = sentence
        self.line = line
        self.traceback = traceback
        self.log = log
        super().__init__(sentence, line, traceback, log)

    def __str__(self) -> str:
        return self.sentence if self.line is None else f"Line {self.line}: {self.sentence}"
