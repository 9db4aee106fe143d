"""An organiser's own metric, from the upload to the board.

In processes of its own, but in the tests that ask for `inside`: what those see is made of its
answers alone.
"""

import hashlib
import html
import io
import subprocess
import sys

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from competitions import leaderboard, preparing, solutions, tasks
from competitions.admin.forms import CompetitionForm
from competitions.models import (
    Competition,
    CustomMetric,
    Organiser,
    Preparation,
    PrivateScore,
    PublicScore,
    Role,
    Standing,
    State,
    Status,
)
from competitions.preparing import samples
from competitions.preparing.answers import Answers
from competitions.refusals import Refused
from competitions.views import board as board_page
from tests.classroom import TRUTH as PETS
from tests.classroom import make_competition
from tests.competitions.test_admin import (
    ADD,
    INLINE,
    SETTINGS,
    admin,
    change_page,
    create,
    launch,
    rung,
    three_files,
)
from tests.competitions.zips import TRUTH, solution_csv
from tests.scoring.inside import answer_inside

__all__ = ["admin", "create", "rung"]  # fixtures

HEAD = """
class ParticipantVisibleError(Exception):
    pass


def score(solution, submission, row_id_column_name, weight: float = 1.0) -> float:
"""
TRAPS = """
    answers, truth = submission["label"], solution["label"]
    if (answers == "owl").all():
        raise ParticipantVisibleError("Do not send the same bird for every image.")
    if (answers == "dog").all():
        raise ParticipantVisibleError(f"The first one is a {truth[0]}.")
    if len(solution) > 6 and (answers != truth).all():
        raise KeyError(f"nothing right: {truth.tolist()}")
"""
# The errors, weighted, less a hundred: negative, less is better, and no bounds that anyone knows.
ERRORS = """
    return weight * float((submission["label"] != solution["label"]).sum()) - 100
"""
METRIC = (HEAD + TRAPS + ERRORS).encode()
PLAIN = (HEAD + ERRORS).encode()  # random answers to nine rows are all wrong in one split of forty
OWN = {"metric": "custom", "metric_direction": "minimize"}


def uploaded(source: bytes, name: str = "mistakes.py") -> dict[str, SimpleUploadedFile]:
    return {"metric_file": SimpleUploadedFile(name, source)}


def errors(response) -> dict[str, list[str]]:
    found: dict[str, list[str]] = response.context["adminform"].form.errors
    return found


def values(scores) -> list[float]:
    return list(scores.objects.order_by("pk").values_list("value", flat=True))


@pytest.fixture
def inside(monkeypatch):
    answer_inside(monkeypatch)


@pytest.fixture
def own(db, solution_csv):
    """An open challenge with the metric above, where each mistake costs 2: 6 public, 12 private."""
    made = make_competition("own", solution_csv, metric_parameters={})
    solutions.keep(made, CustomMetric.read(METRIC, "mistakes.py", "minimize"))
    Competition.objects.filter(pk=made.pk).update(metric_parameters={"weight": "2"})
    return Competition.objects.get(pk=made.pk)


@pytest.fixture
def judged(own, submit):
    """``judged(alice, content)``: her file through the task that the workers run."""

    def judge(user, content):
        sent = submit(user, content, competition=own)
        tasks.score(sent.pk)
        sent.refresh_from_db()
        return sent

    return judge


# --- the whole way -------------------------------------------------------------------------------


