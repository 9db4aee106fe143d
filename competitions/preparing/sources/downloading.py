"""A published set fetched by torchvision: ``downloading.py KIND HALVES HERE FRESH TARGET``.

A program of its own, for torch has no place in the processes of the site, and without a word of
theirs: KIND is torchvision's class, HALVES a JSON list of [part, arguments], HERE a folder in which
torchvision's own files may lie already, FRESH an empty one for what is downloaded. With a TARGET
the images are written there beside a labels.csv, each as it was published if it came as a file,
else as PNG.
"""

import csv
import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

try:
    from torchvision import datasets
except RuntimeError as refusal:
    # Beside a CPU torch the compiled part of torchvision's Linux wheel does not load. Data sets
    # need nothing of it; the two operators that the import asks for are declared instead.
    if "torchvision::" not in str(refusal):
        raise
    declared: Any = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for operator in ("nms", "qnms"):
        declared.define(operator + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from torchvision import datasets

Halves = Sequence[tuple[str, Mapping[str, Any]]]
AS_PUBLISHED = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}
TURNED = {"EMNIST"}  # its images lie on their side
HEADER = ("image", "label", "split")


class Opened:
    """The image files that Pillow opened: a data set hands out pixels and forgets their file."""

    def __init__(self) -> None:
        self.last: Path | None = None
        self._open = Image.open
        Image.open = self  # type: ignore[assignment]

    def __call__(self, file: Any, *rest: Any, **named: Any) -> Image.Image:
        name = file if isinstance(file, str | Path) else getattr(file, "name", None)
        self.last = Path(name) if isinstance(name, str | Path) else None
        return self._open(file, *rest, **named)


def write(kind: str, halves: Halves, root: Path, target: Path, *, download: bool) -> None:
    """Raises what torchvision raises where there is no network, or nothing whole in ``root``."""
    opened = Opened()
    target.mkdir(parents=True)
    with (target / "labels.csv").open("w", newline="", encoding="utf-8") as table:
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(HEADER)
        for number, (part, found) in enumerate(_found(kind, halves, root, download)):
            names = _classes(found)
            folder = target / f"{number}-{part or 'all'}"
            folder.mkdir()
            for index in range(len(found)):
                opened.last = None
                image, code = found[index]
                if kind in TURNED:
                    image = image.transpose(Image.Transpose.TRANSPOSE)
                file = _written(image, opened.last, folder / str(index))
                label = names[code] if names else str(code)
                writer.writerow((file.relative_to(target).as_posix(), label, part))


def _found(kind: str, halves: Halves, root: Path, download: bool) -> Iterator[tuple[str, Any]]:
    for part, arguments in halves:
        yield part, getattr(datasets, kind)(str(root), download=download, **arguments)


def _classes(found: Any) -> list[str]:
    """Imagenette gives each class several names, of which the first is the plainest."""
    names = getattr(found, "classes", [])
    return [name if isinstance(name, str) else name[0] for name in names]


def _written(image: Image.Image, file: Path | None, path: Path) -> Path:
    if file is not None and file.suffix.lower() in AS_PUBLISHED:
        return Path(shutil.copyfile(file, path.with_suffix(file.suffix.lower())))
    image.save(path.with_suffix(".png"))
    return path.with_suffix(".png")


def main() -> None:
    kind, halves, here, fresh, target = sys.argv[1:]
    if not target:
        list(_found(kind, json.loads(halves), Path(fresh), download=True))
        return
    try:
        write(kind, json.loads(halves), Path(here), Path(target), download=False)
    except Exception:  # whatever torchvision says of files that are not there, or torn off
        shutil.rmtree(target, ignore_errors=True)
        write(kind, json.loads(halves), Path(fresh), Path(target), download=True)


if __name__ == "__main__":
    main()
