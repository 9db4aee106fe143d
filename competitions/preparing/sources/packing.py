"""A file or a folder of this machine as an upload: what a command hands over."""

import tempfile
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from competitions.preparing.packing import EPOCH
from competitions.refusals import Refused

PIECE = 1 << 20


def packed(path: Path) -> Iterator[bytes]:
    """A file as it is, a folder as a zip that packs nothing. Raises Refused for what is neither."""
    if path.is_file():
        with path.open("rb") as file:
            yield from iter(partial(file.read, PIECE), b"")
    elif path.is_dir():
        yield from _folder(path)
    else:
        raise Refused(f"{path} is neither a file nor a folder. Check the path.")


def _folder(folder: Path) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as draft:
        with zipfile.ZipFile(draft, "w") as archive:
            for file in sorted(_files(folder)):
                info = zipfile.ZipInfo(file.relative_to(folder).as_posix(), EPOCH)
                info.file_size = file.stat().st_size
                with file.open("rb") as content, archive.open(info, "w") as member:
                    for piece in iter(partial(content.read, PIECE), b""):
                        member.write(piece)
        draft.seek(0)
        yield from iter(partial(draft.read, PIECE), b"")


def _files(folder: Path) -> Iterator[Path]:
    """Not what is hidden, and no link that leads out of the folder."""
    root = folder.resolve()
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.is_file() and path.resolve().is_relative_to(root):
            yield path
