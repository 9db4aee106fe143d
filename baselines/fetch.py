"""Download a challenge's files and unpack its archives; go on where a broken download stopped.

Where it takes models, what it asks of them is written beside its files, as `python -m scoring run`
reads it.
"""

import errno
import hashlib
import json
import re
import shutil
import stat
import zipfile
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import Any

from baselines.data import challenge
from baselines.data.decoding import DAMAGE
from baselines.errors import BaselineError, CallError
from baselines.remote import Refusal, Site

FILES = ("train.zip", "test.zip", "train.csv", "sample_submission.csv")
FOLDERS = ("train", "test")  # what is unpacked of them
KEPT_THERE = {"test.zip", "sample_submission.csv"}  # by a challenge that takes models alone
OPTIONAL = {"train.csv"}  # the folders in train.zip name the classes already
CHUNK = 1 << 20
UNPACKED_LIMIT = 32 << 30  # bytes: more than any challenge here, less than most disks

FIRST_LINE = "# What the challenge asks of models, as `python -m baselines fetch` found it.\n"

Report = Callable[[str, int, int | None], None]  # file, bytes so far, bytes in all


def fetch(site: Site, folder: Path, report: Report) -> list[Path]:
    """Every file of the challenge, checked; `train/` and `test/` unpacked beside the archives.

    A challenge that takes models alone keeps its test images, and one that takes models comes with
    its competition.toml.
    """
    told = site.ask(f"/api/competitions/{site.slug}/")
    models = told.get("models")
    kept_there = KEPT_THERE if models and models["takes"] == "models" else set()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [name for name in FILES if name not in kept_there]
    found = [path for name in wanted if (path := _one(site, name, folder, report))]
    _unpack_all(found)
    return [*found, _write_spec(folder, spec(told))] if models else found


def spec(told: Mapping[str, Any]) -> str:
    """competition.toml of a challenge that takes models, from what the site's REST door tells."""
    models = told["models"]
    limits = {"parameters": models["max_parameters"], "macs": models["max_macs"]}
    top = {
        "title": told["title"],
        "metric": told["metric"]["key"],
        "layout": told["layout"],
        "metric_parameters": told["metric_parameters"],
    }
    table = {
        "image": [models["channels"], models["height"], models["width"]],
        "formats": models["formats"],
        "seconds": models["seconds"],
        "memory_mb": models["memory_mib"],
        "file_mb": models["file_mib"],
        **{name: limit for name, limit in limits.items() if limit is not None},
        "bf16": models.get("bf16", False),
        "classes": told["classes"],
    }
    return f"{FIRST_LINE}{_toml(top)}\n[model]\n{_toml(table)}"


def _toml(table: Mapping[str, Any]) -> str:
    return "".join(f"{name} = {_toml_value(value)}\n" for name, value in table.items())


