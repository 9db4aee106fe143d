"""The launch checklist: what is looked at, what a reason overrides, and what is never stored."""

import io
import json
import re
from datetime import timedelta
from random import Random

import pytest
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from competitions import deadlines, launch, lifecycle, solutions, tasks
from competitions.deadlines import Phase
from competitions.models import (
    Act,
    BaselineRun,
    Competition,
    Finding,
    Kind,
    ModelRules,
    Preparation,
    Remedy,
    Run,
    SolutionVersion,
)
from competitions.refusals import NotReady
from scoring.custom import MetricError
from tests.competitions.test_admin import admin
from tests.competitions.zips import CLASSES, TRUTH, image, packed, solution_csv

__all__ = ["admin"]  # fixtures

WHY = "the class begins at nine"


@pytest.fixture
def ready(prepared):
    """Prepared; every finding of the leak report is settled, and no baseline was asked for."""
    competition = prepared()
    Finding.objects.filter(competition=competition).update(remedy=Remedy.ACCEPT)
    return deadlines.read(competition.pk)


def missing(competition):
    fresh = deadlines.read(competition.pk)
    return {check.name: check for check in launch.checklist(fresh) if not check.is_done}


def trained(competition, score, **fields):
    wanted = {
        "solution": competition.solution,
        "status": Run.READY,
        "answers": "x",
        "title": "Softmax regression",
        "arch": "softmax",
        "public_score": score,
        **fields,
    }
    return BaselineRun.objects.create(competition=competition, **wanted)


def change(competition, **fields):
    Competition.objects.filter(pk=competition.pk).update(**fields)


# --- the lines -----------------------------------------------------------------------------------


def test_a_good_challenge_lacks_nothing_but_a_baseline(ready):
    assert set(missing(ready)) == {"baseline"}
    trained(ready, 0.99)
    assert missing(ready) == {}
    told = {check.name: check.sentence for check in launch.checklist(ready)}
    assert told["right"] == "A file with every answer right scores 1, the best there is."
    assert "chance is 0.3333" in told["random"]
    assert told["baseline"] == "A baseline beats chance: Softmax regression with 0.99."


def test_a_draft_without_files_lacks_them_and_no_reason_helps(draft):
    assert {"files", "trial", "baseline"} == set(missing(draft))
    with pytest.raises(NotReady, match="Upload train archive"):
        lifecycle.open_now(draft, despite=WHY)


def test_an_undecided_finding_is_named(ready):
    Finding.objects.filter(competition=ready).delete()
    Finding.objects.create(competition=ready, kind="near", images=4)
    assert "Nearly the same picture" in missing(ready)["leaks"].sentence


def test_a_baseline_counts_only_for_these_files_and_above_chance(ready):
    run = trained(ready, 0.0)
    assert "No baseline beats random answers" in missing(ready)["baseline"].sentence
    BaselineRun.objects.filter(pk=run.pk).update(status=Run.FAILED, note="No memory.")
    assert "failed" in missing(ready)["baseline"].sentence
    BaselineRun.objects.filter(pk=run.pk).update(status=Run.TRAINING)
    waiting = missing(ready)["baseline"]
    assert (waiting.is_awaited, waiting.may_be_overridden) == (True, True)


def test_less_is_better_where_the_metric_says_so(ready):
    change(ready, metric="log_loss")
    fresh = deadlines.read(ready.pk)
    trial = fresh.solution.launch_trial
    trial["random"].update(public=1.5, chance=None)
    trial["sample"]["public"], trial["right"]["public"] = 1.1, 0.0
    fresh.solution.save()
    run = trained(fresh, 2.0)
    assert "baseline" in missing(ready)
    BaselineRun.objects.filter(pk=run.pk).update(public_score=0.2)
    assert "baseline" not in missing(ready)


def rows(competition, count):
    SolutionVersion.objects.filter(pk=competition.solution_id).update(public_rows=count)


def test_a_baseline_must_beat_chance_by_more_than_luck(ready):
    rows(ready, 100)  # chance is 1/3, so a file without a clue has 0.33 ± 0.047
    run = trained(ready, 1 / 3 + 0.1)
    words = missing(ready)["baseline"].sentence
    assert "No baseline beats random answers by more than luck, 0.14" in words
    BaselineRun.objects.filter(pk=run.pk).update(public_score=1 / 3 + 0.15)
    assert "baseline" not in missing(ready)
    rows(ready, 10)
    assert "baseline" in missing(ready)


def test_baselines_of_shuffled_labels_do_not_pass(ready):
    """A hundred files without a clue: the best of them was green before."""
    rows(ready, 100)
    draw = Random(7)  # noqa: S311 - the same at every run
    scores = [sum(draw.random() < 1 / 3 for _ in range(100)) / 100 for _ in range(100)]
    run, trial = trained(ready, 0.0), deadlines.read(ready.pk).solution.launch_trial
    passed = 0
    for score in scores:
        run.public_score = score
        passed += launch._is_above_chance(run, deadlines.read(ready.pk), trial)
    assert max(scores) > 1 / 3
    assert passed == 0


