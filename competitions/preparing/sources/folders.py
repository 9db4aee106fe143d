"""One folder of images per class, in one part or in train, val and test."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath

from competitions.pictures import formats
from competitions.preparing import tables
from competitions.preparing.archives import common_folder
from competitions.preparing.sources.containers import Container
from competitions.preparing.sources.item import Item, Members, Part, Source

VALIDATION = {"val", "valid", "validation", "dev"}
PARTS: Mapping[str, Part] = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    **dict.fromkeys(VALIDATION, "test"),
}
# What people put beside images, and what says nothing of them here.
NOTES = {
    ".txt", ".md", ".html", ".json", ".xml", ".pdf", ".yaml", ".yml", "",
    ".doc", ".docx", ".odt", ".rtf", ".xls", ".xlsx", ".ods", ".db", ".ini", ".log",
}  # fmt: skip
FROM_PHONES = {".heic", ".heif", ".avif"}
LONGEST = 100
DEEPEST = 3  # class, one folder within, image


def fits(names: Sequence[str]) -> bool:
    return any(formats.is_named_like_one(name) for name in names)


def read(container: Container, _name: str) -> Source:
    images = [name for name in container.names if formats.is_named_like_one(name)]
    refuse_strangers(container, images)
    root = common_folder(images)
    paths = {name: PurePosixPath(name.removeprefix(root)).parts for name in images}
    parted = {name for name, path in paths.items() if len(path) > 2 and path[0].lower() in PARTS}
    if len(parted) == len(paths):
        found = _in_parts(paths)
    else:
        _refuse_half_parted(container, paths, parted)
        found = [Item(name, path[0] if len(path) > 1 else "") for name, path in paths.items()]
    _refuse_deep(container, paths, DEEPEST + (len(parted) == len(paths)))
    if root and len(parted) < len(paths) and all(len(path) == 1 for path in paths.values()):
        raise container.refusal(
            f"has all its images in one folder, {root}. Make one folder per class, two or more, or "
            "put a labels.csv beside the images."
        )
    if misplaced := [item.name for item in found if not item.label]:
        raise container.refusal(
            "needs one folder per class with the images in it, or a labels.csv beside them. "
            f"Not so placed: {tables.some(misplaced)}."
        )
    refuse_bad_classes(container, found)
    return Members("class folders", found, container)


def _refuse_half_parted(
    container: Container, paths: Mapping[str, tuple[str, ...]], parted: set[str]
) -> None:
    """Raises Refused where train/ and test/ would be taken for classes beside others."""
    if {PARTS[paths[name][0].lower()] for name in parted} == {"train", "test"}:
        beside = tables.some(set(paths) - parted)
        raise container.refusal(
            f"has folders for training and test, and images beside them: {beside}. "
            "Put them into one of those, below their class, or leave them out."
        )


def _refuse_deep(container: Container, paths: Mapping[str, tuple[str, ...]], deepest: int) -> None:
    if deep := [name for name, path in paths.items() if len(path) > deepest]:
        raise container.refusal(
            f"has images too deep in folders to tell their class: {tables.some(deep)}. Make the "
            "outermost folders the classes, with the images in them or one folder below."
        )


def refuse_strangers(container: Container, known: Sequence[str]) -> None:
    """Raises Refused for files that are neither images nor notes."""
    rest = set(container.names) - set(known)
    refuse_from_phones(container, rest)
    if odd := [name for name in rest if PurePosixPath(name).suffix.lower() not in NOTES]:
        raise container.refusal(
            f"holds what is no image (PNG, JPEG, GIF, BMP, WebP, TIFF): {tables.some(odd)}. "
            "Leave that out."
        )


def refuse_from_phones(container: Container, names: Collection[str]) -> None:
    """Raises Refused with what to do: leaving these out would leave out the images."""
    if found := [name for name in names if PurePosixPath(name).suffix.lower() in FROM_PHONES]:
        raise container.refusal(
            f"holds images as phones keep them (HEIC or AVIF): {tables.some(found)}. Save them as "
            "JPEG, then pack them again."
        )


def refuse_bad_classes(container: Container, items: Sequence[Item]) -> None:
    """Raises Refused for fewer than two classes, or names that could not be written."""
    classes = {item.label for item in items if item.label}
    if len(classes) < 2:
        raise container.refusal(
            f"has only the class {tables.some(classes) or 'none'}. It takes two or more."
        )
    if alike := _alike(classes):
        raise container.refusal(
            f"has classes that differ only in capital letters: {tables.some(alike)}. Make them one."
        )
    wrong = {name for name in classes if name != name.strip() or len(name) > LONGEST}
    if wrong:
        raise container.refusal(
            f"has class names with spaces around them or longer than {LONGEST} characters: "
            f"{tables.some(repr(name) for name in wrong)}. Rename them."
        )


def refuse_alike_names(container: Container, items: Sequence[Item]) -> None:
    """Raises Refused for two files that would be one where capital letters do not count."""
    if alike := _alike({item.name for item in items}):
        raise container.refusal(
            f"has files whose names differ only in capital letters: {tables.some(alike)}. "
            "Rename all but one."
        )


def _alike(names: Collection[str]) -> set[str]:
    counts = Counter(name.casefold() for name in names)
    return {name for name in names if counts[name.casefold()] > 1}


def _in_parts(paths: Mapping[str, tuple[str, ...]]) -> list[Item]:
    """Validation images are the test set, or join the training images where there is one too."""
    firsts = {path[0].lower() for path in paths.values()}
    has_test = any(PARTS[first] == "test" and first not in VALIDATION for first in firsts)

    def part(first: str) -> Part:
        return "train" if has_test and first in VALIDATION else PARTS[first]

    return [Item(name, path[1], part(path[0].lower())) for name, path in paths.items()]
