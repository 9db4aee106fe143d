"""The starter notebook: valid, run from top to bottom without Jupyter, and its file is taken."""

import io
import json
import os
import shutil
import zipfile

import numpy as np
import pytest
from django.core.management import call_command
from PIL import Image

from competitions import files, notebook, solutions
from competitions.management.bundles import BUNDLES
from competitions.models import Competition, DataFile
from tests.classroom import compiled

pytestmark = [pytest.mark.django_db, pytest.mark.once("test_preparing.py")]


@pytest.fixture
def digits(tmp_path):
    """``digits('metric = …')``: the digits, scored otherwise."""

    def load(settings: str = "") -> Competition:
        bundle = shutil.copytree(BUNDLES / "digits", tmp_path / "bundle")
        if settings:
            (bundle / "competition.toml").write_text(f'title = "Digits"\n{settings}')
        call_command("load_competition", str(bundle), "--slug", "digits", stdout=io.StringIO())
        return Competition.objects.get()

    return load


def run(competition: Competition, folder, monkeypatch) -> bytes:
    """Every code cell in one namespace, beside the challenge's files; the submission it wrote."""
    for file in DataFile.objects.filter(competition=competition):
        (folder / file.name).write_bytes(files.read("data", file.path))
    monkeypatch.chdir(folder)
    found = json.loads(notebook.starter(competition))
    names: dict[str, object] = {}
    for number, cell in enumerate(found["cells"]):
        if cell["cell_type"] == "code":
            code = compile("".join(cell["source"]), f"cell {number}", "exec")
            exec(code, names)  # noqa: S102 - our own cells
    return (folder / "submission.csv").read_bytes()


def public_score(competition: Competition, answers: bytes) -> float:
    report = solutions.evaluate(answers, compiled(competition), solutions.spec(competition))
    assert report.public is not None
    return report.public


@pytest.mark.parametrize(
    ("settings", "least", "most"),
    [
        ("", 0.9, 1.0),
        ('metric = "log_loss"\npublic_fraction = 0.5\n', 0.0, 1.0),
        ('metric = "f1"\nlayout = "probabilities"\npublic_fraction = 0.5\n', 0.9, 1.0),
        ('metric = "map_at_k"\npublic_fraction = 0.5\n[metric_parameters]\nk = 3\n', 0.9, 1.0),
    ],
)
def test_its_submission_is_taken_and_good(digits, tmp_path, monkeypatch, settings, least, most):
    competition = digits(settings)
    folder = tmp_path / "work"
    folder.mkdir()
    answers = run(competition, folder, monkeypatch)
    assert least <= public_score(competition, answers) <= most


def test_it_checks_the_file_as_the_site_would(digits, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(BUNDLES.parents[1])]))
    (tmp_path / "work").mkdir()
    run(digits(), tmp_path / "work", monkeypatch)
    told = capsys.readouterr().out
    assert "898 training images in 10 classes; 899 test images" in told
    assert "The file is good." in told


def test_it_is_a_notebook(draft):
    """By the schema of nbformat 4.5: what every cell and the whole must have."""
    found = json.loads(notebook.starter(draft))
    assert (found["nbformat"], found["nbformat_minor"]) == (4, 5)
    assert found["metadata"]["kernelspec"].keys() == {"display_name", "language", "name"}
    identifiers = [cell["id"] for cell in found["cells"]]
    assert len(set(identifiers)) == len(identifiers)
    for cell in found["cells"]:
        own = {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert cell.keys() == {"id", "cell_type", "metadata", "source", *own}
        assert all(isinstance(line, str) for line in cell["source"])


def test_colours_large_images_and_names_without_folders_are_no_trouble(
    prepared, tmp_path, monkeypatch
):
    stream, colours = (
        io.BytesIO(),
        {"cat": (200, 30, 30), "dog": (30, 200, 30), "owl": (30, 30, 200)},
    )
    noise = np.random.default_rng(0)
    with zipfile.ZipFile(stream, "w") as archive:
        for label, colour in colours.items():
            for n in range(6):
                image = io.BytesIO()
                pixels = np.full((50, 70, 3), colour, np.uint8) + noise.integers(0, 20, 3, np.uint8)
                Image.fromarray(pixels.astype(np.uint8)).save(image, "PNG")
                archive.writestr(f"{label}/{n}.png", image.getvalue())
    competition = prepared(train=stream.getvalue())
    (tmp_path / "work").mkdir()
    answers = run(competition, tmp_path / "work", monkeypatch)
    assert 0 <= public_score(competition, answers) <= 1
