"""python -m scoring: exit codes and JSON, in a real process where it matters."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scoring.terminal import app

SOLUTION = "id,label,Usage\na,x,Public\nb,y,Private\nc,x,Private\n"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "S.csv").write_text(SOLUTION)
    (tmp_path / "F.csv").write_text("id,label\na,x\nb,x\nc,x\n")
    (tmp_path / "bad.csv").write_text("id,label\na,x\nb,[bold]\n")
    (tmp_path / "sample.csv").write_text("id,label\na,x\nb,x\nc,x\n")
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(app, list(arguments))


def score(submission="F.csv", metric="accuracy", solution="S.csv", *more):
    return call(
        "score", "--solution", solution, "--submission", submission, "--metric", metric, *more
    )


@pytest.mark.parametrize(
    ("submission", "metric", "code"), [("F.csv", "f1", 0), ("bad.csv", "f1", 1), ("F.csv", "f2", 2)]
)
def test_exit_codes_of_the_process(folder, submission, metric, code):
    command = [sys.executable, "-m", "scoring", "score", "--json", "--solution", "S.csv"]
    done = subprocess.run(
        [*command, "--submission", submission, "--metric", metric],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    if code == 2:
        assert "no metric 'f2'" in done.stderr
    else:
        assert json.loads(done.stdout)["score" if code == 0 else "problems"]


def test_score(folder):
    found = json.loads(score("F.csv", "accuracy", "S.csv", "--json").stdout)
    assert found["score"] == pytest.approx(2 / 3)
    assert (found["public"], found["private"]) == (1.0, 0.5)
    assert (found["metric"], found["direction"]) == ("accuracy", "maximize")
    assert "0.6666666667" in score().stdout


def test_score_without_usage(folder):
    (folder / "S.csv").write_text("id,label\na,x\nb,y\nc,x\n")
    found = json.loads(score("F.csv", "accuracy", "S.csv", "--json").stdout)
    assert found["public"] is found["private"] is None


def test_refused(folder):
    done = score("bad.csv")
    assert done.exit_code == 1
    assert "Line 3: '[bold]' (id 'b') is not a class" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("F.csv", "accuracy", "none.csv"), "none.csv: No such file"),
        (("none.csv",), "none.csv: No such file"),
        (("F.csv", "accuracy", "bad.csv", "--id-column", "x"), "no column 'x'"),
        (("F.csv", "accuracy", "S.csv", "--classes", "classes.txt"), "list of classes"),
        (("F.csv", "accuracy", "S.csv", "--nonsense"), "No such option"),
    ],
)
def test_wrong_calls(folder, arguments, words):
    (folder / "classes.txt").write_text("y\nz\n")
    done = score(*arguments)
    assert done.exit_code == 2
    assert words in done.stderr


def test_classes_and_id_column(folder):
    (folder / "classes.txt").write_text("y\r\nx\r\nz\r\n")
    done = score("F.csv", "f1", "S.csv", "--classes", "classes.txt", "--id-column", "id", "--json")
    assert json.loads(done.stdout)["score"] == pytest.approx(0.8 / 3)


@pytest.mark.parametrize("against", [("--solution", "S.csv"), ("--sample", "sample.csv")])
def test_check(folder, against):
    good = call("check", *against, "--submission", "F.csv", "--json")
    assert (good.exit_code, json.loads(good.stdout)) == (0, {"ok": True, "problems": [], "more": 0})
    (folder / "bad.csv").write_text("id,label\na,x\nb,x\n")
    bad = call("check", *against, "--submission", "bad.csv", "--json")
    assert bad.exit_code == 1
    found = json.loads(bad.stdout)
    assert (found["ok"], found["more"]) == (False, 0)
    assert found["problems"][0]["code"] == "missing_ids"
    assert found["problems"][0]["line"] is None
    assert call("check", *against, "--submission", "F.csv").stdout == "The file is good.\n"


def test_check_needs_something_to_check_against(folder):
    for against in ((), ("--solution", "S.csv", "--sample", "sample.csv")):
        done = call("check", *against, "--submission", "F.csv")
        assert (done.exit_code, "either" in done.stderr) == (2, True)


def test_check_with_the_columns_of_a_metric(folder):
    (folder / "F.csv").write_text("id,x,y\na,1,0\nb,1,0\nc,1,0\n")
    call_with = ("check", "--solution", "S.csv", "--submission", "F.csv")
    assert call(*call_with).exit_code == 1
    assert call(*call_with, "--metric", "log_loss").exit_code == 0


def test_split(folder):
    rows = "".join(f"img_{at:03d}.png,{at % 3}\n" for at in range(20))
    (folder / "S.csv").write_text(f"id,label\n{rows}")
    seed = "000102030405060708090a0b0c0d0e0f"
    done = call("split", "--solution", "S.csv", "--out", "O.csv", "--seed", seed, "--json")
    found = json.loads(done.stdout)
    assert (found["public"], found["private"], found["ignored"]) == (6, 14, 0)
    assert found["commitment"].startswith("8b23cbef")
    lines = (folder / "O.csv").read_text().splitlines()
    assert lines[:3] == ["id,label,Usage", "img_000.png,0,Private", "img_001.png,1,Public"]


def test_split_draws_a_secret_seed_and_keeps_ignored_rows(folder):
    more = "".join(f"i{at},{'xy'[at % 2]},Ignored\n" for at in range(6))
    (folder / "S.csv").write_text(SOLUTION + more)
    arguments = ("split", "--solution", "S.csv", "--out", "O.csv", "--fraction", "0.5", "--json")
    first, second = (json.loads(call(*arguments).stdout) for _ in range(2))
    assert first["seed"] != second["seed"]
    assert first["ignored"] == 6
    assert (folder / "O.csv").read_text().count("Ignored") == 6


@pytest.mark.parametrize("seed", ["xyz", "00"])
def test_split_refuses_a_bad_seed(folder, seed):
    done = call("split", "--solution", "S.csv", "--out", "O.csv", "--seed", seed)
    assert (done.exit_code, "seed" in done.stderr) == (2, True)
    assert not (folder / "O.csv").exists()


def test_each_class(folder):
    found = json.loads(score("F.csv", "f1", "S.csv", "--per-class", "--json").stdout)
    assert found["per_class"] == [
        {"class": "x", "precision": 2 / 3, "recall": 1.0, "f1": 0.8, "rows": 2},
        {"class": "y", "precision": 0.0, "recall": 0.0, "f1": 0.0, "rows": 1},
    ]
    assert "Each class" in score("F.csv", "accuracy", "S.csv", "--per-class").stdout
    (folder / "P.csv").write_text("id,x,y\na,1,0\nb,1,0\nc,1,0\n")
    assert score("P.csv", "log_loss", "S.csv", "--per-class").exit_code == 2


def test_beside_a_sample_the_cap_is_four_times_its_size_but_a_mebibyte_at_least(folder):
    (folder / "F.csv").write_text("id,label\na,x\nb,x\nc,x\n" + "\n" * (1 << 20))
    for against, code in (("--sample", 1), ("--solution", 0)):
        file = "sample.csv" if against == "--sample" else "S.csv"
        done = call("check", against, file, "--submission", "F.csv", "--json")
        assert done.exit_code == code
    done = call("check", "--sample", "sample.csv", "--submission", "F.csv", "--json")
    assert json.loads(done.stdout)["problems"][0]["code"] == "too_large"


def test_a_split_with_an_empty_part_is_not_written(folder):
    (folder / "S.csv").write_text("id,label\na,x\nb,y\nc,z\n")
    arguments = ("split", "--solution", "S.csv", "--out", "O.csv", "--fraction")
    for fraction in ("0.1", "0.9"):
        done = call(*arguments, fraction)
        assert (done.exit_code, "another --fraction" in done.stderr) == (2, True)
    assert not (folder / "O.csv").exists()
    done = call("split", "--solution", "S.csv", "--out", "S.csv", "--fraction", "0.5")
    assert (done.exit_code, "overwrite" in done.stderr) == (2, True)


def test_text_stays_as_it_is(folder):
    (folder / "bad.csv").write_text("id,label\n:dog:.png,x\nb,x\nc,x\n")
    assert "':dog:.png'" in score("bad.csv").stdout


def test_a_terminal_that_knows_no_umlaut(folder):
    (folder / "bad.csv").write_text("id,label\n\u00e9,x\nb,x\nc,x\n", encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "scoring",
            "check",
            "--solution",
            "S.csv",
            "--submission",
            "bad.csv",
        ],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "\\xe9" in done.stdout) == (1, True)
