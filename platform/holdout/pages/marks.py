"""The small mark beside a team: five by five cells, mirrored, drawn from the team's name.

`static/js/marks.js` draws the same mark for a row that arrives over the live stream, which is
why the hash is FNV-1a and not SHA-256: browsers offer SHA-256 only on secure origins.
"""

from collections.abc import Iterator

_SIZE = 5
_ALL_CELLS = 0x7FFF  # three columns of five; the other two mirror the first two


def cells(name: str) -> list[tuple[int, int]]:
    """The filled cells as (column, row), each from 1 to 5."""
    bits = _bits(name)
    half = [divmod(place, _SIZE) for place in range(15) if bits >> place & 1]
    return sorted(set(_mirrored(half)), key=lambda cell: (cell[1], cell[0]))


def path(name: str) -> str:
    """The mark as the ``d`` of one SVG path in a 7 by 7 view box."""
    return "".join(f"M{column} {row}h1v1h-1z" for column, row in cells(name))


def _mirrored(half: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for column, row in half:
        yield column + 1, row + 1
        yield _SIZE - column, row + 1


def _bits(name: str) -> int:
    value = _fnv1a(name)
    bits = (value ^ value >> 15) & _ALL_CELLS
    # A nearly empty mark would tell nobody apart.
    return bits if bits.bit_count() >= 5 else bits ^ _ALL_CELLS


def _fnv1a(text: str) -> int:
    """FNV-1a, 32 bits (Fowler, Noll, Vo), over the UTF-8 bytes."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value
