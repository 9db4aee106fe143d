"""An organiser's metric through the terminal: the same reading, then a process of its own."""

import json

import pytest
from typer.testing import CliRunner

from scoring.terminal import app
from tests.scoring.inside import answer_inside

pytest.importorskip("pandas", reason="custom metrics get data frames: pip install pandas")

METRIC = '''
class ParticipantVisibleError(Exception):
    pass


def score(solution, submission, row_id_column_name, weight: float = 1.0) -> float:
    """The share of equal rows.

    >>> import pandas
    >>> table = pandas.DataFrame({"id": [1], "kind": ["lynx"]})
    >>> score(table, table, "id")
    1.0
    """
    answers = [name for name in submission.columns if name != row_id_column_name][0]
    truth = [name for name in solution.columns if name != row_id_column_name][0]
    if len(submission) > 2 and submission[answers].nunique() == 1:
        raise ParticipantVisibleError("Every answer is the same.")
    return weight * float((solution[truth] == submission[answers]).mean())
'''
SOLUTION = "image,kind,Usage\na,lynx,Public\nb,mole,Public\nc,lynx,Private\nd,mole,Private\n"
ANSWERS = 'kind,image\nmole,d\n"lynx","c"\nlynx,b\nlynx,a\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in (("metric.py", METRIC), ("S.csv", SOLUTION), ("F.csv", ANSWERS)):
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def inside(monkeypatch):
    answer_inside(monkeypatch)


def call(command, *more):
    files = ("--solution", "S.csv", "--submission", "F.csv")
    return CliRunner().invoke(app, [*command.split(), *files, "--json", *more])


def test_scored_like_any_other_metric(folder):
    found = json.loads(
        call("score --metric metric.py --param weight=2 --direction minimize").stdout
    )
    assert (found["score"], found["public"], found["private"]) == (1.5, 1.0, 2.0)
    assert found["direction"] == "minimize"
    assert found["metric"].startswith("custom:")


def test_its_version_is_the_hash_of_its_bytes(folder, inside):
    first = json.loads(call("check-metric metric.py").stdout)
    (folder / "metric.py").write_text(METRIC + "\n")
    second = json.loads(call("check-metric metric.py").stdout)
    assert first["ok"] is second["ok"] is True
    assert first["version"] != second["version"]


def test_what_it_says_to_participants(folder):
    (folder / "F.csv").write_text("image,kind\na,lynx\nb,lynx\nc,lynx\nd,lynx\n")
    done = call("score --metric metric.py")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["problems"] == [
        {"code": "metric_refused", "line": None, "message": "Every answer is the same."}
    ]


def test_a_file_is_refused_before_the_metric_sees_it(folder):
    (folder / "F.csv").write_text(ANSWERS.replace("mole,d", "wolf,d"))
    done = call("score --metric metric.py")
    assert (done.exit_code, json.loads(done.stdout)["problems"][0]["code"]) == (1, "unknown_class")


def test_a_failing_metric_is_the_host_s_business(folder):
    (folder / "metric.py").write_text(METRIC.replace("return weight", "return 1 / 0 * weight"))
    done = call("score --metric metric.py")
    assert (done.exit_code, "ZeroDivisionError" in done.stderr) == (2, True)
    checked = call("check-metric metric.py")
    assert checked.exit_code == 2
    assert "ZeroDivisionError" in json.loads(checked.stdout)["problems"][0]
    assert call("score --metric metric.py --param wait=2").exit_code == 2
    (folder / "metric.py").write_text("def score(: pass")
    assert "not Python" in call("score --metric metric.py").stderr


@pytest.mark.parametrize(
    ("layout", "answers", "seen"),
    [
        ("score", "image,kind\na,1\nb,-2.5\nc,0\nd,0\n", ["1.0", "-2.5", "0.0", "0.0"]),
        ("ranked", "image,kind\na,mole lynx\nb,lynx\nc,mole\nd,mole\n", ["mole lynx", "lynx"]),
        ("sets", "image,kind\na,mole lynx\nb,\nc,mole\nd,mole\n", ["lynx mole", ""]),
        ("probabilities", "image,mole,lynx\na,0.5,1\nb,0,1\nc,1,1\nd,0,0\n", ["1.0", "1.0"]),
    ],
)
def test_every_layout_reaches_the_metric(folder, layout, answers, seen, inside):
    told = f"""
class ParticipantVisibleError(Exception): pass
def score(solution, submission, row_id_column_name) -> float:
    cells = submission.astype(str).iloc[:, 1].tolist()
    return float(cells[:{len(seen)}] == {seen})
"""
    (folder / "metric.py").write_text(told)
    (folder / "F.csv").write_text(answers)
    (folder / "S.csv").write_text(
        SOLUTION.replace(",Usage", "").replace(",Public", "").replace(",Private", "")
    )
    found = call(f"score --metric metric.py --layout {layout}")
    assert json.loads(found.stdout)["score"] == 1


def test_check_and_compare_with_a_metric_of_ones_own(folder):
    assert call("check --metric metric.py").exit_code == 0
    assert call("check --metric metric.py --layout score").exit_code == 1
    files = ("F.csv", "G.csv", "--solution", "S.csv", "--metric", "metric.py")
    (folder / "G.csv").write_text(ANSWERS)
    done = CliRunner().invoke(app, ["compare", *files])
    assert (done.exit_code, "taken by score, check" in done.stderr) == (2, True)
