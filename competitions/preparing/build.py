"""From three uploaded files to everything a challenge needs, without touching the database.

The organiser's own split and names stay as they are. A source of labelled images, of which the
site draws both, is built in sourced.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from competitions import files
from competitions.models import Competition
from competitions.pictures import formats
from competitions.preparing import (
    answers,
    labelled,
    packing,
    samples,
    sourced,
    sprites,
    survey,
    tables,
)
from competitions.preparing.answers import Answers
from competitions.preparing.archives import Archive, common_folder
from competitions.preparing.built import Built, Download, sample_download, train_table
from competitions.preparing.claims import Inbox
from competitions.preparing.leaks import finding, report
from competitions.preparing.leaks.finding import TEST, TRAIN, Look
from competitions.preparing.progress import Progress
from competitions.preparing.sources import Item
from competitions.preparing.survey import Survey
from scoring.answers import class_order


def build(competition: Competition, inbox: Inbox, progress: Progress) -> Built:
    """Raises Refused with a sentence for the organiser; what is stored by then does no harm.

    ``progress`` is called for each image and may end it all by raising.
    """
    if "source" in inbox:
        return sourced.build(competition, inbox, progress)
    data = files.storage("data")
    with data.open(inbox["train"]) as train, data.open(inbox["test"]) as test:
        solution = files.read("solutions", inbox["solution"])
        archives = Archive(train, "train archive"), Archive(test, "test archive")
        return _from_three_files(competition, *archives, solution, progress)


def _from_three_files(
    competition: Competition, train: Archive, test: Archive, solution: bytes, progress: Progress
) -> Built:
    classes, names = labelled.labels(train), _test_names(test)
    trained = sorted(classes)
    members = [*((train, name) for name in trained), *((test, name) for name in names)]
    progress.step("Looking at the images", len(members))
    with survey.surveyed(len(members), partial(_read, members), progress) as seen:
        _refuse_unreadable(seen, members)
        found = answers.read(
            solution, _rootless(names), set(classes.values()), competition.public_fraction
        )
        order = class_order(list(classes.values()))
        sample = samples.proven(competition, found, order)
        findings = _findings(seen, classes, trained, names, found, progress)
        progress.step("Packing the archives", len(seen))
        train_zip = packing.pack(_images(seen, _rootless(trained), 0, progress))
        test_zip = packing.pack(_images(seen, _rootless(names), len(trained), progress))
        return Built(
            downloads=[
                Download("train.zip", train_zip, len(classes), "Training images"),
                Download("test.zip", test_zip, len(names), "Test images, to be labelled by you"),
                _train_table(found, classes),
                sample_download(sample, found),
            ],
            answers=found,
            classes=order,
            samples=sprites.draw(train.read, classes, order),
            train_images=len(classes),
            image_spec=survey.spec_of(seen, range(len(seen))),
            findings=findings,
        )


def _findings(
    seen: Survey,
    classes: Mapping[str, str],
    trained: Sequence[str],
    names: Sequence[str],
    found: Answers,
    progress: Progress,
) -> list[report.Line]:
    """The leak report. The images are the organiser's own, so it says what there is, no more."""
    look = _look(seen, [classes[name] for name in trained], names, found)
    progress.step("Looking for copies and odd images")
    troubles = finding.find(look, progress)
    chosen = {
        each.kind: finding.by_itself(each.kind, look.is_split, is_ours=False) for each in troubles
    }
    every = zip([*trained, *names], look.labels, strict=True)
    return report.lines(troubles, chosen, {}, look, [Item(name, label) for name, label in every])


def _read(members: Sequence[tuple[Archive, str]], index: int) -> bytes:
    archive, name = members[index]
    return archive.read(name)


def _refuse_unreadable(seen: Survey, members: Sequence[tuple[Archive, str]]) -> None:
    """Raises Refused for the first file that is no image."""
    for index, sentence in seen.unreadable.items():
        archive, name = members[index]
        raise archive.refusal(f"holds {name!r}, {sentence}")


def _look(seen: Survey, labels: Sequence[str], names: Sequence[str], found: Answers) -> Look:
    known = {name: label for name, label, _usage in found.rows}
    # The ids may be the names without their ending.
    hidden = [
        known.get(name) or known.get(name.rpartition(".")[0], "") for name in _rootless(names)
    ]
    parts = [*[TRAIN] * len(labels), *[TEST] * len(names)]
    return Look(seen, [*labels, *hidden], parts)


def _images(
    seen: Survey, names: Sequence[str], first: int, progress: Progress
) -> Iterator[tuple[str, bytes]]:
    for index, name in enumerate(names, first):
        progress()
        yield name, seen.data(index)


def _rootless(names: Sequence[str]) -> list[str]:
    """Without the folder common to all."""
    root = common_folder(names)
    return [name.removeprefix(root) for name in names]


def _test_names(archive: Archive) -> list[str]:
    names = archive.names
    if not names:
        raise archive.refusal("holds no images. Pack the test images, without their classes.")
    if strangers := [name for name in names if not formats.is_named_like_one(name)]:
        raise archive.refusal(f"holds what is not an image: {tables.some(strangers)}.")
    if nested := [name for name in _rootless(names) if "/" in name]:
        raise archive.refusal(
            f"has its images in several folders ({tables.some(nested)}), which may tell their "
            "classes. Put all of them into one, under opaque names."
        )
    return names


def _train_table(found: Answers, classes: dict[str, str]) -> Download:
    names = list(classes)
    labels = dict(zip(_rootless(names), classes.values(), strict=True))
    return train_table(found.id_column, found.label_column, labels)
