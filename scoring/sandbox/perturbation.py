"""What a host may ask of a model that scores too well: does it look at the images?

Two questions, each answered from a second run, with numbers in and a sentence out. Whether the
order of the images changes the answers: then the model goes by position or keeps a state. And
whether changes that no eye sees change its classes: a table of known answers, looked up by the
bytes of an image or their hash, knows nothing of an image that differs in one grey level.

A table that is looked up by a perceptual hash survives such a change, and so passes. This is a
screen for a person who decides, no proof of anything.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.errors import SpecError
from scoring.intervals import wilson
from scoring.sandbox.submission import softmax

Pixels = NDArray[np.uint8]
Numbers = NDArray[np.floating[Any]]

NOISE, SHIFT = "noise", "shift"
SLICE_BYTES = 4 << 20  # of a copy that is in memory while it is written

# 32-bit rounding in another batch moves a probability by some 1e-7.
SAME = 1e-6
# 16-bit floats have 8 bits (bf16) for a number: probabilities move by up to 1/256, seldom by more.
ROUNDED = 1e-2
# An honest model loses less than 3 points under the noise, a table more than 30.
HONEST, LOST = 0.97, 0.70
# Under a shift of one pixel honest networks change their minds too, the more the deeper they are
# and the smaller the images (Azulay and Weiss 2019, JMLR 20:184): only losing half is strange.
HONEST_SHIFTED, LOST_SHIFTED = 0.85, 0.50
SMALLEST_SHIFTED = 24  # pixels of the shorter side; below, a pixel is a stroke of the pen


class Verdict(StrEnum):
    STEADY = "steady"
    UNCLEAR = "unclear"
    SUSPICIOUS = "suspicious"


@dataclass(frozen=True)
class Finding:
    """`measured` is a difference of probabilities or a share of images, as the sentence says."""

    verdict: Verdict
    measured: float
    sentence: str


def order_finding(first: Numbers, second: Numbers) -> Finding:
    """Two runs over the same images in different orders, as logits (N, K) in the images' order.

    Measured is the largest difference between two probabilities of the same image and class.
    Raises SpecError where the two are no runs over the same images.
    """
    _refuse_other_shapes(first, second)
    ours, theirs = (softmax(np.asarray(logits, np.float64)) for logits in (first, second))
    away = float(np.abs(ours - theirs).max())
    changed = int((first.argmax(axis=1) != second.argmax(axis=1)).sum())
    told = f"In another order probabilities differ by up to {away:.1e}"
    if away <= SAME:
        return Finding(Verdict.STEADY, away, f"{told}: the order does not matter.")
    if away <= ROUNDED:
        words = f"{told}, as much as rounding can do; {_images(changed)} changed class."
        return Finding(Verdict.UNCLEAR, away, words)
    words = (
        f"{told}, and {_images(changed)} of {len(first)} changed class. The model draws random "
        "numbers, or goes by the order of the images or by those before."
    )
    return Finding(Verdict.SUSPICIOUS, away, words)


def noisy(images: Pixels, seed: int, first: int = 0) -> Pixels:
    """Every value one grey level up or down at random, at 0 and 255 inwards; (N, C, H, W).

    `first` is the row of the first of these images among all: whatever the slices, an image gets
    the same noise.
    """
    up = _signs(images.shape, seed, first) & (images < 255) | (images == 0)
    return np.where(up, images + np.uint8(1), images - np.uint8(1))


def _signs(shape: tuple[int, ...], seed: int, first: int) -> NDArray[np.bool_]:
    """A bit for each value, of the words that are this image's in one stream of random words."""
    values = math.prod(shape[1:])
    words = math.ceil(values / 64)
    stream = np.random.PCG64(seed).advance(first * words)
    drawn = stream.random_raw(shape[0] * words).reshape(shape[0], words)
    bits = np.unpackbits(drawn.view(np.uint8), axis=1, count=values)
    return bits.reshape(shape).astype(np.bool_)


def shifted(images: Pixels, down: int, right: int) -> Pixels:
    """Moved by whole pixels; what comes in at the edge repeats it. (N, C, H, W)."""
    height, width = images.shape[-2:]
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    return images[..., rows[:, np.newaxis], columns]


def copies(height: int, width: int) -> tuple[str, ...]:
    """Of images of this size, the copies to run the model on, by the names that `screen` knows."""
    return (NOISE, SHIFT) if min(height, width) >= SMALLEST_SHIFTED else (NOISE,)


def perturbed(name: str, images: Pixels, seed: int, first: int = 0) -> Pixels:
    """That copy of a slice of the images, of which the first one is the row `first` of all."""
    return noisy(images, seed, first) if name == NOISE else shifted(images, 0, 1)


def write(
    name: str, source: Path, target: Path, seed: int, step: Callable[[], object] | None = None
) -> None:
    """That copy of a file of packed images as another one, some megabytes in memory at a time.

    `step` is called after each of them; what it raises ends the writing.
    """
    images = np.load(source, mmap_mode="r")
    copy = np.lib.format.open_memmap(target, "w+", np.uint8, images.shape)
    rows = max(1, SLICE_BYTES // max(1, math.prod(images.shape[1:])))
    for first in range(0, len(images), rows):
        part = slice(first, first + rows)
        copy[part] = perturbed(name, images[part], seed, first)
        if step is not None:
            step()


def screen(original: Numbers, answers: Mapping[str, Numbers]) -> dict[str, Finding]:
    """One finding for each of these copies: the logits (N, K) of the images and of the copies.

    Measured is the share of images that keep their class. A copy is suspicious where even the
    upper end of the share's 95 % interval (Wilson 1927) lies below what honest models keep: ten
    images convict nobody. Raises SpecError where a copy has other images.
    """
    judges: dict[str, Callable[[Numbers, Numbers], Finding]] = {
        NOISE: _noise_finding,
        SHIFT: _shift_finding,
    }
    return {name: judges[name](original, found) for name, found in answers.items()}


def _noise_finding(original: Numbers, found: Numbers) -> Finding:
    return _kept(original, found, (HONEST, LOST), "every value changed by one grey level of 256")


def _shift_finding(original: Numbers, found: Numbers) -> Finding:
    return _kept(original, found, (HONEST_SHIFTED, LOST_SHIFTED), "the images moved by one pixel")


def _kept(original: Numbers, found: Numbers, limits: tuple[float, float], how: str) -> Finding:
    _refuse_other_shapes(original, found)
    honest, lost = limits
    rows = len(original)
    share = float((original.argmax(axis=1) == found.argmax(axis=1)).mean())
    told = f"With {how}, {100 * share:.1f} % of {rows} images keep their class"
    if share >= honest:
        return Finding(Verdict.STEADY, share, f"{told}, as with honest models.")
    if wilson(share, rows)[1] < lost:
        words = f"{told}. A model that looks at them keeps most: this may be a table of answers."
        return Finding(Verdict.SUSPICIOUS, share, words)
    return Finding(Verdict.UNCLEAR, share, f"{told}: fewer than usual, and no sign of a table.")


def _refuse_other_shapes(first: Numbers, second: Numbers) -> None:
    if first.shape != second.shape or first.ndim != 2 or not len(first):
        raise SpecError("The two runs are not over the same images and classes.")


def _images(count: int) -> str:
    return f"{count} image" if count == 1 else f"{count} images"
