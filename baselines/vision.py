"""The one door to torchvision.

Its Linux wheel is linked against CUDA. Beside a CPU torch its compiled part does not load and the
import ends with "operator torchvision::nms does not exist"; declaring the two operators it asks for
is enough for models and data sets. Where the compiled part loads, it declares them itself.
"""

from typing import Any

import torch

try:
    from torchvision import datasets, models
except RuntimeError as refusal:
    if "torchvision::" not in str(refusal):
        raise
    declared: Any = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for operator in ("nms", "qnms"):  # they vanish with `declared`, so it is kept
        declared.define(operator + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from torchvision import datasets, models

__all__ = ["datasets", "models"]
