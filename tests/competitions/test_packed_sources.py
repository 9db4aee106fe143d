"""What a source is packed in, read as hostile: zips, tars and folders of this machine."""

import bz2
import gzip
import io
import lzma
import os
import tarfile

import pytest

from competitions.preparing.sources import packed
from competitions.preparing.sources.packing import left_out
from competitions.refusals import Refused
from tests.competitions.labelled import FOLDERS, PIXEL, refusal, source, tar, told, whole
from tests.competitions.zips import packed as zipped


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tars_of_every_packing(mode):
    assert len(whole(tar(FOLDERS, mode), "x").items) == 4


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_are_refused(kind):
    with pytest.raises(Refused, match="a link or device"):
        whole(tar({"cat/a.png": b""}, kind=kind), "x")


@pytest.mark.parametrize("name", ["../a.png", "/etc/a.png", "a/../../b.png", "a\\b.png"])
def test_names_that_lead_out_of_a_tar_are_refused(name):
    with pytest.raises(Refused, match="leads out of it"):
        whole(tar({name: PIXEL}), "x")


def test_a_tar_that_unpacks_beyond_measure_is_refused(monkeypatch):
    monkeypatch.setattr("competitions.preparing.sources.containers.MAX_TOTAL", 1 << 20)
    with pytest.raises(Refused, match="unpacks to more than"):
        whole(tar({"cat/a.png": bytes(3 << 20)}), "x")


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04 and no more", b"\x1f\x8bno"])
def test_what_is_no_archive_is_refused(data):
    with pytest.raises(Refused, match="Pack it again"):
        whole(io.BytesIO(data), "x")


def test_a_folder_of_this_machine_becomes_the_same_source(tmp_path):
    for name, data in {**FOLDERS, ".hidden/x.png": PIXEL}.items():
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(data)
    (tmp_path / "set" / "cat" / "out.png").symlink_to(__file__)
    stream = io.BytesIO(b"".join(packed(tmp_path / "set")))
    assert told(whole(stream, "set")) == told(source(FOLDERS))


def test_a_path_that_is_not_there_is_said(tmp_path):
    with pytest.raises(Refused, match="neither a file nor a folder"):
        list(packed(tmp_path / "nothing"))


def test_what_is_left_out_of_a_folder_is_said(tmp_path):
    (tmp_path / "a.png").write_bytes(PIXEL)
    assert left_out(tmp_path) == ""
    assert left_out(tmp_path / "a.png") == ""
    (tmp_path / ".secret").touch()
    (tmp_path / "out.png").symlink_to(__file__)
    (tmp_path / "lost.png").symlink_to(tmp_path / "nothing")
    assert left_out(tmp_path).endswith("folder: .secret, lost.png, out.png.")


def test_a_name_that_is_no_text_is_said(tmp_path):
    (tmp_path / os.fsdecode(b"\xff.png")).write_bytes(PIXEL)
    with pytest.raises(Refused, match="no UTF-8"):
        list(packed(tmp_path))


def header(kind: bytes, size: int, name: str = "x") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf()


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_may_not_be_endless(kind, tmp_path):
    with (tmp_path / "x.tar").open("w+b") as file:  # of holes: 6 GiB that lie nowhere
        file.write(header(kind, 6 << 30))
        file.truncate((6 << 30) + 2048)
        file.seek(0)
        with pytest.raises(Refused, match="endless header"):
            whole(file, "x")


def test_notes_before_notes_are_no_tar():
    note = header(tarfile.XHDTYPE, 13) + b"13 path=a.pn\n".ljust(512, b"\0")
    with pytest.raises(Refused, match="Pack it again"):
        whole(io.BytesIO(note * 1500), "x")


def test_sparse_files_are_refused():
    sparse = header(tarfile.GNUTYPE_SPARSE, 0, "cat/a.png") + bytes(1024)
    with pytest.raises(Refused, match="a link or device"):
        whole(io.BytesIO(sparse), "x")


def test_a_file_twice_in_a_tar_is_refused():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for _ in range(2):
            info = tarfile.TarInfo("cat/a.png")
            info.size = len(PIXEL)
            archive.addfile(info, io.BytesIO(PIXEL))
    stream.seek(0)
    with pytest.raises(Refused, match="twice"):
        whole(stream, "x")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_damaged_packing_is_said(pack):
    data = bytearray(pack(os.urandom(1 << 16)))
    data[100:200] = bytes(100)
    with pytest.raises(Refused, match="Pack it again"):
        whole(io.BytesIO(bytes(data)), "x")
    with pytest.raises(Refused, match="Pack it again"):
        whole(io.BytesIO(pack(os.urandom(1 << 16))[:-500]), "x")


def test_xz_gets_no_more_memory_than_is_given(monkeypatch):
    monkeypatch.setattr("competitions.preparing.sources.containers.MOST_DICTIONARY", 1 << 20)
    with pytest.raises(Refused, match="damaged"):
        whole(tar(FOLDERS, "w:xz"), "x")  # its head asks for eight times that


def test_zips_within_count_together(monkeypatch):
    inner = zipped({"cat/1.png": PIXEL, "dog/1.png": PIXEL})
    files = {f"{n}.zip": inner for n in range(3)}
    monkeypatch.setattr("competitions.preparing.sources.containers.MAX_MEMBERS", 5)
    assert "more than 5 entries" in refusal(files)
    monkeypatch.setattr("competitions.preparing.sources.containers.MAX_TOTAL", 3 * len(PIXEL))
    assert "unpacks to more than" in refusal(files)
    monkeypatch.setattr("competitions.preparing.sources.containers.MAX_INNER", 2)
    assert "holds 3 zips" in refusal(files)


def test_a_zip_within_a_zip_within_is_not_opened():
    deep = zipped({"cat/1.png": PIXEL, "b.zip": zipped(FOLDERS)})
    assert "no image" in refusal({"a.zip": deep, "dog/1.png": PIXEL})
