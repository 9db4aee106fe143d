"""Members that are packed once more by themselves: train-images-idx3-ubyte.gz, data_batch_1.xz."""

import lzma
import zlib

from competitions.preparing.sources.containers import Container

MOST = 600 << 20  # bytes; the largest published file of this kind has 550 MB
ENDINGS = (".gz", ".xz")


def plain(name: str) -> str:
    """The name without the ending of its packing."""
    return name.removesuffix(".gz").removesuffix(".xz")


def read(container: Container, name: str) -> bytes:
    """The member's bytes, unpacked up to a cap. Raises Refused."""
    data = container.read(name)
    try:
        if data.startswith(b"\x1f\x8b"):
            inflated = zlib.decompressobj(31)
            data = inflated.decompress(data, MOST)
            whole = inflated.eof
        elif data.startswith(b"\xfd7zXZ\x00"):
            unpacked = lzma.LZMADecompressor(memlimit=256 << 20)
            data = unpacked.decompress(data, MOST)
            whole = unpacked.eof
        else:
            whole = True
    except (zlib.error, lzma.LZMAError, EOFError):
        whole = False
    if not whole:
        raise container.refusal(
            f"holds {name!r}, which is damaged or unpacks to more than {MOST >> 20} MiB."
        )
    return data
