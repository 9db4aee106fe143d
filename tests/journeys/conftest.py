"""One running stack for all journeys of a session."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

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


@pytest.fixture
def open_page(browser):
    """Each call is another person's browser; in the end nothing may have been complained of.

    Two contexts of one Chromium share no cookie, no storage and no connection.
    """
    contexts, complaints = [], []

    def open_one(address):
        contexts.append(browser.new_context(locale="en-GB"))
        page = contexts[-1].new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
        page.goto(address)
        return page

    expect.set_options(timeout=20_000)
    yield open_one
    for context in contexts:
        context.close()
    # What is killed under a page is missing for a moment; everything else is a fault.
    assert [said for said in complaints if "net::" not in said] == []
