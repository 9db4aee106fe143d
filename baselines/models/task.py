"""What a network is built for: the images that go in, the classes that come out.

Every architecture is a function of a task and of keywords that all have a default. It gives a
module that takes standardised images (N, channels, height, width) and answers with logits
(N, classes).
"""

from dataclasses import dataclass

SMALL = 64  # below this side a published ImageNet network, which divides it by 32, sees too little


@dataclass(frozen=True)
class Task:
    channels: int
    height: int
    width: int
    classes: int

    @property
    def is_small(self) -> bool:
        return min(self.height, self.width) < SMALL


IMAGENET = Task(channels=3, height=224, width=224, classes=1000)
