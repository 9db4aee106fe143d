"""Layouts and kinds of solution, through the terminal as an organiser or a team calls it."""

import json

import pytest
from typer.testing import CliRunner

from scoring.terminal import app

LABELS = "id,label\na,x\nb,y\nc,z\nd,x\n"
SETS = "id,tags\na,x y\nb,\nc,z\nd,x y z\n"
COLUMNS = "id,x,y,z\na,1,1,0\nb,0,0,0\nc,0,0,1\nd,1,1,1\n"
BINARY = "id,label\na,0\nb,0\nc,1\nd,1\n"
SCORES = "id,label\na,0.1\nb,0.4\nc,0.35\nd,0.8\n"


@pytest.fixture
def score(tmp_path):
    """``score(solution, submission, call)``: the score, or the exit code and the words."""

    def run(solution, submission, call, classes=None):
        (tmp_path / "S.csv").write_text(solution)
        (tmp_path / "F.csv").write_text(submission)
        files = ["--solution", str(tmp_path / "S.csv"), "--submission", str(tmp_path / "F.csv")]
        if classes:
            (tmp_path / "classes.txt").write_text("\n".join(classes) + "\n")
            files += ["--classes", str(tmp_path / "classes.txt")]
        done = CliRunner().invoke(app, ["score", *files, "--json", "--metric", *call.split(" ")])
        if done.exit_code == 2:
            return 2, done.stderr
        found = json.loads(done.stdout)
        return found["score"] if done.exit_code == 0 else (1, found["problems"][0])

    return run


RANKED = "id,label\na,x z\nb,x y\nc,x y z\nd,z y\n"


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("map_at_k", (1 + 1 / 2 + 1 / 3 + 0) / 4),
        ("map_at_k --param k=2", (1 + 1 / 2) / 4),
        ("top_k_accuracy --layout ranked --param k=2", 0.5),
        ("top_k_error --layout ranked --param k=1", 0.75),
        ("top_k_accuracy --param k=2", 0.5),  # the columns show that lists are meant
    ],
)
def test_ranked_lists(score, call, value):
    assert score(LABELS, RANKED, call) == pytest.approx(value, abs=1e-12)


def test_a_repeated_label_keeps_its_place_and_counts_once(score):
    solution, lists = "id,label\n1,B\n2,A\n", "id,label\n1,A A B\n2,A\n"
    assert score(solution, lists, "map_at_k") == pytest.approx((1 / 3 + 1) / 2)
    assert score(solution, lists, "map_at_k --param k=2") == pytest.approx((0 + 1) / 2)


def test_a_bare_label_is_a_list_of_one(score):
    answers = "id,label\na,x\nb,x\nc,z\nd,x\n"
    for layout in ("labels", "ranked"):
        call = f"top_k_accuracy --param k=1 --layout {layout}"
        assert score(LABELS, answers, call) == 0.75
    assert score(LABELS, answers, "top_k_accuracy --param k=1") == 0.75
    code, words = score(LABELS, answers, "top_k_accuracy --param k=2 --layout labels")
    assert code == 2
    assert "'labels'" in words


def test_top_k_from_probabilities(score):
    numbers = "y,id,x,z\n.2,a,.5,.3\n.2,b,.5,.3\n.4,c,.5,.1\n.2,d,.2,.6\n".replace(",.", ",0.")
    assert score(LABELS, numbers.replace("\n.", "\n0."), "top_k_accuracy --param k=2") == 0.5


@pytest.mark.parametrize("solution", [SETS, COLUMNS])
@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("f1 --param average=samples", (2 / 3 + 1 + 1 + 4 / 5) / 4),
        ("f1 --param average=samples --layout sets", (2 / 3 + 1 + 1 + 4 / 5) / 4),
        ("fbeta --param average=micro --param beta=2", 5 * 4 / (4 * 6 + 4)),
        ("hamming_loss", 2 / 12),
        ("subset_accuracy", 0.5),
        ("jaccard", (1 / 2 + 1 + 1 + 2 / 3) / 4),
    ],
)
def test_sets_against_sets_and_against_columns(score, solution, call, value):
    answers = "tags,id\nz,c\nx,a\n,b\nz x,d\n"
    assert score(solution, answers, call) == pytest.approx(value, abs=1e-12)


