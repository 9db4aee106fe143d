"""Files on this machine's disk, written so that a power cut leaves them whole or absent."""

import os
import tempfile
from pathlib import Path

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage


class DurableStorage(FileSystemStorage):
    """A file is on the disk before its name is, and its name before the row that holds it."""

    def _save(self, name: str, content: File) -> str:  # type: ignore[type-arg]  # Django's stub
        target = Path(self.path(name))
        self._make(target.parent)
        descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
        try:
            with open(descriptor, "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            if self.file_permissions_mode is not None:
                os.chmod(draft, self.file_permissions_mode)
            os.replace(draft, target)
        except BaseException:
            os.unlink(draft)
            raise
        _sync(target.parent)
        return name

    def _make(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make(folder.parent)
        mode = self.directory_permissions_mode
        folder.mkdir(mode=0o777 if mode is None else mode, exist_ok=True)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    """Makes the names in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
