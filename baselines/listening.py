"""What do the modules of a network give, while an image passes them?"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


@contextmanager
def listening(modules: Iterable[nn.Module], note: Callable[[Any, Any], object]) -> Iterator[None]:
    """Call note(module, output) whenever one of the modules has worked."""

    def hook(module: nn.Module, _inputs: object, output: object) -> None:
        note(module, output)

    handles = [module.register_forward_hook(hook) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
