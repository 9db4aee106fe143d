"""What does a convolution do to an image, before anything is learnt?

    python -m baselines.hand_filters hand_filters.png

Four kernels set by hand and two kinds of pooling. A window of F x F pixels moves over an image of N
pixels a side, S pixels at a time (the stride), with P zeros around the image (the padding); it fits

    (N + 2P - F) / S + 1

times along a side, rounded down, and that is the side of the result. A 3x3 kernel with P = 1 and
S = 1 keeps the size; pooling with S = F and P = 0 divides it by F.
"""

import sys
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray
from sklearn.datasets import load_sample_image
from torch import Tensor
from torch.nn import functional

from baselines.errors import BaselineError

KERNELS: dict[str, list[list[float]]] = {
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "edge": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],  # sums to 0: flat areas vanish
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],  # identity plus edges
    "box blur": [[1 / 9] * 3] * 3,  # sums to 1: the brightness stays
}


def show(image: NDArray[np.uint8] | None, out: Path) -> Path:
    """Draw the kernels, what they make of an image (C, H, W), and pooling, as a PNG."""
    pixels = sample() if image is None else image
    if pixels.ndim != 3 or pixels.shape[0] not in (1, 3) or pixels.dtype != np.uint8:
        raise BaselineError(
            "The image must be bytes (uint8) of the shape (1 or 3, H, W); "
            f"this one is {pixels.dtype} {pixels.shape}."
        )
    if min(pixels.shape[1:]) < 3:
        raise BaselineError("The image must be at least as large as the kernels, 3x3.")
    figure = drawn(torch.tensor(pixels).float() / 255)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(out, format="png", dpi=120)
    except OSError as error:
        raise BaselineError(f"The picture cannot be written to {out}: {error}") from error
    return out


def filtered(image: Tensor, kernel: list[list[float]]) -> Tensor:
    """Each channel of (C, H, W) with the same kernel; P = 1 and S = 1 keep the size."""
    weights = torch.tensor(kernel, dtype=image.dtype)[None, None]
    return functional.conv2d(image[:, None], weights, padding=1)[:, 0]


def pooled(image: Tensor, kind: Literal["max", "mean"], size: int) -> Tensor:
    """The maximum or the mean of every size x size window, side by side: S = F and P = 0."""
    if kind == "mean":
        return functional.avg_pool2d(image, size)
    largest: Tensor = functional.max_pool2d(image, size)
    return largest


def sample() -> NDArray[np.uint8]:
    """A photograph that comes with scikit-learn, at half its size."""
    photo = torch.tensor(load_sample_image("china.jpg")).permute(2, 0, 1).float()
    half: NDArray[np.uint8] = pooled(photo, "mean", 2).round().byte().numpy()
    return half


def drawn(image: Tensor) -> Figure:
    """First row the kernels, second what they make of the image, third pooling."""
    figure = Figure(figsize=(12, 9), layout=ConstrainedLayoutEngine(h_pad=0.1))
    axes = figure.subplots(3, len(KERNELS))
    for column, (name, kernel) in enumerate(KERNELS.items()):
        draw_numbers(axes[0, column], kernel, name)
        draw(axes[1, column], filtered(image, kernel), f"{name}: ")
    window = max(2, min(image.shape[1:]) // 40)  # 2x2 as in LeNet would not be seen in a photograph
    draw(axes[2, 0], image, "the image: ")
    draw(axes[2, 1], pooled(image, "max", window), f"max of {window}x{window}: ")
    draw(axes[2, 2], pooled(image, "mean", window), f"mean of {window}x{window}: ")
    axes[2, 3].axis("off")
    words = (
        "side of the result:\n(N + 2P - F) / S + 1\n\n"
        f"filters: F = 3, P = 1, S = 1\npooling: F = S = {window}, P = 0\n\n"
        "numbers below 0 are drawn black,\nabove 1 white"
    )
    axes[2, 3].text(0, 0.5, words, va="center", fontsize=11)
    return figure


def draw_numbers(axes: Axes, kernel: list[list[float]], name: str) -> None:
    largest = np.abs(kernel).max()
    axes.imshow(kernel, cmap="RdBu", vmin=-2 * largest, vmax=2 * largest)  # pale, under the numbers
    for row, numbers in enumerate(kernel):
        for column, number in enumerate(numbers):
            axes.text(
                column,
                row,
                str(Fraction(number).limit_denominator(9)),
                ha="center",
                va="center",
                fontsize=13,
            )
    axes.set_title(name)
    axes.set(xticks=[], yticks=[])


def draw(axes: Axes, image: Tensor, name: str) -> None:
    pixels = image.clamp(0, 1).permute(1, 2, 0).squeeze(-1).numpy()
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(f"{name}{image.shape[1]}x{image.shape[2]}", fontsize=10)
    axes.set(xticks=[], yticks=[])


if __name__ == "__main__":
    show(None, Path(*sys.argv[1:2] or ["hand_filters.png"]))
