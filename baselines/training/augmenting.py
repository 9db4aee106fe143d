"""Other views of the same images, made on the device for a whole batch at once."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from baselines.errors import CallError

Augment = Callable[[Tensor, int], Tensor]  # (images, epoch) -> images, (N, C, H, W)

FAR = 8  # a shift moves by at most an eighth of the side
ANGLE, SCALE, SHEAR = 12.0, 0.1, 0.15  # degrees, share, share


def flip(images: Tensor, _epoch: int) -> Tensor:
    """Every second image mirrored, drawn anew each time."""
    return _mirror(images, torch.rand(len(images), device=images.device) < 0.5)


def alternate(images: Tensor, epoch: int) -> Tensor:
    """Every image mirrored in every second epoch, half of them in the even ones (Jordan 2024, arXiv
    2404.00498): two epochs show both sides of each. What it shows decides which half it is in.
    """
    # a sum of whole numbers is the same in any order; of floats it would be even for large images
    seed = (images * 255).round().int().sum((1, 2, 3))
    return _mirror(images, (seed + epoch) % 2 == 0)


def _mirror(images: Tensor, which: Tensor) -> Tensor:
    return torch.where(which[:, None, None, None], images.flip(-1), images)


def shift(images: Tensor, _epoch: int) -> Tensor:
    """Moved by up to an eighth of the side; what comes in at the edge is the image mirrored."""
    count, _channels, height, width = images.shape
    most = max(1, min(height, width) // FAR)
    padded = functional.pad(images, (most,) * 4, mode="reflect")
    down, right = (
        torch.randint(0, 2 * most + 1, (count, 1), device=images.device) for _ in range(2)
    )
    rows = (torch.arange(height, device=images.device) + down)[:, :, None]
    columns = (torch.arange(width, device=images.device) + right)[:, None, :]
    each = torch.arange(count, device=images.device)[:, None, None]
    # channels last while indexing: one piece of memory per pixel
    return padded.permute(0, 2, 3, 1)[each, rows, columns].permute(0, 3, 1, 2)


def cutout(images: Tensor, _epoch: int) -> Tensor:
    """A square of a quarter of the side in the mean's grey (DeVries, Taylor 2017)."""
    count, _channels, height, width = images.shape
    side = max(1, min(height, width) // 4)
    device = images.device
    top = torch.randint(0, height - side + 1, (count, 1), device=device)
    left = torch.randint(0, width - side + 1, (count, 1), device=device)
    y, x = torch.arange(height, device=device), torch.arange(width, device=device)
    rows, columns = (y >= top) & (y < top + side), (x >= left) & (x < left + side)
    hole = rows[:, None, :, None] & columns[:, None, None, :]
    return images.masked_fill(hole, float(images.mean()))


def affine(images: Tensor, _epoch: int) -> Tensor:
    """Turned, scaled and sheared a little: what another hand would have written."""
    count = len(images)

    def between(most: float) -> Tensor:
        return (torch.rand(count, device=images.device) * 2 - 1) * most

    angle, scale, shear = torch.deg2rad(between(ANGLE)), 1 + between(SCALE), between(SHEAR)
    cosine, sine = torch.cos(angle) / scale, torch.sin(angle) / scale
    nothing = torch.zeros_like(angle)
    move = torch.stack(
        [
            torch.stack([cosine, sine + shear, nothing], 1),
            torch.stack([-sine, cosine, nothing], 1),
        ],
        1,
    )
    grid = functional.affine_grid(move, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


AUGMENTATIONS: Mapping[str, Augment] = {
    "flip": flip,
    "alternate": alternate,
    "shift": shift,
    "cutout": cutout,
    "affine": affine,
}


def chain(names: Sequence[str]) -> Augment:
    """All of them, one after the other; `alternate` first, which goes by the image as it is.

    Raises CallError.
    """
    if unknown := [name for name in names if name not in AUGMENTATIONS]:
        known = ", ".join(AUGMENTATIONS)
        raise CallError(f"There is no augmentation {unknown[0]}. Choose of {known}.")

    in_order = sorted(names, key=lambda name: name != "alternate")

    def views(images: Tensor, epoch: int) -> Tensor:
        for name in in_order:
            images = AUGMENTATIONS[name](images, epoch)
        return images

    return views


def mixed(images: Tensor, alpha: float) -> tuple[Tensor, Tensor, float]:
    """Mixup (Zhang et al. 2018): each image blended with another one of the batch.

    Returns the blends, who was blended in, and how much of the first there is.
    """
    share = float(torch.distributions.Beta(alpha, alpha).sample())
    partner = torch.randperm(len(images), device=images.device)
    return share * images + (1 - share) * images[partner], partner, share
