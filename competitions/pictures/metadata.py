"""Images without what cameras, editors and organisers wrote beside the pixels.

A caption, a place or a software's note in a test image may tell its class. PNG, JPEG, WebP and GIF
lose such blocks and keep every byte that pixels are made from; TIFF and BMP are written anew, and
so is a JPEG whose EXIF turns it: which side is up tells of the camera, and a camera of the class.
Colour profiles and gammas go too.
"""

import io
import re
from collections.abc import Iterator

from PIL import Image, ImageOps
from PIL.JpegImagePlugin import get_sampling

PNG, GIF = b"\x89PNG\r\n\x1a\n", (b"GIF87a", b"GIF89a")
PNG_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT"}
WEBP_KEPT = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"}
WEBP_FLAGS_KEPT = 0x12  # of VP8X: alpha and animation; not profile, EXIF and XMP
ORIENTATION = 0x0112
SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # but for stuffing, restarts and fill


class Unstrippable(Exception):
    """The sentence goes on after the image's name."""


def stripped(data: bytes) -> bytes:
    """The same pixels without metadata. Raises Unstrippable where that cannot be done."""
    try:
        if data.startswith(PNG):
            return PNG + b"".join(_png_chunks(data))
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data)
        if data.startswith(GIF):
            return b"".join(_gif_blocks(data))
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            body = b"WEBP" + b"".join(_webp_chunks(data))
            return b"RIFF" + len(body).to_bytes(4, "little") + body
    except (IndexError, ValueError):
        raise Unstrippable("which is not a whole image. Save it anew or leave it out.") from None
    return _written_anew(data)


def _png_chunks(data: bytes) -> Iterator[bytes]:
    at = len(PNG)
    while at < len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind in PNG_KEPT:
            yield data[at : at + 12 + size]
        if kind == b"IEND":
            return
        at += 12 + size
    raise ValueError("no end")


def _jpeg(data: bytes) -> bytes:
    return b"".join(_jpeg_segments(_upright(data) if _side_up(data) > 1 else data))


def _jpeg_segments(data: bytes) -> Iterator[bytes]:
    yield data[:2]
    at = 2
    while at < len(data):
        while data[at] == 0xFF == data[at + 1]:  # fill
            at += 1
        if data[at] != 0xFF:
            raise ValueError("no marker")
        kind = data[at + 1]
        if kind == 0xD9:  # what stands behind the end is no part of the picture
            yield data[at : at + 2]
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if kind == 0xDA:  # the scan's pixels follow its header; a cut one goes on to the end
            found = SCAN_END.search(data, end)
            end = found.start() if found else len(data)
        yield _jpeg_segment(kind, data[at:end])
        at = end


def _jpeg_segment(kind: int, segment: bytes) -> bytes:
    """Adobe's note on the colours, and what is no application's.

    JFIF has a density and a thumbnail, and cameras have none: a picture is decoded without it.
    """
    if kind == 0xEE and segment[4:9] == b"Adobe":
        return b"\xff\xee\x00\x0e" + segment[4:16]  # what it says of colours, and nothing behind
    return b"" if 0xE0 <= kind <= 0xEF or kind == 0xFE else segment


def _side_up(data: bytes) -> int:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            side = image.getexif().get(ORIENTATION, 1)
    except Exception:
        # A note that cannot be read turns nothing; nor would it in a participant's viewer.
        return 1
    return side if isinstance(side, int) and 1 <= side <= 8 else 1


def _upright(data: bytes) -> bytes:
    """Turned as a viewer would show it, with the quantisation that it had."""
    stream = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            tables, sampling = image.quantization, get_sampling(image)  # type: ignore[attr-defined]
            turned = ImageOps.exif_transpose(image)
            kept = {"subsampling": sampling} if sampling >= 0 else {}
            turned.save(stream, "JPEG", qtables=tables, exif=b"", icc_profile=None, **kept)
    except Exception:
        # Pillow raises whatever its formats' arithmetic runs into.
        raise Unstrippable("whose pixels cannot be read. Save it anew as a JPEG.") from None
    return stream.getvalue()


def _webp_chunks(data: bytes) -> Iterator[bytes]:
    at = 12
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        chunk = data[at : at + 8 + size + size % 2]
        if kind == b"VP8X":
            chunk = chunk[:8] + bytes([chunk[8] & WEBP_FLAGS_KEPT]) + chunk[9:]
        if kind in WEBP_KEPT:
            yield chunk
        at += len(chunk)


def _gif_blocks(data: bytes) -> Iterator[bytes]:
    """Without comments, texts and applications' blocks, but for the one that lets it loop."""
    at = 13 + _palette(data[10])
    yield data[:at]
    while (kind := data[at]) != 0x3B:
        if kind == 0x21:
            end = _past_blocks(data, at + 2)
            looping = data[at + 1] == 0xFF and data[at + 3 : at + 14] == b"NETSCAPE2.0"
            if data[at + 1] == 0xF9 or looping:
                yield data[at:end]
        elif kind == 0x2C:
            end = _past_blocks(data, at + 11 + _palette(data[at + 9]))
            yield data[at:end]
        else:
            raise ValueError("no block")
        at = end
    yield b"\x3b"


def _palette(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _past_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += 1 + data[at]
    return at + 1


def _written_anew(data: bytes) -> bytes:
    """TIFF and BMP, whose notes stand anywhere between the pixels."""
    stream = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data), formats=("TIFF", "BMP")) as image:
            frames = getattr(image, "n_frames", 1)
            pixels = image.copy()
            pixels.info = {}
            pixels.save(stream, image.format)
    except Exception:
        # Pillow raises whatever its formats' arithmetic runs into.
        raise Unstrippable("whose pixels cannot be read. Save it as a PNG.") from None
    if frames > 1:
        raise Unstrippable("a TIFF of several pictures. Pack one picture per file.")
    return stream.getvalue()
