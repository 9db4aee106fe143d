"""Numbers read in bulk are the floats that `float` reads, bit for bit, and nothing else is read."""

import re
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoring.reading.blocks import Block
from scoring.reading.decimals import numbers
from tests.scoring.test_reading import NOT_NUMBERS

QUICK = settings(deadline=None, max_examples=75)
# the grammar in its plainest form: what is read in bulk is held against this and `float`
GRAMMAR = re.compile(r"-?(0|[1-9][0-9]{0,400})(\.[0-9]{1,600})?([eE][-+]?[0-9]{1,3})?")


def read(texts):
    """The numbers of a file with one column, or None."""
    block = Block("".join(f"{text}\n" for text in texts).encode(), 1)
    return numbers(block, block.starts[:, 0], block.ends[:, 0])


def as_float_reads_them(texts):
    found, wanted = read(texts), np.array([float(text) for text in texts])
    assert found is not None, texts
    assert found.dtype == np.float64
    different = np.flatnonzero(found.view(np.uint64) != wanted.view(np.uint64))
    return [(texts[at], found[at], wanted[at]) for at in different[:5]] == []


def random_digits(draw, count):
    return "".join(map(str, draw.integers(0, 10, count).tolist()))


finite = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def written(draw):
    """Any text of the grammar."""
    digits = st.text("0123456789", min_size=1, max_size=26)
    whole = draw(digits).lstrip("0") or "0"
    fraction = draw(st.none() | digits | digits.map(lambda text: "0" * 20 + text))
    power = draw(
        st.none()
        | st.tuples(st.sampled_from("eE"), st.sampled_from(["", "-", "+"]), st.integers(0, 999))
    )
    text = draw(st.sampled_from(["", "-"])) + whole + ("" if fraction is None else f".{fraction}")
    return (
        text
        if power is None
        else f"{text}{power[0]}{power[1]}{power[2]:0{draw(st.integers(1, 3))}d}"
    )


@QUICK
@given(st.lists(finite, min_size=1, max_size=30))
def test_the_shortest_text_of_a_float(values):
    assert as_float_reads_them([repr(value) for value in values])