def test_of_the_log_loss_even_answers_are_without_a_clue(ready):
    """Random shares are worse than those, and every model comes near them."""
    change(ready, metric="log_loss")
    fresh = deadlines.read(ready.pk)
    fresh.solution.launch_trial.update(
        sample={"public": 1.1},
        right={"public": 0.0, "best": 0.0, "is_best": True},
        random={**fresh.solution.launch_trial["random"], "public": 1.5, "chance": None},
    )
    fresh.solution.public_rows = 100
    fresh.solution.save()
    run = trained(fresh, 1.05)
    assert "baseline" in missing(ready)
    BaselineRun.objects.filter(pk=run.pk).update(public_score=0.8)
    assert "baseline" not in missing(ready)


@pytest.mark.parametrize(
    ("fields", "words", "may_be"),
    [
        ({"closes_at": -timedelta(hours=1)}, "has passed", False),
        ({"freeze_minutes": 10}, "no end is set", True),
        ({"closes_at": timedelta(minutes=5), "freeze_minutes": 10}, "first minute on", True),
    ],
)
def test_dates_that_are_out_of_order_say_how(ready, fields, words, may_be):
    now = timezone.now()
    change(ready, **{k: now + v if isinstance(v, timedelta) else v for k, v in fields.items()})
    found = missing(ready)["dates"]
    assert words in found.sentence
    assert found.may_be_overridden is may_be


# --- images for models ---------------------------------------------------------------------------


def asking(competition, channels=1, height=4, width=4, takes="models"):
    ModelRules.objects.create(
        competition=competition, channels=channels, height=height, width=width, takes=takes
    )
    return {check.name: check for check in launch.checklist(deadlines.read(competition.pk))}


def pictures(size, colour=None):
    if colour is None:
        return image(3, size)
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def images_of(prepared):
    """``images_of((6, 5))``: a challenge whose test images have that width and height."""

    def make(size, train_size=None, colour=None):
        train = {f"{name}/0.png": pictures(train_size or size, colour) for name in CLASSES}
        test = {name: pictures(size, colour) for name in TRUTH}
        return prepared(train=packed(train), test=packed(test))

    return make


def test_images_that_fit_the_models_are_told_and_without_models_nobody_asks(ready):
    assert "images" not in {check.name for check in launch.checklist(ready)}
    assert asking(ready)["images"].sentence == (
        "Test and training images fit the models: 4 x 4 pixels, grey."
    )


def test_files_alone_are_no_matter_of_size(ready):
    assert "images" not in asking(ready, height=9, takes="files")


@pytest.mark.parametrize("noted", [True, False])
@pytest.mark.parametrize(
    ("sizes", "asked", "words"),
    [
        (((6, 5),), (6, 5), ""),
        (((6, 5),), (5, 6), "have 6 x 5, so none could be run. Set the width 6 and the height 5"),
        (((6, 5), (8, 5)), (6, 5), "have 6 to 8 x 5 to 5, so none .* Bring all images to one size"),
        (((6, 5), (6, 9)), (6, 5), "have 6 to 6 x 5 to 9, so none .* Bring all images to one size"),
    ],
)
def test_images_of_another_size_than_models_take_stop_the_opening(
    images_of, sizes, asked, words, noted
):
    """Packing would refuse them, and so every run. Of an import nobody has noted the sizes."""
    competition = images_of(*sizes)
    if not noted:
        change(competition, image_spec={})
    found = asking(competition, width=asked[0], height=asked[1])["images"]
    assert found.is_done is not bool(words)
    assert re.search(words, found.sentence)
    if words:
        assert not found.may_be_overridden


@pytest.mark.parametrize(
    ("colour", "channels", "words"),
    [
        (None, 3, "Set 1 channel on the tab"),
        ((200, 30, 30), 1, "Set 3 channels on the tab"),
        ((200, 30, 30), 3, "in colour"),
    ],
)
def test_other_channels_than_the_images_have_are_a_warning(images_of, colour, channels, words):
    found = asking(images_of((6, 5), colour=colour), channels, 5, 6)["images"]
    assert words in found.sentence
    assert found.is_done is not found.may_be_overridden


def test_images_that_are_gone_are_not_taken_for_good_ones(ready):
    change(ready, image_spec={})
    ready.files.filter(name__in=launch.ARCHIVES).delete()
    assert "cannot be read" in asking(ready)["images"].sentence


def test_the_page_leads_to_where_the_size_is_set(ready, admin):
    asking(ready, height=9)
    page = admin.get(page_of(ready)).content.decode()
    assert 'data-check="images"' in page
    assert "Models and files" in page


# --- the trial -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "chance"),
    [("accuracy", 1 / 3), ("balanced_accuracy", 1 / 3), ("log_loss", None), ("f1", None)],
)
def test_three_files_are_tried_with_whatever_metric(draft, prepared, metric, chance):
    change(draft, metric=metric)
    trial = prepared().solution.launch_trial
    assert trial["is_defined"]
    assert trial["right"]["is_best"] is True
    assert trial["random"]["is_worse"] is True
    assert trial["random"]["chance"] == (None if chance is None else pytest.approx(chance))


