"""Answers in the sample's order, checked before they are written."""

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np
import pytest
from typer.testing import CliRunner

import scoring
from baselines import runs
from baselines.__main__ import app
from baselines.errors import BaselineError, CallError
from baselines.predict import expected, predict
from tests.baselines.conftest import png, zipped


def rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode())))


def truth(name):
    """Even numbers are bright on the left."""
    return "right" if int(PurePosixPath(name).stem[1:]) % 2 else "left"


def test_follows_the_sample(run_folder, challenge_folder):
    sample = (challenge_folder / "sample_submission.csv").read_bytes()
    answers = predict(run_folder, challenge_folder, None)
    assert [row[0] for row in rows(answers)] == [row[0] for row in rows(sample)]
    assert rows(answers)[0] == ["id", "side"]
    assert all(label == truth(name) for name, label in rows(answers)[1:])
    assert scoring.check(answers, scoring.Template.read(sample)) == ([], 0)


def test_an_archive_and_ids_without_ending(run_folder, challenge_folder, tmp_path):
    sample = tmp_path / "own.csv"
    sample.write_text("image,label\nt03,left\nt02,left\n")
    answers = predict(run_folder, challenge_folder / "test.zip", sample)
    assert rows(answers) == [["image", "label"], ["t03", "right"], ["t02", "left"]]


def test_without_a_sample_the_images_name_the_rows(run_folder, challenge_folder, tmp_path):
    archive = shutil.copy(challenge_folder / "test.zip", tmp_path / "alone.zip")
    answers = predict(run_folder, archive, None)
    assert rows(answers)[:2] == [["id", "label"], ["t00", "left"]]
    assert len(rows(answers)) == 11


def test_the_path_is_the_id_where_file_names_repeat(run_folder, tmp_path):
    files = {f"{side}/{at}.png": png(at % 2, at) for side in ("a", "b") for at in range(3)}
    (tmp_path / "val.zip").write_bytes(zipped(files))
    answers = predict(run_folder, tmp_path / "val.zip", None)
    assert [row[0] for row in rows(answers)[1:]] == list(files)
    assert rows(answers)[1:3] == [["a/0.png", "left"], ["a/1.png", "right"]]


def test_an_id_that_may_be_two_images_is_refused(run_folder, tmp_path):
    files = {f"{side}/0.png": png(0, 0) for side in ("a", "b")}
    (tmp_path / "val.zip").write_bytes(zipped(files))
    sample = tmp_path / "own.csv"
    sample.write_text("id,label\n0.png,left\n")
    with pytest.raises(CallError, match=r"0\.png may be a/0\.png or b/0\.png\. Use paths"):
        predict(run_folder, tmp_path / "val.zip", sample)
    sample.write_text("id,label\nb/0.png,left\na/0.png,left\n")
    answers = predict(run_folder, tmp_path / "val.zip", sample)
    assert [row[0] for row in rows(answers)[1:]] == ["b/0.png", "a/0.png"]


def test_probabilities_where_the_sample_asks_for_them(run_folder, challenge_folder, tmp_path):
    sample = tmp_path / "own.csv"
    sample.write_text("id,right,left\nt01.png,0.5,0.5\nt00.png,0.5,0.5\n")
    answers = rows(predict(run_folder, challenge_folder, sample))
    assert answers[0] == ["id", "right", "left"]
    assert float(answers[1][1]) > 0.5 > float(answers[2][1])
    sample.write_text("id,right,up\nt01.png,0.5,0.5\n")
    with pytest.raises(CallError, match="columns are not the classes"):
        predict(run_folder, challenge_folder, sample)


def test_marks_where_the_sample_has_them(run_folder, challenge_folder, tmp_path):
    sample = tmp_path / "own.csv"
    sample.write_text("id,right,left\nt01.png,1,0\nt00.png,1,0\n")
    answers = rows(predict(run_folder, challenge_folder, sample))
    assert answers[1:] == [["t01.png", "1", "0"], ["t00.png", "0", "1"]]


def test_a_ranked_list_as_long_as_the_samples(run_folder, challenge_folder, tmp_path):
    sample = tmp_path / "own.csv"
    sample.write_text("id,side\nt01.png,left right\nt00.png,left right\n")
    answers = rows(predict(run_folder, challenge_folder, sample))
    assert answers[1:] == [["t01.png", "right left"], ["t00.png", "left right"]]


def test_the_probability_of_class_1_where_the_sample_holds_a_score(
    run_folder, challenge_folder, tmp_path
):
    sample = tmp_path / "own.csv"
    sample.write_text("id,side\nt01.png,0.5\nt00.png,0.5\n")
    with pytest.raises(CallError, match="no class of the run is called so"):
        predict(run_folder, challenge_folder, sample)
    described = json.loads((run_folder / "run.json").read_text())
    (run_folder / "run.json").write_text(json.dumps({**described, "classes": ["0", "1"]}))
    answers = rows(predict(run_folder, challenge_folder, sample))
    assert float(answers[1][1]) > 0.5 > float(answers[2][1])