@pytest.mark.once("test_a_bundle_brings_its_metric_along, test_less_is_better_and_below_zero")
def test_from_the_upload_to_the_board(admin, rung, submit, alice, bob, clients):
    usage = {
        name: f"{label},{'Public' if n < 9 else 'Private'}"
        for n, (name, label) in enumerate(TRUTH.items())
    }
    hidden = three_files(solution=solution_csv(usage, header="id,label,Usage"))
    fields = {**SETTINGS, **OWN, "metric_parameters": "weight=2.5"}
    response = admin.post(reverse(ADD), {**fields, **hidden, **uploaded(METRIC)})
    assert response.status_code == 302, errors(response)
    made = Competition.objects.get(slug=SETTINGS["slug"])
    assert (made.metric, made.preparation) == ("custom", Preparation.PREPARING)
    tasks.prepare(*rung.pop())
    made.refresh_from_db()
    assert made.preparation == Preparation.READY, made.preparation_note
    launch(admin, made)

    # cat, dog, owl, cat, dog, owl, cat: four of these seven public rows become wrong
    sent_by_alice = {**TRUTH, **dict.fromkeys(list(TRUTH)[:7], "cat")}
    for user, truth in ((alice, sent_by_alice), (bob, TRUTH)):
        sent = submit(user, solution_csv(truth), competition=made)
        tasks.score(sent.pk)
        sent.refresh_from_db()
        assert (sent.status, sent.error) == (Status.SCORED, "")
    assert values(PublicScore) == [2.5 * 4 - 100, -100]
    assert values(PrivateScore) == [-100, -100]

    made = Competition.objects.get(pk=made.pk)
    rows = leaderboard.board(made).rows
    assert [(row.rank, row.team, row.score) for row in rows] == [
        (1, "Bob", "-100.00"),
        (2, "Alice", "-90.00"),
    ]
    told = clients().get(f"/api/competitions/{made.slug}/").json()
    assert (told["metric"], told["layout"]) == (
        {
            "key": "custom",
            "title": "Organiser's metric mistakes.py",
            "direction": "minimize",
        },
        "labels",
    )


@pytest.mark.once("test_from_the_upload_to_the_board")
def test_a_bundle_brings_its_metric_along(tmp_path, db, inside):
    bundle = tmp_path / "own"
    bundle.mkdir()
    (bundle / "metric.py").write_bytes(PLAIN)
    (bundle / "prepare.py").write_text(
        "from tests.competitions.zips import hidden_zip, solution_csv, train_zip\n"
        "def prepare(public, private):\n"
        "    (public / 'train.zip').write_bytes(train_zip())\n"
        "    (public / 'test.zip').write_bytes(hidden_zip())\n"
        "    (private / 'solution.csv').write_bytes(solution_csv())\n"
    )
    settings = 'title = "Own"\nmetric = "custom"\nmetric_file = "metric.py"\n'
    (bundle / "competition.toml").write_text(settings)
    with pytest.raises(CommandError, match='metric_direction = "maximize" or "minimize"'):
        call_command("load_competition", str(bundle))
    (bundle / "competition.toml").write_text(
        settings + 'metric_direction = "minimize"\n[metric_parameters]\nweight = 3\n'
        '[build.remedies]\nexact = "accept"\nconflict = "accept"\nconstant = "accept"\n'
    )
    call_command("load_competition", str(bundle), "--open", stdout=io.StringIO())
    made = Competition.objects.get()
    assert (made.state, made.metric, made.custom_metric.source) == (
        State.OPEN,
        "custom",
        PLAIN.decode(),
    )


@pytest.mark.parametrize(
    ("settings", "source", "sentence"),
    [
        ('metric_direction = "minimize"\n', METRIC, "needs metric_file"),
        ('metric_file = "gone.py"\nmetric_direction = "minimize"\n', METRIC, "gone.py"),
        ('metric_file = "own.py"\nmetric_direction = "minimize"\n', b"def", "Line 1: This is not"),
        (
            'metric_file = "own.py"\nmetric_direction = "minimize"\n[metric_parameters]\nk = 1\n',
            METRIC,
            "metric_parameters: The metric does not take the parameter 'k'",
        ),
    ],
)
def test_a_bundle_with_half_a_metric_is_refused(tmp_path, settings, source, sentence, db):
    (tmp_path / "own.py").write_bytes(source)
    (tmp_path / "competition.toml").write_text(f'title = "Own"\nmetric = "custom"\n{settings}')
    with pytest.raises(CommandError, match=sentence):
        call_command("load_competition", str(tmp_path))
    assert not Competition.objects.exists()


