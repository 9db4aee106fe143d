"""Order and small changes of the images: honest models stay, tables of answers are found."""

import hashlib

import numpy as np
import pytest

from scoring import SpecError
from scoring.sandbox import perturbation
from scoring.sandbox.perturbation import (
    Verdict,
    copies,
    noisy,
    order_finding,
    perturbed,
    screen,
    shifted,
    write,
)

datasets = pytest.importorskip("sklearn.datasets")


@pytest.fixture(scope="module")
def digits():
    """Pixels (N, 1, 8, 8) from 0 to 255, and labels."""
    found = datasets.load_digits()
    pixels = np.round(found.images * 255 / 16).astype(np.uint8)[:, np.newaxis]
    return pixels, found.target


@pytest.fixture(scope="module")
def halves(digits):
    pixels, labels = digits
    return (pixels[:900], labels[:900]), (pixels[900:], labels[900:])


def flat(pixels):
    return pixels.reshape(len(pixels), -1) / 255


def logistic(train):
    linear = pytest.importorskip("sklearn.linear_model")
    model = linear.LogisticRegression(max_iter=300).fit(flat(train[0]), train[1])
    return lambda pixels: model.decision_function(flat(pixels))


def neighbours(train):
    nearest = pytest.importorskip("sklearn.neighbors")
    model = nearest.KNeighborsClassifier(3).fit(flat(train[0]), train[1])
    return lambda pixels: model.predict_proba(flat(pixels))


def lookup(pixels, labels):
    """The right answer for each of these images by the hash of its bytes, else the class 0."""
    hashes = [hashlib.sha256(one.tobytes()).digest() for one in pixels]
    table = dict(zip(hashes, labels, strict=True))

    def answer(images):
        known = [table.get(hashlib.sha256(one.tobytes()).digest(), 0) for one in images]
        return np.eye(10)[known]

    return answer


@pytest.mark.parametrize("learn", [logistic, neighbours])
def test_an_honest_model_is_steady_under_noise(learn, halves):
    train, (images, labels) = halves
    model = learn(train)
    assert (model(images).argmax(axis=1) == labels).mean() > 0.85
    finding = screen(model(images), {"noise": model(noisy(images, 0))})["noise"]
    assert finding.verdict is Verdict.STEADY
    assert finding.measured > 0.97


def test_a_table_of_answers_is_suspicious_under_noise(halves):
    _, (images, labels) = halves
    model = lookup(images, labels)
    assert (model(images).argmax(axis=1) == labels).all()
    finding = screen(model(images), {"noise": model(noisy(images, 0))})["noise"]
    assert finding.verdict is Verdict.SUSPICIOUS
    assert finding.measured < 0.3
    assert "table of answers" in finding.sentence


def test_a_shift_finds_the_table_and_not_the_honest_model(halves):
    (images, labels), (more, _) = halves
    large = images.repeat(4, axis=2).repeat(4, axis=3)
    unseen = more.repeat(4, axis=2).repeat(4, axis=3)
    changed = {name: perturbed(name, unseen, 1) for name in copies(32, 32)}
    assert set(changed) == {"noise", "shift"}
    honest = neighbours((large, labels))
    found = screen(honest(unseen), {name: honest(copy) for name, copy in changed.items()})
    assert {each.verdict for each in found.values()} == {Verdict.STEADY}
    table = lookup(unseen, np.arange(len(unseen)) % 10)
    found = screen(table(unseen), {name: table(copy) for name, copy in changed.items()})
    assert {each.verdict for each in found.values()} == {Verdict.SUSPICIOUS}


def test_few_images_convict_nobody():
    answers = np.eye(10)[[0, 1, 2, 3]]
    others = np.eye(10)[[0, 1, 4, 4]]
    assert screen(answers, {"noise": others})["noise"].verdict is Verdict.UNCLEAR


def test_small_images_are_not_shifted():
    assert copies(8, 8) == copies(32, 23) == ("noise",)


