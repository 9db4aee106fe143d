"""Networks that know no neighbourhood: every pixel meets every unit."""

from torch import nn

from baselines.models.layers import linear
from baselines.models.task import Task


def perceptron(task: Task) -> nn.Module:
    """Softmax regression: one linear layer, a template per class.

    The same model as `softmax`, which is written out in numpy.
    """
    return nn.Sequential(
        nn.Flatten(), nn.Linear(task.channels * task.height * task.width, task.classes)
    )


def mlp(
    task: Task, *, activation: str = "relu", dropout: float = 0.2, units: int = 256
) -> nn.Module:
    """Two hidden layers.

    Its first layer has pixels x units weights: for a colour image of 200 by 200 pixels every
    single unit has 120 000, where a 5x5 convolution has 75 per filter, whatever the image's size.
    """
    return nn.Sequential(
        nn.Flatten(),
        linear(_pixels(task), units, act=activation), nn.Dropout(dropout),
        linear(units, units, act=activation), nn.Dropout(dropout),
        nn.Linear(units, task.classes),
    )  # fmt: skip


def _pixels(task: Task) -> int:
    return task.channels * task.height * task.width