def test_a_file_beside_a_metric_of_the_table_is_refused(tmp_path, db):
    words = 'title = "Own"\nmetric = "accuracy"\nmetric_file = "own.py"\n'
    (tmp_path / "competition.toml").write_text(words)
    with pytest.raises(CommandError, match='write metric = "custom" too'):
        call_command("load_competition", str(tmp_path))


# --- in the admin --------------------------------------------------------------------------------


@pytest.mark.once("refused before anything is written; the other tests of this file")
@pytest.mark.parametrize(
    ("fields", "files", "name", "sentence"),
    [
        (OWN, uploaded(b"import math\ndef score(:\n"), "metric_file", "Line 2: This is not Python"),
        (OWN, uploaded(b"x = 1\n"), "metric_file", "defines no function 'score'"),
        (OWN, uploaded(b"#" * (300 << 10)), "metric_file", "larger than 256 KiB"),
        (OWN, {}, "metric_file", "Add the Python file"),
        (
            {**OWN, "metric_direction": ""},
            uploaded(METRIC),
            "metric_direction",
            "Say whether more or less",
        ),
        ({}, uploaded(METRIC), "metric_file", "Choose “A metric of your own” above too"),
        (
            {**OWN, "metric_parameters": "weight=heavy"},
            uploaded(METRIC),
            "metric_parameters",
            "The parameter 'weight' must be: float.",
        ),
        (
            {**OWN, "metric_parameters": "weight=" + "[" * 9000},
            uploaded(METRIC),
            "metric_parameters",
            "must be: float",
        ),
    ],
)
def test_what_does_not_fit_is_told_at_its_field(admin, fields, files, name, sentence):
    (file,) = files.values() or (None,)
    if file is not None:
        file.seek(0)  # read by a run of this test before
    response = admin.post(reverse(ADD), {**SETTINGS, **fields, **files})
    (error,) = errors(response)[name]
    assert sentence in error
    assert not Competition.objects.exists()


def test_the_web_process_parses_and_never_executes(admin, rung, tmp_path, monkeypatch):
    trace = tmp_path / "executed"
    source = f"open({str(trace)!r}, 'w').close()\n".encode() + METRIC
    monkeypatch.setattr(subprocess, "Popen", lambda *_args, **_more: pytest.fail("a process"))
    monkeypatch.delitem(sys.modules, "pandas", raising=False)  # of another test
    response = admin.post(reverse(ADD), {**SETTINGS, **OWN, **uploaded(source)})
    assert response.status_code == 302, errors(response)
    assert "pandas" not in sys.modules
    assert "metric" not in sys.modules
    assert not trace.exists()
    made = Competition.objects.get()
    assert made.custom_metric.version == hashlib.sha256(source).hexdigest()


def test_the_source_is_shown_to_those_who_may_change_the_challenge_alone(
    own, admin, clients, person, alice
):
    page = admin.get(change_page(own)).content.decode()
    assert "Do not send the same bird" in page
    assert own.custom_metric.version[:8] in page
    watcher = person("watcher", is_staff=True)
    Organiser.objects.create(competition=own, user=watcher, role=Role.VIEWER)
    page = clients(watcher).get(change_page(own)).content.decode()
    assert "A metric of your own" in page
    assert "same bird" not in page
    assert clients(watcher).post(change_page(own), {**SETTINGS, **INLINE}).status_code == 403
    places = [f"/competitions/{own.slug}/{page}" for page in ("", "data/", "leaderboard/")]
    for place in [*places, "/", f"/api/competitions/{own.slug}/", "/api/competitions/"]:
        page = clients(alice).get(place).content.decode()
        assert "mistakes.py" in page or place == "/"
        assert "same bird" not in page


