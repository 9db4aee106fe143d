"""How a run ended, in words for the team.

Nothing that a job says after it has seen the images is quoted, and of formats that carry code
nothing at all: what runs in there may be the team's, and a word could carry a test image.
"""

import re
import signal
from collections.abc import Mapping, Sequence
from typing import Any

from scoring.sandbox.contract import Budgets, Contract, Ending, Format, Outcome
from scoring.sandbox.protocol import Step, Trouble

_MAX_QUOTED = 400  # characters
_LARGEST = 1 << 62


def too_large(size: int, budgets: Budgets) -> Outcome:
    return _refused(f"The file has {size:,} bytes; this challenge allows {budgets.file_bytes:,}.")


def timed_out(contract: Contract, answered: int, total: int) -> Outcome:
    message = f"The model did not end within {contract.budgets.seconds:g} seconds"
    message += f": {answered} of {total} images were answered." if answered else "."
    return Outcome(Ending.TIMED_OUT, message, answered)


def cancelled() -> Outcome:
    return Outcome(Ending.CANCELLED, "The run was cancelled.")


def unavailable(why: str) -> Outcome:
    return Outcome(Ending.UNAVAILABLE, why)


def out_of_memory(contract: Contract) -> Outcome:
    most = contract.budgets.memory_bytes >> 20
    return Outcome(Ending.OUT_OF_MEMORY, f"The model needs more than {most} MiB of memory.")


def of_death(status: int, contract: Contract) -> Outcome:
    """Of a process that ended without a verdict; `status` is negative for a signal.

    SIGKILL that was not the server's is the kernel's, when memory runs out.
    """
    if status == -signal.SIGKILL:
        return out_of_memory(contract)
    if status == -signal.SIGXCPU:
        return timed_out(contract, 0, 0)
    return Outcome(Ending.CRASHED, "The model's process ended before its answers were complete.")


def nonsense() -> Outcome:
    return Outcome(Ending.CRASHED, "The model's process did not keep to the protocol.")


def of_trouble(reply: Mapping[str, Any], kind: Format, contract: Contract) -> Outcome:
    """Of a model that was not loaded, or did not answer noise."""
    try:
        trouble = Trouble(reply["trouble"])
    except (KeyError, ValueError):
        return nonsense()
    if trouble is Trouble.OUT_OF_MEMORY:
        return out_of_memory(contract)
    if trouble is Trouble.MISSING_PACKAGE:
        return unavailable(f"This machine does not run {kind}: its library is not installed.")
    said = "" if kind.carries_code else _quoted(reply.get("detail"))
    sides = (contract.channels, contract.height, contract.width)
    if trouble is Trouble.WRONG_OUTPUT:
        wanted = f"[N, {len(contract.classes)}]"
        return _refused(
            f"The model answers with {_shape(reply.get('numbers'))}. It must answer with logits "
            f"{wanted}, a number for each class, as 32-bit floats."
        )
    sentences = {
        Trouble.UNREADABLE: f"The file cannot be loaded as {kind}.",
        Trouble.UNKNOWN_ARCHITECTURE: "The architecture cannot be built.",
        Trouble.WRONG_INPUT: (
            f"The model does not take float32 images {['N', *sides]}.".replace("'", "")
        ),
        Trouble.FAILED: (
            f"The model fails at its first images, which are noise of the shape [N, {sides[0]}, "
            f"{sides[1]}, {sides[2]}]."
        ),
    }
    return _refused(sentences[trouble] + said)


def of_budgets(parameters: int | None, macs: int | None, budgets: Budgets) -> Outcome | None:
    """None where the model keeps them. What could not be counted does not keep a budget."""
    for count, most, what in (
        (parameters, budgets.parameters, "stored numbers"),
        (macs, budgets.macs, "multiply-accumulates for one image"),
    ):
        if most is None:
            continue
        if count is None:
            return _refused(
                f"The model's {what} cannot be counted, and this challenge allows {most:,}. Are "
                "all shapes in the graph known?"
            )
        if count > most:
            return _refused(f"The model has {count:,} {what}; this challenge allows {most:,}.")
    return None


def of_step(step: Step, contract: Contract) -> Outcome:
    """Of a model that had the images and did not finish them."""
    if step is Step.OUT_OF_MEMORY:
        return out_of_memory(contract)
    if step is Step.NOT_FINITE:
        return _refused("The model answered an image with something else than finite numbers.")
    if step is Step.WRONG_SHAPE:
        return _refused("The model changed the shape of its answers in the course of the run.")
    return Outcome(Ending.CRASHED, "The model failed in the course of the run.")


def count(value: Any) -> int | None:
    """A number that a job has said, if it can be one of parameters or operations."""
    return value if type(value) is int and 0 <= value < _LARGEST else None


def _shape(numbers: Any) -> str:
    if isinstance(numbers, Sequence) and 0 < len(numbers) <= 8:
        sides = [count(number) for number in numbers]
        if None not in sides:
            return f"numbers of the shape {sides}"
    return "something else than one array"


def _quoted(detail: Any) -> str:
    """One line of what the library complained of, without control characters."""
    if not isinstance(detail, str) or not detail:
        return ""
    text = re.sub(r"[^ -~]+", " ", detail).strip()
    return f" The library says: {text[:_MAX_QUOTED]}" if text else ""


def _refused(message: str) -> Outcome:
    return Outcome(Ending.REFUSED, message)
