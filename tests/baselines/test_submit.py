"""Handing in, against a small real server."""

import json

import pytest
from typer.testing import CliRunner

from baselines import submit
from baselines.__main__ import app
from baselines.errors import CallError
from baselines.remote import Site


@pytest.fixture
def answers(tmp_path):
    path = tmp_path / "submission.csv"
    path.write_text("id,label\nt00,left\n")
    return path


def hand_in(*words, token=None):
    env = {"HOLDOUT_TOKEN": "secret" if token is None else token, "COLUMNS": "200"}
    return CliRunner().invoke(app, ["submit", *map(str, words)], env=env)


def test_joins_uploads_waits_and_shows_the_score(site, answers):
    site.answers = [{"id": "7", "status": "queued"}, *site.answers]
    answer = hand_in(
        answers, "--url", site.url, "--competition", "sides", "--message", "é", "--json"
    )
    assert answer.exit_code == 0, answer.output
    assert "Scored: 0.9 on the public part." in answer.stderr
    assert json.loads(answer.stdout.splitlines()[-1])["public_score"] == 0.9
    paths = [seen[1] for seen in site.seen]
    base = "/api/competitions/sides"
    status = "/api/submissions/7/"
    assert paths == [f"{base}/join/", f"{base}/submissions/", status, status]
    body = site.seen[1][2]
    assert b'name="file"; filename="submission.csv"' in body
    assert answers.read_bytes() in body
    assert "é".encode() in body


def test_shows_the_problems_row_by_row(site, answers):
    problems = [
        {"code": "unknown_class", "line": 2, "message": "'up' is no class."},
        {"code": "missing_ids", "line": None, "message": "9 ids are missing."},
    ]
    site.answers = [{"id": "7", "status": "invalid", "problems": problems, "more_problems": 3}]
    answer = hand_in(answers, "--url", f"{site.url}/competitions/sides/")
    assert answer.exit_code == 1
    assert "Line 2: 'up' is no class.\n9 ids are missing.\nAnd 3 more" in answer.stderr


def test_does_not_wait_when_told_so(site, answers):
    answer = hand_in(answers, "--url", f"{site.url}/competitions/sides/", "--no-wait")
    assert answer.exit_code == 0
    assert "queued" in answer.stderr
    assert not [seen for seen in site.seen if seen[0] == "GET"]


def test_patience_ends(site):
    site.answers = [{"id": "7", "status": "running"}]
    place = Site.at(site.url, "sides", "secret")
    found = submit.wait(place, {"id": "7", "status": "queued"}, patience=0.05)
    assert submit.sentences(found).startswith("Handed in, running")


def run_of(stage, **more):
    run = {"stage": stage, "images_done": 0, "images_total": 0, "images_per_second": None}
    return {"id": "7", "status": "queued", "run": {**run, "place": None, **more}}


def test_a_model_is_watched_on_its_way(site, tmp_path):
    """News in every answer keep the patience alive, however long the line is."""
    waiting = [
        run_of("waiting", place={"position": 9 - at, "seconds": 40.0 - at}) for at in range(2)
    ]
    running = run_of("running", images_done=1200, images_total=10_000, images_per_second=850.4)
    site.answers = [run_of("trying"), *waiting, running, *site.answers]
    model = tmp_path / "model.safetensors"
    model.write_bytes(b"weights")
    place = Site.at(site.url, "sides", "secret")
    receipt = submit.submit(place, model, "", "resnet20", '{"width": 8}')
    seen = []
    found = submit.wait(place, receipt, 0.9, lambda each: seen.append(submit.meanwhile(each)))
    assert found["status"] == "scored"
    assert seen[0].startswith("tried on some training images")
    assert seen[1] == "number 9 in line, about 40 s to go"
    assert seen[-2] == "1,200 of 10,000 test images, 850 a second"
    body = next(seen[2] for seen in site.seen if seen[1].endswith("/submissions/"))
    assert b'name="architecture"\r\n\r\nresnet20' in body
    assert b'name="arguments"\r\n\r\n{"width": 8}' in body


def test_a_failure_of_the_site_is_called_so():
    found = submit.sentences({"status": "failed", "error": "This try does not count."})
    assert found == "The site failed to score it.\nThis try does not count."


@pytest.mark.parametrize(
    "status, code", [(400, 1), (409, 1), (413, 1), (429, 1), (404, 2), (500, 2)]
)
def test_refusals_keep_the_site_s_words(site, answers, status, code):
    site.refuse = (status, "Nothing left today. Come back tomorrow.")
    answer = hand_in(answers, "--url", f"{site.url}/competitions/sides/", "--json")
    assert answer.exit_code == code
    assert "Nothing left today. Come back tomorrow." in answer.stderr
    assert "tomorrow" in json.loads(answer.stdout.splitlines()[-1])["error"]["message"]


def test_wrong_calls_in_words(site, answers, tmp_path):
    page = f"{site.url}/competitions/sides/"
    cases = [
        (hand_in(answers, "--url", page, token="wrong"), "This token is not known."),
        (hand_in(answers, "--url", page, token=""), "A token is needed"),
        (hand_in(answers, "--url", page, token="ä\n"), "A token is needed"),
        (hand_in(answers, "--url", site.url), "Which challenge?"),
        (hand_in(answers, "--url", "localhost:8000"), "should begin with http://"),
        (hand_in(answers, "--url", "http://127.0.0.1:1/competitions/x/"), "does not answer"),
        (hand_in(tmp_path / "none.csv", "--url", page), "does not exist"),
    ]
    for answer, sentence in cases:
        assert answer.exit_code == 2
        assert sentence in answer.stderr


def test_another_kind_of_site_is_recognised(site):
    site.answers = [["no", "object"]]
    with pytest.raises(CallError, match="does not look like a Holdout site"):
        Site.at(site.url, "sides", "secret").ask("/api/submissions/7/")