def test_of_the_private_rows_only_yes_or_no_is_kept(prepared):
    usage = {name: f"{label},{'Public' if n % 2 else 'Private'}" for n, (name, label) in _rows()}
    trial = prepared(solution=solution_csv(usage, header="id,label,Usage")).solution.launch_trial
    text = json.dumps(trial)
    assert "private" not in text
    assert not set(TRUTH.values()) & set(text.replace('"', " ").split())
    numbers = [
        value for part in trial.values() if isinstance(part, dict) for value in part.values()
    ]
    assert all(value is None or isinstance(value, bool | float) for value in numbers)


def _rows():
    return list(enumerate(TRUTH.items()))


def test_random_answers_far_from_chance_are_suspicious(ready):
    ready.solution.launch_trial["random"]["is_at_chance"] = False
    ready.solution.save()
    assert "Look at the solution and the metric" in missing(ready)["random"].sentence


# --- opening -------------------------------------------------------------------------------------


def test_nothing_opens_until_it_is_green_or_overridden_with_a_reason(ready, host):
    for despite in ("", "  "):
        with pytest.raises(NotReady, match="No baseline was trained"):
            lifecycle.open_now(ready, host, despite=despite)
    lifecycle.open_now(ready, host, despite=WHY)
    act = Act.objects.get(kind=Kind.OPENED)
    assert (act.actor, act.reason, act.details) == (host, WHY, {"overridden": ["baseline"]})


def test_a_green_list_needs_no_reason_and_keeps_none(ready, host):
    trained(ready, 0.9)
    lifecycle.open_now(ready, host, despite="a reason that nobody needs")
    act = Act.objects.get(kind=Kind.OPENED)
    assert (act.reason, act.details) == ("", {})


def test_what_was_open_before_opens_again_without_the_list(ready):
    lifecycle.open_now(ready, despite=WHY)
    lifecycle.close_now(ready)
    change(ready, closes_at=None)
    lifecycle.open_now(ready)
    assert deadlines.phase(deadlines.read(ready.pk)) is Phase.OPEN


# --- the page ------------------------------------------------------------------------------------


def page_of(competition):
    return reverse("admin:competitions_competition_launch", args=[competition.pk])


def test_the_page_lists_everything_and_takes_a_reason(ready, admin):
    page = admin.get(page_of(ready)).content.decode()
    assert "No baseline was trained on these files" in page
    for name in ("files", "leaks", "sample", "right", "random", "defined", "dates", "baseline"):
        assert f'data-check="{name}"' in page
    refused = admin.post(page_of(ready), {"despite": ""}, follow=True).content.decode()
    assert "It cannot be opened yet." in refused
    page = admin.post(page_of(ready), {"despite": WHY}, follow=True).content.decode()
    assert "The challenge is open." in page


def test_without_files_there_is_no_button(draft, admin):
    page = admin.get(page_of(draft)).content.decode()
    assert "Open the challenge" not in page
    assert "Upload train archive" in page


def test_a_failed_baseline_says_why_and_is_trained_again(ready, admin, monkeypatch, host):
    rung = []
    monkeypatch.setattr(tasks.train_baseline, "apply_async", lambda args, **_: rung.append(args))
    run = trained(ready, None, status=Run.FAILED, note="It ran out of memory.", answers="")
    page = admin.get(page_of(ready)).content.decode()
    assert "It ran out of memory." in page
    assert "Train it again" in page
    admin.post(page_of(ready), {"train": "softmax"})
    run.refresh_from_db()
    assert (run.status, run.note) == (Run.WAITING, "")
    assert Act.objects.get(kind=Kind.BASELINE_QUEUED).actor == host
    page = admin.post(page_of(ready), {"train": "nonsense"}, follow=True).content.decode()
    assert "No baseline is called nonsense" in page


def test_the_page_is_for_whoever_may_open_it(ready, clients, alice):
    assert clients(alice).get(page_of(ready)).status_code == 302
    assert clients().get(page_of(ready)).status_code == 302


def test_a_metric_that_fails_with_random_answers_is_told_and_stops_no_preparation(
    prepared, monkeypatch
):
    """Found with a program of an organiser's that knows the sample and the right answers alone."""
    evaluate, calls = solutions.evaluate, []

    def moody(file, solution, spec):
        calls.append(file)
        if len(calls) > 4:  # the proof's two files, and the trial's
            raise MetricError("The metric raised an exception.")
        return evaluate(file, solution, spec)

    monkeypatch.setattr(solutions, "evaluate", moody)
    competition = prepared()
    assert competition.preparation == Preparation.READY, competition.preparation_note
    told = {check.name: check for check in launch.checklist(competition)}
    assert not told["defined"].is_done
    assert told["defined"].may_be_overridden
