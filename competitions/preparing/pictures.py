"""What counts as an image: a known ending, a known beginning, and not too many pixels."""

import io
from pathlib import PurePosixPath

from celery.exceptions import SoftTimeLimitExceeded
from PIL import Image

from competitions.preparing.archives import Archive

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff"}
MAX_PIXELS = 50_000_000


def is_named_like_one(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def read(archive: Archive, name: str) -> bytes:
    """The image's bytes, looked at without decoding them. Raises Refused for anything else."""
    data = archive.read(name)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height <= MAX_PIXELS:
                image.verify()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        width = height = MAX_PIXELS
    except SoftTimeLimitExceeded:
        raise
    except Exception:
        # Pillow's readers raise whatever their formats' arithmetic runs into.
        raise archive.refusal(
            f"holds {name!r}, which is not a readable image. Replace it or leave it out."
        ) from None
    if width * height > MAX_PIXELS:
        raise archive.refusal(
            f"holds {name!r} with more than {MAX_PIXELS // 1_000_000} million pixels. "
            "Scale it down."
        )
    return data
