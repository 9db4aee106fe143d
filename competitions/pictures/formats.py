"""What counts as an image: a known ending, a known beginning, and not too many pixels."""

from pathlib import PurePosixPath

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
# What a file of each is called among the downloads.
ENDINGS = {
    "PNG": ".png",
    "JPEG": ".jpg",
    "MPO": ".jpg",  # a JPEG of several pictures, as some cameras write it
    "GIF": ".gif",
    "BMP": ".bmp",
    "WEBP": ".webp",
    "TIFF": ".tif",
}
SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff"}
MAX_PIXELS = 50_000_000


def is_named_like_one(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES
