"""A challenge that takes models alone, as a team meets it: pages, files, notebook; and at home."""

import io
import json
import shutil
import tomllib
from collections.abc import Callable
from contextlib import contextmanager
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from typer.testing import CliRunner

from baselines import fetch
from competitions import (
    deadlines,
    files,
    model_rules,
    model_runs,
    notebook,
    preparing,
    tasks,
    teams,
)
from competitions.management.bundles import BUNDLES
from competitions.models import Competition, DataFile, Finding, ModelRules, PublicScore, Takes
from scoring.terminal import app, challenges
from tests.competitions.zips import TRUTH

pytestmark = [pytest.mark.django_db, pytest.mark.once("test_running.py")]

HIDDEN = ("test.zip", "sample_submission.csv", "submission.csv")
PAGES = ("", "data/", "submit/", "submissions/")


@pytest.fixture
def taking(prepared: Callable[..., Competition]) -> Callable[..., Competition]:
    """``taking("models")``: open, with grey images of 4 by 4 pixels."""

    def make(takes: str, **fields: Any) -> Competition:
        competition = prepared()
        Finding.objects.all().delete()
        ModelRules.objects.create(
            competition=competition, takes=takes, channels=1, height=4, width=4, max_macs=10**6
        )
        opened = {"state": "open", "opens_at": timezone.now(), **fields}
        Competition.objects.filter(pk=competition.pk).update(**opened)
        preparing.follow_rules(competition.pk)
        return deadlines.read(competition.pk)

    return make


@pytest.fixture
def alone(taking: Callable[..., Competition]) -> Competition:
    return taking("models")


# --- what the pages say --------------------------------------------------------------------------


def page_of(client: Client, competition: Competition, page: str = "") -> str:
    answer = client.get(f"/competitions/{competition.slug}/{page}")
    assert answer.status_code == 200, page
    return unescape(answer.content.decode())


@pytest.mark.parametrize("page", PAGES)
def test_no_page_speaks_of_files_that_are_not_there(alone, alice, clients, page):
    teams.join(alone, alice)
    text = page_of(clients(alice), alone, page)
    for name in HIDDEN:
        assert name not in text
    assert "Submit predictions" not in text


@pytest.mark.parametrize("page", PAGES[:3])
def test_beside_models_files_are_spoken_of_as_ever(taking, alice, clients, page):
    competition = taking("both")
    teams.join(competition, alice)
    assert "submission.csv" in page_of(clients(alice), competition, page)


def test_the_data_page_says_where_the_test_images_are_and_what_to_send(alone, alice, clients):
    text = page_of(clients(alice), alone, "data/")
    assert "The test images stay on the server" in text
    assert "float32 [N, 1, 4, 4] in [0, 1]" in text
    assert "in the order of a model's outputs" in text
    assert "What a submission looks like" not in text
    assert "from <code>train.zip</code>" in text


def test_the_overview_leads_to_an_exported_network(alone, alice, clients):
    teams.join(alone, alice)
    text = page_of(clients(alice), alone)
    for words in ("train</span> --arch lenet5", "export</span> runs/lenet5 --out model.onnx",
                  "submit</span> model.onnx", "Submit a model"):  # fmt: skip
        assert words in text
    assert "python -m baselines predict" not in text


@pytest.mark.parametrize(
    ("takes", "words"),
    [("files", "Submit predictions"), ("models", "Submit a model"),
     ("both", "Submit predictions or a model")],
)  # fmt: skip
def test_buttons_name_what_is_sent(taking, alice, clients, takes, words):
    teams.join(taking(takes), alice)
    assert f"{words}</a>" in clients(alice).get("/").content.decode()


@pytest.mark.parametrize("page", ["data/", "submit/"])
def test_the_rules_come_with_the_commands_of_home(alone, alice, clients, page):
    text = page_of(clients(alice), alone, page)
    assert f"--spec data/{alone.slug}/competition.toml" in text


# --- what may be downloaded ----------------------------------------------------------------------


@pytest.mark.parametrize(("takes", "offered"), [("models", False), ("both", True)])
def test_the_setting_says_whether_test_images_are_offered(taking, alice, clients, takes, offered):
    competition = taking(takes)
    teams.join(competition, alice)
    client = clients(alice)
    listed = client.get(f"/api/competitions/{competition.slug}/").json()["files"]
    for name in ("test.zip", "sample_submission.csv"):
        assert (name in {file["name"] for file in listed}) is offered
        answer = client.head(f"/competitions/{competition.slug}/data/{name}")
        assert answer.status_code == (200 if offered else 404)
    assert "train.zip" in {file["name"] for file in listed}


def test_the_sample_is_no_way_around_the_rules(alone, alice, clients):
    teams.join(alone, alice)
    answer = clients(alice).post(f"/competitions/{alone.slug}/submit/", {"sample": "1"})
    assert model_rules.ONLY_MODELS in unescape(answer.content.decode())


# --- what follows the setting --------------------------------------------------------------------


def drafted(competition: Competition) -> None:
    """As if the site had drafted the overview, of a source of labelled images."""
    text = preparing.pages._overview(competition, 3)
    spec = {**competition.image_spec, "drafted": {"overview": preparing.pages._mark(text)}}
    Competition.objects.filter(pk=competition.pk).update(overview=text, image_spec=spec)


def turn_to(competition: Competition, takes: Takes) -> Competition:
    ModelRules.objects.filter(competition=competition).update(takes=takes)
    preparing.follow_rules(competition.pk)
    return deadlines.read(competition.pk)


def test_a_drafted_overview_follows_what_is_taken(taking):
    competition = taking("both")
    drafted(competition)
    there = turn_to(competition, Takes.MODELS)
    assert "sample_submission.csv" not in there.overview
    assert "Export it as one file" in there.overview
    assert "sample_submission.csv" in turn_to(there, Takes.BOTH).overview


