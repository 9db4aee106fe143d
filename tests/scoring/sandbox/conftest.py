"""One warm process for all these tests, as a worker has it, and the images it runs over."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from scoring import InvalidSubmission
from scoring.sandbox.inspection import inspect
from scoring.sandbox.server import ForkServer
from tests.scoring.sandbox.specimens import CONTRACT

COUNT = 96


@pytest.fixture(scope="session")
def server() -> Iterator[ForkServer]:
    for package in ("torch", "onnxruntime", "safetensors"):
        pytest.importorskip(package, reason="the models extra is not installed")
    patch = pytest.MonkeyPatch()
    patch.setenv("HOLDOUT_SECRET", "what a worker has in its environment")
    # as in a container, or formats with code would not run where the kernel has no namespaces
    with ForkServer.start(threads=1, container=True) as started:
        yield started
    patch.undo()


@pytest.fixture
def look(tmp_path):
    """What inspection says of a file with that content."""

    def inspected(content, contract=CONTRACT):
        path = tmp_path / "model"
        path.write_bytes(content)
        return inspect(path, contract)

    return inspected


@pytest.fixture
def refusal(look):
    """The one problem for which a file with that content is refused."""

    def problem(content, contract=CONTRACT):
        with pytest.raises(InvalidSubmission) as error:
            look(content, contract)
        (found,) = error.value.problems
        return found

    return problem


@pytest.fixture(scope="session")
def images(tmp_path_factory) -> Path:
    from tests.scoring.sandbox import honest  # noqa: PLC0415 - needs torch

    path: Path = tmp_path_factory.mktemp("images") / "images.npy"
    np.save(path, honest.pixels(COUNT))
    return path
