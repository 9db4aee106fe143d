"""What goes into a model and what comes out, held against the contract."""

from dataclasses import dataclass

from scoring.decoding import refuse
from scoring.errors import InvalidSubmission, ProblemCode
from scoring.sandbox.contract import Contract
from scoring.sandbox.inspection.facts import quoted

Dimension = int | str | None  # a number, or the name of one that is open, which may be missing


@dataclass(frozen=True)
class Value:
    """One input or output; `shape` is None where the file does not tell it."""

    name: str
    is_float32: bool
    shape: tuple[Dimension, ...] | None


def fixed_batch(inputs: list[Value], outputs: list[Value], contract: Contract) -> int | None:
    """The only number of images at a time that the model takes, or None where it takes any.

    Raises InvalidSubmission where the model cannot keep the contract.
    """
    return _input_batch(_only(inputs, ProblemCode.WRONG_MODEL_INPUT, "input"), contract) or (
        _output_batch(_only(outputs, ProblemCode.WRONG_MODEL_OUTPUT, "output"), contract)
    )


def _only(values: list[Value], code: ProblemCode, what: str) -> Value:
    if len(values) == 1:
        return values[0]
    names = ", ".join(quoted(value.name) for value in values[:4])
    found = (
        f"has {len(values)}: {names}{' ...' if len(values) > 4 else ''}" if names else "has none"
    )
    wanted = {
        "input": "one input, the images",
        "output": "one output, a number per class. Cut labels and further outputs off",
    }
    raise refuse(code, f"The model {found}. It needs exactly {wanted[what]}.")


def _input_batch(value: Value, contract: Contract) -> int | None:
    sides = (contract.channels, contract.height, contract.width)
    code = ProblemCode.WRONG_MODEL_INPUT
    wanted = f"float32 ({', '.join(map(str, ('N', *sides)))})"
    if not value.is_float32:
        raise refuse(code, f"The input must be {wanted}, and it is of another type of number.")
    if value.shape is None:
        return None
    if len(value.shape) == 4 and _fits(value.shape[1:], sides):
        return _number(value.shape[0], code)
    told = f"The input must be {wanted}, and it is {_text(value.shape)}."
    if len(value.shape) == 4 and _fits(value.shape[1:], (*sides[1:], sides[0])):
        told += " The channels come first here: put a transpose in front of the model."
    elif len(value.shape) == 2:
        told += " Put a flattening of the images in front of the model."
    raise refuse(code, told)


def _output_batch(value: Value, contract: Contract) -> int | None:
    classes = len(contract.classes)
    code = ProblemCode.WRONG_MODEL_OUTPUT
    wanted = f"float32 (N, {classes}), one number for each of the {classes} classes"
    if not value.is_float32:
        raise refuse(code, f"The output must be {wanted}, and it is of another type.")
    if value.shape is None:
        return None
    if len(value.shape) != 2 or not _fits(value.shape[1:], (classes,)):
        raise refuse(code, f"The output must be {wanted}; it is {_text(value.shape)}.")
    return _number(value.shape[0], code)


def _fits(shape: tuple[Dimension, ...], wanted: tuple[int, ...]) -> bool:
    return all(
        not isinstance(found, int) or found == side
        for found, side in zip(shape, wanted, strict=True)
    )


def _number(batch: Dimension, code: ProblemCode) -> int | None:
    if not isinstance(batch, int):
        return None
    if batch < 1:
        raise _no_images(code)
    return batch


def _no_images(code: ProblemCode) -> InvalidSubmission:
    return refuse(code, "The model takes no images at a time: its batch size is fixed at 0.")


def _text(shape: tuple[Dimension, ...]) -> str:
    named = (str(side) if isinstance(side, int) else (side or "?") for side in shape[:6])
    inside = ", ".join(quoted(name).strip("'\"") for name in named)
    return f"({inside}{', ...' if len(shape) > 6 else ''})"
