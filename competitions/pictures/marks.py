"""What is remembered of a picture: by which the same ones and nearly the same ones are found.

The digest is of the pixels, so that a PNG and a BMP of one picture have the same. The hash is the
perceptual hash by the discrete cosine transform (C. Zauner, "Implementation and Benchmarking of
Perceptual Image Hash Functions", 2010): 64 signs of low frequencies against their median. The view
is a small picture with which a likeness of hashes is verified.
"""

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SIDE = 32  # pixels, of the picture that is transformed
LOW = 8  # frequencies in each direction
VIEW = 12  # pixels, the side of a view; three channels
VIEW_BYTES = VIEW * VIEW * 3

Pixels = NDArray[np.uint8]
# Rec. 601, as Pillow turns colours into greys.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def digest(pixels: Pixels) -> bytes:
    """16 bytes of size and colours. ``pixels`` is (height, width) or (height, width, 3 or 4).

    A grey picture has the same one whether it is stored with one channel or with three.
    """
    if pixels.ndim == 3 and pixels.shape[2] == 3 and _is_grey(pixels):
        pixels = pixels[:, :, 0]
    shape = repr(pixels.shape).encode()
    return hashlib.blake2b(shape + np.ascontiguousarray(pixels).tobytes(), digest_size=16).digest()


def hashes(pictures: Pixels) -> NDArray[np.uint64]:
    """The perceptual hash of each of (n, height, width[, 3]) pictures of one size."""
    grey = pictures.astype(np.float32)
    if grey.ndim == 4:
        grey = grey @ LUMA
    _n, height, width = grey.shape
    low = _frequencies(height) @ grey @ _frequencies(width).T
    flat = low.reshape(len(low), -1)
    # Without the mean brightness, which would draw the median to itself.
    middle = np.median(flat[:, 1:], axis=1, keepdims=True)
    bits = flat > middle
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64).ravel()


def views(pictures: Pixels) -> Pixels:
    """(n, VIEW_BYTES): each of (n, height, width[, 3]) pictures made small, in three channels."""
    if pictures.ndim == 3:
        pictures = np.repeat(pictures[..., None], 3, axis=3)
    _n, height, width, _channels = pictures.shape
    planes = pictures.transpose(0, 3, 1, 2).astype(np.float32)
    small = _resized(height, VIEW) @ planes @ _resized(width, VIEW).T
    return np.rint(small).clip(0, 255).astype(np.uint8).reshape(len(pictures), -1)


def _is_grey(pixels: Pixels) -> bool:
    first = pixels[:, :, 0]
    return bool((first == pixels[:, :, 1]).all() and (first == pixels[:, :, 2]).all())


@lru_cache(maxsize=64)
def _frequencies(size: int) -> NDArray[np.float32]:
    """(LOW, size): makes ``size`` pixels SIDE wide and takes the lowest frequencies of them."""
    n = np.arange(SIDE)
    basis = np.cos(np.pi * (2 * n + 1) * np.arange(LOW)[:, None] / (2 * SIDE))
    turned: NDArray[np.float32] = basis.astype(np.float32) @ _resized(size, SIDE)
    return turned


@lru_cache(maxsize=64)
def _resized(size: int, wanted: int) -> NDArray[np.float32]:
    """(wanted, size): each new pixel is the mean of what it covers of the old ones."""
    edges = np.linspace(0, size, wanted + 1)
    starts, ends = edges[:-1, None], edges[1:, None]
    left = np.arange(size)
    covered = np.clip(np.minimum(ends, left + 1) - np.maximum(starts, left), 0, None)
    share: NDArray[np.float64] = covered / covered.sum(axis=1, keepdims=True)
    return share.astype(np.float32)
