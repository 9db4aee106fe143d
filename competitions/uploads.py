"""Large files in pieces, so that a lost connection costs a piece and not gigabytes.

A piece is stored before its row counts it, and the row takes only the piece that comes next: two
tabs that send the same file cannot mix. Whole, the file lies among the private ones under the hash
of its content, and the pieces are gone. Only one request puts them together: it may take minutes,
and a browser that lost its connection asks again meanwhile.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.db.models import F, Q
from django.db.models.functions import Now

from competitions import files
from competitions.files import CHUNK
from competitions.models import Upload
from competitions.refusals import NotFound, NotReady, Refused

PIECE = 8 * CHUNK  # bytes; the last one is shorter
LARGEST = 64 << 30  # bytes
NAME_LENGTH = 200
MARK_LENGTH = 80
KEPT = timedelta(days=2)  # untouched, until what has come is thrown away
LEASE = timedelta(minutes=5)  # of whoever puts a file together; renewed on the way
RENEWED_EVERY = 32  # pieces
BEING_JOINED = "The pieces of {} are being put together, which may take minutes."


class BeingJoined(NotReady):
    """Another request is at it; it comes to an end by itself."""


def begin(owner: Any, name: str, size: int, mark: str = "") -> Upload:
    """The owner's unfinished upload of that very file, or a new one. Raises Refused.

    ``mark`` tells files of one name and size apart; to go on with another one would mix the two.
    """
    if not 0 < size <= LARGEST:
        raise Refused(f"The file must have 1 byte to {LARGEST >> 30} GiB, and this has {size}.")
    name = name.replace("\\", "/").rpartition("/")[2][-NAME_LENGTH:].strip()
    if not name:
        raise Refused("The file needs a name.")
    file = {"name": name, "size": size, "mark": mark[:MARK_LENGTH]}
    known = Upload.objects.filter(owner=owner, path="", **file).first()
    return known or Upload.objects.create(owner=owner, **file)


def find(owner: Any, public_id: Any) -> Upload:
    """Raises NotFound for what is not there, or somebody else's."""
    found = Upload.objects.filter(owner=owner, public_id=public_id).first()
    if found is None:
        raise NotFound("This upload is not known here any more. Choose the file again.")
    return found


def append(upload: Upload, offset: int, data: bytes) -> Upload:
    """Takes the piece that begins at ``offset``; what was taken already changes nothing.

    Raises Refused for a piece that is not the next one, or not of the size that it must have.
    """
    if offset < upload.received:
        return upload
    expected = min(PIECE, upload.size - upload.received)
    if offset != upload.received or len(data) != expected:
        raise Refused(
            f"{upload.received} bytes have arrived; a piece of {expected} bytes is the next one."
        )
    path = files.storage("solutions").save(_piece(upload, upload.pieces), ContentFile(data))
    taken = Upload.objects.filter(pk=upload.pk, received=offset, path="").update(
        received=F("received") + len(data), pieces=F("pieces") + 1, touched_at=Now()
    )
    if not taken or path != _piece(upload, upload.pieces):
        # Another tab was quicker with the same piece: the storage gave this one another name.
        files.delete("solutions", path)
    upload.refresh_from_db()
    return upload


def finish(upload: Upload) -> str:
    """The whole file's path among the private ones.

    Raises Refused while pieces are missing, BeingJoined while another request is at it.
    """
    if upload.path:
        return upload.path
    if upload.received < upload.size:
        raise Refused(f"{upload.size - upload.received} bytes of {upload.name} are still missing.")
    if not _claim(upload):
        joined = Upload.objects.get(pk=upload.pk).path
        if joined:
            return joined
        raise BeingJoined(BEING_JOINED.format(upload.name))
    try:
        _join(upload)
    finally:
        # Where it failed, the next one need not wait for the lease to end.
        Upload.objects.filter(pk=upload.pk).update(joining_until=None)
    return upload.path


def _claim(upload: Upload) -> bool:
    free = Q(joining_until=None) | Q(joining_until__lt=Now())
    waiting = Upload.objects.filter(free, pk=upload.pk, path="")
    return bool(waiting.update(joining_until=Now() + LEASE))


def _join(upload: Upload) -> None:
    """Raises BeingJoined where another one did it meanwhile, and took the pieces away."""
    try:
        upload.path = files.store("solutions", _pieces(upload)).path
    except FileNotFoundError:
        raise BeingJoined(BEING_JOINED.format(upload.name)) from None
    Upload.objects.filter(pk=upload.pk).update(path=upload.path, touched_at=Now())
    _discard_pieces(upload)


def tidy() -> list[str]:
    """Throws away what nobody has gone on with; the names of those files."""
    old = list(Upload.objects.filter(touched_at__lt=Now() - KEPT))
    for upload in old:
        _discard_pieces(upload)
        upload.delete()
    return [upload.name for upload in old]


def of_form(name: str, chunks: Iterable[bytes]) -> tuple[str, str]:
    """Path and name of a file that came in one form, for browsers without scripts."""
    return files.store("solutions", iter(chunks)).path, name


def _piece(upload: Upload, number: int) -> str:
    return f"pieces/{upload.public_id}/{number:06d}"


def _pieces(upload: Upload) -> Iterator[bytes]:
    for number in range(upload.pieces):
        if number % RENEWED_EVERY == 0:
            Upload.objects.filter(pk=upload.pk).update(joining_until=Now() + LEASE)
        yield files.read("solutions", _piece(upload, number))


def _discard_pieces(upload: Upload) -> None:
    for number in range(upload.pieces + 1):
        files.delete("solutions", _piece(upload, number))
