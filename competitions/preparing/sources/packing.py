"""A file or a folder of this machine as an upload: what a command hands over."""

import tempfile
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from competitions.preparing import tables
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
                info = zipfile.ZipInfo(_name(file, folder), EPOCH)
                info.file_size = file.stat().st_size
                with file.open("rb") as content, archive.open(info, "w") as member:
                    for piece in iter(partial(content.read, PIECE), b""):
                        member.write(piece)
        draft.seek(0)
        yield from iter(partial(draft.read, PIECE), b"")


def left_out(path: Path) -> str:
    """A sentence on the files that ``packed`` leaves out; empty where it takes all."""
    rest = [file for file in _all(path) if not _is_taken(file, path)] if path.is_dir() else []
    if not rest:
        return ""
    names = tables.some(file.relative_to(path).as_posix() for file in rest)
    return f"Left out, as hidden files or links that lead out of the folder: {names}."


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in _all(folder) if _is_taken(path, folder))


def _all(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def _is_taken(path: Path, folder: Path) -> bool:
    """Not what is hidden, and no link that leads out of the folder."""
    is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not is_hidden and path.is_file() and path.resolve().is_relative_to(folder.resolve())


def _name(file: Path, folder: Path) -> str:
    name = file.relative_to(folder).as_posix()
    try:
        name.encode()
    except UnicodeEncodeError:
        raise Refused(
            f"{folder} holds a file whose name is no UTF-8: {name!r}. Rename it."
        ) from None
    return name
