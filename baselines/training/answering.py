"""What a network says to images, as many at a time as there is memory for."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from baselines.training import memory
from baselines.training.device import Device

POSITIONS = 2**19  # pixels at a time: 512 images of 32x32, 10 of 224x224
MOST = 512  # images at a time; more of them are not quicker


@torch.inference_mode()
def answers(network: nn.Module, device: Device, pixels: Tensor, *, flips: bool = False) -> Tensor:
    """Logits (N, classes) for images as bytes, on the CPU; in training mode afterwards as before.

    With ``flips`` the mean over each image and its mirror image. As many images at a time as have
    ``POSITIONS`` pixels; fewer where these do not fit into memory.
    """
    was_training = network.training
    network.eval()
    at_once = max(1, min(MOST, POSITIONS // (pixels.shape[-2] * pixels.shape[-1])))
    try:
        return torch.cat(_answered(network, device, pixels, flips, at_once))
    finally:
        network.train(was_training)


def _answered(
    network: nn.Module, device: Device, pixels: Tensor, flips: bool, at_once: int
) -> list[Tensor]:
    found: list[Tensor] = []
    at = 0
    while at < len(pixels):
        try:
            found.append(_answer(network, device, pixels[at : at + at_once], flips))
        except (MemoryError, RuntimeError) as error:
            if at_once == 1 or not memory.is_out(error):
                raise
            memory.release(error)
            at_once //= 2
        else:
            at += at_once
    return found


def _answer(network: nn.Module, device: Device, pixels: Tensor, flips: bool) -> Tensor:
    images = device.floats(pixels)
    with device.autocast(), _whole_floats():
        logits: Tensor = network(images).float()
        if flips:
            logits = (logits + network(images.flip(-1)).float()) / 2
    return logits.cpu()


@contextmanager
def _whole_floats() -> Iterator[None]:
    """Without the 19 bits (TF32) to which a GPU shortens the 32 of a convolution by default."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
