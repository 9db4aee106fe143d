"""Decimal numbers to float64 in bulk, each as exactly as `float` reads it.

Eight digits are one machine word, and three multiplications make a number of them (Langdale and
Lemire, "Parsing gigabytes of JSON per second", 2019). Up to 2**53 a mantissa divided by a power of
ten is rounded right by the hardware (Clinger, "How to read floating point numbers accurately",
1990). Beyond, the quotient is computed to 100 bits as a sum of two floats (Dekker 1971), and the
few that could be rounded either way are left to `float`.
"""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.reading.blocks import COMMA, Block, Lines, Positions
from scoring.vocabulary import Words

# ASCII digits only; int() and float() would take 1_000, Arabic digits, nan and infinity.
# The bounds keep every match below the longest field; possessive, so nothing is tried twice.
NUMBER = r"-?+(?:0|[1-9][0-9]{0,400}+)(?:\.[0-9]{1,600}+)?+(?:[eE][-+]?+[0-9]{1,3}+)?+"
_NUMBERS = re.compile(f"(?:{NUMBER},)*+".encode())

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_POINT, _MINUS, _PLUS, _ZERO = (np.uint8(ord(mark)) for mark in ".-+0")
_ZEROS = np.uint64(0x3030303030303030)
# by the number of bytes to keep of a little-endian word, counted from its last byte
KEEP_LAST = np.array([(2**64 - 1) ^ ((1 << 64 - 8 * n) - 1) for n in range(9)], np.uint64)
_HIGH_BITS = np.uint64(0x8080808080808080)
_ABOVE_NINE = np.uint64(0x7676767676767676)  # 0x80 - 10 in each byte
_PAIRS, _QUADS = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF)
_TEN1, _TEN2 = np.uint64(2561), np.uint64(6553601)
_TEN4 = np.uint64(42949672960001)
_8, _16, _32 = np.uint64(8), np.uint64(16), np.uint64(32)

_MOST = 250  # the largest power of ten in the division: its terms stay far from underflow
_INTEGER_POWERS = np.array([10 ** min(at, 19) for at in range(25)], np.uint64)
_POWER = np.array([float(10**at) for at in range(_MOST + 1)])
_POWER_REST = np.array([float(10**at - int(float(10**at))) for at in range(_MOST + 1)])
_SPLITTER = np.float64(2**27 + 1)


def numbers(block: Block, starts: Positions, ends: Positions) -> Floats | None:
    """The value of every field [n]; None when one is not a number in our notation.

    An overflow such as 1e400 is infinite.
    """
    values, good = _fractions(block, starts, ends)
    rest = np.flatnonzero(~good)
    for reading in (_plain_decimals, _with_exponents):
        if rest.size:
            values[rest], good = reading(block, starts[rest], ends[rest])
            rest = rest[~good]
    if rest.size:
        whole = block.bytes.tobytes()
        fields = zip(starts[rest].tolist(), ends[rest].tolist(), strict=True)
        texts = [whole[start:end] for start, end in fields]
        if not _NUMBERS.fullmatch(b",".join([*texts, b""])):
            return None
        values[rest] = list(map(float, texts))
    return values


def _fractions(block: Block, starts: Positions, ends: Positions) -> tuple[Floats, Flags]:
    """What nearly all numbers look like: a digit, a point and up to 24 digits."""
    lengths: Positions | np.intp = ends - starts
    shortest, longest = lengths.min(), lengths.max()
    if shortest == longest:
        lengths = longest  # one number for all saves a fifth of the time
    places = np.clip(lengths - 2, 0, 24)
    first = block.bytes.take(starts) - _ZERO
    good = block.bytes.take(starts + 1) == _POINT
    good &= first <= 9
    if shortest < 3 or longest > 26:
        good &= (lengths >= 3) & (lengths <= 26)
    count = 3 if longest > 18 else 2 if longest > 10 else 1
    values, fine = _value(first, block.before(ends, count), places)
    return values, good & fine


