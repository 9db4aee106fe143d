"""Members that are packed once more by themselves: train-images-idx3-ubyte.gz, data_batch_1.xz."""

import lzma
import zlib

from competitions.preparing.sources.containers import MOST_DICTIONARY, Container

MOST = 200 << 20  # bytes; CIFAR-100's training images, the largest published file, have 148 MiB
MOST_IN_ALL = 320 << 20  # of what stays in memory; CIFAR-10 has 176 MiB
ENDINGS = (".gz", ".xz")


def plain(name: str) -> str:
    """The name without the ending of its packing."""
    return name[:-3] if name.lower().endswith(ENDINGS) else name


def read(container: Container, name: str, most: int = MOST) -> bytes:
    """The member's bytes, unpacked up to ``most``. Raises Refused."""
    data = container.read(name)
    try:
        if data.startswith(b"\x1f\x8b"):
            inflated = zlib.decompressobj(31)
            data = inflated.decompress(data, most + 1)
            whole = inflated.eof
        elif data.startswith(b"\xfd7zXZ\x00"):
            unpacked = lzma.LZMADecompressor(memlimit=MOST_DICTIONARY)
            data = unpacked.decompress(data, most + 1)
            whole = unpacked.eof
        else:
            whole = True
    except (zlib.error, lzma.LZMAError, EOFError):
        whole = False
    if not whole or len(data) > most:
        raise container.refusal(
            f"holds {name!r}, which is damaged or too large: {MOST >> 20} MiB a file are taken "
            f"here, {MOST_IN_ALL >> 20} MiB of such files in all."
        )
    return data