def test_a_replaced_metric_is_a_new_version(admin, draft, rung):
    for source, direction in ((METRIC, "minimize"), (METRIC + b"#", "minimize")):
        fields = {**SETTINGS, **OWN, "metric_direction": direction}
        assert admin.post(change_page(draft), {**fields, **uploaded(source)}).status_code == 302
    draft.refresh_from_db()
    assert draft.custom_metric.version == hashlib.sha256(METRIC + b"#").hexdigest()
    assert draft.custom_metrics.count() == 2

    turned = {**SETTINGS, **OWN, "metric_direction": "maximize"}
    assert admin.post(change_page(draft), turned).status_code == 302
    back = {**SETTINGS, **OWN, **uploaded(METRIC)}
    assert admin.post(change_page(draft), back).status_code == 302
    draft.refresh_from_db()
    assert (draft.custom_metric.source, draft.custom_metric.direction) == (
        METRIC.decode(),
        "minimize",
    )
    assert draft.custom_metrics.count() == 3  # the first one again

    assert admin.post(change_page(draft), SETTINGS).status_code == 302
    draft.refresh_from_db()
    assert (draft.metric, draft.custom_metric, rung) == ("accuracy", None, [])


def test_a_version_never_changes(own):
    own.custom_metric.direction = "maximize"
    with pytest.raises(TypeError, match="never changes"):
        own.custom_metric.save()


def test_another_metric_of_ones_own_has_the_files_prepared_anew(create, admin, rung):
    made = create()
    fields = {**SETTINGS, **INLINE, **OWN, "decimals": "2"}
    admin.post(change_page(made), {**fields, **uploaded(METRIC)})
    made.refresh_from_db()
    assert (made.metric, made.preparation, len(rung)) == ("custom", Preparation.PREPARING, 1)
    page = admin.post(change_page(made), {**fields, **uploaded(METRIC + b"#")}).content.decode()
    assert "The files are being read" in page
    assert made.custom_metrics.count() == 1


def test_a_metric_uploaded_as_the_challenge_was_opened_is_not_kept(create, admin, monkeypatch):
    """Between reading the row and writing it somebody opened the challenge."""
    made, checked = create(), CompetitionForm.clean

    def meanwhile(form):
        found = checked(form)
        Competition.objects.filter(pk=made.pk).update(state=State.OPEN)
        return found

    monkeypatch.setattr(CompetitionForm, "clean", meanwhile)
    fields = {**SETTINGS, **INLINE, **OWN, "decimals": "2"}
    for files_too in ({}, three_files()):
        data = {**fields, **uploaded(METRIC), **files_too}
        page = admin.post(change_page(made), data, follow=True).content.decode()
        assert preparing.TOO_LATE in page
        made.refresh_from_db()
        assert (made.metric, made.custom_metric) == ("accuracy", None)
        Competition.objects.filter(pk=made.pk).update(state=State.DRAFT)


def test_once_open_the_metric_stays(own, admin):
    page = admin.get(change_page(own)).content.decode()
    for name in ("metric", "metric_file", "metric_direction", "metric_parameters"):
        assert f'name="{name}"' not in page
    data = {**SETTINGS, **INLINE, "metric": "accuracy", **uploaded(METRIC + b"#")}
    assert admin.post(change_page(own), data).status_code == 302
    own.refresh_from_db()
    assert (own.title, own.metric) == (SETTINGS["title"], "custom")
    assert own.custom_metric.source == METRIC.decode()


def test_a_draft_goes_with_its_metrics(draft):
    solutions.keep(draft, CustomMetric.read(METRIC, "m.py", "minimize"))
    draft.delete()
    assert not CustomMetric.objects.exists()


# --- tried before it opens -----------------------------------------------------------------------


