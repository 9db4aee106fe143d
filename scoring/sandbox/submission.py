"""A model's logits as the file that its team could have sent, scored by the path of any CSV."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.decoding import refuse
from scoring.errors import ProblemCode, SpecError
from scoring.sandbox.contract import Contract
from scoring.template import ANY_COLUMN, Template

POSITIVE = "1"  # the class whose probability a column of scores holds

Logits = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]


def submission_csv(
    logits: Logits, ids: Sequence[str], contract: Contract, template: Template
) -> bytes:
    """One row for each image in the template's form; the image of row i of `logits` is `ids[i]`.

    Logits are float (N, K), K the contract's classes in their order. Labels and ranked lists are
    by the largest logit, of equal ones the first. Probabilities are a softmax, or a sigmoid for
    each class where several may be right; sets hold the classes whose sigmoid is above one half.
    Probabilities are rounded to 32 bits, in which networks compute them, and written with the
    digits that tell each such number from its neighbours (Steele and White 1990): a file made from
    the same logits elsewhere has the same order and the same score.

    Raises InvalidSubmission for logits that are no answer, SpecError where the images or the
    classes are not the template's.
    """
    _check(logits, ids, contract, template)
    values = np.asarray(logits, np.float64)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_header(template))
    cells = _cells(values, contract, template)
    writer.writerows([name, *row] for name, row in zip(ids, cells, strict=True))
    return text.getvalue().encode()


def softmax(logits: Floats) -> Floats:
    """Row by row; the largest logit is taken off first, so that no exponential is infinite.

    >>> softmax(np.array([[1000.0, 1000.0, -1000.0]])).tolist()
    [[0.5, 0.5, 0.0]]
    """
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + exp(-x)), computed from exp of numbers below 0, which cannot overflow.

    >>> sigmoid(np.array([0.0, 1000.0, -1000.0])).tolist()
    [0.5, 1.0, 0.0]
    """
    powers = np.exp(-np.abs(logits))
    return np.asarray(np.where(logits >= 0, 1 / (1 + powers), powers / (1 + powers)))


def _check(logits: Logits, ids: Sequence[str], contract: Contract, template: Template) -> None:
    if logits.ndim != 2 or logits.shape != (len(ids), len(contract.classes)):
        raise refuse(
            ProblemCode.BAD_MODEL_ANSWERS,
            f"The model must give ({len(ids)}, {len(contract.classes)}) numbers, a row for each "
            f"image and a column for each class; it gave {tuple(logits.shape)}.",
        )
    if not np.isfinite(logits).all():
        rows = int((~np.isfinite(logits)).any(axis=1).sum())
        raise refuse(
            ProblemCode.BAD_MODEL_ANSWERS,
            f"The model answers {rows} of {len(ids)} images with numbers that are infinite or not "
            "a number (NaN). Look for a division by 0, a logarithm of 0 or 16-bit overflow.",
        )
    if len(set(ids)) < len(ids) or set(ids) != set(template.ids):
        raise SpecError("The images are not those that the solution or the sample names.")
    if template.classes and (strange := set(template.classes) ^ set(contract.classes)):
        raise SpecError(
            f"The model's classes are not the challenge's (see '{min(strange)}'). Mend the list in "
            "[model]."
        )


def _header(template: Template) -> list[str]:
    name = "score" if template.layout == "score" else "label"
    return [column if column != ANY_COLUMN else name for column in template.header]


def _cells(logits: Floats, contract: Contract, template: Template) -> list[list[str]]:
    """What stands beside each id."""
    match template.layout:
        case "labels":
            return [[contract.classes[code]] for code in logits.argmax(axis=1).tolist()]
        case "ranked":
            best = (-logits).argsort(axis=1, kind="stable")[:, : template.depth]
            return [_joined(contract, row) for row in best.tolist()]
        case "sets":
            return [_joined(contract, np.flatnonzero(row).tolist()) for row in logits > 0]
        case "score":
            return _written(_shares(logits, contract)[:, [_positive(contract)]])
        case "probabilities":
            order = [contract.classes.index(name) for name in template.header[1:]]
            binary = template.numbers == "binary"
            shares = (_marks if binary else _shares)(logits, contract)
            return _written(shares[:, order])


def _joined(contract: Contract, codes: list[int]) -> list[str]:
    return [" ".join(contract.classes[code] for code in codes)]


def _shares(logits: Floats, contract: Contract) -> NDArray[np.float32]:
    found = sigmoid(logits) if contract.several else softmax(logits)
    return found.astype(np.float32)


def _marks(logits: Floats, contract: Contract) -> NDArray[np.int8]:
    if contract.several:
        return (logits > 0).astype(np.int8)
    best = np.zeros(logits.shape, np.int8)
    best[np.arange(len(logits)), logits.argmax(axis=1)] = 1
    return best


def _written(values: NDArray[Any]) -> list[list[str]]:
    cells: list[list[str]] = values.astype(np.str_).tolist()
    return cells


def _positive(contract: Contract) -> int:
    if set(contract.classes) != {"0", POSITIVE}:
        raise SpecError(
            "One number per image can be made from the classes 0 and 1 only. Choose a layout with "
            "labels or a column for each class."
        )
    return contract.classes.index(POSITIVE)
