"""A host asks whether a model looks at the images: passes between teams' models, and their end."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from competitions import files, tasks
from competitions.model_runs import screening, serving, working
from competitions.models import Act, Kind, ModelRun, ModelStage, Screening, Submission
from competitions.refusals import NotReady, Refused
from scoring.sandbox import perturbation

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tests.competitions.model_runs import networks
from tests.competitions.model_runs.test_running import one, worked_off

pytestmark = [pytest.mark.django_db, pytest.mark.torch]

PASSES = 3  # images of 4 by 4 pixels are not shifted


@pytest.fixture
def send(send_file: Callable[..., Submission]) -> Callable[..., Submission]:
    """``send(alice, content)``."""
    return send_file


def test_a_model_that_goes_by_one_grey_level_is_told_to_the_host_and_to_nobody_else(
    send, alice, host, clients, challenge
):
    send(alice, networks.right())
    worked_off()
    sent = one()
    address = f"/admin/competitions/submission/{sent.pk}/"
    button = reverse("admin:competitions_submission_screen_model", args=[sent.pk])
    asked = clients(host).post(button, {"reason": "too good", "_form_submitted": "on"})
    assert asked.status_code == 200
    with pytest.raises(Refused, match="already"):
        screening.ask(sent.model_run, host)
    for _ in range(PASSES):
        tasks.run_model()
    found = {each["name"]: each for each in Screening.objects.get().findings}
    assert found["order"]["verdict"] == "steady"
    assert found["noise"]["verdict"] == "suspicious"
    assert found["noise"]["sentence"] in clients(host).get(f"{address}change/").content.decode()
    told = clients(alice).get(f"/api/submissions/{sent.public_id}/").content.decode()
    assert "suspicious" not in told
    assert not list(Path(settings.VAR).glob("screening-*"))


@pytest.fixture
def asked(send, alice, host) -> Iterator[Callable[[], Screening]]:
    """Of her model, which has run, a host has asked; ``asked()`` is how that stands now."""
    send(alice, networks.right())
    worked_off()
    screening.ask(one().model_run, host)
    yield Screening.objects.get
    for folder in kept():
        shutil.rmtree(folder)


def kept() -> list[Path]:
    return list(Path(settings.VAR).glob("screening-*"))


def lose_the_worker() -> None:
    Screening.objects.update(lease_until=timezone.now() - timedelta(minutes=1))


def test_between_two_passes_a_teams_model_goes_first(asked, send, bob, told):
    tasks.run_model()
    assert (asked().done_at, asked().lease_until, asked().findings) == (None, None, [])
    theirs = send(bob, networks.right()).model_run
    for stage in (ModelStage.WAITING, ModelStage.DONE):
        tasks.run_model()
        theirs.refresh_from_db()
        assert theirs.stage == stage
        assert asked().findings == []
    tasks.run_model()
    assert [each["name"] for each in asked().findings] == ["order"]
    assert asked().done_at is None
    tasks.run_model()
    assert [each["name"] for each in asked().findings] == ["order", "noise"]
    assert asked().done_at is not None
    assert kept() == []


def test_after_every_pass_but_the_last_a_bell_is_rung_for_the_next(asked, monkeypatch):
    rung: list[int] = []
    monkeypatch.setattr(tasks.run_model, "apply_async", lambda **_options: rung.append(1))
    bells = []
    for _ in range(PASSES):
        tasks.run_model()
        bells.append(len(rung))
    assert bells == [1, 2, 2]


def test_the_answers_between_two_passes_are_in_a_private_folder(asked):
    tasks.run_model()
    (folder,) = kept()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert any(folder.match(pattern) for pattern in serving.LEFT_OVER)
    assert [file.name for file in folder.iterdir()] == ["first.npy"]
    tasks.run_model()
    assert [file.name for file in folder.iterdir()] == ["first.npy"]


def test_a_lost_workers_successor_goes_on_with_its_pass(asked):
    tasks.run_model()
    lost = screening.claim_next()
    assert lost is not None
    assert screening.claim_next() is None
    lose_the_worker()
    tasks.run_model()
    assert [each["name"] for each in asked().findings] == ["order"]
    # who comes back writes nothing, and takes no later pass for its own
    assert not serving.screen(lost)
    assert screening.claim_next() is not None
    assert not serving.screen(lost)
    assert asked().lease_until is not None
    assert [each["name"] for each in asked().findings] == ["order"]


def test_without_the_kept_answers_the_first_pass_is_run_again(asked):
    tasks.run_model()
    tasks.run_model()
    shutil.rmtree(kept()[0])
    tasks.run_model()
    assert len(asked().findings) == 1
    tasks.run_model()
    assert [each["name"] for each in asked().findings] == ["order", "noise"]
    assert asked().done_at is not None


def test_a_screening_ends_after_three_lost_workers_of_one_pass(asked):
    for _ in range(2):
        assert screening.claim_next() is not None
        lose_the_worker()
    tasks.run_model()  # the third one ends the pass, and the next pass has three of its own
    for _ in range(3):
        assert screening.waiting()
        assert screening.claim_next() is not None
        assert screening.claim_next() is None
        lose_the_worker()
    assert screening.claim_next() is None
    assert not screening.waiting()
    assert "worker was lost" in asked().trouble
    assert kept() == []


def test_a_host_cancels_a_screening_and_it_says_who(asked, alice, host, clients):
    tasks.run_model()
    sent = one()
    button = reverse("admin:competitions_submission_cancel_screening", args=[sent.pk])
    filled_in = {"reason": "asked twice", "_form_submitted": "on"}
    assert clients(alice).post(button, filled_in).status_code == 302
    assert asked().done_at is None
    page = f"/admin/competitions/submission/{sent.pk}/change/"
    assert button in clients(host).get(page).content.decode()
    assert clients(host).post(button, filled_in).status_code == 200
    assert asked().trouble == "Cancelled by host."
    assert Act.objects.get(kind=Kind.MODEL_CANCELLED).reason == "asked twice"
    shown = clients(host).get(page).content.decode()
    assert "Cancelled by host." in shown
    assert button not in shown
    with pytest.raises(NotReady, match="not being screened"):
        screening.cancel(sent.model_run, host)
    assert screening.claim_next() is None
    screening.ask(sent.model_run, host)
    assert asked().trouble == ""


@pytest.mark.django_db(transaction=True)
def test_what_was_kept_for_a_cancelled_screening_is_gone(asked, host):
    tasks.run_model()
    assert kept()
    screening.cancel(one().model_run, host)
    assert kept() == []


@pytest.mark.parametrize("done", range(3))
def test_a_pass_that_runs_is_stopped_when_a_host_cancels(asked, host, monkeypatch, done):
    for _ in range(done):
        tasks.run_model()
    before = asked().findings
    monkeypatch.setattr(working, "LOOK_EVERY", 0)

    def cancel_then_tell() -> None:
        if asked().done_at is None:
            screening.cancel(one().model_run, host)

    claimed = screening.claim_next()
    assert claimed is not None
    assert not screening.work(claimed, serving.warm.server(), cancel_then_tell)
    ended = asked()
    assert (ended.trouble, ended.findings) == ("Cancelled by host.", before)
    assert kept() == []


@pytest.mark.django_db(transaction=True)
def test_a_pass_whose_folder_the_host_took_away_ends_quietly(asked, host, monkeypatch):
    for _ in range(2):
        tasks.run_model()
    write = perturbation.write

    def write_then_cancel(*arguments: Any) -> None:
        write(*arguments)
        screening.cancel(one().model_run, host)

    monkeypatch.setattr(perturbation, "write", write_then_cancel)
    tasks.run_model()
    assert asked().trouble == "Cancelled by host."
    assert kept() == []


def test_a_model_that_would_run_for_ever_is_stopped_within_its_pass(asked, host):
    claimed = screening.claim_next()
    assert claimed is not None
    stored = files.store_bytes("submissions", networks.slow(10**9))
    ModelRun.objects.update(path=stored.path)
    screening.cancel(one().model_run, host)
    assert not screening.work(claimed, serving.warm.server(), lambda: None)
    assert asked().trouble == "Cancelled by host."


def test_a_waiting_screening_is_rung_for_once_a_minute(send, alice, host, told, monkeypatch):
    send(alice, networks.right())
    worked_off()
    screening.ask(one().model_run, host)
    rung = []
    monkeypatch.setattr(tasks.run_model, "apply_async", lambda **_options: rung.append(1))
    for _ in range(3):
        tasks.sweep()
    assert rung == [1]
