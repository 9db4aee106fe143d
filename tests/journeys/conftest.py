"""One running stack for all journeys of a session."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.stack import Stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    # Not pytest's own folder: the path of Valkey's socket must stay short.
    with tempfile.TemporaryDirectory(prefix="holdout-journey-") as folder:
        running = Stack(Path(folder))
        try:
            yield running.ready()
        finally:
            running.stop()
            assert running.processes() == {}


@pytest.fixture
def staged(stack: Stack, request: pytest.FixtureRequest) -> Callable[..., dict[str, Any]]:
    """``staged(["ada"])``: a competition of this test alone, its address and people's tokens."""
    slug = request.function.__name__.replace("_", "-")[:60].strip("-")

    def stage(names: list[str], **options: Any) -> dict[str, Any]:
        made = stack.stage(
            competition={"slug": slug, **options},
            people={"names": [f"{name}-{slug}"[:100] for name in names]},
        )
        tokens = dict(zip(names, made["people"].values(), strict=True))
        return {"slug": slug, "tokens": tokens, **made["competition"]}

    return stage
