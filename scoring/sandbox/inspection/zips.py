"""The directory of a zip archive, read without unpacking anything.

After PKWARE's APPNOTE.TXT 6.3.10 (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT).
Stricter than the usual readers, which forgive each other's faults in different ways: nothing may
stand before, between or behind the members, so that two readers cannot see two archives in one
file, and no two members share bytes (D. Fifield, "A better zip bomb", 2019).
"""

import stat
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from mmap import mmap

from scoring.sandbox.inspection.facts import damaged, quoted, too_complex

MAX_MEMBERS = 20_000
MAX_DIRECTORY = 8 << 20  # bytes
MAX_NAME = 1024  # bytes
MAX_RATIO = 200  # unpacked to packed; deflate reaches 1032 on zeros
SMALL = 1 << 20  # bytes unpacked, of which no ratio is asked

_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _DESCRIBED = 0x1, 0x8  # flags: the second puts the sizes behind the bytes
_DESCRIPTORS = (12, 16, 20, 24)  # bytes, without and with a mark, for 32 and 64 bits
_FULL, _FULL_64 = 0xFFFF, 0xFFFFFFFF
_EXTRA_64 = 1
_UNIX = 3

Data = mmap | bytes


@dataclass(frozen=True)
class Member:
    """A file in the archive; sizes and places in bytes."""

    name: str
    method: int
    described: bool
    packed: int
    size: int
    header: int  # where its local header begins


def directory(data: Data) -> tuple[Member, ...]:
    """The members in the order of the directory; raises InvalidSubmission."""
    start, end, count = _bounds(data)
    if count > MAX_MEMBERS or end - start > MAX_DIRECTORY:
        raise too_complex(f"The archive has more than {MAX_MEMBERS} members, or too long names.")
    members = []
    at = start
    for _ in range(count):
        member, at = _member(data, at, end)
        members.append(member)
    if at != end or not members:
        raise _no_archive()
    _refuse_twins(members)
    _refuse_overlaps(data, members, start)
    return tuple(members)


def content(data: Data, member: Member, most: int) -> bytes:
    """The bytes of one member, up to `most`; raises InvalidSubmission where there are more."""
    if member.size > most:
        raise too_complex(f"The archive's {quoted(member.name)} is larger than {most} bytes.")
    begin = _content_start(data, member)
    packed = data[begin : begin + member.packed]
    if member.method == _STORED:
        return packed
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        found = unpacking.decompress(packed, most + 1)
    except zlib.error:
        raise damaged(f"{quoted(member.name)} in the archive cannot be unpacked.") from None
    if len(found) != member.size:
        raise damaged(f"{quoted(member.name)} in the archive has another size than it says.")
    return found


def _bounds(data: Data) -> tuple[int, int, int]:
    """Where the directory begins and ends, and how many entries it has."""
    at = len(data) - _END.size
    if at < 0:
        raise _no_archive()
    mark, disk, first, here, count, size, start, comment = _END.unpack_from(data, at)
    if mark != b"PK\x05\x06" or comment or disk or first or here != count:
        raise _no_archive()
    end = at
    locator = at - _LOCATOR.size
    if locator >= 0 and data[locator : locator + 4] == b"PK\x06\x07":
        end, large_count, large_size, large_start = _bounds_64(data, locator)
        pairs = ((count, large_count, _FULL), (size, large_size, _FULL_64))
        for small, large, full in (*pairs, (start, large_start, _FULL_64)):
            if small not in (large, full):
                raise _no_archive()
        count, size, start = large_count, large_size, large_start
    if start + size != end:
        raise _no_archive()
    return start, end, count


def _bounds_64(data: Data, locator: int) -> tuple[int, int, int, int]:
    _, disk, place, disks = _LOCATOR.unpack_from(data, locator)
    if disk or disks > 1 or place + _END_64.size != locator:
        raise _no_archive()
    mark, length, _, _, _, _, here, count, size, start = _END_64.unpack_from(data, place)
    if mark != b"PK\x06\x06" or length != _END_64.size - 12 or here != count:
        raise _no_archive()
    return place, count, size, start


