"""A challenge with each metric and layout: made from files, tried before it opens, scored."""

import csv
import io

import pytest

from competitions import files, leaderboard, solutions, tasks
from competitions.models import Competition, Preparation, PrivateScore, PublicScore, Status
from competitions.models.metrics import LAYOUTS, titled
from competitions.preparing import samples
from competitions.preparing.answers import Answers
from competitions.refusals import Refused
from scoring import METRICS
from tests.classroom import make_competition
from tests.competitions.zips import TRUTH, solution_csv, train_zip

NEEDED = {
    "cost_weighted_accuracy": {"costs": "0,1;2,0"},
    "hierarchical_accuracy": {"parents": '{"0": "even", "1": "odd"}'},
}
COMBINATIONS = [(key, layout) for key, metric in METRICS.items() for layout in metric.layouts]


def settings_of(metric: str, layout: str = "", **parameters: object) -> Competition:
    return Competition(metric=metric, layout=layout, metric_parameters=parameters)


def answers_of(labels: str, public: int) -> Answers:
    """One image per character, its label; the first ones are public."""
    usage = ["Public"] * public + ["Private"] * (len(labels) - public)
    rows = [(f"{n:02d}.png", label, usage[n]) for n, label in enumerate(labels)]
    return Answers("id", "label", rows, b"", given=True)


def rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode())))


# --- before it opens -----------------------------------------------------------------------------


@pytest.mark.parametrize(("metric", "layout"), COMBINATIONS)
def test_every_metric_makes_a_challenge_in_each_of_its_layouts(metric, layout):
    parameters = NEEDED.get(metric, {}) | ({"k": 1} if "top_k" in metric else {})
    competition = settings_of(metric, layout, **parameters)
    assert solutions.complaint(competition, ["0", "1"]) is None
    sample = samples.proven(competition, answers_of("0110110101", 4), ["0", "1"])
    assert len(rows(sample)) == 11


@pytest.mark.once("test_a_sample_of_scores_for_two_classes")
@pytest.mark.parametrize(
    ("metric", "layout", "parameters", "first"),
    [
        ("accuracy", "", {}, [["id", "label"], ["x00.png", "cat"]]),
        ("log_loss", "", {}, [["id", "cat", "dog", "owl"], ["x00.png", *["0.333333"] * 3]]),
        ("map_at_k", "", {"k": "2"}, [["id", "label"], ["x00.png", "cat dog"]]),
        ("map_at_k", "", {"k": "9"}, [["id", "label"], ["x00.png", "cat dog owl"]]),
        ("hamming_loss", "", {}, [["id", "label"], ["x00.png", "cat"]]),
        ("f1", "probabilities", {}, [["id", "cat", "dog", "owl"], ["x00.png", "1", "0", "0"]]),
    ],
)
def test_the_sample_has_the_challenges_layout(draft, prepared, metric, layout, parameters, first):
    Competition.objects.filter(pk=draft.pk).update(
        metric=metric, layout=layout, metric_parameters=parameters
    )
    competition = prepared()
    assert competition.preparation == Preparation.READY, competition.preparation_note
    sample = files.read("data", competition.files.get(name=files.SAMPLE).path)
    assert rows(sample)[:2] == first
    assert len(rows(sample)) == 31


@pytest.mark.django_db
def test_a_sample_of_scores_for_two_classes(draft, prepared):
    Competition.objects.filter(pk=draft.pk).update(metric="roc_auc", layout="score")
    truth = {name: str(n % 2) for n, name in enumerate(TRUTH)}
    competition = prepared(train=train_zip(["0", "1"]), solution=solution_csv(truth))
    assert competition.preparation == Preparation.READY, competition.preparation_note
    sample = files.read("data", competition.files.get(name=files.SAMPLE).path)
    assert rows(sample)[:2] == [["id", "label"], ["x00.png", "0.5"]]


