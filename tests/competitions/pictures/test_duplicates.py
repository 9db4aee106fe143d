"""The same pictures and nearly the same ones, held against comparing every pair."""

import io
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from competitions.pictures import duplicates, marks


def pictures(count: int, seed: int = 0) -> np.ndarray:
    """Coarse blotches, as far from each other as photographs are."""
    draw = np.random.default_rng(seed).integers(0, 256, (count, 6, 6, 3), np.uint8)
    smooth = [Image.fromarray(each).resize((48, 48), Image.Resampling.BICUBIC) for each in draw]
    return np.stack([np.asarray(each) for each in smooth])


def near(stack: np.ndarray) -> list[list[int]]:
    return duplicates.near(marks.hashes(stack), marks.views(stack))


def test_equal_digests_come_in_sets():
    digests = np.frombuffer(b"".join(bytes([n]) * 16 for n in (1, 2, 1, 3, 2, 1)), "V16")
    assert duplicates.exact(digests) == [[0, 2, 5], [1, 4]]
    assert duplicates.exact(digests[:2]) == []


def test_different_pictures_are_no_copies():
    assert near(pictures(60)) == []


@pytest.mark.parametrize("change", ["brighter", "smaller", "JPEG", "flatter"])
def test_a_changed_copy_is_found(change):
    stack = pictures(40)
    picture = Image.fromarray(stack[7])
    match change:
        case "brighter":
            picture = ImageEnhance.Brightness(picture).enhance(0.8)
        case "flatter":
            picture = ImageEnhance.Contrast(picture).enhance(0.7)
        case "smaller":
            picture = picture.resize((24, 24), Image.Resampling.LANCZOS).resize((48, 48))
        case "JPEG":
            stream = io.BytesIO()
            picture.save(stream, "JPEG", quality=30)
            picture = Image.open(stream)
    copy = np.asarray(picture)[None]
    assert near(np.concatenate([stack, copy])) == [[7, 40]]


def test_copies_of_copies_hang_together():
    stack = pictures(10)
    assert near(np.concatenate([stack, stack[3:4], stack[3:4]])) == [[3, 10, 11]]


def test_among_pictures_alike_by_nature_only_the_same_count():
    """Digits in the middle of a black ground: most resemble another one."""
    ground = np.zeros((200, 28, 28), np.uint8)
    wobble = np.random.default_rng(0).integers(0, 120, (200, 12, 4))
    ground[:, 8:20, 12:16] = 130 + wobble
    ground[199] = ground[5]
    ground[199, 0, 0] = 1
    found = near(ground)
    assert [5, 199] in found
    assert sum(map(len, found)) < 20


def test_flat_pictures_are_like_nothing():
    assert near(np.zeros((30, 9, 9), np.uint8)) == []


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), max_size=40), st.integers(0, 12))
def test_no_pair_of_hashes_is_missed(values, bits):
    close = [v ^ 3 for v in values[:5]]
    hashes = np.array([*values, *close], np.uint64)
    found = {
        (int(a), int(b))
        for left, right in duplicates._candidates(hashes, lambda: bits)
        for a, b in zip(left, right, strict=True)
    }
    every = combinations(range(len(hashes)), 2)
    assert found == {
        (a, b) for a, b in every if (int(hashes[a]) ^ int(hashes[b])).bit_count() <= bits
    }


def test_a_hash_forgives_size_and_brightness():
    stack = pictures(20)
    small = stack[:, ::2, ::2]
    dim = (stack * 0.7).astype(np.uint8)
    for other in (small, dim):
        differing = np.bitwise_count(marks.hashes(stack) ^ marks.hashes(other))
        assert np.median(differing) <= duplicates.FAR < 20


def test_nothing_and_one_have_no_copies():
    assert duplicates.near(np.zeros(0, np.uint64), np.zeros((0, marks.VIEW_BYTES), np.uint8)) == []
    assert near(pictures(1)) == []


def test_a_film_of_alike_frames_is_not_compared_frame_by_frame(monkeypatch):
    """Of n frames that are all alike there are n² / 2 pairs."""
    compared = []
    einsum = np.einsum

    def counted(how, left, right):
        compared.append(len(left))
        return einsum(how, left, right)

    monkeypatch.setattr(duplicates.np, "einsum", counted)
    draw = np.random.default_rng(0)
    frame = draw.integers(10, 245, marks.VIEW_BYTES)
    views = (frame + draw.integers(-1, 2, (3000, marks.VIEW_BYTES))).astype(np.uint8)
    found = duplicates.near(np.full(3000, 7, np.uint64), views)
    assert found == [list(range(3000))]
    assert sum(compared) < 10 * 3000


def test_a_long_search_can_be_ended():
    def end():
        raise InterruptedError

    views = np.random.default_rng(0).integers(0, 256, (50, marks.VIEW_BYTES)).astype(np.uint8)
    with pytest.raises(InterruptedError):
        duplicates.near(np.zeros(50, np.uint64), views, end)
