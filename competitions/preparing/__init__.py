"""From an organiser's files to a challenge: both doors, admin and command, end here.

``receive`` (three files) and ``receive_source`` (labelled images in any form) store the bytes and
mark the competition; ``prepare`` does the work, in a worker or in the command's own process, and
ends it READY or REFUSED with a sentence for the organiser. ``settle`` decides a finding of the leak
report, which may mean building anew.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Least

import scoring
from competitions import files, notebook
from competitions.models import (
    ClassSample,
    Competition,
    DataFile,
    Finding,
    Preparation,
    SolutionVersion,
)
from competitions.pictures import examining
from competitions.preparing import claims, pages, sourced, trials
from competitions.preparing.answers import IGNORED, PRIVATE, PUBLIC, Answers
from competitions.preparing.build import build
from competitions.preparing.built import Built
from competitions.preparing.claims import Inbox, forgotten, give_up
from competitions.preparing.leaks import report
from competitions.preparing.progress import Overtaken, Progress
from competitions.refusals import NotReady, Refused
from scoring.splits import salt_from, solution_commitment

__all__ = [
    "OUR_FAULT", "TIME_LIMIT", "TOO_LATE", "TOO_LONG", "Inbox", "anew", "forgotten", "give_up",
    "prepare", "receive", "receive_source", "receive_stored", "refuse", "seed_path", "takes_files",
]  # fmt: skip

log = structlog.get_logger(__name__)

TIME_LIMIT = 3600  # seconds for one upload
OUR_FAULT = "Something broke on our side while preparing. Nothing is lost; upload the files again."
TOO_LATE = "Only a draft without submissions takes new files. Create another challenge for them."
TOO_LONG = (
    f"Reading the files took longer than {TIME_LIMIT // 60} minutes, the most given to one upload. "
    "Use fewer or smaller images, then upload all three files again."
)


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
    _take(competition_pk, inbox)
    return inbox


def _take(competition_pk: int, inbox: Inbox) -> None:
    """Other images than before: what was decided about those says nothing of these."""
    with transaction.atomic():
        if not claims.receive(competition_pk, inbox):
            raise NotReady(TOO_LATE)
        Finding.objects.filter(competition=competition_pk).delete()


def receive_source(
    competition_pk: int,
    source: Iterable[bytes],
    name: str,
    *,
    test_fraction: float | None = None,
    remedies: Mapping[str, str] | None = None,
) -> Inbox:
    """Keeps one source of labelled images, of whatever form, and marks the competition.

    Without ``test_fraction`` the source's own split counts, else 0.3. ``remedies`` decides findings
    of the leak report beforehand, by their kind. Raises NotReady as ``receive``, or Refused.
    """
    sourced.refuse_bad_fraction(test_fraction)
    if not takes_files(competition_pk):
        raise NotReady(TOO_LATE)
    # Among the private files: it holds the test images with their labels.
    stored = files.store("solutions", iter(source))
    return receive_stored(competition_pk, stored.path, name, test_fraction, remedies)


def receive_stored(
    competition_pk: int,
    path: str,
    name: str,
    test_fraction: float | None = None,
    remedies: Mapping[str, str] | None = None,
) -> Inbox:
    """As ``receive_source``, of what lies among the private files already."""
    sourced.refuse_bad_fraction(test_fraction)
    inbox = sourced.inbox_of(path, name, test_fraction, dict(remedies or {}))
    _take(competition_pk, inbox)
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
        with examining.sitting():
            built = build(competition, inbox, Progress(competition))
        _publish(competition, built)
    except Overtaken:
        log.info("preparing was overtaken", competition=competition.slug)
    except Refused as error:
        _refuse(competition, str(error))
    except SoftTimeLimitExceeded:
        _refuse(competition, TOO_LONG)
    except Exception:
        _refuse(competition, OUR_FAULT)
        log.exception("preparing failed", competition=competition.slug)


def seed_path(commitment: str) -> str:
    """Where the private storage keeps the seed whose split has that seal."""
    return f"seeds/{commitment}"


def _refuse(competition: Competition, sentence: str) -> None:
    claims.held(competition).update(
        preparation=Preparation.REFUSED, preparation_note=sentence, **claims.ENDED
    )


def _publish(competition: Competition, built: Built) -> None:
    """One transaction: solution, files and READY, or nothing."""
    solution = files.store_bytes("solutions", built.answers.csv())
    _keep_seed(built.answers)
    trial = trials.trial(competition, built.answers, built.classes)
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
        version = _add_version(competition, built, solution, trial)
        written = _written(Competition.objects.get(pk=competition.pk), built)
        Competition.objects.filter(pk=competition.pk).update(solution=version, **written)
        _replace_downloads(competition, built)
        _replace_samples(competition, built)
        report.replace(competition, built.findings)
    log.info("challenge prepared", competition=competition.slug, version=version.version)


def _written(competition: Competition, built: Built) -> Mapping[str, Any]:
    """Who brings three files of an own split has words of the own for them, too."""
    if "source" in competition.preparation_inbox:
        return pages.drafted(competition, built)
    return {"image_spec": dict(built.image_spec)}


def _keep_seed(answers: Answers) -> None:
    storage, path = files.storage("solutions"), seed_path(answers.commitment)
    if not storage.exists(path):
        storage.save(path, ContentFile(answers.seed))


def _add_version(
    competition: Competition, built: Built, stored: files.Stored, trial: Mapping[str, Any]
) -> SolutionVersion:
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
        launch_trial=dict(trial),
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
    renew_notebook(competition)


def renew_notebook(competition: Competition) -> None:
    """Made last: it asks the other files for everything that may change.

    It names the challenge that it joins, so that a copy of the challenge needs one of its own.
    """
    DataFile.objects.filter(competition=competition, name=notebook.NAME).delete()
    fresh = Competition.objects.select_related("solution", "custom_metric").get(pk=competition.pk)
    stored = files.store_bytes("data", notebook.starter(fresh))
    DataFile.objects.create(
        competition=competition,
        name=notebook.NAME,
        path=stored.path,
        size=stored.size,
        sha256=stored.sha256,
        description=notebook.description(fresh),
    )


def follow_rules(competition_pk: int) -> None:
    """What was written for participants, after the challenge began to take something else.

    A draft's pages where nobody has changed a word since, and the notebook where there is one.
    """
    with transaction.atomic():
        competition = Competition.objects.locked(competition_pk)
        if competition.preparation != Preparation.READY:
            return  # both are written at the end of the preparation
        Competition.objects.filter(pk=competition_pk).update(**pages.overview_anew(competition))
        if competition.files.filter(name=notebook.NAME).exists():
            renew_notebook(competition)


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