@pytest.mark.parametrize(
    ("competition", "found", "sentence"),
    [
        (settings_of("roc_auc", "score"), answers_of("abab", 2), "labels 0 and 1 only"),
        (settings_of("roc_auc"), answers_of("aaab", 2), "not a finite number on these rows"),
        (settings_of("roc_auc"), answers_of("aaab", 2), "No public row has: b."),
        (settings_of("mean_column_roc_auc"), answers_of("abaa", 2), "No private row has: b."),
        (settings_of("cohen_kappa"), answers_of("aabb", 2), "not a finite number"),
        (settings_of("top_k_accuracy"), answers_of("abab", 2), "same answer for every image"),
        (settings_of("top_k_error", "ranked"), answers_of("abab", 2), "same answer for every"),
        (settings_of("top_k_error", "labels"), answers_of("abab", 2), "with other parameters"),
        (settings_of("f1", average="binary", positive="c"), answers_of("abab", 2), "class 'c'"),
        (settings_of("cost_weighted_accuracy"), answers_of("abab", 2), "needs the parameter"),
        (settings_of("cost_weighted_accuracy", costs="0,1,1;1,0,1;1,1,0"),
         answers_of("abab", 2), "each of the 2 classes"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_refused_in_words(competition, found, sentence):
    with pytest.raises(Refused, match=sentence):
        samples.proven(competition, found, ["a", "b"])


@pytest.mark.parametrize("metric", ["map_at_k", "hamming_loss"])
def test_class_names_that_a_list_would_cut_are_refused(metric):
    found = Answers(
        "id", "label", [("1", "grey cat", "Public"), ("2", "dog", "Private")], b"", True
    )
    with pytest.raises(Refused, match="'grey cat' holds one"):
        samples.proven(settings_of(metric), found, ["dog", "grey cat"])


def test_a_class_called_like_the_ids_has_no_column_of_its_own():
    found = Answers("id", "label", [("1", "id", "Public"), ("2", "dog", "Private")], b"", True)
    with pytest.raises(Refused, match="called 'id', like the column of ids"):
        samples.proven(settings_of("log_loss"), found, ["dog", "id"])


def test_a_sample_too_large_to_be_sent_is_refused(monkeypatch):
    monkeypatch.setattr(samples, "byte_cap", lambda size: size - 1)
    with pytest.raises(Refused, match="even the sample submission would be refused"):
        samples.proven(settings_of("accuracy"), answers_of("abab", 2), ["a", "b"])


def test_an_ignored_image_needs_no_label():
    found = answers_of("abab", 2)
    found.rows.append(("zz.png", "", "Ignored"))
    assert len(rows(samples.proven(settings_of("log_loss"), found, ["a", "b"]))) == 6


@pytest.mark.django_db
def test_the_refusal_is_the_organisers_answer_and_nothing_is_published(draft, prepared):
    Competition.objects.filter(pk=draft.pk).update(metric="roc_auc", layout="score")
    competition = prepared()
    assert competition.preparation == Preparation.REFUSED
    assert "labels 0 and 1 only" in competition.preparation_note
    assert competition.solution is None
    assert not competition.files.exists()


@pytest.mark.django_db
def test_a_solution_with_a_column_per_class_is_refused(prepared):
    lines = [f"{name},{int(n % 3 == 0)},{int(n % 3 > 0)}" for n, name in enumerate(TRUTH)]
    competition = prepared(solution="\n".join(["id,cat,dog", *lines]).encode())
    assert "Write one column with the label" in competition.preparation_note


# --- scored --------------------------------------------------------------------------------------

SOLUTION = "\n".join(
    ["id,label,Usage", *(f"{n},{n % 2},{'Public' if n < 4 else 'Private'}" for n in range(12))]
).encode()


def in_layout(layout: str, label: int) -> str:
    """An answer for that class, surer than not."""
    return {
        "labels": f"{label}",
        "score": f"{0.25 + label / 2}",
        "probabilities": f"{0.75 - label / 2},{0.25 + label / 2}",
        "ranked": f"{label} {1 - label}",
        "sets": f"{label}",
    }[layout]


def submission(layout: str, wrong: set[int]) -> bytes:
    header = "id,0,1" if layout == "probabilities" else "id,label"
    lines = (f"{n},{in_layout(layout, (n + (n in wrong)) % 2)}" for n in range(12))
    return "\n".join([header, *lines]).encode()


@pytest.mark.parametrize(
    ("metric", "layout", "public", "private"),
    [
        # one of the four public images is wrong and none of the eight private ones
        ("accuracy", "labels", 3 / 4, 1.0),
        ("roc_auc", "score", 3 / 4, 1.0),
        ("brier", "probabilities", (3 * 1 / 8 + 9 / 8) / 4, 1 / 8),
        ("map_at_k", "ranked", (3 + 1 / 2) / 4, 1.0),
        ("hamming_loss", "sets", 1 / 4, 0.0),
    ],
)
def test_a_file_of_each_layout_is_scored_by_the_task(
    db, submit, alice, metric, layout, public, private
):
    competition = make_competition("two", SOLUTION, metric=metric, layout=layout)
    sent = submit(alice, submission(layout, wrong={0}), competition=competition)
    tasks.score(sent.pk)
    sent.refresh_from_db()
    assert (sent.status, sent.error) == (Status.SCORED, "")
    assert PublicScore.objects.get().value == pytest.approx(public)
    assert PrivateScore.objects.get().value == pytest.approx(private)


@pytest.mark.once("test_a_file_of_each_layout_is_scored_by_the_task")
@pytest.mark.parametrize(("metric", "layout"), COMBINATIONS)
def test_the_sample_as_it_comes_is_scored(db, submit, alice, metric, layout):
    parameters = NEEDED.get(metric, {}) | ({"k": "1"} if "top_k" in metric else {})
    competition = make_competition(
        "two", SOLUTION, metric=metric, layout=layout, metric_parameters=parameters
    )
    sample = files.read("data", competition.files.get().path)
    sent = submit(alice, sample, competition=competition)
    tasks.score(sent.pk)
    sent.refresh_from_db()
    assert (sent.status, sent.error) == (Status.SCORED, "")


def test_without_a_choice_the_metrics_own_layout_is_the_only_one(db, submit, alice):
    """F1 takes columns of 0 and 1 too, and the file's own columns would otherwise choose them."""
    competition = make_competition("two", SOLUTION, metric="f1")
    marks = "\n".join(["id,0,1", *(f"{n},{1 - n % 2},{n % 2}" for n in range(12))]).encode()
    for content, status in ((submission("labels", set()), "scored"), (marks, "invalid")):
        sent = submit(alice, content, competition=competition)
        tasks.score(sent.pk)
        sent.refresh_from_db()
        assert sent.status == status


@pytest.mark.parametrize("metric", ["top_k_error", "hamming_loss", "log_loss"])
def test_where_less_is_better_the_smaller_score_stands_first(db, scored, alice, bob, metric):
    layout = METRICS[metric].layout
    parameters = {"k": 1} if metric == "top_k_error" else {}
    competition = make_competition("two", SOLUTION, metric=metric, metric_parameters=parameters)
    scored(alice, submission(layout, wrong={0, 1}), competition=competition)
    scored(bob, submission(layout, wrong={0}), competition=competition)
    board = leaderboard.board(competition)
    assert [(row.rank, row.team) for row in board.rows] == [(1, "Bob"), (2, "Alice")]
    assert board.rows[0].value < board.rows[1].value
    assert (board.rows[0].low is not None) == (METRICS[metric].interval == "wilson")


def test_a_solution_is_compiled_anew_for_another_metric_or_layout(db):
    competition = make_competition("two", SOLUTION, metric="hamming_loss")
    found = [
        solutions.compiled(competition.solution_id, solutions.spec(competition))
        for competition.metric, competition.layout in [
            ("hamming_loss", "sets"),
            ("accuracy", "labels"),
            ("hamming_loss", "sets"),
            ("hamming_loss", "probabilities"),
        ]
    ]
    assert found[0] is found[2]
    assert found[0] is not found[3]
    assert (found[0].answers.single, found[1].answers.flags) == (None, None)


# --- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("competition", "field", "sentence"),
    [
        (settings_of("accuracy", k="5"), "metric_parameters", "does not take the parameter 'k'"),
        (settings_of("map_at_k", k="many"), "metric_parameters", "a whole number from 1"),
        (settings_of("cost_weighted_accuracy"), "metric_parameters", "needs the parameter"),
        (settings_of("accuracy", "ranked"), "layout", "does not take the layout 'ranked'"),
        (settings_of("top_k_error", "labels", k="2"), "layout", "only with k=1"),
        (settings_of("f1", average="binary", positive="owl"), "metric_parameters", "class 'owl'"),
    ],
)
def test_settings_that_do_not_fit_together_are_told_at_their_field(competition, field, sentence):
    wrong = solutions.complaint(competition, ["cat", "dog"])
    assert wrong is not None
    assert (wrong[0], sentence in wrong[1]) == (field, True)


@pytest.mark.parametrize(
    ("key", "parameters", "title"),
    [
        ("accuracy", {}, "Accuracy"),
        ("top_k_accuracy", {}, "Top-k accuracy, k = 5"),
        ("top_k_accuracy", {"k": "3"}, "Top-k accuracy, k = 3"),
        ("fbeta", {"beta": "0.5", "average": "micro"}, "F-beta, average = micro, beta = 0.5"),
        ("f1", {"average": "macro"}, "F1"),
        ("balanced_accuracy", {"adjusted": "yes?"}, "Balanced accuracy"),
        ("balanced_accuracy", {"adjusted": "1"}, "Balanced accuracy, adjusted = true"),
        ("cost_weighted_accuracy", {"costs": "0,1;2,0"}, "Cost-weighted accuracy"),
    ],
)
def test_a_metric_is_called_by_what_sets_it_apart(key, parameters, title):
    assert titled(key, parameters) == title


def test_every_layout_has_words():
    assert set(LAYOUTS) == {layout for metric in METRICS.values() for layout in metric.layouts}
