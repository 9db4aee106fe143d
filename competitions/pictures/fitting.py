"""A picture made small for a page: one to look at, never one to learn from."""

from typing import cast

from PIL import Image, ImageOps


def fitted(image: Image.Image, side: int) -> Image.Image:
    """Fit for a square of ``side`` pixels: small ones enlarged by a whole factor, crisp."""
    # Sixteen pixels for one are enough to filter; all of a huge image would cost seconds.
    image.thumbnail((16 * side, 16 * side), Image.Resampling.NEAREST)
    image = _eight_bits(image)
    longest = max(image.size)
    if longest < side:
        factor = round(side / longest)
        size = (image.width * factor, image.height * factor)
        image = image.resize(size, Image.Resampling.NEAREST)
    else:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return _on_white(ImageOps.exif_transpose(image))


def _eight_bits(image: Image.Image) -> Image.Image:
    """RGB or RGBA. Deeper greys are stretched: cut off at 255 most of them would be white."""
    if image.mode.startswith(("I", "F")):
        deep = image if image.mode == "F" else image.convert("I")
        low, high = cast(tuple[float, float], deep.getextrema())
        scale = 255 / (high - low) if high > low else 0.0
        image = deep.point(lambda value: value * scale - low * scale).convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _on_white(image: Image.Image) -> Image.Image:
    """Dark lines on nothing would be invisible on a dark page."""
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(ground, image)
