"""Many small images, each with a few words below it: the picture that every notebook looks at."""

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np

from baselines.data.dataset import Pixels

COLUMNS = 8
SIDE = 1.1  # inches of an image
LINE = 0.17  # inches of a line of words
LETTERS = 15  # of a line below an image
MARK = "#b3261e"  # the ink of what should be looked at first


def gallery(pixels: Pixels, words: Sequence[str], marked: Sequence[bool] = ()) -> None:
    """Draw images (N, C, H, W) of bytes, grey or colour, in rows of eight with their N words.

    The words of those that are ``marked`` are red. The figure is pyplot's current one: a notebook
    shows it when the cell ends. Raises ValueError where the numbers differ or there is no image.
    """
    marks = marked if len(marked) else [False] * len(words)
    if not len(pixels) == len(words) == len(marks) or len(words) == 0:
        counts = f"{len(pixels)} images, {len(words)} words and {len(marks)} marks"
        raise ValueError(f"{counts} do not belong together. Give as many of each, at least one.")
    below = ["\n".join(textwrap.fill(line, LETTERS) for line in each.split("\n")) for each in words]
    lines = 1 + max(each.count("\n") for each in below)
    rows = -(-len(below) // COLUMNS)
    size = (COLUMNS * SIDE, rows * (SIDE + LINE * lines))
    _figure, axes = plt.subplots(rows, COLUMNS, figsize=size, squeeze=False)
    for place in axes.flat:
        place.set_axis_off()
    ink = plt.rcParams["text.color"]
    for place, image, word, mark in zip(axes.flat, pixels, below, marks, strict=False):
        place.imshow(np.moveaxis(image, 0, -1).squeeze(), vmin=0, vmax=255)
        where = {"transform": place.transAxes, "ha": "center", "va": "top"}
        place.text(0.5, -0.04, word, fontsize=8, color=MARK if mark else ink, **where)