def test_an_organisers_own_words_stay(taking):
    competition = taking("both")
    drafted(competition)
    Competition.objects.filter(pk=competition.pk).update(overview="My own words.")
    assert turn_to(competition, Takes.MODELS).overview == "My own words."


def test_the_notebook_follows_what_is_taken(taking):
    def there() -> str:
        file = DataFile.objects.get(name=notebook.NAME)
        return file.description + files.read("data", file.path).decode()

    competition = taking("both")
    assert "submission.csv" in there()
    turn_to(competition, Takes.MODELS)
    assert "model.onnx" in there()
    assert not any(name in there() for name in HIDDEN)


# --- at home -------------------------------------------------------------------------------------


class Door:
    """The site as `baselines fetch` asks it, without a socket in between."""

    def __init__(self, client: Client, slug: str) -> None:
        self._client, self.slug = client, slug

    def ask(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self._client.get(path).json()
        return found

    @contextmanager
    def open(self, path: str, headers: Any = None) -> Any:
        answer: Any = self._client.get(path, headers=headers)
        assert answer.status_code == 200, path
        body = io.BytesIO(b"".join(answer.streaming_content))
        yield SimpleNamespace(status=200, headers=answer.headers, read=body.read)


@pytest.fixture
def fetched(alice, clients, tmp_path):
    """``fetched(competition)``: the folder that the command makes."""

    def bring(competition: Competition) -> Any:
        teams.join(competition, alice)
        door: Any = Door(clients(alice), competition.slug)
        fetch.fetch(door, tmp_path / "home", lambda *_: None)
        return tmp_path / "home"

    return bring


@pytest.mark.parametrize("takes", ["models", "both"])
@pytest.mark.parametrize(
    ("metric", "layout", "several"),
    [("accuracy", "", False), ("log_loss", "", False), ("mean_column_log_loss", "", True)],
)
def test_what_is_fetched_asks_of_a_model_what_the_site_asks(
    taking, fetched, takes, metric, layout, several
):
    competition = taking(takes, metric=metric, layout=layout)
    home = fetched(competition)
    challenge = challenges.read(home / "competition.toml", home, None, None)
    asked = model_rules.contract(competition.model_rules, competition.solution)
    assert challenge.contract == asked
    assert challenge.contract.several is several


def test_the_ids_are_the_samples_where_there_is_one_and_else_those_of_train_csv(taking, fetched):
    competition = taking("both")
    home = fetched(competition)
    spec = home / "competition.toml"
    assert challenges.read(spec, home, None, None).template.ids == tuple(TRUTH)
    table = (home / "train.csv").read_text().splitlines()[1:]
    ids = [line.split(",")[0] for line in table]
    assert len(set(ids)) == 6
    for images in (home / "train", home / "train.zip"):
        assert sorted(challenges.read(spec, images, None, None).template.ids) == ids


@pytest.mark.torch
def test_both_commands_as_the_pages_name_them(alone, fetched):
    for package in ("onnx", "onnxruntime"):
        pytest.importorskip(package)
    from tests.competitions.model_runs import networks  # noqa: PLC0415

    home = fetched(alone)
    (home / "model.onnx").write_bytes(networks.right())
    words = ["run", "model.onnx", "--images", ".", "--spec", "competition.toml", "--json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        done = CliRunner().invoke(app, [*words, "--out", "out.csv"])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["images"] == 6
        scored = ["--solution", "train.csv", "--submission", "out.csv", "--metric", "accuracy"]
        done = CliRunner().invoke(app, ["score", *scored, "--json"])
    # of each class the shades 0 and 1, which are the classes cat and dog
    assert json.loads(done.stdout)["score"] == pytest.approx(2 / 6)


# --- the notebook --------------------------------------------------------------------------------


@pytest.fixture
def digits(tmp_path):
    """The digits, of which models alone are taken."""
    bundle = shutil.copytree(BUNDLES / "digits", tmp_path / "bundle")
    settings = (bundle / "competition.toml").read_text()
    top = f'takes = "models"\n{settings}\n[model]\nimage = [1, 8, 8]\n'
    assert tomllib.loads(top)["takes"] == "models"
    (bundle / "competition.toml").write_text(top)
    words = ["load_competition", str(bundle), "--slug", "digits", "--open"]
    call_command(*words, stdout=io.StringIO())
    return deadlines.read(Competition.objects.get().pk)


@pytest.mark.torch
def test_the_notebook_ends_with_a_model_that_is_taken_and_good(
    digits, alice, clients, tmp_path, monkeypatch, capsys
):
    for package in ("torch", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    folder = tmp_path / "work"
    folder.mkdir()
    for file in files.downloads(digits):
        (folder / file.name).write_bytes(files.read("data", file.path))
    told = clients(alice).get("/api/competitions/digits/").json()
    (folder / "competition.toml").write_text(fetch.spec(told))
    monkeypatch.chdir(folder)
    names: dict[str, object] = {}
    for number, cell in enumerate(json.loads((folder / notebook.NAME).read_text())["cells"]):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)  # noqa: S102
    assert "images: 898" in capsys.readouterr().out

    teams.join(digits, alice)
    content = ContentFile((folder / "model.onnx").read_bytes(), name="model.onnx")
    sent = model_runs.submit(digits, alice, content, "")
    for _dry_run_and_run in range(2):
        tasks.run_model()
    tasks.score(sent.pk)
    assert PublicScore.objects.get().value > 0.9


def test_without_the_rules_the_notebook_says_where_they_come_from(tmp_path, capsys):
    exec(notebook.TRY, {"DATA": tmp_path})  # noqa: S102
    assert "`python -m baselines fetch` brings these files" in capsys.readouterr().out
