"""How batches reach the device: cut out of a tensor that lies there, or sent ahead by a thread."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from baselines.data.dataset import Labelled
from baselines.training.device import Device

SHARE = 0.5  # of the free memory of a GPU that images may take


class Feed:
    """Images (N, C, H, W) as bytes and their labels, by batches of indices."""

    def __init__(self, images: Labelled, device: Device) -> None:
        self.device = device
        self.pixels = torch.from_numpy(images.pixels)
        self.labels = torch.from_numpy(images.labels).to(device.name)
        self.is_at_hand = _fits(images, device)
        if self.is_at_hand:
            self.pixels = self.pixels.to(device.name)

    def take(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Those images as bytes, and their labels, on the device."""
        if self.is_at_hand:
            return self.pixels[batch], self.labels[batch]
        pixels = self.pixels[batch.cpu()]
        if self.device.name == "cuda":
            pixels = pixels.pin_memory()
        return pixels.to(self.device.name, non_blocking=True), self.labels[batch]

    def batches(self, order: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """One after the other; what does not lie on the device is gathered while one is learnt."""
        if self.is_at_hand:
            yield from map(self.take, order)
            return
        with ThreadPoolExecutor(1) as thread:
            following = thread.submit(self.take, order[0])
            for batch in order[1:]:
                current, following = following, thread.submit(self.take, batch)
                yield current.result()
            yield following.result()


def _fits(images: Labelled, device: Device) -> bool:
    if device.name == "cuda":
        free, _whole = torch.cuda.mem_get_info()
        return images.pixels.nbytes <= SHARE * free
    return not isinstance(images.pixels, np.memmap)