def _member(data: Data, at: int, end: int) -> tuple[Member, int]:
    if at + _ENTRY.size > end:
        raise _no_archive()
    entry = _ENTRY.unpack_from(data, at)
    mark, made, _, flags, method, _, _, _, packed, size, named, extra, comment, disk = entry[:14]
    _, attributes, header = entry[14:]
    begin = at + _ENTRY.size
    stop = begin + named + extra + comment
    if mark != b"PK\x01\x02" or stop > end or disk not in (0, _FULL):
        raise _no_archive()
    name = _name(data[begin : begin + named])
    if method not in (_STORED, _DEFLATED) or flags & _ENCRYPTED:
        raise damaged(f"{quoted(name)} in the archive is encrypted, or packed in an unusual way.")
    if made >> 8 == _UNIX:
        _refuse_special(name, attributes >> 16)
    sizes = _large(data[begin + named : begin + named + extra], (size, packed, header))
    member = Member(name, method, bool(flags & _DESCRIBED), sizes[1], sizes[0], sizes[2])
    _refuse_bomb(member)
    return member, stop


def _name(raw: bytes) -> str:
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise damaged("a name in the archive is no UTF-8.") from None
    parts = name.split("/")
    if not 0 < len(raw) <= MAX_NAME or "\0" in name or "\\" in name or ":" in parts[0]:
        raise _wrong_name(name)
    if name.startswith("/") or ".." in parts:
        raise _wrong_name(name)
    return name


def _wrong_name(name: str) -> Exception:
    return damaged(f"{quoted(name)} in the archive is no name of a file inside it.")


def _refuse_special(name: str, mode: int) -> None:
    kind = stat.S_IFMT(mode)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise damaged(f"{quoted(name)} in the archive is a link or a device.")


def _large(extra: bytes, values: Sequence[int]) -> list[int]:
    """Sizes and place, those too large for 32 bits from the extra field of ZIP64."""
    found = list(values)
    wanted = [at for at, value in enumerate(found) if value == _FULL_64]
    at = 0
    while wanted and at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        at += 4
        if kind == _EXTRA_64 and length >= 8 * len(wanted) and at + length <= len(extra):
            for nth, place in enumerate(wanted):
                found[place] = int.from_bytes(extra[at + 8 * nth : at + 8 * nth + 8], "little")
            return found
        at += length
    return found


def _refuse_bomb(member: Member) -> None:
    if member.method == _STORED and member.packed != member.size:
        raise damaged(f"{quoted(member.name)} in the archive has two sizes.")
    if member.size > SMALL and member.size > MAX_RATIO * member.packed:
        raise too_complex(
            f"The archive's {quoted(member.name)} unpacks to more than {MAX_RATIO} times its size."
        )


def _refuse_twins(members: Sequence[Member]) -> None:
    seen: set[str] = set()
    for member in members:
        name = member.name.casefold()  # torch's reader does not tell A from a
        if name in seen:
            raise damaged(f"the archive has {quoted(member.name)} twice.")
        seen.add(name)


def _refuse_overlaps(data: Data, members: Sequence[Member], end: int) -> None:
    """Raises InvalidSubmission unless the members fill the file from its first byte to `end`."""
    at = 0
    gaps: tuple[int, ...] = (0,)
    for member in sorted(members, key=lambda each: each.header):
        if member.header - at not in gaps:
            raise _no_archive()
        at = _content_start(data, member) + member.packed
        gaps = _DESCRIPTORS if member.described else (0,)
    if end - at not in gaps:
        raise _no_archive()


def _content_start(data: Data, member: Member) -> int:
    """Where a member's bytes begin, behind a local header that says the same as the directory."""
    at = member.header
    if at + _LOCAL.size > len(data):
        raise _no_archive()
    mark, _, flags, method, *_, packed, size, named, extra = _LOCAL.unpack_from(data, at)
    begin: int = at + _LOCAL.size
    name = data[begin : begin + named]
    if mark != b"PK\x03\x04" or name != member.name.encode() or method != member.method:
        raise _no_archive()
    said = (packed, size) if not flags & _DESCRIBED else (0, 0)
    if said not in ((0, 0), (member.packed, member.size), (_FULL_64, _FULL_64)):
        raise _no_archive()
    return begin + int(named) + int(extra)


def _no_archive() -> Exception:
    return damaged(
        "it begins like a zip archive, and its directory is cut off or does not fit the rest."
    )
