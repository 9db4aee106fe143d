"""The starter notebook of a challenge: from its files to a submission, in a dozen short cells.

Made at the preparation and downloaded with the other files. It asks the files beside it for
classes, sizes and ids, so that it stays right when they are prepared anew. Where models alone are
taken it ends with a network as a file: the test images are not among the files.
"""

import json
from collections.abc import Sequence
from typing import Any

from competitions import model_rules
from competitions.models import Competition
from scoring import Layout

NAME = "starter.ipynb"
DESCRIPTION = "A notebook to begin with: look, train, write a submission"
DESCRIPTION_OF_MODELS = "A notebook to begin with: look, train, export a model"
NEEDS = "numpy, Pillow and scikit-learn"

UNPACK = """\
import zipfile
from pathlib import Path

DATA = Path(".")  # where {files} lie

for name in {archives}:
    if not (DATA / name).exists():
        with zipfile.ZipFile(DATA / f"{{name}}.zip") as archive:
            archive.extractall(DATA / name)"""

READ_TABLES = """\
import csv

def table(name):
    with open(DATA / name, newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file))

label_of = dict(row[:2] for row in table("train.csv")[1:])"""

READ_SAMPLE = """\
header, *sample = table("sample_submission.csv")
test_ids = [row[0] for row in sample]
classes = sorted(set(label_of.values()))
print(len(label_of), "training images in", len(classes), "classes;", len(test_ids), "test images")
print("A submission begins with", ",".join(header))"""

COUNT_CLASSES = """\
classes = sorted(set(label_of.values()))
print(len(label_of), "training images in", len(classes), "classes")"""

LOOK = """\
import random
from PIL import Image

SIDE = 96
some = random.Random(0).sample(sorted(label_of), min(24, len(label_of)))
sheet = Image.new("RGB", (8 * SIDE, 3 * SIDE), "white")
for n, name in enumerate(some):
    with Image.open(DATA / "train" / name) as image:
        tile = image.convert("RGB").resize((SIDE, SIDE))
    sheet.paste(tile, (n % 8 * SIDE, n // 8 * SIDE))
print([label_of[name] for name in some])
sheet"""

NUMBERS = """\
import numpy as np

LARGEST = 32  # pixels a side; larger images say more and take longer
LIMIT = 10_000  # training images; enough for a beginning

def size_of(path):
    with Image.open(path) as image:
        scale = min(1, LARGEST / max(image.size))
        return max(1, round(image.width * scale)), max(1, round(image.height * scale))

names = random.Random(1).sample(sorted(label_of), min(LIMIT, len(label_of)))
size = size_of(DATA / "train" / names[0])

def is_grey(path):
    with Image.open(path) as image:
        return image.mode in ("1", "L", "LA")

mode = "L" if all(is_grey(DATA / "train" / name) for name in names[:100]) else "RGB"

def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert(mode).resize(size), np.float32).ravel() / 255

x = np.stack([pixels(DATA / "train" / name) for name in names])
y = np.array([label_of[name] for name in names])
x.shape"""

TRAIN = """\
from sklearn.linear_model import LogisticRegression

order = np.random.default_rng(0).permutation(len(x))
held_out, kept = np.split(order, [max(1, len(x) // 5)])
centre, spread = x[kept].mean(), x[kept].std() + 1e-6
model = LogisticRegression(C=0.1, max_iter=200)
model.fit((x[kept] - centre) / spread, y[kept])
right = model.predict((x[held_out] - centre) / spread) == y[held_out]
print(f"{right.mean():.1%} of {len(held_out)} images that it has not seen")"""

PREDICT = """\
test = DATA / "test"
files = {path.relative_to(test).as_posix(): path for path in sorted(test.rglob("*.*"))}
by_id = {path.stem: path for path in files.values()}
by_id |= {path.name: path for path in files.values()} | files
chances = model.predict_proba(
    (np.stack([pixels(by_id[name]) for name in test_ids]) - centre) / spread
)
chances.shape"""

