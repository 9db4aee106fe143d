"""Images as the pre-trained network has always seen them."""

from torch import Tensor, nn
from torch.nn import functional

from baselines.models.layers import Standardise

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class View(nn.Module):
    """Three channels, a centre crop of side x side, ImageNet's mean and deviation.

    Photos come with that side (photos.py); other sets are brought to it here.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        self.standardise = Standardise(IMAGENET_MEAN, IMAGENET_DEVIATION)

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[-2:] != (self.side, self.side):
            images = self._cropped(images)
        found: Tensor = self.standardise(images.expand(-1, 3, -1, -1))  # grey is three times grey
        return found

    def _cropped(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        share = self.side / min(height, width)
        size = [max(self.side, round(height * share)), max(self.side, round(width * share))]
        images = functional.interpolate(images, size, mode="bilinear", antialias=True)
        top, left = (size[0] - self.side) // 2, (size[1] - self.side) // 2
        return images[:, :, top : top + self.side, left : left + self.side]
