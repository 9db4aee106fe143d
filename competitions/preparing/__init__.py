"""From an organiser's three files to a challenge: both doors, admin and command, end here.

``receive`` stores the bytes and marks the competition; ``prepare`` does the work, in a worker or
in the command's own process, and ends it READY or REFUSED with a sentence for the organiser.
"""

import time
from collections.abc import Callable, Iterable, Mapping

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Least

import scoring
from competitions import files
from competitions.models import (
    ClassSample,
    Competition,
    DataFile,
    Preparation,
    SolutionVersion,
)
from competitions.preparing import claims
from competitions.preparing.answers import IGNORED, PRIVATE, PUBLIC, Answers
from competitions.preparing.build import Built, build
from competitions.preparing.claims import Inbox, forgotten, give_up
from competitions.refusals import NotReady, Refused
from scoring.splits import salt_from, solution_commitment

__all__ = [
    "OUR_FAULT", "TIME_LIMIT", "TOO_LATE", "TOO_LONG", "Inbox", "anew", "forgotten", "give_up",
    "prepare", "receive", "refuse", "seed_path", "takes_files",
]  # fmt: skip

log = structlog.get_logger(__name__)

TIME_LIMIT = 3600  # seconds for one upload
RENEW_EVERY = 20  # seconds
OUR_FAULT = "Something broke on our side while preparing. Nothing is lost; upload the files again."
TOO_LATE = "Only a draft without submissions takes new files. Create another challenge for them."
TOO_LONG = (
    f"Reading the files took longer than {TIME_LIMIT // 60} minutes, the most given to one upload. "
    "Use fewer or smaller images, then upload all three files again."
)


class Overtaken(Exception):
    """Another upload or another attempt counts now: stop, and change nothing."""


def takes_files(competition_pk: int) -> bool:
    """Whether new files may still replace the present ones."""
    return claims.preparable(competition_pk).exists()


def receive(
    competition_pk: int,
    *,
    train: Iterable[bytes],
    test: Iterable[bytes],
    solution: Iterable[bytes],
) -> Inbox:
    """Keeps the uploaded bytes as they are and marks the competition as PREPARING.

    Raises NotReady unless it is a draft without submissions, before and after the bytes came.
    """
    if not takes_files(competition_pk):
        raise NotReady(TOO_LATE)
    inbox = {
        "train": files.store("data", iter(train)).path,
        "test": files.store("data", iter(test)).path,
        "solution": files.store("solutions", iter(solution)).path,
    }
    if not claims.receive(competition_pk, inbox):
        raise NotReady(TOO_LATE)
    return inbox


def anew(competition_pk: int) -> Inbox:
    """Marks the files of the last upload as PREPARING once more: the challenge's settings changed.

    Raises NotReady as ``receive`` does, and while they are being read.
    """
    inbox = claims.kept(competition_pk)
    if not inbox or not claims.receive(competition_pk, inbox):
        raise NotReady(TOO_LATE)
    return inbox


def prepare(competition_pk: int, inbox: Inbox) -> None:
    """Reads the received files and publishes what participants need. Safe to call twice."""
    competition = claims.claim(competition_pk, inbox)
    if competition is None:
        return
    try:
        _publish(competition, build(competition, inbox, _still_ours(competition)))
    except Overtaken:
        log.info("preparing was overtaken", competition=competition.slug)
    except Refused as error:
        _refuse(competition, str(error))
    except SoftTimeLimitExceeded:
        _refuse(competition, TOO_LONG)
    except Exception:
        _refuse(competition, OUR_FAULT)
        log.exception("preparing failed", competition=competition.slug)


def refuse(competition_pk: int, inbox: Inbox, sentence: str) -> bool:
    """Preparing to refused; False where this upload is no longer the one that counts."""
    changed = claims.awaited(competition_pk, inbox).update(
        preparation=Preparation.REFUSED, preparation_note=sentence, **claims.ENDED
    )
    return bool(changed)


def seed_path(commitment: str) -> str:
    """Where the private storage keeps the seed whose split has that seal."""
    return f"seeds/{commitment}"


def _refuse(competition: Competition, sentence: str) -> None:
    claims.held(competition).update(
        preparation=Preparation.REFUSED, preparation_note=sentence, **claims.ENDED
    )


def _still_ours(competition: Competition) -> Callable[[], None]:
    """Called between images: keeps the lease, and stops work that nobody waits for."""
    renewed = time.monotonic()

    def look() -> None:
        nonlocal renewed
        if time.monotonic() - renewed < RENEW_EVERY:
            return
        if not claims.renew(competition):
            raise Overtaken
        renewed = time.monotonic()

    return look


def _publish(competition: Competition, built: Built) -> None:
    """One transaction: solution, files and READY, or nothing."""
    solution = files.store_bytes("solutions", built.answers.csv())
    _keep_seed(built.answers)
    public = built.answers.count(PUBLIC)
    with transaction.atomic():
        claimed = claims.held(competition).update(
            preparation=Preparation.READY,
            preparation_note=_summary(built),
            # Never more digits than tell one row from the next; fewer are the organiser's choice.
            decimals=Least(F("decimals"), scoring.display_decimals(public)),
            **claims.ENDED,
        )
        if not claimed:
            return
        version = _add_version(competition, built, solution)
        Competition.objects.filter(pk=competition.pk).update(solution=version)
        _replace_downloads(competition, built)
        _replace_samples(competition, built)
    log.info("challenge prepared", competition=competition.slug, version=version.version)


def _keep_seed(answers: Answers) -> None:
    storage, path = files.storage("solutions"), seed_path(answers.commitment)
    if not storage.exists(path):
        storage.save(path, ContentFile(answers.seed))


def _add_version(competition: Competition, built: Built, stored: files.Stored) -> SolutionVersion:
    newest = SolutionVersion.objects.filter(competition=competition).aggregate(n=Max("version"))
    answers = built.answers
    return SolutionVersion.objects.create(
        competition=competition,
        version=(newest["n"] or 0) + 1,
        path=stored.path,
        sha256=stored.sha256,
        id_column=answers.id_column,
        label_column=answers.label_column,
        classes=list(built.classes),
        rows=len(answers.rows),
        public_rows=answers.count(PUBLIC),
        private_rows=answers.count(PRIVATE),
        commitment=answers.commitment,
        label_seal=solution_commitment(salt_from(answers.seed), answers.csv()),
    )


def _replace_downloads(competition: Competition, built: Built) -> None:
    DataFile.objects.filter(competition=competition).delete()
    DataFile.objects.bulk_create(
        DataFile(
            competition=competition,
            name=download.name,
            path=download.stored.path,
            size=download.stored.size,
            sha256=download.stored.sha256,
            rows=download.rows,
            description=download.description,
        )
        for download in built.downloads
    )


def _replace_samples(competition: Competition, built: Built) -> None:
    ClassSample.objects.filter(competition=competition).delete()
    ClassSample.objects.bulk_create(
        ClassSample(
            competition=competition,
            position=position,
            name=sample.name,
            images=sample.images,
            path=sample.sprite.path if sample.sprite else "",
            sha256=sample.sprite.sha256 if sample.sprite else "",
        )
        for position, sample in enumerate(built.samples)
    )


def _summary(built: Built) -> str:
    answers = built.answers
    counts: Mapping[str, int] = {
        "public": answers.count(PUBLIC),
        "private": answers.count(PRIVATE),
        "ignored": answers.count(IGNORED),
    }
    split = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return (
        f"{built.train_images} training images in {len(built.classes)} classes, "
        f"{len(answers.rows)} test images ({split})."
    )