# What stands beside an id, by the layout of the challenge's submissions.
CELLS: dict[Layout, str] = {
    "labels": """\
def cells(row):
    return [model.classes_[row.argmax()]]""",
    "sets": """\
def cells(row):
    return [model.classes_[row.argmax()]]""",
    "score": """\
positive = list(model.classes_).index("1")

def cells(row):
    return [f"{row[positive]:.6f}"]""",
    "ranked": """\
depth = len(sample[0][1].split())

def cells(row):
    return [" ".join(model.classes_[n] for n in (-row).argsort()[:depth])]""",
    "probabilities": """\
columns = [list(model.classes_).index(name) for name in header[1:]]
are_marks = set(sample[0][1:]) == {"0", "1"}  # one class each, rather than chances

def cells(row):
    row = row[columns]
    if are_marks:
        return [int(n == row.argmax()) for n in range(len(row))]
    return [f"{chance:.6f}" for chance in row]""",
}

WRITE = """\
with open(DATA / "submission.csv", "w", newline="") as file:
    writer = csv.writer(file, lineterminator="\\n")
    writer.writerow(header)
    for name, row in zip(test_ids, chances):
        writer.writerow([name, *cells(row)])
print((DATA / "submission.csv").read_text()[:200])"""

CHECK = """\
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("scoring"):
    words = ["--submission", DATA / "submission.csv", "--sample", DATA / "sample_submission.csv"]
    checked = subprocess.run(
        [sys.executable, "-m", "scoring", "check", *words, "--layout", {layout!r}],
        capture_output=True, text=True,
    )
    print(checked.stdout, checked.stderr)
else:
    print("The site checks it too, and a refused file costs no attempt.")"""

CALL = """\
import subprocess
import sys

def call(*words):
    done = subprocess.run(
        [sys.executable, "-m", *map(str, words)], capture_output=True, text=True
    )
    print(done.stdout, done.stderr)
    done.check_returncode()"""

TRAIN_NETWORK = """\
ARCH = "lenet5"  # small and quick; `python -m baselines train --help` names the others
RUN = DATA / "runs" / ARCH

call("baselines", "train", "--arch", ARCH, "--data", DATA.resolve(), "--out", RUN)"""

EXPORT = """\
MODEL = DATA / "model.onnx"
call("baselines", "export", RUN, "--format", "onnx", "--out", MODEL)"""

TRY = """\
if (DATA / "competition.toml").exists():
    call("scoring", "run", MODEL, "--images", DATA, "--spec", DATA / "competition.toml")
else:
    print("`python -m baselines fetch` brings these files and competition.toml, which this needs.")
    print("The site tries it too, and what that refuses costs no attempt.")"""

SUBMIT = """\
SITE = "http://127.0.0.1:8000"  # the address in your browser
TOKEN = ""  # your account's token page makes one

if TOKEN:
    import json
    import uuid
    from urllib.request import Request, urlopen

    def ask(path, body, kind):
        sent = {{"Authorization": f"Bearer {{TOKEN}}", "Content-Type": kind}}
        return json.load(urlopen(Request(SITE + path, body, sent)))

    border = uuid.uuid4().hex
    head = (
        f"--{{border}}\\r\\nContent-Type: {kind}\\r\\n"
        'Content-Disposition: form-data; name="file"; filename="{file}"\\r\\n\\r\\n'
    )
    content = (DATA / "{file}").read_bytes()
    form = head.encode() + content + f"\\r\\n--{{border}}--\\r\\n".encode()
    challenge = "/api/competitions/{slug}"
    ask(f"{{challenge}}/join/", b"{{}}", "application/json")
    kind = f"multipart/form-data; boundary={{border}}"
    print(ask(f"{{challenge}}/submissions/", form, kind))"""


