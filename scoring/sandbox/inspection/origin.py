"""What the baselines' export writes into a safetensors file about the model it came from.

`python -m baselines export --format safetensors` keeps the architecture, its keywords, the size of
the images and the classes there, each as JSON. So such a file need not be told its architecture
again, and one that was trained for other images or another order of classes is found at once.
"""

import json
from collections.abc import Mapping
from typing import Any

from scoring.decoding import refuse
from scoring.errors import ProblemCode
from scoring.sandbox.contract import Contract
from scoring.sandbox.inspection.facts import quoted

MAX_TEXT = 1 << 20  # characters of one entry


def origin(metadata: Mapping[str, str], contract: Contract) -> tuple[str, Mapping[str, Any]]:
    """Architecture and keywords, "" and none where the file does not tell.

    Raises InvalidSubmission where the file says that it was made for something else.
    """
    architecture = _value(metadata, "arch")
    arguments = _value(metadata, "model")
    if not isinstance(architecture, str):
        return "", {}
    _refuse_other_images(_value(metadata, "input"), contract)
    _refuse_other_classes(_value(metadata, "classes"), contract)
    keywords = dict(arguments) if isinstance(arguments, dict) else {}
    if _value(metadata, "flips") is True:
        keywords["flips"] = True
    return architecture, keywords


def _value(metadata: Mapping[str, str], name: str) -> Any:
    """None for what is missing or not written by the baselines: others may use the same names."""
    text = metadata.get(name, "")
    try:
        return json.loads(text) if len(text) <= MAX_TEXT else None
    except (ValueError, RecursionError):
        return None


def _refuse_other_images(found: Any, contract: Contract) -> None:
    wanted = [contract.channels, contract.height, contract.width]
    if isinstance(found, list) and found != wanted:
        raise refuse(
            ProblemCode.WRONG_MODEL_INPUT,
            f"The model was trained for images of {_sides(found)} (channels, height, width), and "
            f"this challenge's have {_sides(wanted)}.",
        )


def _refuse_other_classes(found: Any, contract: Contract) -> None:
    if not isinstance(found, list) or found == list(contract.classes):
        return
    names = {name for name in found if isinstance(name, str)}
    strange = sorted(names ^ set(contract.classes))
    what = f"see {quoted(strange[0])}" if strange else "the same ones in another order"
    raise refuse(
        ProblemCode.WRONG_MODEL_CLASSES,
        f"The model was trained for other classes than this challenge's ({what}).",
    )


def _sides(values: list[Any]) -> str:
    return quoted(" x ".join(str(value) for value in values[:4])).strip("'")
