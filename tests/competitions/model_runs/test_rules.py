"""What a challenge asks of models: on its form, in its folder, in an exported file."""

import io
import zipfile

import pytest
from django.core.management import CommandError
from django.utils import timezone

from competitions import files, model_rules, notebook, preparing, submissions
from competitions.management import bundles
from competitions.models import (
    Act,
    Competition,
    DataFile,
    Kind,
    ModelRules,
    ModelRun,
    ModelStage,
    Role,
    Sent,
    Submission,
    Takes,
)
from competitions.portable import exporting, importing
from tests.competitions.test_admin import INLINE, SETTINGS
from tests.competitions.test_roles import staff

__all__ = ["staff"]  # fixtures
pytestmark = pytest.mark.django_db

FILLED_IN = {
    "takes": "both", "channels": "3", "height": "32", "width": "32", "takes_onnx": "on",
    "seconds": "60", "memory_mib": "512", "file_mib": "16", "max_parameters": "1000000",
    "max_macs": "",
}  # fmt: skip


def save(client, competition, initial=0, **filled_in):
    lines = {f"model_rules-0-{name}": value for name, value in filled_in.items()}
    address = f"/admin/competitions/competition/{competition.pk}/change/"
    fields = {
        **SETTINGS,
        **INLINE,
        "title": competition.title,
        "slug": competition.slug,
        **lines,
        "model_rules-0-competition": competition.pk,
        "model_rules-TOTAL_FORMS": 1,
        "model_rules-INITIAL_FORMS": initial,
    }
    return client.post(address, fields, follow=True)


def test_an_editor_lets_a_challenge_take_models_and_it_is_written_down(staff, competition, clients):
    page = save(clients(staff[Role.EDITOR]), competition, **FILLED_IN)
    rules = ModelRules.objects.get()
    assert (rules.seconds, rules.max_parameters, rules.takes_safetensors) == (60, 1_000_000, False)
    assert page.status_code == 200
    assert Act.objects.filter(kind=Kind.SETTINGS_CHANGED, subject="models").exists()


def test_the_form_has_the_notebook_written_for_what_is_taken_then(staff, competition, clients):
    preparing.renew_notebook(competition)
    for takes, has_answers in (("models", False), ("both", True)):
        rules = ModelRules.objects.first()
        filled_in = {**FILLED_IN, "takes": takes, **({"id": rules.pk} if rules else {})}
        save(clients(staff[Role.EDITOR]), competition, initial=1 if rules else 0, **filled_in)
        file = DataFile.objects.get(name=notebook.NAME)
        assert (b"submission.csv" in files.read("data", file.path)) is has_answers


def test_a_judge_changes_nothing(staff, competition, clients):
    save(clients(staff[Role.JUDGE]), competition, **FILLED_IN)
    assert not ModelRules.objects.exists()


def test_who_takes_models_must_take_a_format(staff, competition, clients):
    page = save(clients(staff[Role.EDITOR]), competition, **{**FILLED_IN, "takes_onnx": ""})
    assert "Choose at least one kind of model file" in page.content.decode()
    assert not ModelRules.objects.exists()


def test_the_shape_stays_once_a_model_was_sent(staff, competition, clients, send, alice):
    run = send(alice)
    rules = ModelRules.objects.get()
    other = {**FILLED_IN, "id": rules.pk, "height": "64", "seconds": "90"}
    save(clients(staff[Role.EDITOR]), competition, initial=1, **other)
    rules.refresh_from_db()
    assert (rules.height, rules.seconds) == (8, 90)
    assert run.pk


def test_below_a_model_stands_its_run(staff, clients, send, alice):
    run = send(alice)
    address = f"/admin/competitions/submission/{run.submission_id}/change/"
    page = clients(staff[Role.VIEWER]).get(address).content.decode()
    assert "Waits for its dry run" in page


# --- a challenge as a folder ---------------------------------------------------------------------


def folder(tmp_path, model):
    (tmp_path / "competition.toml").write_text(f'title = "Pets"\nmetric = "accuracy"\n{model}')
    return tmp_path


def test_a_table_in_the_folder_makes_the_rules(tmp_path):
    made = bundles.create(
        folder(tmp_path, 'takes = "models"\n[model]\nimage = [1, 28, 28]\nseconds = 30\n'), "pets"
    )
    rules = model_rules.of(Competition.objects.get(pk=made.pk))
    assert (rules.takes, rules.channels, rules.width) == (Takes.MODELS, 1, 28)
    assert (rules.seconds, rules.takes_onnx, rules.takes_pt2) == (30, True, False)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ('takes = "models"\n', "needs a table"),
        ("[model]\n", "image"),
        ("[model]\nimage = [2, 8, 8]\n", "channels"),
        ('[model]\nimage = [1, 8, 8]\nformats = ["pickle"]\n', "formats"),
        ('[model]\nimage = [1, 8, 8]\nclasses = ["b", "a"]\n', "Leave them out"),
    ],
)
def test_a_wrong_table_is_told(tmp_path, table, why):
    with pytest.raises(CommandError, match=why):
        bundles.create(folder(tmp_path, table), "pets")
    assert not Competition.objects.exists()


# --- a challenge in a file -----------------------------------------------------------------------


def test_rules_and_models_travel_and_what_models_answered_does_not(competition, send, alice, host):
    run = send(alice)
    ended = {"status": "failed", "error": "x", "slot": None, "lifetime_slot": None}
    ended["finished_at"] = timezone.now()
    Submission.objects.filter(pk=run.submission_id).update(**ended)
    ModelRun.objects.filter(pk=run.pk).update(stage=ModelStage.ENDED, parameters=7)
    out = io.BytesIO()
    exporting.export(competition, out, with_solution=True, by=host)
    made = importing.load(io.BytesIO(out.getvalue()), slug="there")
    assert ModelRules.objects.get(competition=made).height == 8
    there = ModelRun.objects.get(competition=made)
    assert (there.parameters, there.path) == (7, run.path)
    assert (there.submission.kind, there.submission.path) == (Sent.MODEL, "")


def test_no_export_holds_what_a_model_answered(competition, send, alice, answers, host):
    run = send(alice)
    stored = files.store_bytes("submissions", answers(2))
    submissions.begin_run(run.submission_id)
    submissions.answered(run.submission_id, stored.path)
    submissions.fail(submissions.claim(run.submission_id), "Our disk is full.")
    ModelRun.objects.filter(pk=run.pk).update(stage=ModelStage.ENDED)
    out = io.BytesIO()
    exporting.export(competition, out, with_solution=True, by=host)
    with zipfile.ZipFile(out) as archive:
        assert f"files/submissions/{stored.path}" not in archive.namelist()
        assert not any(answers(2) == archive.read(name) for name in archive.namelist())
        assert stored.path.encode() not in archive.read("submission.jsonl")