def starter(competition: Competition) -> bytes:
    """The notebook as nbformat 4.5 has it, without outputs."""
    if model_rules.takes_models_alone(competition):
        return _written(_of_models(competition))
    return _written(_of_predictions(competition))


def description(competition: Competition) -> str:
    alone = model_rules.takes_models_alone(competition)
    return DESCRIPTION_OF_MODELS if alone else DESCRIPTION


def _of_predictions(competition: Competition) -> list[dict[str, Any]]:
    layout, slug = competition.submission_layout, competition.slug
    named = "train.zip, test.zip, train.csv and sample_submission.csv"
    return [
        _words(
            f"# {competition.title}\n\nFrom the files to a first submission, scored by "
            f"**{competition.metric_title}**. Put this notebook beside the challenge's files and "
            f"run its cells from top to bottom. It needs {NEEDS}."
        ),
        _words("## The files"),
        _code(UNPACK.format(files=named, archives='("train", "test")')),
        _code(f"{READ_TABLES}\n{READ_SAMPLE}"),
        _words("## Look at some images\n\nBefore any model: what would you go by?"),
        _code(LOOK),
        _words("## Images as numbers"),
        _code(NUMBERS),
        _words(
            "## A first model\n\nSoftmax regression: one weight for each pixel and class. A fifth "
            "of the images is set aside, to see how it does on new ones."
        ),
        _code(TRAIN),
        _words("## Answers for the test images\n\nIn the form and order of the sample."),
        _code(PREDICT),
        _code(CELLS[layout]),
        _code(WRITE),
        _code(CHECK.format(layout=layout)),
        _words(
            "## Send it\n\nDrop `submission.csv` on the challenge's page, or fill in the two lines "
            "below.\n\nNext: a network that knows neighbouring pixels. `python -m baselines train "
            "--arch lenet5 --data .` trains one on these files (docs: the baselines' README)."
        ),
        _code(SUBMIT.format(slug=slug, file="submission.csv", kind="text/csv")),
    ]


def _of_models(competition: Competition) -> list[dict[str, Any]]:
    named = "train.zip and train.csv"
    binary = "application/octet-stream"
    return [
        _words(
            f"# {competition.title}\n\nFrom the training images to a first model, scored by "
            f"**{competition.metric_title}** over test images that stay on the server. Put this "
            "notebook beside the challenge's files and run its cells from top to bottom, in a "
            "clone of the site's project after `make lab`: its baselines train and export."
        ),
        _words("## The files"),
        _code(UNPACK.format(files=named, archives='("train",)')),
        _code(f"{READ_TABLES}\n{COUNT_CLASSES}"),
        _words("## Look at some images\n\nBefore any model: what would you go by?"),
        _code(LOOK),
        _words(
            "## A first network\n\nA fifth of the images is set aside, to see how it does on new "
            "ones. What a model must keep to, its size and its seconds, is on the challenge's page."
        ),
        _code(CALL),
        _code(TRAIN_NETWORK),
        _words(
            "## As one file\n\nONNX: pixels from 0 to 1 go in, a number for each class comes out, "
            "in the challenge's order. Its answers are held against the network's own."
        ),
        _code(EXPORT),
        _words("## As the site runs it\n\nIn the same sandbox, over the training images."),
        _code(TRY),
        _words(
            "## Send it\n\nDrop `model.onnx` on the challenge's page, or fill in the two lines "
            "below. A dry run over a few training images comes first, and what it refuses costs "
            "no attempt.\n\nNext: other networks and settings. The challenge's board shows what "
            "the best ones cost."
        ),
        _code(SUBMIT.format(slug=competition.slug, file="model.onnx", kind=binary)),
    ]


def _words(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": _lines(text)}


def _code(text: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": _lines(text),
    }


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _written(cells: Sequence[dict[str, Any]]) -> bytes:
    named = [{"id": f"cell-{n:02d}", **cell} for n, cell in enumerate(cells, 1)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {
        "cells": named,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()