def test_wrong_calls_in_words(run_folder, challenge_folder, tmp_path):
    with pytest.raises(CallError, match="not a run folder"):
        predict(tmp_path, challenge_folder, None)
    sample = tmp_path / "own.csv"
    sample.write_text("id,label\nx9,left\nt00,left\n")
    with pytest.raises(CallError, match=r"no image for the id x9 \(1 of 2"):
        predict(run_folder, challenge_folder, sample)
    sample.write_text("id\nx9\n")
    with pytest.raises(CallError, match="cannot serve as a sample"):
        predict(run_folder, challenge_folder, sample)
    (run_folder / "run.json").write_text("{}")
    with pytest.raises(BaselineError, match=r"run.json is damaged"):
        predict(run_folder, challenge_folder, None)


def test_the_command_writes_the_file(run_folder, challenge_folder, tmp_path):
    out = tmp_path / "new" / "submission.csv"
    words = ["predict", str(run_folder), "--images", str(challenge_folder), "--out", str(out)]
    answer = CliRunner().invoke(app, [*words, "--json"])
    assert answer.exit_code == 0
    told = json.loads(answer.stdout.splitlines()[-1])
    assert (told["file"], told["rows"]) == (str(out), 10)
    assert len(rows(out.read_bytes())) == 11


def test_the_command_says_what_to_expect_of_the_score(run_folder, challenge_folder, tmp_path):
    """From the 12 held-out images: all 12 right are no promise of 100 %."""
    out = tmp_path / "submission.csv"
    words = ["predict", str(run_folder), "--images", str(challenge_folder), "--out", str(out)]
    answer = CliRunner().invoke(app, [*words, "--json"])
    metrics = json.loads((run_folder / "run.json").read_text())["metrics"]
    expected = json.loads(answer.stdout.splitlines()[-1])["expected"]
    assert (expected["images"], expected["held_out"]) == (12, "validation fifth")
    low, high = scoring.wilson(metrics["test_accuracy"], 12)
    assert expected["low"] < low < metrics["test_accuracy"] <= high <= expected["high"]
    assert "with 95 % certainty" in answer.stderr
    assert expected["chosen_on_them"] is False
    described = json.loads((run_folder / "run.json").read_text())
    described["source"]["within"] = "train"
    (run_folder / "run.json").write_text(json.dumps(described))
    assert "expect a little less" in CliRunner().invoke(app, words).stderr


@pytest.mark.parametrize(
    ("share", "held", "rows"), [(0.97, 359, 899), (0.9, 1000, 1000), (0.97, 359, 100)]
)
def test_the_score_lies_where_it_was_expected_to(run_folder, share, held, rows):
    """In 95 of 100 pairs of a held-out set and a test set."""
    rng, inside = np.random.default_rng(0), 0
    for _ in range(1000):
        metrics = {"test_accuracy": rng.binomial(held, share) / held, "held_out_images": held}
        run = replace(runs.read(run_folder), metrics={**metrics, "held_out": "validation fifth"})
        told = expected(run, rows)
        inside += told["low"] - 1e-6 <= rng.binomial(rows, share) / rows <= told["high"] + 1e-6
    assert 930 < inside < 995


def test_a_broken_image_is_named_by_its_file_and_its_id(run_folder, challenge_folder, tmp_path):
    (tmp_path / "test" / "deep").mkdir(parents=True)
    (tmp_path / "test" / "deep" / "t00.png").write_bytes(b"no picture")
    sample = tmp_path / "own.csv"
    sample.write_text("id,side\nt00,left\n")
    with pytest.raises(BaselineError, match=r"deep/t00.png \(the id t00\) cannot be read"):
        predict(run_folder, tmp_path / "test", sample)


def test_what_to_expect_is_said_of_accuracy_only(run_folder, challenge_folder, tmp_path):
    """A challenge that asks for probabilities may count something else."""
    sample = tmp_path / "own.csv"
    sample.write_text("id,right,left\nt01.png,0.5,0.5\n")
    words = ["predict", str(run_folder), "--images", str(challenge_folder), "--sample", str(sample)]
    answer = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "submission.csv")])
    assert "If the challenge counts accuracy, expect" in answer.stderr


def test_a_run_that_was_stopped_does_not_predict(run_folder, challenge_folder):
    replace(runs.read(run_folder), metrics={}).save(run_folder)
    with pytest.raises(CallError, match=r"not trained to its end.* resume"):
        predict(run_folder, challenge_folder, None)


def test_a_file_in_the_way_of_the_answers_is_named(run_folder, challenge_folder, tmp_path):
    (tmp_path / "file").write_text("mine")
    out = str(tmp_path / "file" / "submission.csv")
    words = ["predict", str(run_folder), "--images", str(challenge_folder), "--out", out]
    answer = CliRunner().invoke(app, [*words, "--json"])
    assert answer.exit_code == 2
    assert f"{tmp_path}/file: File exists. A file lies where a folder is needed" in answer.stderr
    assert json.loads(answer.stdout)["error"]["code"] == "CallError"
    assert (tmp_path / "file").read_text() == "mine"


def test_the_command_writes_nothing_when_it_fails(tmp_path):
    out = tmp_path / "submission.csv"
    words = ["predict", str(tmp_path), "--images", str(tmp_path), "--out", str(out)]
    assert CliRunner().invoke(app, words).exit_code == 2
    assert not out.exists()
