"""Where the numbers are crunched, and in which form that is fastest there."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Device:
    name: str  # as torch has it: cpu, cuda, mps
    bf16: bool  # 16-bit floats for the products; weights and sums stay in 32 bits
    channels_last: bool  # the channels of a pixel side by side in memory

    @property
    def title(self) -> str:
        return torch.cuda.get_device_name() if self.name == "cuda" else self.name

    def autocast(self) -> AbstractContextManager[None]:
        return torch.autocast(self.name, torch.bfloat16, enabled=self.bf16)

    def exact(self) -> "Device":
        """The same with 32-bit floats throughout: answers that another program can repeat."""
        return replace(self, bf16=False)

    def placed(self, network: nn.Module) -> nn.Module:
        network = network.to(self.name)
        if self.channels_last:
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network

    def floats(self, images: Tensor) -> Tensor:
        """Bytes (N, C, H, W) as numbers from 0 to 1 on the device."""
        found = images.to(self.name, non_blocking=True).float().div_(255)
        return found.contiguous(memory_format=torch.channels_last) if self.channels_last else found


def device(*, bf16: bool = True, channels_last: bool | None = True) -> Device:
    """The fastest device of this machine; ``channels_last`` None is for layers of few channels."""
    if channels_last is None:
        channels_last = has_short_vectors()
    if torch.cuda.is_available():
        return Device("cuda", bf16 and torch.cuda.is_bf16_supported(), channels_last)
    if torch.backends.mps.is_available():
        return Device("mps", False, False)
    return Device("cpu", bf16 and cpu_has_bf16(), channels_last)


def has_short_vectors() -> bool:
    """A processor whose vectors hold no more than 8 floats: there a LeNet-5 learns 1.5 times as
    fast with the channels innermost, and more slowly where 16 of them have to be filled."""
    return "AVX512" not in torch.backends.cpu.get_cpu_capability()


def cpu_has_bf16() -> bool:
    """Only with instructions of its own: emulated, 16 bits are slower than 32."""
    capable = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(capable and capable())