def _toml_value(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{_toml_value(name)} = {_toml_value(held)}" for name, held in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml_value, value))}]"
    # JSON's strings, numbers and truth values are TOML's, but for one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write_spec(folder: Path, text: str) -> Path:
    """In place of an earlier one. Raises CallError where somebody else wrote it."""
    target = folder / challenge.SPEC
    there = target.read_text(encoding="utf-8") if target.exists() else text
    if there != text and not there.startswith(FIRST_LINE):
        raise CallError(f"{target} was not written by fetch. Fetch into an empty folder.")
    target.write_text(text, encoding="utf-8")
    return target


def copy(source: Path, folder: Path) -> list[Path]:
    """A challenge from a folder, such as a stick that goes around; unpacked like a download.

    Raises CallError for a folder that holds no challenge and for a target that holds another one,
    BaselineError for a damaged archive.
    """
    found = [path for name in FILES if (path := source / name).is_file()]
    unpacked = [path for name in FOLDERS if (path := source / name).is_dir()]
    if not any(path.stem == "train" for path in (*found, *unpacked)):
        raise CallError(f"{source} has neither train/ nor train.zip. Is it a fetched challenge?")
    if folder.resolve() == source.resolve():
        raise CallError(f"{source} is where its copy would go. Say where with --out.")
    _refuse_another(source, folder)
    folder.mkdir(parents=True, exist_ok=True)
    copies = [Path(shutil.copy2(path, folder / path.name)) for path in found]
    if (written := source / challenge.SPEC).is_file():
        copies.append(_write_spec(folder, written.read_text(encoding="utf-8")))
    for path in unpacked:
        if not (folder / path.name).exists():
            shutil.copytree(path, folder / path.name)
    _unpack_all(copies)
    return [*copies, *(folder / path.name for path in unpacked)]


def _refuse_another(source: Path, folder: Path) -> None:
    """Whatever of a challenge lies in the folder must be what the source has of it."""
    for name in (*FILES, *FOLDERS):
        here = folder / name
        forms = [name] if here.suffix == ".csv" else [here.stem, f"{here.stem}.zip"]
        theirs = [path for form in forms if (path := source / form).exists()]
        if here.exists() and not (theirs and all(_alike(here, path) for path in theirs)):
            raise CallError(f"{here} is not what {source} has of it. Fetch into an empty folder.")


def _alike(one: Path, other: Path) -> bool:
    """Whether two files have the same bytes, or two folders or archives the same images."""
    if one.is_file() and other.is_file() and _sha256_of(one) == _sha256_of(other):
        return True
    if one.suffix == ".csv":
        return False
    ours, theirs = challenge.files(one), challenge.files(other)
    return [*ours] == [*theirs] and all(ours[name] == theirs[name] for name in ours)


def _unpack_all(found: list[Path]) -> None:
    """Raises CallError where a folder holds other images than the archive: it would be read, and
    the archive not."""
    for archive in found:
        target = archive.with_suffix("")
        if archive.suffix != ".zip":
            continue
        if not target.exists():
            unpack(archive, target)
        elif not _alike(archive, target):
            raise CallError(
                f"{target} holds other images than {archive.name} beside it, and would be read "
                "in its place. Remove that folder, or fetch into an empty one."
            )


def _one(site: Site, name: str, folder: Path, report: Report) -> Path | None:
    try:
        return _as_member(site, name, folder, report)
    except Refusal as refusal:
        if refusal.status == 404 and name in OPTIONAL:
            return None
        raise


def _as_member(site: Site, name: str, folder: Path, report: Report) -> Path:
    """Files are for those who take part: where the site refuses, join and ask once more."""
    try:
        return download(site, name, folder, report)
    except Refusal as refusal:
        if refusal.status != 403:
            raise
    site.join()
    return download(site, name, folder, report)


def download(site: Site, name: str, folder: Path, report: Report) -> Path:
    """One file. `.NAME.etag` remembers its version, `.NAME.part` what came of it so far."""
    target, part, tag = folder / name, folder / f".{name}.part", folder / f".{name}.etag"
    path = f"/competitions/{site.slug}/data/{name}"
    with site.open(path, headers=_conditions(target, part, tag)) as answer:
        if answer.status == 304:
            return target
        version = answer.headers.get("ETag", "")
        if target.exists():
            _same(target, version)
            tag.write_text(version)
            return target
        if answer.status != 416:  # 416: all of it had come already
            tag.write_text(version)
            _receive(answer, part, name, report)
    _verify(part, tag.read_text())
    return part.replace(target)


def _conditions(target: Path, part: Path, tag: Path) -> dict[str, str]:
    version = tag.read_text() if tag.exists() else ""
    if target.exists() and version:
        return {"If-None-Match": version}
    if part.exists() and version:
        return {"Range": f"bytes={part.stat().st_size}-", "If-Range": version}
    return {}


def _receive(answer: Any, part: Path, name: str, report: Report) -> None:
    resumed = answer.status == 206
    done = part.stat().st_size if resumed else 0
    length = answer.headers.get("Content-Length")
    total = done + int(length) if length else None
    try:
        with part.open("ab" if resumed else "wb") as file:
            while chunk := answer.read(CHUNK):
                done += file.write(chunk)
                report(name, done, total)
    except (OSError, HTTPException) as error:
        raise _cut_short(name, error) from error
    if total is not None and done != total:
        raise _cut_short(name, f"{done} of {total} bytes")


def _cut_short(name: str, why: object) -> BaselineError:
    message = f"The download of {name} broke off ({why}). Run the command again: it will go on."
    return BaselineError(message)


def _same(target: Path, version: str) -> None:
    """The file that is here must be the site's, told by the SHA-256 in its ETag."""
    if not (expected := _sha256_in(version)) or _sha256_of(target) != expected:
        message = f"{target} is not the version on the site. Fetch into an empty folder."
        raise CallError(message)


def _verify(part: Path, version: str) -> None:
    """Where the site's ETag holds a SHA-256, the file must match it."""
    expected = _sha256_in(version)
    if expected and _sha256_of(part) != expected:
        part.unlink()
        raise BaselineError(f"{part.name[1:-5]} arrived damaged and was removed. Fetch it again.")


def _sha256_in(version: str) -> str:
    found = re.search(r"\b[0-9a-f]{64}\b", version)
    return found[0] if found else ""


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpack(archive: Path, target: Path) -> None:
    """Into a fresh folder that appears when it is complete; nothing may lie outside it."""
    half = target.with_name(f".{target.name}.unpacking")
    shutil.rmtree(half, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as source:
            _inspect(archive, source.infolist())
            source.extractall(half)  # names, links and size were inspected
    except DAMAGE as error:
        shutil.rmtree(half, ignore_errors=True)
        remedy = "Make room on the disk" if _is_full(error) else "Fetch it again"
        raise BaselineError(f"{archive} cannot be unpacked ({error}). {remedy}.") from error
    half.rename(target)


def _is_full(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _names_a_drive(name: PurePosixPath) -> bool:
    return any(":" in part for part in name.parts[:1])


def _inspect(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    for member in members:
        name = PurePosixPath(member.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or _names_a_drive(name):
            raise BaselineError(f"{archive} wants to write outside its folder; not unpacked.")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise BaselineError(f"{archive} holds a link ({name}); not unpacked.")
    if sum(member.file_size for member in members) > UNPACKED_LIMIT:
        raise BaselineError(
            f"{archive} would take more than {UNPACKED_LIMIT >> 30} GB; not unpacked."
        )
