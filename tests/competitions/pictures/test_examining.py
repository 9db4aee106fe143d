"""What is told of a picture, and that nothing a file holds reaches further than its own child."""

import io
import os
import struct
import subprocess
import sys
import textwrap
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from competitions.pictures import child, encoding, examining, frames
from competitions.pictures.examining import (
    Examined,
    Found,
    Picture,
    Raw,
    Unreadable,
    examine,
    sitting,
    thumbnails,
)

FORMATS = {"PNG": ".png", "JPEG": ".jpg", "GIF": ".gif", "BMP": ".bmp", "WEBP": ".webp",
           "TIFF": ".tif"}  # fmt: skip


def looked_at(pictures: Iterable[Picture]) -> list[Found]:
    found = list(examine(enumerate(pictures)))
    assert [key for key, _found in found] == list(range(len(found)))
    return [each for _key, each in found]


def one(picture: Picture) -> Examined:
    (found,) = looked_at([picture])
    assert isinstance(found, Examined), found
    return found


def noise(seed: int, size: tuple[int, int] = (20, 16), mode: str = "RGB") -> Image.Image:
    draw = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), np.uint8)
    return Image.fromarray(draw).convert(mode)


def saved(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


# --- what is told --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_known_by_its_content(kind):
    picture = noise(1) if kind != "GIF" else noise(1, mode="P")
    found = one(saved(picture, kind))
    assert (found.suffix, found.width, found.height) == (FORMATS[kind], 20, 16)


def test_the_same_pixels_have_the_same_digest_in_every_lossless_format():
    picture = noise(2)
    files = [saved(picture, "PNG"), saved(picture, "BMP"), saved(picture, "TIFF")]
    files.append(saved(picture, "WEBP", lossless=True))
    assert len({one(data).digest for data in files}) == 1
    assert one(saved(noise(3))).digest != one(files[0]).digest


def test_grey_is_the_same_with_one_channel_and_with_three():
    grey = noise(4, mode="L")
    assert one(saved(grey)).digest == one(saved(grey.convert("RGB"))).digest
    assert one(Raw(np.asarray(grey))).digest == one(saved(grey)).digest


def test_one_colour_is_known():
    assert one(saved(Image.new("RGB", (9, 9), "red"))).is_constant
    assert one(Raw(np.full((4, 4), 7, np.uint8))).is_constant
    assert not one(saved(noise(5))).is_constant


def test_a_note_beside_the_pixels_is_gone_and_the_pixels_are_not():
    note = PngInfo()
    note.add_text("Comment", "this is a cat")
    data = saved(noise(6), pnginfo=note)
    found = one(data)
    assert b"cat" in data and b"cat" not in found.data
    with Image.open(io.BytesIO(found.data)) as after:
        assert after.tobytes() == noise(6).tobytes()


@settings(max_examples=15, deadline=None)
@given(st.tuples(st.integers(1, 9), st.integers(1, 9)), st.booleans(), st.integers(0, 2**32 - 1))
def test_numbers_come_out_as_the_png_of_these_numbers(shape, is_colour, seed):
    pixels = np.random.default_rng(seed).integers(
        0, 256, (*shape, 3) if is_colour else shape, np.uint8
    )
    with Image.open(io.BytesIO(encoding.png(pixels))) as picture:
        picture.verify()
    with Image.open(io.BytesIO(encoding.png(pixels))) as picture:
        assert (np.asarray(picture) == pixels).all()


def test_pictures_of_one_shape_have_files_of_one_size():
    plain, busy = np.zeros((28, 28), np.uint8), np.asarray(noise(7, (28, 28), "L"))
    assert len({len(one(Raw(each)).data) for each in (plain, busy)}) == 1


def test_thousands_come_back_in_their_order():
    pixels = np.arange(1500, dtype=np.uint32).view(np.uint8).reshape(1500, 2, 2)
    found = looked_at(Raw(each) for each in pixels)
    assert [each.data for each in found if isinstance(each, Examined)] == [
        encoding.png(each) for each in pixels
    ]


def test_files_and_numbers_may_be_mixed():
    found = looked_at([saved(noise(8)), Raw(np.ones((2, 2), np.uint8)), b"", saved(noise(9))])
    assert [type(each) for each in found] == [Examined, Examined, Unreadable, Examined]


def test_a_thumbnail_fits_and_a_broken_picture_has_none():
    large, broken, small = thumbnails(
        [saved(noise(1, (300, 100))), b"no", saved(noise(2, (8, 8)))], 64
    )
    sizes = [Image.open(io.BytesIO(each)).size for each in (large, small)]
    assert sizes == [(64, 21), (64, 64)]
    assert broken == b""


# --- hostile files -------------------------------------------------------------------------------


def header_of(width: int, height: int) -> bytes:
    """A PNG that says it is large; a few bytes on the disk."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + chunk + saved(noise(1))[33:]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        saved(noise(1))[:-40],
        saved(noise(1), "JPEG")[:200],
        b"GIF89a" + b"\xff" * 50,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n(%pipe%touch ran) (w) file",
        b"RIFF\xff\xff\xff\xffWEBPVP8X" + b"\xff" * 30,
        b"II*\0" + b"\xff" * 40,
    ],
    ids=["nothing", "a magic", "half a PNG", "half a JPEG", "GIF", "SVG", "EPS", "WebP", "TIFF"],
)
def test_what_is_no_picture_is_unreadable_and_stops_nothing(data):
    found = looked_at([saved(noise(1)), data, saved(noise(2))])
    assert [type(each) for each in found] == [Examined, Unreadable, Examined]
    assert "not a readable image" in found[1].sentence or "whole image" in found[1].sentence


@pytest.mark.parametrize("size", [(9000, 9000), (60_000, 60_000), (2**31 - 1, 1)])
def test_a_picture_too_large_is_known_by_its_header(size):
    (found,) = looked_at([header_of(*size)])
    assert found == Unreadable("with more than 50 million pixels. Scale it down.")


def test_a_picture_that_kills_its_child_is_unreadable_by_name(monkeypatch):
    """One that needs more memory than a child may have: 49 million pixels of 4 bytes, thrice."""
    fat = saved(Image.new("RGBA", (7000, 7000)), compress_level=1)
    monkeypatch.setattr(examining, "PATIENCE", 10)
    limited = textwrap.dedent(
        """
        from competitions.pictures import child
        child.LIMITS["memory_bytes"] = 400 << 20
        child.main()
        """
    )
    monkeypatch.setattr(examining, "_CHILD", ["-c", limited])
    found = looked_at([saved(noise(1)), fat, saved(noise(2))])
    assert [type(each) for each in found] == [Examined, Unreadable, Examined]
    assert found[1] == Unreadable(examining.KILLED)


def test_a_child_that_says_nothing_is_replaced(monkeypatch):
    monkeypatch.setattr(examining, "PATIENCE", 1)
    silent = (
        "import sys, time; from competitions.pictures import frames; "
        "frames.write(sys.stdout.buffer, [{}], []); time.sleep(60)"
    )
    monkeypatch.setattr(examining, "_CHILD", ["-c", silent])
    assert looked_at([saved(noise(1))]) == [Unreadable(examining.KILLED)]


# --- the child is confined -----------------------------------------------------------------------

PROBE = textwrap.dedent(
    """
    import json, os, runpy, socket, sys
    from competitions.pictures import child
    runpy.run_path(str(child._CONFINEMENT))["confine"](child.LIMITS)
    refused = {}
    for name, attempt in {
        "another's file": lambda: open(sys.argv[1]).read(),
        "a file beside": lambda: open(sys.argv[1] + ".new", "w"),
        "the network": lambda: socket.create_connection(("127.0.0.1", 9), timeout=1),
        "a process": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    }.items():
        try:
            attempt()
            refused[name] = False
        except OSError as error:
            refused[name] = not isinstance(error, ConnectionRefusedError)
    print(json.dumps(refused))
    """
)


def test_a_child_reaches_no_file_no_network_and_no_process(tmp_path):
    secret = tmp_path / "labels.csv"
    secret.write_text("id,label")
    folder = tmp_path / "empty"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-s", "-P", "-c", PROBE, str(secret)],
        cwd=folder,
        env=examining._ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "false" not in done.stdout, done.stdout


def test_a_sitting_has_one_child_and_the_next_one_another():
    """Who has seen somebody's pictures does not see those of somebody else."""
    children = []
    for _upload in range(2):
        with sitting():
            for _look in range(2):
                one(saved(noise(0)))
                kept = {examiner._process for examiner in examining._idle.get()}
                (child_of_this_upload,) = kept - {None}
                children.append(child_of_this_upload)
        assert children[-1].poll() is not None
    first, again, second, _again = children
    assert first is again
    assert second is not first
    assert examining._idle.get() is None


def test_no_child_outlives_the_work(tmp_path):
    before = children()
    work = examine((n, saved(noise(n))) for n in range(200))
    next(work)
    assert children() > before
    work.close()
    assert children() == before


def children() -> set[str]:
    return {path.name for path in Path("/proc").glob("[0-9]*") if _is_ours(path)}


def _is_ours(path: Path) -> bool:
    try:
        status = (path / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return int(status[1]) == os.getpid()


# --- what the sides say --------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_frames_come_back_whole(bodies):
    stream = io.BytesIO()
    frames.write(stream, [{"n": len(bodies)}], bodies)
    stream.seek(0)
    assert frames.read(stream) == ([{"n": len(bodies)}], bodies)
    assert frames.read(stream) is None


@given(st.binary(min_size=1, max_size=60))
def test_what_is_no_frame_is_broken_and_takes_no_memory(data):
    with pytest.raises(frames.Broken):
        frames.read(io.BytesIO(data))


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"unread": 1},
        {"size": [1, 1], "mode": "L", "suffix": ".png", "digest": "00", "hash": 0, "view": "00",
         "constant": False},
        {"size": "x", "digest": 3},
    ],
)  # fmt: skip
def test_a_record_that_is_none_is_not_believed(told):
    with pytest.raises(frames.Broken):
        examining._found(told, b"")


def test_the_limits_of_a_child_are_those_of_this_page():
    assert child.LIMITS["memory_bytes"] == 2 << 30