def test_columns_of_0_and_1_are_judged_like_sets(score):
    answers = "id,z,y,x\na,0,0,1\nb,0,0,0\nc,1,0,0\nd,1.0,0,1\n"
    assert score(COLUMNS, answers, "subset_accuracy") == 0.5
    code, problem = score(COLUMNS, answers.replace("1.0", "0.7"), "f1")
    assert (code, problem["code"], problem["line"]) == (1, "not_zero_or_one", 5)


def test_f1_reads_single_labels_unless_a_cell_holds_a_space(score):
    answers = "id,label\na,x\nb,y\nc,x\nd,x\n"
    assert score(LABELS, answers, "f1 --param average=micro") == 0.75
    two = "id,label\na,Fat Hen\nb,Maize\n"
    assert score(two, two, "f1 --layout labels") == 1
    assert score(two, "id,label\na,Hen\nb,Maize\n", "f1 --layout labels")[1]["code"] == (
        "unknown_class"
    )
    assert score(two, "id,label\na,Hen\nb,Maize\n", "f1 --param average=samples") == (
        pytest.approx((2 / 3 + 1) / 2)
    )


def test_one_number_per_row(score):
    assert score(BINARY, SCORES, "roc_auc --layout score") == 0.75
    assert score(BINARY, SCORES, "roc_auc") == 0.75
    assert score(BINARY, SCORES.replace("0.8", "-7e2"), "roc_auc --layout score") == 0.25
    assert score(BINARY, SCORES.replace("0.8", "1.2"), "probabilistic_f1") == pytest.approx(
        2 * (1.35 / 1.85) * (1.35 / 2) / (1.35 / 1.85 + 1.35 / 2)
    )
    code, problem = score(BINARY, SCORES.replace("0.8", "1.2"), "log_loss --layout score")
    assert (code, problem["code"]) == (1, "number_above_one")
    code, words = score(LABELS, SCORES, "log_loss --layout score")
    assert code == 2
    assert "1 is the positive class" in words


def test_the_positive_class_is_1_whatever_the_order_of_the_classes(score):
    assert score(BINARY, SCORES, "roc_auc --layout score", classes=["1", "0"]) == 0.75


def test_one_column_per_class(score):
    numbers = "id,x,y,z\na,2,-1,0\nb,0,3,0\nc,0,0,9\nd,1,0,0\n"
    assert score(LABELS, numbers, "mean_column_roc_auc") == 1
    assert score(LABELS, numbers, "roc_auc") == 1
    assert score(COLUMNS, numbers, "label_ranking_average_precision") < 1
    assert score(LABELS, numbers, "log_loss")[1]["code"] == "negative_number"
    shares = numbers.replace("-1", "1")
    assert score(LABELS, shares, "mean_column_log_loss")[1]["code"] == "number_above_one"
    assert score(LABELS, shares, "log_loss") == pytest.approx(0.1013662770)


def test_classes_fix_the_order_and_refuse_what_is_no_class(score):
    ordered = ["z", "y", "x", "w"]
    answers = LABELS.replace("d,x", "d,w")
    assert score(LABELS, answers, "cohen_kappa --param weights=linear", classes=ordered) < 1
    assert score(LABELS, answers, "accuracy")[1]["code"] == "unknown_class"
    assert score(LABELS, answers, "accuracy", classes=["x", "y"])[0] == 2


def test_one_hot_columns_serve_metrics_of_single_labels(score):
    one_hot = "id,x,y,z\na,1,0,0\nb,0,1,0\nc,0,0,1\nd,1,0,0\n"
    assert score(one_hot, LABELS.replace("d,x", "d,y"), "accuracy") == 0.75
    assert score(one_hot, "id,x,y,z\na,1,0,0\nb,0,1,0\nc,0,0,1\nd,1,0,0\n", "log_loss") < 1e-12
    code, words = score(COLUMNS, LABELS, "accuracy")
    assert code == 2
    assert "one label per row" in words


