"""Pixels as a PNG that is not packed, so that all pictures of one shape have files of one size.

A packed file is the smaller the plainer its picture: its size would tell something before the
picture is looked at. PNG: ISO/IEC 15948, chunks IHDR, IDAT and IEND.
"""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, COLOUR = 0, 2  # colour types


def png(pixels: NDArray[np.uint8]) -> bytes:
    """``pixels`` is (height, width) grey or (height, width, 3) RGB."""
    height, width = pixels.shape[:2]
    kind = GREY if pixels.ndim == 2 else COLOUR
    lines = np.zeros((height, 1 + pixels[0].size), np.uint8)  # each begins with its filter: none
    lines[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    packed = zlib.compress(lines.tobytes(), 0)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    checked = kind + data
    return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))