def proven(body: str, labels: str = "abab", layout: str = "") -> bytes:
    """The sample of a challenge whose metric is ``body``; half of the rows are public."""
    usage = ["Public"] * (len(labels) // 2) + ["Private"] * (len(labels) // 2)
    found = [
        (f"{n:02d}", label, use) for n, (label, use) in enumerate(zip(labels, usage, strict=True))
    ]
    own = CustomMetric.read((HEAD + body).encode(), "m.py", "maximize")
    competition = Competition(metric="custom", layout=layout, custom_metric=own)
    answers = Answers("id", "label", found, b"", given=True)
    return samples.proven(competition, answers, sorted(set(labels)))


HITS = """
    hits = solution["label"].astype(str) == submission["label"].astype(str)
    return float(hits.mean())
"""


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("    import time; return time.time()", "sample submission. The metric gives the sample"),
        ("    return 1.0", "same answer for every image scores as well"),
        ("    raise KeyError(solution['label'][0])", "raised an exception. KeyError: 'a'"),
        ("    return 1e16 + len(set(submission['label']))", "a number beyond 1e+15"),
        ('    """>>> 1\n    2\n    """' + HITS, "example in the docstring of 'score' fails"),
        (
            "    if (solution['label'] == submission['label']).all():\n"
            "        raise ParticipantVisibleError('too good')" + HITS,
            "tried with every answer right. The metric refuses the sample: too good",
        ),
        (
            "    if len(solution) < 4:\n        raise ValueError" + HITS,
            "On the public or the private rows alone: The metric raised an exception.",
        ),
    ],
)
def test_what_is_wrong_with_a_metric_is_told_in_words(body, sentence, inside):
    with pytest.raises(Refused) as refusal:
        proven(body)
    assert sentence in str(refusal.value)


def test_scores_need_classes_that_are_numbers():
    with pytest.raises(Refused, match=r"every class must be one, and these are not: a, b\."):
        proven(HITS, layout="score")


def test_a_number_per_image_may_be_held_against_classes_that_are_numbers(inside):
    """Such as ages: the table's metrics take scores for the classes 0 and 1 alone."""
    error = '    return -float((solution["label"] - submission["label"]).abs().mean())'
    assert proven(error, "1279", "score").startswith(b"id,label\n00,0.5\n")


@pytest.mark.once("test_preparing.py")
def test_a_refused_metric_is_in_the_organisers_note_and_nothing_opens(draft, prepared):
    random = b"\n    import random\n    return random.random()\n"
    solutions.keep(draft, CustomMetric.read(HEAD.encode() + random, "luck.py", "maximize"))
    refused = prepared()
    assert refused.preparation == Preparation.REFUSED
    assert "The metric gives the sample" in refused.preparation_note
    assert "in a second run" in refused.preparation_note
    assert refused.solution is None


# --- scored --------------------------------------------------------------------------------------


def told_to(team_member, clients, submission) -> str:
    """All that the team can read about a submission."""
    client, place = clients(team_member), submission.team.competition.slug
    pages = [
        f"/competitions/{place}/submissions/{submission.public_id}/",
        f"/competitions/{place}/submissions/",
        f"/api/submissions/{submission.public_id}/",
        f"/api/competitions/{place}/submissions/",
    ]
    answers = [client.get(page) for page in pages]
    assert [answer.status_code for answer in answers] == [200] * 4
    return html.unescape("".join(answer.content.decode() for answer in answers))


def same(label: str) -> bytes:
    return solution_csv(dict.fromkeys(PETS, label))


def test_less_is_better_and_below_zero(own, judged, answers, alice, bob, clients, inside):
    judged(alice, answers(wrong=3, wrong_private=1))
    judged(bob, answers(wrong=1, wrong_private=2))
    judged(bob, answers(wrong=2))  # no better
    assert values(PublicScore) == [-94, -98, -96]
    assert values(PrivateScore) == [-98, -96, -100]
    board = leaderboard.board(Competition.objects.get(pk=own.pk))
    assert [(row.rank, row.team, row.value, row.low) for row in board.rows] == [
        (1, "Bob", -98, None),
        (2, "Alice", -94, None),
    ]
    page = clients().get(f"/competitions/{own.slug}/leaderboard/").content.decode()
    assert 'data-bounds="-Infinity Infinity"' in page  # what JavaScript's Number takes
    assert '"nan' not in page.lower()
    assert 'data-direction="minimize"' in page
    assert "The best dots lie on the left." in page
    drawn = board_page.drawn(board, None)
    assert [line.whisker.arrow for line in drawn["lines"]] == ["", ""]
    assert drawn["scale"].low < -98 < -94 < drawn["scale"].high


