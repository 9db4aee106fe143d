"""The test images as the sandbox maps them into memory, packed once for as long as they stay as
they are; and a few training images for dry runs.

A worker does it before the first run. It needs the ids, which are those of the sample submission:
no worker of models ever opens a solution.
"""

import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from django.conf import settings

from competitions import files, model_rules
from competitions.model_runs import predictions
from competitions.models import Competition, DataFile, ModelRules
from scoring.sandbox import images
from scoring.sandbox.contract import Contract

TRIED = 64  # images of a dry run: more than a batch, and a moment's work
# The run takes batches of the size that the dry run came to, so its few images are shown again and
# again where a model that is just fast enough answers them within a dry run's time.
MOST_TRIED = 1024  # beyond that no batch gets larger
TRIED_SECONDS = 15
TRAIN, TEST = "train.zip", "test.zip"


@dataclass(frozen=True)
class Packed:
    """Two files of packed images; row i of the test images is ``ids[i]``."""

    images: Path
    samples: Path
    ids: Sequence[str]


def packed(competition: Competition) -> Packed:
    """Packs them where that was not done, or was done for other files or another size.

    Raises ImagesError where the images do not fit the challenge's rules.
    """
    rules = ModelRules.objects.get(competition=competition)
    contract = model_rules.contract(rules, competition.solution)
    ids = predictions.template(competition).ids
    key = _key(competition, contract)
    if rules.packed_of != key or not _is_there(rules.packed_path, rules.samples_path):
        paths = _pack(competition, contract, ids)
        made = {"packed_path": paths[0], "samples_path": paths[1], "packed_of": key}
        ModelRules.objects.filter(pk=rules.pk).update(**made)
        rules.refresh_from_db()
    return Packed(_place(rules.packed_path), _place(rules.samples_path), ids)


def count(path: Path, contract: Contract) -> int:
    """How many images are packed there."""
    return images.read_head(path, contract).shape[0]


def _key(competition: Competition, contract: Contract) -> str:
    """Another one whenever the packed images would be others."""
    named = DataFile.objects.filter(competition=competition, name__in=[TRAIN, TEST, files.SAMPLE])
    hashes = sorted(named.values_list("name", "sha256"))
    shape = (contract.channels, contract.height, contract.width)
    seconds = contract.budgets.seconds  # how many are tried follows from it
    return sha256(repr((hashes, shape, seconds)).encode()).hexdigest()


def _pack(competition: Competition, contract: Contract, ids: Sequence[str]) -> tuple[str, str]:
    """The paths of both among the private files."""
    train, test = _archive(competition, TRAIN), _archive(competition, TEST)
    with tempfile.TemporaryDirectory(prefix="packing-", dir=settings.VAR) as folder:
        tests = images.pack(test, contract, ids, Path(folder, "test.npy"))
        few = images.pack(train, contract, _some(train), Path(folder, "few.npy"))
        shown = np.load(few)
        rows = np.arange(tried(len(ids), contract.budgets.seconds)) % len(shown)
        samples = Path(folder, "samples.npy")
        np.save(samples, shown[rows])
        return _store(tests), _store(samples)


def tried(total: int, seconds: float) -> int:
    """How many images a dry run answers, where the run has so many test images and seconds.

    >>> tried(30, 600), tried(10_000, 600), tried(10_000, 60)
    (30, 128, 1024)
    """
    in_time = max(TRIED, int(TRIED_SECONDS * total / seconds))
    return min(total, MOST_TRIED, 1 << (in_time.bit_length() - 1))


def _some(archive: Path) -> list[str]:
    """Members spread over the whole archive, and so over its classes."""
    with zipfile.ZipFile(archive) as opened:
        names = sorted(
            name for name in opened.namelist() if Path(name).suffix.lower() in images.SUFFIXES
        )
    step = max(1, len(names) // TRIED)
    return names[::step][:TRIED]


def _archive(competition: Competition, name: str) -> Path:
    file = DataFile.objects.get(competition=competition, name=name)
    return Path(files.storage("data").path(file.path))


def _store(file: Path) -> str:
    with file.open("rb") as content:
        return files.store("solutions", iter(lambda: content.read(files.CHUNK), b"")).path


def _is_there(*paths: str) -> bool:
    return all(path and files.storage("solutions").exists(path) for path in paths)


def _place(path: str) -> Path:
    return Path(files.storage("solutions").path(path))
