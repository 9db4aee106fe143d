"""What stands on the page, and in which order?"""

import copy
from pathlib import Path

from torch import nn

from baselines.data.dataset import Labels, Pixels
from baselines.errors import BaselineError
from baselines.explain import (
    answers,
    attribution,
    calibration,
    feature_maps,
    filters,
    layers,
    mistakes,
    page,
)
from baselines.models.layers import Mirrored


def explain(
    network: nn.Module,
    pixels: Pixels,
    labels: Labels,
    classes: tuple[str, ...],
    out: Path,
    *,
    title: str,
    flips: bool = False,
    gallery: int = 24,
    seed: int = 0,
) -> Path:
    """Write the page about a trained network to the folder `out`; returns the page's path.

    The network takes images in [0, 1], (N, C, H, W), and gives a score per class. The images should
    be ones it was not trained on: on those it was, it looks better than it is. With ``flips`` its
    answers are the mean over an image and its mirror image; where it looks is asked of the image.
    """
    _check(pixels, labels, classes)
    studied = _copy(network)
    asked = Mirrored(studied) if flips else studied
    given = answers.ask(asked, pixels, labels, len(classes))
    convolutions = layers.convolutions(studied, answers.floats(studied, pixels[:1]))
    found = {
        "result": answers.result(studied, given),
        "filters": filters.first_layer(studied, convolutions, pixels.shape[1:]),
        "maps": feature_maps.compare(studied, convolutions, pixels, given),
        "attribution": attribution.examples(studied, convolutions, pixels, given, seed),
        "confusion": mistakes.confusion(pixels, given, len(classes)),
        "gallery": mistakes.gallery(pixels, given, gallery),
        "calibration": calibration.calibration(given, seed),
    }
    return page.write(out, title=title, classes=classes, side=max(pixels.shape[2:]), **found)


def _copy(network: nn.Module) -> nn.Module:
    """A copy, so that what we hang on it leaves the caller's network as it was."""
    studied = copy.deepcopy(network).eval().requires_grad_(False)
    for module in studied.modules():
        if getattr(module, "inplace", False):
            # else a ReLU overwrites the map of the convolution before it, which we want to see
            module.inplace = False  # type: ignore[assignment]
    return studied


def _check(pixels: Pixels, labels: Labels, classes: tuple[str, ...]) -> None:
    problem = _problem(pixels, labels, classes)
    if problem:
        raise BaselineError(problem)


def _problem(pixels: Pixels, labels: Labels, classes: tuple[str, ...]) -> str | None:
    if pixels.ndim != 4 or pixels.dtype != "uint8" or pixels.shape[1] not in (1, 3):
        return (
            "The images must be bytes (uint8) of the shape (N, 1 or 3, H, W); "
            f"these are {pixels.dtype} {pixels.shape}."
        )
    if len(pixels) == 0:
        return "There are no images to explain the network with."
    if labels.shape != (len(pixels),):
        return f"There are {len(pixels)} images and {len(labels)} labels; each image needs one."
    if len(classes) < 2:
        return "At least two classes are needed."
    if labels.min() < 0 or labels.max() >= len(classes):
        at = int(((labels < 0) | (labels >= len(classes))).argmax())
        return (
            f"Image {at} has the label {labels[at]}, but the {len(classes)} classes are numbered "
            f"from 0 to {len(classes) - 1}."
        )
    return None
