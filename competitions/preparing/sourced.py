"""A challenge from one source of labelled images: the site draws the split and names the images.

No name, order, date or note of the source is passed on. Names are HMACs of random numbers with a
key that nobody keeps, the members of an archive are sorted by name, and every class name that is a
plain folder's name becomes a folder of the train archive.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from django.conf import settings

from competitions import files
from competitions.models import Competition
from competitions.preparing import answers, packing, parting, samples, sprites, survey
from competitions.preparing.answers import Answers
from competitions.preparing.built import Built, Download, sample_download, train_table
from competitions.preparing.claims import Inbox
from competitions.preparing.leaks import finding, remedies, report
from competitions.preparing.leaks.finding import Found, Look
from competitions.preparing.leaks.remedies import Treatment
from competitions.preparing.progress import Progress
from competitions.preparing.sources import Item, Source, packed, published, read_source
from competitions.preparing.survey import Survey
from competitions.refusals import Refused
from scoring.answers import class_order

ID, LABEL = "id", "label"
NAME_LENGTH = 12  # hexadecimal digits
LONGEST_CLASS = 100


def inbox_of(
    path: str, name: str, test_fraction: float | None, wanted: dict[str, str] | None = None
) -> Inbox:
    """What is kept of an upload, enough to build from it again and again."""
    return {
        "source": path,
        "name": name,
        "test_fraction": "" if test_fraction is None else repr(test_fraction),
        "remedies": json.dumps(wanted or {}, sort_keys=True),
    }


def build(competition: Competition, inbox: Inbox, progress: Progress) -> Built:
    """Raises Refused with a sentence for the organiser; what is stored by then does no harm."""
    progress.step("Reading the list of images")
    with (
        files.storage("solutions").open(_path(inbox, progress)) as stream,
        read_source(stream, inbox["name"], progress) as source,
    ):
        progress.step("Looking at the images", len(source.items))
        with survey.surveyed(len(source.items), source.read, progress) as seen:
            return _built(competition, inbox, source, seen, progress)


def _path(inbox: Inbox, progress: Progress) -> str:
    """Of the source among the private files; a published set is looked for when it is needed."""
    if inbox["source"]:
        return inbox["source"]
    folder = published(inbox["name"], settings.DATASETS, progress)
    return files.store("solutions", packed(folder)).path


def _built(
    competition: Competition, inbox: Inbox, source: Source, seen: Survey, progress: Progress
) -> Built:
    if not len(seen.readable):
        raise Refused("None of these files is a readable image. Save them anew, or take others.")
    wanted = json.loads(inbox["remedies"])
    fraction = float(inbox["test_fraction"]) if inbox["test_fraction"] else None
    look = _look(source, seen, fraction)
    progress.step("Looking for copies and odd images")
    found = finding.find(look, progress)
    _require_offered(found, wanted, look)
    chosen = {
        each.kind: wanted.get(each.kind) or finding.by_itself(each.kind, look.is_split)
        for each in found
    }
    treatment = remedies.treat(found, chosen, look)
    groups = parting.grouped(source.items, treatment.together)
    kept = [i for i in range(len(seen)) if i not in treatment.dropped]
    parted = parting.part(source.items, kept, groups, treatment.ignored, fraction)
    names = _names(seen)
    is_own = parting.has_own(source.items, fraction)
    split = _answers(competition, source, parted.test, groups, treatment, names, is_own=is_own)
    classes = class_order([source.items[i].label for i in parted.train])
    progress.step("Packing the archives", len(kept))
    trial = samples.proven(competition, split, classes)
    archives = _packed(source, seen, parted, names, classes, progress)
    return Built(
        downloads=[
            *archives.downloads,
            train_table(ID, LABEL, archives.labels),
            sample_download(trial, split),
        ],
        answers=split,
        classes=classes,
        samples=archives.samples,
        train_images=len(parted.train),
        image_spec=survey.spec_of(seen, kept),
        findings=report.lines(found, chosen, wanted, look, source.items),
    )


def _look(source: Source, seen: Survey, fraction: float | None) -> Look:
    """A fraction asked for draws anew: the source's own split then says nothing."""
    is_own = parting.has_own(source.items, fraction)
    parts = [_side(item) if is_own else "" for item in source.items]
    return Look(seen, [item.label for item in source.items], parts)


