"""What one look at a file's head tells, whatever its format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scoring.decoding import refuse
from scoring.errors import InvalidSubmission, ProblemCode
from scoring.sandbox.contract import Contract

LONGEST_QUOTE = 60  # characters of the file's own words in a sentence


@dataclass(frozen=True)
class Facts:
    """`parameters` is None where only loading tells; `batch` where any number of images fits.

    Parameters are the numbers that a file stores to calculate with, running statistics among them,
    as the sandbox counts them: a budget is about what is stored, and names cannot be trusted.
    """

    parameters: int | None = None
    batch: int | None = None  # images that it takes at a time, and no other number
    architecture: str = ""  # where the file names its own
    arguments: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, str | int] = field(default_factory=dict)  # for people: words and numbers


def quoted(text: str) -> str:
    """Words of the file in a sentence of ours: one line, in quotation marks, not too long."""
    cut = text if len(text) <= LONGEST_QUOTE else f"{text[: LONGEST_QUOTE - 3]}..."
    return ascii(cut)


def damaged(what: str) -> InvalidSubmission:
    return refuse(
        ProblemCode.DAMAGED_MODEL,
        f"The model's file is damaged: {what} Export it again, and look whether the upload was "
        "whole.",
    )


def too_complex(what: str) -> InvalidSubmission:
    return refuse(ProblemCode.MODEL_TOO_COMPLEX, f"{what} No network for images needs that.")


def refuse_too_many(parameters: int | None, contract: Contract) -> None:
    """Raises InvalidSubmission where the challenge allows fewer."""
    most = contract.budgets.parameters
    if most is not None and parameters is not None and parameters > most:
        raise refuse(
            ProblemCode.TOO_MANY_PARAMETERS,
            f"The model stores {parameters} numbers, and this challenge allows {most} parameters. "
            "Train a smaller one.",
        )
