"""Where does the network look when it decides?

Two answers that fail differently. SmoothGrad (Smilkov and others 2017) asks of every pixel how much
the score would move with it, averaged over noisy copies of the image. Grad-CAM (Selvaraju and
others 2017) asks which places of a late convolution speak for the class: coarse, but it tells
classes apart.
"""

from dataclasses import dataclass

import numpy as np
import torch
from captum.attr import (  # type: ignore[import-untyped]
    LayerAttribution,
    LayerGradCam,
    NoiseTunnel,
    Saliency,
)
from numpy.typing import NDArray
from torch import Tensor, nn

from baselines.data.dataset import Pixels
from baselines.explain.answers import Answers, floats
from baselines.explain.figures import Picture, coloured, heated, picture, stretched
from baselines.explain.layers import Convolution

EACH = 4  # right ones, and as many wrong ones
NOISE = 0.15  # of the range of a pixel; the paper recommends 10 to 20 %
COPIES = 24
AT_ONCE = 8
SMALLEST = 4  # a map of fewer positions a side says nothing about where


@dataclass(frozen=True)
class Example:
    right: bool
    truth: int
    said: int
    confidence: float
    image: Picture
    saliency: Picture
    said_cam: Picture | None  # none without a convolution to look into
    truth_cam: Picture | None  # only where the network was wrong


@dataclass(frozen=True)
class Attribution:
    examples: tuple[Example, ...]
    layer: Convolution | None  # the one Grad-CAM looked into
    convolutions: int
    smallest: int  # side of a map it can look into


def examples(
    network: nn.Module,
    convolutions: list[Convolution],
    pixels: Pixels,
    given: Answers,
    seed: int,
) -> Attribution:
    layer = last(convolutions)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        found = tuple(
            _example(network, layer, pixels, given, int(at), number)
            for number, at in enumerate(chosen(given), start=1)
        )
    return Attribution(found, layer, len(convolutions), SMALLEST)


def chosen(given: Answers) -> list[int]:
    """The surest of the right and of the wrong ones; each of another class, to see more."""
    order = np.argsort(-given.confidence, kind="stable")
    picked: list[int] = []
    for right in (True, False):
        candidates = order[given.right[order] == right]
        firsts = np.sort(np.unique(given.said[candidates], return_index=True)[1])
        picked += candidates[firsts[:EACH]].tolist()
    return picked


def last(convolutions: list[Convolution]) -> Convolution | None:
    """The last one whose map still has places to tell apart; LeNet's C5 is a single point."""
    wide = [one for one in convolutions if min(one.height, one.width) >= SMALLEST]
    return wide[-1] if wide else None


def saliency(network: nn.Module, image: Tensor, target: int) -> NDArray[np.float64]:
    """SmoothGrad of the class's score: (H, W), the largest of a pixel's channels."""
    tunnel = NoiseTunnel(Saliency(network))
    gradients: Tensor = tunnel.attribute(
        image.clone().requires_grad_(),
        target=target,
        nt_type="smoothgrad",
        nt_samples=COPIES,
        nt_samples_batch_size=AT_ONCE,
        stdevs=NOISE,
    )
    found: NDArray[np.float64] = gradients.detach()[0].amax(dim=0).double().cpu().numpy()
    return found


def grad_cam(
    network: nn.Module, layer: nn.Module, image: Tensor, target: int
) -> NDArray[np.float64]:
    """What speaks for the class, (H, W) in [0, 1]; all zero where nothing does.

    The layer should come after the ReLU: before it, a negative number that the network never uses
    times a negative gradient would look like evidence.
    """
    cam = LayerGradCam(network, layer).attribute(
        image.clone().requires_grad_(), target=target, relu_attributions=True
    )
    wide: Tensor = LayerAttribution.interpolate(cam, tuple(image.shape[2:]), "bilinear")
    heat: NDArray[np.float64] = wide.detach()[0, 0].double().cpu().numpy()
    return heat / max(float(heat.max()), 1e-12)


def _example(
    network: nn.Module,
    layer: Convolution | None,
    pixels: Pixels,
    given: Answers,
    at: int,
    number: int,
) -> Example:
    image = floats(network, pixels[at : at + 1])
    truth, said, right = int(given.labels[at]), int(given.said[at]), bool(given.right[at])

    def cam(target: int, of: str) -> Picture | None:
        if layer is None:
            return None
        heat = grad_cam(network, layer.finished, image, target)
        return picture(f"attribution-{number}-cam-{of}", heated(pixels[at], heat))

    bright = stretched(saliency(network, image, said), percentile=99)
    return Example(
        right,
        truth,
        said,
        float(given.confidence[at]),
        picture(f"attribution-{number}-image", pixels[at]),
        picture(f"attribution-{number}-saliency", coloured(bright, "magma")),
        cam(said, "said"),
        None if right else cam(truth, "truth"),
    )