def _side(item: Item) -> str:
    """What nobody says to be a training image may land among the hidden ones."""
    is_hidden = parting.is_test(item) or (item.part != "train" and parting.is_unscored(item))
    return "test" if is_hidden else "train"


def _require_offered(found: Sequence[Found], wanted: Mapping[str, str], look: Look) -> None:
    """A remedy decided beforehand is one that could be chosen afterwards. Raises Refused."""
    for each in found:
        remedies_of = finding.offered(each.kind, look.is_split)
        if wanted.get(each.kind) and wanted[each.kind] not in remedies_of:
            names = ", ".join(remedies_of)
            raise Refused(
                f"“{wanted[each.kind]}” is no remedy for {each.kind} here. Choose one of: {names}."
            )


def _names(seen: Survey) -> list[str]:
    key = secrets.token_bytes(32)
    digests = (
        hmac.digest(key, b"%d" % i, hashlib.sha256).hex()[:NAME_LENGTH] for i in range(len(seen))
    )
    names = [f"{digest}{suffix}" for digest, suffix in zip(digests, seen.suffixes, strict=True)]
    # Of a hundred thousand two alike come once in fifty thousand builds.
    return names if len(set(names)) == len(names) else _names(seen)


def _answers(
    competition: Competition,
    source: Source,
    test: Sequence[int],
    groups: Sequence[str],
    treatment: Treatment,
    names: Sequence[str],
    *,
    is_own: bool,
) -> Answers:
    seed = secrets.token_bytes(16)
    ids = [names[i] for i in test]
    share = competition.public_fraction
    used, is_given = parting.usage(
        source.items, test, groups, treatment.ignored, share, seed, ids, is_own=is_own
    )
    labels = [source.items[i].label for i in test]
    rows = sorted(zip(ids, labels, used, strict=True))
    found = Answers(ID, LABEL, rows, seed, is_given)
    answers.require_both_shares(found)
    return found


@dataclass(frozen=True)
class _Packed:
    downloads: list[Download]
    labels: dict[str, str]  # of the train archive's members
    samples: list[sprites.Sample]


def _packed(
    source: Source,
    seen: Survey,
    parted: parting.Parted,
    names: Sequence[str],
    classes: Sequence[str],
    progress: Progress,
) -> _Packed:
    in_folders = all(_is_plain(label) for label in classes)
    members = {
        i: f"{source.items[i].label}/{names[i]}" if in_folders else names[i] for i in parted.train
    }
    labels = {members[i]: source.items[i].label for i in parted.train}
    train = packing.pack(_images(seen, members, progress), deflate=seen.is_raw)
    hidden = {i: names[i] for i in parted.test}
    test = packing.pack(_images(seen, hidden, progress), deflate=seen.is_raw)
    of = {name: index for index, name in members.items()}
    drawn = sprites.draw(lambda name: seen.data(of[name]), labels, classes)
    return _Packed(
        [
            Download("train.zip", train, len(labels), "Training images"),
            Download("test.zip", test, len(hidden), "Test images, to be labelled by you"),
        ],
        labels,
        drawn,
    )


def _images(
    seen: Survey, members: dict[int, str], progress: Progress
) -> Iterator[tuple[str, bytes]]:
    for index, name in sorted(members.items(), key=lambda member: member[1]):
        progress()
        yield name, seen.data(index)


def _is_plain(label: str) -> bool:
    """Whether a folder may be called so everywhere."""
    path = PurePosixPath(label)
    odd = set(label) & set('\\/:*?"<>|') or label != label.strip(" .") or label.startswith(".")
    return len(path.parts) == 1 and not odd and len(label) <= LONGEST_CLASS


def refuse_bad_fraction(fraction: float | None) -> None:
    """Raises Refused for a share of test images that is none."""
    if fraction is not None and not 0 < fraction < 1:
        raise Refused("The share of test images lies between 0 and 1, such as 0.3.")