def test_noise_changes_every_value_by_one_and_leaves_none_out_of_range():
    images = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    changed = noisy(images, 3)
    away = changed.astype(int) - images.astype(int)
    assert set(np.unique(away)) == {-1, 1}
    assert away[0, 0, 0, 0] == 1
    assert away[0, 0, -1, -1] == -1
    assert (noisy(images, 3) == changed).all()
    assert (noisy(images, 4) != changed).any()


def test_a_shift_moves_and_repeats_the_edge():
    images = np.arange(9, dtype=np.uint8).reshape(1, 1, 3, 3)
    assert shifted(images, 0, 1)[0, 0].tolist() == [[0, 0, 1], [3, 3, 4], [6, 6, 7]]
    assert shifted(images, -1, 0)[0, 0].tolist() == [[3, 4, 5], [6, 7, 8], [6, 7, 8]]


@pytest.mark.parametrize("side", [5, 8, 24])
def test_an_image_is_changed_in_the_same_way_whatever_the_slice(side):
    images = np.random.default_rng(0).integers(0, 256, (7, 3, side, side), np.uint8)
    for name in ("noise", "shift"):
        whole = perturbed(name, images, 3)
        for rows in (1, 3):
            parts = [perturbed(name, images[n : n + rows], 3, n) for n in range(0, 7, rows)]
            assert (np.concatenate(parts) == whole).all()


def test_no_two_images_get_the_same_noise():
    changed = noisy(np.full((50, 1, 8, 8), 100, np.uint8), 0)
    assert len({image.tobytes() for image in changed}) == 50
    assert abs((changed == 101).mean() - 0.5) < 0.05


def test_a_copy_is_written_slice_by_slice(digits, tmp_path, monkeypatch):
    pixels, _labels = digits
    np.save(tmp_path / "test.npy", pixels)
    monkeypatch.setattr(perturbation, "SLICE_BYTES", 500 * 64)
    seen, real = [], perturbation.perturbed

    def counted(name, images, seed, first):
        seen.append(len(images))
        return real(name, images, seed, first)

    monkeypatch.setattr(perturbation, "perturbed", counted)
    steps = []
    write("noise", tmp_path / "test.npy", tmp_path / "noise.npy", 3, lambda: steps.append(1))
    assert seen == [500, 500, 500, 297]
    assert len(steps) == 4
    assert (np.load(tmp_path / "noise.npy") == noisy(pixels, 3)).all()


def test_what_nobody_waits_for_is_not_written_to_its_end(digits, tmp_path, monkeypatch):
    np.save(tmp_path / "test.npy", digits[0])
    monkeypatch.setattr(perturbation, "SLICE_BYTES", 64)
    steps = []

    def stop():
        steps.append(1)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        write("shift", tmp_path / "test.npy", tmp_path / "shift.npy", 3, stop)
    assert steps == [1]


def test_the_order_does_not_matter_to_a_model_without_state():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(50, 10)).astype(np.float32) * 5
    finding = order_finding(logits, np.nextafter(logits, np.float32(100)))
    assert finding.verdict is Verdict.STEADY
    assert 0 < finding.measured < 1e-6


def test_rounding_to_16_bits_is_told_from_going_by_position():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(200, 10)).astype(np.float32)
    rounded = order_finding(logits, logits.astype(np.float16).astype(np.float32))
    assert rounded.verdict is Verdict.UNCLEAR
    by_position = order_finding(logits, logits[rng.permutation(200)])
    assert by_position.verdict is Verdict.SUSPICIOUS
    assert "by the order" in by_position.sentence


def test_runs_over_other_images_cannot_be_compared():
    with pytest.raises(SpecError, match="same images"):
        order_finding(np.zeros((3, 2)), np.zeros((4, 2)))
    with pytest.raises(SpecError, match="same images"):
        screen(np.zeros((3, 2)), {"noise": np.zeros((3, 3))})