def fixed(lines: Lines, ends: Positions, columns: int, width: int) -> Floats | None:
    """The numbers [rows, columns] at the ends of lines, each after a comma and `width` bytes long.

    A digit, a point and 1 to 16 digits, as "%.6f" writes probabilities; None when one is not. No
    positions of fields are needed: a row is read as a whole, and its cells lie in it at equal
    distances.
    """
    stride, words = width + 1, -(-(8 + columns * (width + 1)) // 8)
    cells = lines.rows(ends - columns * stride - 8, words)
    text = cells.view(np.uint8).reshape(len(ends), -1)[:, 8 : 8 + columns * stride]
    text = text.reshape(len(ends), columns, stride)
    first = text[:, :, 1] - _ZERO
    if (text[:, :, 0] != COMMA).any() or (text[:, :, 2] != _POINT).any() or (first > 9).any():
        return None
    # the last 8 bytes of each cell, and the 8 before them; they begin anywhere in a word
    last = [
        np.ndarray(first.shape, "<u8", cells.data, start, (8 * words, stride))
        for start in range(stride, stride - 8 * -(-(width - 2) // 8), -8)
    ]
    values, good = _value(first, last, np.intp(width - 2))
    return values if good.all() else None


def _value(first: NDArray[np.uint8], words: list[Words], places: Any) -> tuple[Floats, Flags]:
    """A digit, and `places` behind the point, which are the last bytes of the words."""
    mantissa, good = _behind(words, places)
    most = np.max(places)
    if most > 18:
        good &= (first == 0) | (places <= 18)
    mantissa += first * _INTEGER_POWERS.take(places)
    if most <= 14:  # below 2**53, so that one division is exact
        return mantissa.astype(np.float64) / _POWER.take(places), good
    values, certain = _quotient(mantissa, places)
    return values, good & certain


def _behind(words: list[Words], places: Any) -> tuple[Words, Flags]:
    """The last `places` bytes as a whole number, and where they are digits, 19 that count."""
    fewest = np.min(places)
    mantissa = wrong = np.zeros(1, np.uint64)
    fits: Flags | np.bool_ = np.True_
    for at, word in enumerate(words):
        count = 8 if fewest >= 8 * at + 8 else np.clip(places - 8 * at, 0, 8)
        part, wrong_too = digits(word, count)
        if at == 2:
            fits = part < 1000
        mantissa = part * _INTEGER_POWERS[8 * at] + mantissa if at else part
        wrong = wrong | wrong_too if at else wrong_too
    return mantissa, (wrong == 0) & fits


def digits(words: Words, count: Any) -> tuple[Words, Words]:
    """The number in the last `count` bytes of each word; then not 0 where one is no digit."""
    words = (words ^ _ZEROS) & KEEP_LAST.take(count)
    wrong = ((words + _ABOVE_NINE) | words) & _HIGH_BITS
    words *= _TEN1
    words >>= _8
    words &= _PAIRS
    words *= _TEN2
    words >>= _16
    words &= _QUADS
    words *= _TEN4
    words >>= _32
    return words, wrong


def _plain_decimals(block: Block, starts: Positions, ends: Positions) -> tuple[Floats, Flags]:
    return _general(block, starts, ends, np.zeros(1, np.intp))


def _with_exponents(block: Block, starts: Positions, ends: Positions) -> tuple[Floats, Flags]:
    stops, exponents, understood = _exponents(block, starts, ends)
    values, good = _general(block, starts, stops, exponents)
    return values, good & understood


def _general(
    block: Block, starts: Positions, stops: Positions, exponents: Positions
) -> tuple[Floats, Flags]:
    """Signs, up to 8 digits before the point and 24 behind it, of which 19 count."""
    negative = block.bytes.take(starts) == _MINUS
    starts = starts + negative
    points = _points(block, starts, stops)
    whole, places = points - starts, np.maximum(stops - points - 1, 0)
    good = (whole >= 1) & (whole <= 8) & (places <= 24) & ((places > 0) | (points == stops))
    good &= (block.bytes.take(starts) != _ZERO) | (whole == 1)
    mantissa, fits = _mantissa(block, (points, whole), (stops, places))
    power = places - exponents
    # up to 10**22 a float holds the power itself, so that only the product is rounded
    exact = (power >= 0) | ((power >= -22) & (mantissa < 1 << 53))
    good &= fits & exact & (power <= _MOST)
    values, certain = _quotient(mantissa, np.clip(power, 0, _MOST))
    values *= _POWER.take(np.clip(-power, 0, 22))
    return np.where(negative, -values, values), good & certain


def _exponents(
    block: Block, starts: Positions, ends: Positions
) -> tuple[Positions, Positions, Flags]:
    """Where each mantissa stops, its exponent, and whether it was understood."""
    stops, exponent = ends.copy(), np.zeros_like(ends)
    good = np.ones(len(ends), np.bool_)
    for back in range(2, 6):  # from e5 to e-100
        found = np.flatnonzero(
            ((block.bytes.take(ends - back) | 0x20) == ord("e")) & (ends - back > starts)
        )
        if found.size:
            mark = block.bytes.take(ends[found] - back + 1)
            signed = (mark == _MINUS) | (mark == _PLUS)
            value, wrong = digits(block.before(ends[found], 1)[0], back - 1 - signed)
            good[found] = (wrong == 0) & (back - 1 - signed >= 1) & (back - 1 - signed <= 3)
            stops[found] = ends[found] - back
            exponent[found] = np.where(mark == _MINUS, -1, 1) * value.astype(np.intp)
    return stops, exponent, good


def _points(block: Block, starts: Positions, stops: Positions) -> Positions:
    """Where each number's point is; its end if it has none among its first nine characters."""
    second = starts + 1
    points = np.where((block.bytes.take(second) == _POINT) & (second < stops), second, stops)
    if (points != second).any():
        for at in range(8, 1, -1):
            here = starts + at
            point = (block.bytes.take(here) == _POINT) & (here < stops) & (points != second)
            np.copyto(points, here, where=point)
    return points


def _mantissa(
    block: Block, before: tuple[Positions, Positions], behind: tuple[Positions, Positions]
) -> tuple[Words, Flags]:
    """The digits before and behind the point as one whole number below 2**64, where they fit."""
    (points, whole), (stops, places) = before, behind
    mantissa, wrong = digits(block.before(points, 1)[0], np.clip(whole, 0, 8))
    fits = (whole + places <= 19) | (mantissa == 0)
    mantissa *= _INTEGER_POWERS.take(np.where(fits & (mantissa > 0), places, 0))
    places = np.minimum(places, 24)
    most = places.max(initial=0)
    words = block.before(stops, 3 if most > 16 else 2 if most > 8 else 1)
    part, fits_too = _behind(words, places)
    return mantissa + part, fits & fits_too & (wrong == 0)


def _quotient(mantissa: Words, power: Positions) -> tuple[Floats, Flags]:
    """mantissa / 10**power rounded to the nearest, and where that is certain."""
    high = mantissa.astype(np.float64)
    low = (mantissa - high.astype(np.uint64)).view(np.int64).astype(np.float64)
    ten = _POWER.take(power)
    first = high / ten
    product, error = _exact_product(first, ten)
    second = high - product
    second -= error
    second += low
    if np.max(power) > 22:  # up to 10**22 a float holds the power itself
        second -= first * _POWER_REST.take(power)
    second /= ten
    slack = np.abs(first)
    slack *= 2.0**-100
    values = first + (second - slack)
    second += slack
    first += second
    return values, values == first


def _exact_product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Product and its rounding error (Dekker 1971)."""
    a_high, b_high = a * _SPLITTER, b * _SPLITTER
    a_high, b_high = a_high - (a_high - a), b_high - (b_high - b)
    a_low, b_low = a - a_high, b - b_high
    product = a * b
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
