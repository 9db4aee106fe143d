"""The two seals: of a split that was drawn, and of one that the organiser gave."""

import json

import pytest
from typer.testing import CliRunner

from scoring import commitment
from scoring.__main__ import app
from scoring.splits import given_commitment

SEED = bytes(range(16))
ROWS = "id,label,Usage\na,x,Public\nb,y,Private\nc,x,Ignored\n"


@pytest.fixture
def split(tmp_path):
    """``split(solution, …)``: the command's answer, and the file that it wrote."""

    def run(solution, *more):
        (tmp_path / "S.csv").write_text(solution)
        files = ("--solution", str(tmp_path / "S.csv"), "--out", str(tmp_path / "O.csv"))
        done = CliRunner().invoke(app, ["split", *files, "--seed", SEED.hex(), "--json", *more])
        return done, tmp_path / "O.csv"

    return run


def test_a_given_split_is_kept_and_sealed_with_its_usage(split):
    done, out = split(ROWS, "--given")
    usage = {"a": "Public", "b": "Private", "c": "Ignored"}
    found = json.loads(done.stdout)
    assert out.read_text() == ROWS
    assert (found["public"], found["private"], found["ignored"]) == (1, 1, 1)
    assert found["commitment"] == given_commitment(SEED, usage)
    assert found["commitment"] == commitment(SEED, ["c,Ignored", "a,Public", "b,Private"])


def test_the_seal_of_a_given_split_changes_with_every_usage():
    usage = {"a": "Public", "b": "Private"}
    seals = {given_commitment(SEED, {**usage, "a": word}) for word in ("Public", "Private")}
    assert len(seals) == 2


def test_nothing_given_is_an_error_of_the_call(split):
    done, out = split("id,label\na,x\nb,y\n", "--given")
    assert (done.exit_code, "Usage column" in done.stderr) == (2, True)
    assert not out.exists()