def test_usage_and_the_id_column_at_any_place(score):
    solution = "Usage,label,image\nPublic,x,a\nPrivate,y,b\nIgnored,,c\nPublic,y,d\n"
    answers = "label,image\ny,d\nx,c\ny,b\ny,a\n"
    assert score(solution, answers, "accuracy --id-column image") == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("acuracy", "no metric 'acuracy'"),
        ("accuracy --param k=3", "does not take the parameter 'k'"),
        ("accuracy --layout ranked", "does not take the layout 'ranked'"),
        ("accuracy --param k", "NAME=VALUE"),
        ("top_k_accuracy --param k=0", "'k'"),
        ("cost_weighted_accuracy", "needs the parameter 'costs'"),
        ("cost_weighted_accuracy --param costs=0,1;1,0", "'costs'"),
        ("roc_auc --param multi_class=both", "ovr"),
    ],
)
def test_calls_that_are_wrong(score, call, words):
    code, said = score(LABELS, LABELS, call)
    assert code == 2
    assert words in said


def test_parameters_that_are_tables(score, tmp_path):
    answers = LABELS.replace("d,x", "d,z")
    costs = "cost_weighted_accuracy --param costs=0,1,2;1,0,1;2,1,0"
    assert score(LABELS, answers, costs) == 0.75
    (tmp_path / "tree.json").write_text('{"x": "round", "y": "round", "z": "square"}')
    tree = f"hierarchical_accuracy --param parents=@{tmp_path}/tree.json"
    assert score(LABELS, answers, tree) == 0.75
    assert score(LABELS, LABELS.replace("d,x", "d,y"), tree) == 0.875


def test_check_knows_the_same_forms(tmp_path):
    (tmp_path / "S.csv").write_text(SETS)
    (tmp_path / "F.csv").write_text("id,tags\na,x\nb,y z\nc,q\nd,\n")
    call = ["check", "--solution", str(tmp_path / "S.csv"), "--metric", "f1", "--json"]
    done = CliRunner().invoke(app, [*call, "--submission", str(tmp_path / "F.csv")])
    found = json.loads(done.stdout)
    assert (done.exit_code, found["ok"], found["more"]) == (1, False, 0)
    assert [(at["code"], at["line"]) for at in found["problems"]] == [("unknown_class", 4)]


@pytest.mark.parametrize(
    ("sample", "call", "good"),
    [
        ("id,label\na,x y\n", "--layout ranked", "id,label\na,z z z\n"),
        ("id,label\na,x y\n", "--layout sets", "id,label\na,\n"),
        ("id,label\na,0.5\n", "--layout score", "id,label\na,-3e2\n"),
        ("id,label\na,0.5\n", "--metric roc_auc", "id,label\na,-3e2\n"),
        ("id,x,y\na,0.5,0.5\n", "--metric mean_column_log_loss", "id,x,y\na,1,1\n"),
        ("id,x,y\na,0.5,0.5\n", "", "id,x,y\na,7,0\n"),
    ],
)
def test_check_against_a_sample(tmp_path, sample, call, good):
    (tmp_path / "sample.csv").write_text(sample)
    files = ["--sample", str(tmp_path / "sample.csv"), "--submission", str(tmp_path / "F.csv")]
    for text, code in ((good, 0), (good.replace("a,", "b,"), 1)):
        (tmp_path / "F.csv").write_text(text)
        assert CliRunner().invoke(app, ["check", *files, *call.split()]).exit_code == code


def test_metrics_lists_every_key(tmp_path):
    found = json.loads(CliRunner().invoke(app, ["metrics", "--json"]).stdout)
    by_key = {row["key"]: row for row in found}
    assert by_key["map_at_k"]["layouts"] == ["ranked"]
    assert by_key["log_loss"]["direction"] == "minimize"
    assert [at["name"] for at in by_key["fbeta"]["parameters"]] == ["average", "positive", "beta"]
    assert "cohen_kappa" in CliRunner().invoke(app, ["metrics"]).stdout


def test_check_takes_a_layout_without_a_metric(tmp_path):
    (tmp_path / "S.csv").write_text(BINARY)
    (tmp_path / "F.csv").write_text("id,label\na,1 0\nb,0\nc,1\nd,1\n")
    files = ["--solution", str(tmp_path / "S.csv"), "--submission", str(tmp_path / "F.csv")]
    for layout, code in (("ranked", 0), ("sets", 0), ("labels", 1), ("score", 1)):
        done = CliRunner().invoke(app, ["check", *files, "--layout", layout])
        assert (layout, done.exit_code) == (layout, code)


