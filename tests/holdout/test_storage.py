"""What is stored survives a power cut: on the disk first, then under its name."""

import os
import stat

import pytest
from django.core.files.base import ContentFile

from competitions import files
from holdout.storage import DurableStorage


@pytest.fixture
def steps(monkeypatch):
    """What was asked of the disk, in order."""
    seen = []
    sync, replace = os.fsync, os.replace

    def told_sync(descriptor):
        seen.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    def told_replace(source, target):
        seen.append("name")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", told_sync)
    monkeypatch.setattr(os, "replace", told_replace)
    return seen


def test_a_file_is_on_the_disk_before_its_name_is(tmp_path, steps):
    storage = DurableStorage(
        tmp_path, file_permissions_mode=0o600, directory_permissions_mode=0o700
    )
    assert storage.save("ab/file", ContentFile(b"content")) == "ab/file"
    assert steps == ["folder", "file", "name", "folder"]
    assert (tmp_path / "ab" / "file").read_bytes() == b"content"
    assert stat.S_IMODE((tmp_path / "ab" / "file").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "ab").stat().st_mode) == 0o700


def test_a_full_disk_leaves_nothing_by_half(tmp_path):
    class Breaks(ContentFile):
        def chunks(self, chunk_size=None):
            yield b"half"
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        DurableStorage(tmp_path).save("ab/file", Breaks(b""))
    assert list((tmp_path / "ab").iterdir()) == []


@pytest.mark.parametrize("place", ["solutions", "data", "submissions"])
def test_every_place_stores_durably_and_forgets_on_demand(place, steps):
    stored = files.store_bytes(place, f"of {place}".encode())
    assert steps.index("file") < steps.index("name")
    assert files.read(place, stored.path) == f"of {place}".encode()
    files.delete(place, stored.path)
    assert not files.storage(place).exists(stored.path)
