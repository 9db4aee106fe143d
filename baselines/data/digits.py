"""1 797 real handwritten digits, 8x8, that come with scikit-learn: a first run without files."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from baselines.data.dataset import Dataset, Labelled, hold_out


def load(_root: Path) -> Dataset:
    """The digits with a fixed fifth held out; their 17 grey levels are spread over a byte."""
    bunch = load_digits()
    pixels = np.round(bunch.images * (255 / 16)).astype(np.uint8)[:, None]
    labels = bunch.target.astype(np.int64)
    return hold_out("digits", tuple("0123456789"), Labelled(pixels, labels))