def test_empty_cells_without_any_space_are_sets_only_where_that_is_said(score):
    solution = "id,tags\na,x\nb,\nc,y\n"
    code, words = score(solution, solution, "f1")
    assert code == 2
    assert "choose the layout sets" in words
    assert score(solution, solution, "f1 --layout sets --param average=samples") == 1


def test_scores_of_another_scale_only_where_the_layout_is_named(score):
    columns = "id,0,1\na,0.9,0.1\nb,0.6,0.4\nc,0.65,0.35\nd,0.2,0.8\n"
    assert score(BINARY, columns, "brier") == pytest.approx(
        2 * score(BINARY, SCORES, "brier --layout score")
    )
    assert score(BINARY, SCORES, "brier")[1]["code"] == "wrong_header"
    assert score(BINARY, SCORES, "mean_column_roc_auc") == 0.75


def test_pairs_of_classes_from_one_hot_columns_but_not_from_sets(score):
    labels = "id,label\na,x\nb,y\nc,z\nd,z\ne,y\n"
    one_hot = "id,x,y,z\na,1,0,0\nb,0,1,0\nc,0,0,1\nd,0,0,1\ne,0,1,0\n"
    numbers = "id,x,y,z\na,0.7,0.2,0.1\nb,0.1,0.3,0.6\nc,0.1,0.1,0.8\nd,0.2,0.2,0.6\ne,0.8,0,0.2\n"
    ovo = "roc_auc --param multi_class=ovo"
    assert score(one_hot, numbers, ovo) == score(labels, numbers, ovo)
    assert score(one_hot, numbers, ovo) != score(one_hot, numbers, "roc_auc")
    assert score(COLUMNS, numbers.replace("e,0.8,0,0.2\n", ""), ovo)[0] == 2


def test_a_label_of_ignored_rows_alone_is_no_class(score):
    solution = "id,label,Usage\na,x,Public\nb,y,Private\nc,?,Ignored\nd,,Ignored\n"
    assert score(solution, "id,label\na,x\nb,y\nc,x\nd,x\n", "f1") == 1
    sets = "id,tags,Usage\na,x y,Public\nb,y,Private\nc,?,Ignored\nd,,Ignored\n"
    answers = "id,tags\na,x y\nb,y\nc,x\nd,\n"
    assert score(sets, answers, "f1") == 1
    assert score(sets, answers, "f1", classes=["x", "y"]) == 1


@pytest.mark.parametrize("call", ["roc_auc", "mean_column_roc_auc", "average_precision"])
def test_class_names_with_spaces_have_columns(score, call):
    solution = "id,label\n1,Fat Hen\n2,b\n3,Fat Hen\n"
    assert score(solution, "id,Fat Hen,b\n1,0.9,0.1\n2,0.2,0.8\n3,0.7,0.3\n", call) == 1
    assert score(SETS, "id,x,y,z\na,1,1,0\nb,0,0,0\nc,0,0,1\nd,1,1,1\n", call) == 1


def test_lists_of_names_with_spaces_are_the_organisers_mistake(score):
    solution = "id,label\n1,Fat Hen\n2,b\n"
    code, words = score(solution, "id,label\n1,Fat Hen\n2,b\n", "map_at_k")
    assert code == 2
    assert "'Fat Hen' holds one" in words


def test_long_lists_count_to_their_end(score):
    names = [f"class_{at:04d}" for at in range(1500)]
    solution = "id,label\n" + "".join(f"{at},{name}\n" for at, name in enumerate(names))
    backwards = " ".join(reversed(names))
    lists = "id,label\n" + "".join(f"{at},{backwards}\n" for at in range(len(names)))
    expected = sum(1 / rank for rank in range(1, 1501)) / 1500
    assert score(solution, lists, "map_at_k --param k=1500") == pytest.approx(expected)


def test_one_wrong_parameter_is_enough(score, tmp_path):
    (tmp_path / "costs.json").write_bytes(b"\xff\xfe")
    assert (
        score(LABELS, LABELS, f"cost_weighted_accuracy --param costs=@{tmp_path}/costs.json")[0]
        == 2
    )
    assert score(LABELS, LABELS, "map_at_k --param k=1 --param k=2")[0] == 2