@QUICK
@given(st.lists(written(), min_size=1, max_size=30))
@example(["-0", "0e0", "-0.0e-0", "0." + "0" * 24, "0." + "0" * 600, "9" * 401, "1e999", "1e-999"])
@example(["1e22", "1e23", "9007199254740991e22", "9007199254740993e22", "1E+1", "1e-100", "1e-250"])
@example(
    ["5e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "2.2250738585072011e-308"]
)
@example(["1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308"])
def test_any_number_of_the_grammar(texts):
    assert as_float_reads_them(texts)


@QUICK
@given(st.lists(written(), min_size=2, max_size=10), st.lists(st.floats(0, 1), max_size=10))
def test_the_neighbours_of_a_number_do_not_change_it(texts, usual):
    together = read([*texts, *(f"{value:.4f}" for value in usual)])
    assert together is not None
    alone = np.concatenate([read([text]) for text in texts])
    assert together[: len(texts)].tobytes() == alone.tobytes()


@pytest.mark.parametrize("places", range(1, 25))
def test_so_many_digits_behind_the_point(places):
    draw = np.random.default_rng(places)
    texts = [f"{whole}.{random_digits(draw, places)}" for whole in draw.integers(0, 10, 500)]
    texts += [f"0.{'0' * zeros}{random_digits(draw, places - zeros)}" for zeros in range(places)]
    assert as_float_reads_them(texts)
    assert as_float_reads_them([f"-{text}" for text in texts])


@pytest.mark.parametrize("exponent", range(-330, 309, 9))
def test_numbers_of_every_size(exponent):
    draw = np.random.default_rng(exponent + 330)
    with np.errstate(over="ignore", under="ignore"):
        values = draw.random(60) * np.float64(10.0) ** (exponent + draw.integers(0, 9, 60))
    values = values[np.isfinite(values)].tolist()
    texts = [f"{value:.{digits}g}" for value in values for digits in (3, 9, 15, 16, 17, 19, 24)]
    assert as_float_reads_them([repr(value) for value in values] + texts)


@pytest.mark.parametrize(
    "style", ["{!r}", "{:.3f}", "{:.6f}", "{:.8f}", "{:.10f}", "{:.18f}", "{:.6e}", "{:.17e}"]
)
def test_probabilities_as_programs_write_them(style):
    draw = np.random.default_rng(1)
    shares = draw.dirichlet(np.full(10, 0.1), 400).ravel()
    assert as_float_reads_them([style.format(value) for value in shares.tolist()])


def test_single_precision_as_numpy_writes_it():
    draw = np.random.default_rng(2)
    values = (draw.random(4000) * 10.0 ** draw.integers(-30, 30, 4000)).astype(np.float32)
    assert as_float_reads_them([str(value) for value in values])


@QUICK
@given(st.integers(2**52, 2**54), st.integers(0, 25))
def test_numbers_about_two_to_the_fifty_third(whole, places):
    digits = str(whole)
    texts = [
        digits,
        f"{digits}.5",
        f"{digits}.50000000000000000001",
        f"{digits}.49999999999999999999",
    ]
    places = min(places, len(digits) - 1)
    shifted = (
        f"{digits[: len(digits) - places]}.{digits[len(digits) - places :]}" if places else digits
    )
    assert as_float_reads_them([*texts, shifted, f"{shifted}e-7", f"{digits}e-{places}"])


def halfway_to_the_next(value):
    """The exact decimal number between a float and the next larger one."""
    with localcontext(prec=1200):
        return (Decimal(value) + Decimal(float(np.nextafter(value, np.inf)))) / 2


@QUICK
@given(st.floats(1e-30, 1e17), st.integers(1, 40))
@example(0.3, 1)
@example(4503599627370497.5, 1)
@example(9007199254740992.0, 1)
def test_numbers_halfway_between_two_floats(value, more):
    with localcontext(prec=1200):
        half = halfway_to_the_next(value)
        step = Decimal(1).scaleb(half.as_tuple().exponent - more)
        texts = [f"{number:f}" for number in (half, half + step, half - step)]
    texts = [text for text in texts if GRAMMAR.fullmatch(text)]
    assert as_float_reads_them(texts)
    # cut short, so that the tie is broken by fewer digits
    assert as_float_reads_them([text[:25].rstrip(".") for text in texts])


def convergents(ratio):
    """Numerators and denominators of the best approximations (continued fraction)."""
    (before, here), (under, below) = (0, 1), (1, 0)
    while True:
        whole = ratio.numerator // ratio.denominator
        before, here = here, whole * here + before
        under, below = below, whole * below + under
        yield here, below
        if ratio == whole:
            return
        ratio = 1 / (ratio - whole)


def hardest(power):
    """Numbers m / 10**power of 18 or 19 digits that lie next to the middle of two floats.

    The middle is n / 2**shift with an odd n of 54 bits: m / n must be close to 10**power / 2**shift
    (Paxson 1991, "A program for testing IEEE decimal-binary conversion").
    """
    for shift in range(int(power * 3.3219281) - 11, int(power * 3.3219281) - 4):
        ratio = Fraction(10**power) / Fraction(2) ** shift
        for _, below in convergents(ratio):
            times = -(-(2**53) // below) | 1
            middle = below * times
            number = round(ratio * middle)
            if middle % 2 and middle < 2**54 and 10**17 < number < 10**19:
                yield number


@pytest.mark.parametrize("power", range(0, 251, 5))
def test_the_numbers_that_are_hardest_to_round(power):
    found = {number + more for number in hardest(power) for more in (-1, 0, 1)}
    assert found
    texts = [f"{number}e-{power}" for number in found]
    texts += [f"{str(number)[:4]}.{str(number)[4:]}e-{abs(power - 15)}" for number in found]
    texts += [f"0.{str(number).zfill(power)}" for number in found if 19 <= power <= 24]
    assert as_float_reads_them(texts)


def test_no_number_needs_the_others_to_be_there():
    for text in ("0", "7", "-3", "0.5", "12345678", "123456789", "1e5"):
        assert as_float_reads_them([text])


def test_what_overflows_is_infinite():
    assert np.isposinf(read(["1e400"])).all()
    assert np.isneginf(read(["-1e400"])).all()


ALSO_NO_NUMBERS = [
    "", "-", "--1", "+", ".", "-.5", "5.", "0.5.5", "0..5", "00", "-01", "01.5", "1e", "1e+", "1e-",
    "e5", "1e5e5", "1e5.5", "1e 5", "1 ", " 1", "1\t", "1\x0b", "1\u00a0", "0b1", "0o7", "1j", "1f",
    "1L", "0x1p3", "1__0", "_1", "1_", "1e1_0", "\uff11", "\u0661.\u0665", "1\u066b5", "\u22121",
    "0.\u0661", "NaN", "NAN", "Inf", "-Infinity", "null", "None", "NA", "#N/A", "#DIV/0!", "1/2",
    "50%", "$1", "1:2", "0,5".replace(",", ";"), "'1'", "(1)", "=1+1", "1.5e+-5", "1.5E++5",
    "0.12345678/", "0.1234567:", "0.123456789012345:", "0./2345678", "0.12345678901234567890123x",
    "1e:0", "1e/0", "12345678:0", "/.5", ":.5", "0-5", "1-", "0.5-", "-0.5-", "1e1000", "1e-0001",
    "9" * 402, "0." + "9" * 601, "\x00" * 3 + "1", "0.5\x7f", "\ufeff1",
]  # fmt: skip


@pytest.mark.parametrize("text", [*ALSO_NO_NUMBERS, *(set(NOT_NUMBERS.split()) - {"1e400", "1,0"})])
@pytest.mark.parametrize("place", [0, 3, 6])
def test_no_number(text, place):
    texts = ["0.5", "1", "0.123456789012345678", "-2.5e-3", "1e5", "0.25"]
    assert read(texts) is not None
    texts.insert(place, text)
    assert read(texts) is None
    assert read([text]) is None


@QUICK
@given(written(), st.data())
def test_one_wrong_byte_makes_no_number(text, data):
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 1))
    new = data.draw(st.characters(codec="utf-8", exclude_characters='\n\r,"\x00') | st.just(""))
    changed = text[:at] + new + text[at + cut :]
    if GRAMMAR.fullmatch(changed):
        assert as_float_reads_them([changed, "0.5"])
    else:
        assert read([changed, "0.5"]) is None
        assert read(["0.25", changed]) is None