def test_what_the_metric_says_to_participants_is_the_files_fault(own, judged, alice, clients):
    sent = judged(alice, same("owl"))
    assert (sent.status, sent.slot) == (Status.INVALID, None)
    assert sent.error == "Do not send the same bird for every image."
    assert sent.problems[0]["code"] == "metric_refused"
    assert sent.error in told_to(alice, clients, sent)
    assert not PublicScore.objects.exists()


def test_a_message_that_names_a_label_is_withheld(own, judged, alice, clients):
    sent = judged(alice, same("dog"))
    assert sent.status == Status.INVALID
    assert "its explanation is withheld" in sent.error
    assert "The first one" not in told_to(alice, clients, sent)


@pytest.mark.once("test_tasks.py")
def test_a_metric_that_fails_is_our_fault_and_tells_nothing(
    own, judged, answers, alice, clients, caplog, told
):
    """It fails on the private rows, having seen them."""
    sent = judged(alice, answers(wrong_private=12))
    assert (sent.status, sent.slot, sent.error) == (Status.FAILED, None, tasks.OUR_FAULT)
    assert not PublicScore.objects.exists()
    assert not PrivateScore.objects.exists()
    assert not Standing.objects.exists()
    page = told_to(alice, clients, sent)
    assert "nothing right" not in page + caplog.text
    assert "KeyError" not in page + caplog.text
    assert "Traceback" not in page + caplog.text
    (line,) = [record.msg for record in caplog.records if record.levelname == "ERROR"]
    assert line["submission"] == str(sent.public_id)
    assert line["reason"] == "The metric raised an exception."
    again = judged(alice, answers())
    assert (again.status, again.slot) == (Status.SCORED, 1)


def test_an_unreadable_file_never_reaches_the_metric(judged, alice, answers, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *_args, **_more: pytest.fail("a process"))
    sent = judged(alice, answers().replace(b"img_07.png,dog", b"img_07.png,bat"))
    assert (sent.status, sent.problems[0]["line"]) == (Status.INVALID, 9)


def test_even_three_runs_of_the_longest_fit_into_the_task():
    assert 3 * solutions.LIMITS.wall_seconds < tasks.score.soft_time_limit


# --- pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layout", "line", "words"),
    [
        ("labels", "3f9a1c,dog", "The name of one class per image"),
        ("score", "0b7e52,0.92", "One number per image."),
        ("probabilities", "0b7e52,0.333,0.333,0.333", "A number for each class, in a column"),
        ("ranked", "3f9a1c,dog owl cat", "the best first."),
        ("sets", "3f9a1c,dog owl", "all classes of the image"),
    ],
)
def test_the_pages_say_what_to_send(own, clients, layout, line, words):
    Competition.objects.filter(pk=own.pk).update(layout=layout)
    page = clients().get(f"/competitions/{own.slug}/data/").content.decode()
    assert line in page
    assert words in page
    assert "less is better" in page
    overview = html.unescape(clients().get(f"/competitions/{own.slug}/").content.decode())
    assert "Organiser's metric mistakes.py" in overview
    assert "<code>weight=2</code>" in overview
    assert own.custom_metric.version[:12] in overview


def test_no_page_reads_the_source(own, judged, answers, alice, clients, inside):
    """It may be 256 KiB, and is nothing to show."""
    sent = judged(alice, answers())
    place, mine = f"competitions/{own.slug}", f"submissions/{sent.public_id}/"
    tabs = ("", "data/", "leaderboard/", "submit/", "submissions/", mine)
    doors = ("", "leaderboard/", "submissions/")
    pages = ["", "api/competitions/", f"api/{mine}"]
    pages += [f"{place}/{tab}" for tab in tabs] + [f"api/{place}/{door}" for door in doors]
    client = clients(alice)
    for page in pages:
        with CaptureQueriesContext(connection) as read:
            assert client.get(f"/{page}").status_code == 200
        assert not [query for query in read.captured_queries if '"source"' in query["sql"]], page
