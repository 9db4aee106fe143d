"""The notebook of a first submission against the demo's site, cell by cell, up to the board."""

import os
import signal
import tempfile
from pathlib import Path

import pytest

from tests.journeys.stack import Stack

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from tests.baselines import cells

pytestmark = [pytest.mark.journey, pytest.mark.services, pytest.mark.torch]


@pytest.fixture
def demo():
    # Not pytest's own folder: the path of Valkey's socket must stay short. Nor the journeys' common
    # stack, which has no demo. Its baselines stay untrained: nobody here looks at them.
    with tempfile.TemporaryDirectory(prefix="holdout-cells-") as folder:
        stack = Stack(Path(folder), HOLDOUT_DEMO="1", HOLDOUT_QUEUES="score,background")
        try:
            yield stack.ready()
        finally:
            stack.stop()
            for left in stack.processes():
                os.kill(left, signal.SIGKILL)


def test_ten_cells_lead_onto_the_board(demo, tmp_path, monkeypatch, capsys):
    token = demo.stage(people={"names": ["ada"]})["people"]["ada"]
    settings = {"URL": demo.url, "SLUG": "digits", "DATA": tmp_path, "RUNS": tmp_path}
    for name, value in {**settings, "EPOCHS": 12}.items():
        monkeypatch.setenv(f"NOTEBOOK_{name}", str(value))
    monkeypatch.setenv("HOLDOUT_TOKEN", token)
    names, _pictures = cells.run("first-submission")
    sent = names["handed_in"]
    assert sent["status"] == "scored", capsys.readouterr().out
    assert float(sent["public_score"]) > 0.8  # of 450 images; twelve passes are not the best
    assert "ada" in {row["team"] for row in demo.board("digits")["rows"]}
