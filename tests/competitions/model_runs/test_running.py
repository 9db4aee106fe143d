"""Models really run: in at a door, tried, run in the sandbox, scored by the same task as a file."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from competitions import deadlines, files, model_runs, tasks, teams
from competitions.model_runs import serving
from competitions.models import (
    Competition,
    ModelRules,
    ModelRun,
    ModelStage,
    PublicScore,
    Status,
    Submission,
)
from competitions.refusals import FileTooLarge, InvalidModel, LimitReached, NotReady, Refused

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tests.competitions.model_runs import networks

pytestmark = [pytest.mark.django_db, pytest.mark.torch]


def rules(competition: Competition, **fields: Any) -> Competition:
    ModelRules.objects.filter(competition=competition).update(**fields)
    return deadlines.read(competition.pk)


@pytest.fixture
def send(send_file: Callable[..., Submission]) -> Callable[..., Submission]:
    """``send(alice, content)``."""
    return send_file


def worked_off() -> None:
    """What the workers do until nothing waits any more, bells left out."""
    for _ in range(10):
        tasks.run_model()
    for pk in Submission.objects.exclude(path="").values_list("pk", flat=True):
        tasks.score(pk)


def one() -> Submission:
    return Submission.objects.select_related("model_run").get()


def test_a_model_is_tried_run_and_scored_by_what_it_answers(send, alice):
    send(alice, networks.right())
    tasks.run_model()
    tried = one()
    assert (tried.status, tried.model_run.stage) == (Status.QUEUED, ModelStage.WAITING)
    assert tried.model_run.expected_seconds > 0
    tasks.run_model()
    ran = one()
    assert (ran.status, ran.model_run.stage) == (Status.QUEUED, ModelStage.DONE)
    assert ran.model_run.images_done == ran.model_run.images_total == 30
    tasks.score(ran.pk)
    assert one().status == Status.SCORED
    # right in every row, although the sandbox shows the images in an order of its own
    assert PublicScore.objects.get().value == 1.0
    assert one().model_run.images_per_second > 0


def test_the_dry_run_and_the_run_take_batches_of_one_size(send, alice):
    send(alice, networks.right())
    tasks.run_model()
    tried = one().model_run.batch_size
    tasks.run_model()
    assert one().model_run.batch_size == tried == 30


def test_its_score_is_that_of_the_same_answers_as_a_file(send, alice, bob, challenge, submit):
    send(alice, networks.right(off=0.5))
    worked_off()
    answers = files.read("submissions", one().path)
    twin = submit(bob, answers, competition=challenge)
    tasks.score(twin.pk)
    values = PublicScore.objects.values_list("value", flat=True)
    assert len(values) == 2
    assert len(set(values)) == 1


def test_the_worker_of_the_site_never_loads_torch_nor_an_onnx_runtime(send, alice):
    before = set(sys.modules)
    send(alice, networks.right())
    worked_off()
    assert one().status == Status.SCORED
    loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
    assert not loaded & {"torch", "torchvision", "onnxruntime", "onnx"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"id,label\nx,cat\n", "none of the formats"),
        (networks.right(classes=5), "5"),
    ],
)
def test_a_wrong_file_is_refused_in_words_at_the_door(send, alice, content, why):
    with pytest.raises(InvalidModel, match=why):
        send(alice, content)
    assert not Submission.objects.exists()


def test_too_large_a_file_is_refused_at_the_door(send, alice, challenge):
    rules(challenge, file_mib=1)
    with pytest.raises(FileTooLarge, match="Train a smaller network"):
        send(alice, networks.right() + bytes(1 << 20))


def test_a_challenge_of_files_alone_refuses_models_and_of_models_alone_files(
    challenge, send, alice, submit
):
    rules(challenge, takes="models")
    teams.join(challenge, alice)
    with pytest.raises(Refused, match="takes models, not files"):
        submit(alice, b"id,label\n", competition=deadlines.read(challenge.pk))
    rules(challenge, takes="files")
    with pytest.raises(Refused, match="files of predictions, no models"):
        send(alice, networks.right())


def test_without_a_worker_nothing_is_taken(send, alice, settings):
    settings.QUEUES = ["score"]
    with pytest.raises(NotReady, match="organiser has to start a worker"):
        send(alice, networks.right())


def test_what_needs_too_much_memory_ends_in_the_dry_run_and_the_next_model_is_right(
    send, alice, bob, challenge
):
    rules(challenge, memory_mib=512)
    greedy = send(alice, networks.greedy())
    honest = send(bob, networks.right())
    worked_off()
    greedy.refresh_from_db()
    honest.refresh_from_db()
    assert (greedy.status, greedy.slot) == (Status.INVALID, None)
    assert "before an attempt was spent" in greedy.error
    assert "memory" in greedy.error
    assert honest.status == Status.SCORED
    assert PublicScore.objects.get().value == 1.0


def test_what_takes_too_long_ends_by_the_clock(send, alice, challenge):
    rules(challenge, seconds=2)
    send(alice, networks.slow(10**9))
    worked_off()
    ended = one()
    assert (ended.status, ended.slot) == (Status.INVALID, None)
    assert "2 seconds" in ended.error


def test_a_cancelled_run_is_stopped_and_leaves_the_worker_free(send, alice, bob, monkeypatch):
    send(alice, networks.slow(10**9))
    # the team changes its mind a moment after the dry run began
    renew = model_runs.ending.renew

    def cancel_then_renew(run: ModelRun) -> bool:
        if run.submission.user == alice and not model_runs.read(run.pk).is_over:
            model_runs.cancel(run.submission, alice)
        return renew(run)

    monkeypatch.setattr("competitions.model_runs.ending.renew", cancel_then_renew)
    tasks.run_model()
    ended = one()
    assert (ended.status, ended.slot) == (Status.CANCELLED, None)
    send(bob, networks.right())
    worked_off()
    assert Submission.objects.get(user=bob).status == Status.SCORED


def test_images_of_another_size_are_the_organisers_fault(send, alice, challenge):
    rules(challenge, height=8, width=8)
    send(alice, networks.right(side=8))
    worked_off()
    ended = one()
    assert (ended.status, ended.slot) == (Status.FAILED, None)
    assert "organiser has to mend" in ended.error


def test_a_refused_model_is_not_stored_and_thirty_an_hour_are_enough(send, alice):
    place = Path(files.storage("submissions").path(""))
    before = {path for path in place.rglob("*") if path.is_file()}
    for number in range(30):
        with pytest.raises(InvalidModel):
            send(alice, f"no model {number}".encode())
    assert {path for path in place.rglob("*") if path.is_file()} == before
    with pytest.raises(LimitReached, match="refused within an hour"):
        send(alice, networks.right())


@pytest.mark.parametrize(
    "text", ["[" * 1500, '{"a": ' * 1500, "[1]", '{"a": "\\u0000x"}', '{"\\u0000": [1]}']
)
def test_keywords_that_are_none_are_refused_in_words(text):
    with pytest.raises(InvalidModel, match="JSON object"):
        model_runs.parse_arguments(text)


def test_a_csv_is_told_that_only_models_are_taken(challenge, alice, clients):
    rules(challenge, takes="models")
    teams.join(challenge, alice)
    upload = ContentFile(b"id,label\n1,cat\n", name="mine.csv")
    address = f"/api/competitions/{challenge.slug}/submissions/"
    answer = clients(alice).post(address, {"file": upload})
    assert answer.status_code == 400
    assert "takes models, not files" in answer.json()["error"]["message"]


def test_many_classes_make_no_answer_too_large_to_be_scored(challenge):
    allowed = files.scoring_limit(challenge)
    challenge.solution.classes = [f"class {number}" for number in range(100_000)]
    rows = challenge.files.get(name=files.SAMPLE).rows
    assert files.scoring_limit(challenge) >= rows * 100_000 * 20 > allowed
    challenge.model_rules.takes = "files"
    assert files.scoring_limit(challenge) == files.submission_limit(challenge)


# --- what nobody may see -------------------------------------------------------------------------


def test_what_a_model_answered_is_behind_no_door(send, alice, host, clients, challenge):
    send(alice, networks.right())
    worked_off()
    sent = one()
    for user in (alice, host):
        client: Client = clients(user)
        for address in (
            f"/api/submissions/{sent.public_id}/",
            f"/api/competitions/{challenge.slug}/submissions/",
            f"/competitions/{challenge.slug}/submissions/{sent.public_id}/",
            f"/competitions/{challenge.slug}/submissions/",
            f"/api/competitions/{challenge.slug}/leaderboard/",
        ):
            page = client.get(address)
            assert page.status_code == 200
            assert sent.path not in page.content.decode()


def test_where_only_models_are_taken_the_test_images_stay_here(challenge, alice, clients, send):
    client: Client = clients(alice)
    teams.join(challenge, alice)
    address = f"/competitions/{challenge.slug}/data/test.zip"
    assert client.head(address).status_code == 200
    rules(challenge, takes="models")
    assert client.get(address).status_code == 404
    told = client.get(f"/api/competitions/{challenge.slug}/").json()
    assert "test.zip" not in [file["name"] for file in told["files"]]
    assert "test.zip" not in client.get(f"/competitions/{challenge.slug}/data/").content.decode()


# --- the doors -----------------------------------------------------------------------------------


def test_through_the_api_from_the_upload_to_the_score(challenge, alice, clients, told):
    client: Client = clients(alice)
    teams.join(challenge, alice)
    upload = ContentFile(networks.right(), name="net.onnx")
    answer = client.post(f"/api/competitions/{challenge.slug}/submissions/", {"file": upload})
    assert answer.status_code == 202, answer.content
    status = client.get(answer.json()["url"]).json()
    assert (status["kind"], status["run"]["stage"]) == ("model", "to_try")
    assert status["run"]["place"] == {"position": 1, "seconds": 0.0}
    worked_off()
    status = client.get(answer.json()["url"]).json()
    assert (status["status"], status["public_score"]) == ("scored", "1.00")
    assert status["run"]["images_done"] == 30
    assert status["run"]["place"] is None
    board = client.get(f"/api/competitions/{challenge.slug}/leaderboard/").json()
    assert board["rows"][0]["cost"]["images_per_second"] > 0


def test_the_api_says_what_a_model_must_keep_to(challenge, alice, clients):
    address = f"/api/competitions/{challenge.slug}/"
    rules(challenge, file_mib=80, max_macs=10**9)
    assert clients(alice).get(address).json()["models"] == {
        "takes": "both", "channels": 1, "height": 4, "width": 4,
        "formats": ["onnx", "safetensors"], "seconds": 600, "memory_mib": 4096, "file_mib": 80,
        "max_parameters": None, "max_macs": 10**9,
        "bf16": False,
    }  # fmt: skip
    rules(challenge, takes="files")
    assert clients(alice).get(address).json()["models"] is None


def test_what_a_killed_worker_left_is_gone_once_another_begins(settings, tmp_path):
    settings.VAR = tmp_path
    for name in ("models/job-a", "packing-b", "screening-c", "kept"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "test.npy").touch()
        os.utime(folder, (0, 0))
    (tmp_path / "packing-young").mkdir()
    serving.forget_left_over()
    assert {path.name for path in tmp_path.iterdir()} == {"models", "kept", "packing-young"}
    assert not list((tmp_path / "models").iterdir())


def test_a_wrong_model_is_told_by_the_api_in_words(challenge, alice, clients):
    client: Client = clients(alice)
    teams.join(challenge, alice)
    upload = ContentFile(b"PK\x03\x04", name="net.onnx")
    answer = client.post(f"/api/competitions/{challenge.slug}/submissions/", {"file": upload})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_model")


def test_cancelled_through_the_api(challenge, alice, bob, clients, send):
    sent = send(alice, networks.right())
    address = f"/api/submissions/{sent.public_id}/cancel/"
    assert clients(bob).post(address).status_code == 404
    answer = clients(alice).post(address)
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert clients(alice).post(address).status_code == 409


def test_the_pages_tell_of_models_where_they_are_taken(challenge, alice, clients, send, another):
    client: Client = clients(alice)
    teams.join(challenge, alice)
    page = client.get(f"/competitions/{challenge.slug}/submit/").content.decode()
    assert "float32 [N, 1, 4, 4] in [0, 1]" in page
    send(alice, networks.right())
    worked_off()
    sent = one()
    page = client.get(f"/competitions/{challenge.slug}/submissions/{sent.public_id}/")
    assert "images/s" in page.content.decode()
    board = client.get(f"/competitions/{challenge.slug}/leaderboard/").content.decode()
    assert "Score against cost" in board
    teams.join(another, alice)
    for address in ("submit", "leaderboard"):
        page = client.get(f"/competitions/{another.slug}/{address}/").content.decode()
        assert "Score against cost" not in page
        assert "data-run" not in page


def test_the_team_alone_hears_of_its_model(challenge, send, alice, valkey):
    send(alice, networks.right())
    worked_off()
    entries = valkey.client.xrange(f"holdout:live:{challenge.slug}")
    heard = [(fields[b"event"].decode(), json.loads(fields[b"data"])) for _, fields in entries]
    statuses = [data["status"] for event, data in heard if event == "submission"]
    assert statuses[-1] == "scored"
    assert "running" in statuses
