"""Honest models in the sandbox: what a plain forward pass gives, in every format."""

import os
import re
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the models extra is not installed")
pytest.importorskip("onnxruntime", reason="the models extra is not installed")

import torch
from torch import nn

from scoring.sandbox.contract import Ending, Format, Job
from scoring.sandbox.images import ImagesError
from scoring.sandbox.server import ForkServer
from tests.scoring.sandbox import honest

pytestmark = pytest.mark.torch
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def network():
    return honest.network()


@pytest.fixture(scope="module")
def uploads(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uploads")
    return {kind: honest.write(kind, network, folder / f"model.{kind}") for kind in Format}


@pytest.fixture
def job(uploads, images):
    return Job(uploads[Format.ONNX], images, honest.contract())


@pytest.mark.parametrize("kind", Format)
def test_every_format_answers_as_a_plain_forward_pass(server, uploads, images, network, kind):
    outcome, answers = server.run(Job(uploads[kind], images, honest.contract(), seed=3))
    assert outcome.ending is Ending.DONE, outcome.message
    expected = honest.answers(network, np.load(images))
    assert answers.shape == expected.shape
    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers, expected, atol=1e-6)


@pytest.mark.parametrize("kind", Format)
def test_every_format_costs_the_same(server, uploads, images, network, kind):
    outcome, _ = server.run(Job(uploads[kind], images, honest.contract()))
    assert outcome.parameters == sum(weights.numel() for weights in network.parameters())
    # two convolutions and three layers of products, by hand from the shapes of LeNet-5 on 32 x 32
    assert outcome.macs == 28 * 28 * 6 * 75 + 10 * 10 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 3
    assert outcome.device == "cpu"


@pytest.mark.parametrize("kind", Format)
def test_the_order_in_which_a_model_sees_the_images_does_not_matter(server, uploads, images, kind):
    first, second = (
        server.run(Job(uploads[kind], images, honest.contract(), seed, batch_size=7))[1]
        for seed in (1, 2)
    )
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-6)


class Wide(nn.Module):
    def forward(self, pixels):
        wide = pixels.mean(dim=(2, 3)).repeat(1, 350_000)  # 4.2 MB for one image
        return wide[:, :3] + wide.mean(dim=1, keepdim=True)


class OneNaN(nn.Module):
    def forward(self, pixels):
        means = pixels.mean(dim=(2, 3))
        return means / (means[:, :1] != means[:, :1].max()).float()


class ByPosition(nn.Module):
    """Tells classes by the place in the batch, as one would who knows the order of the labels."""

    def forward(self, images):
        places = torch.arange(len(images)) % len(honest.CLASSES)
        return nn.functional.one_hot(places, len(honest.CLASSES)).float() + 0 * images.mean()


def test_a_model_that_knows_the_order_of_the_images_does_not_see_it(server, images, tmp_path):
    upload = honest.script(ByPosition(), tmp_path / "model.pt")
    _, answers = server.run(Job(upload, images, honest.contract(), seed=5))
    order = np.arange(len(answers)) % len(honest.CLASSES)
    assert (answers.argmax(axis=1) == order).mean() < 0.6


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_model_for_a_fixed_number_of_images_gets_that_many(
    server, images, network, tmp_path, size
):
    path = tmp_path / "model.onnx"
    upload = honest.onnx(network, path, size, fixed=True)
    outcome, answers = server.run(Job(upload, images, honest.contract()))
    assert (outcome.ending, outcome.batch_size) == (Ending.DONE, size)
    np.testing.assert_allclose(answers, honest.answers(network, np.load(images)), atol=1e-6)


def test_a_program_exported_for_a_fixed_number_of_images_gets_that_many(
    server, images, network, tmp_path
):
    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(network, honest.example(4)), path)
    upload = honest.Upload(path, Format.PT2)
    outcome, answers = server.run(Job(upload, images, honest.contract()))
    assert (outcome.ending, outcome.batch_size) == (Ending.DONE, 4)
    np.testing.assert_allclose(answers, honest.answers(network, np.load(images)), atol=1e-6)


def test_batches_shrink_until_they_fit_into_memory(server, tmp_path):
    images = tmp_path / "images.npy"
    np.save(images, honest.pixels(256))
    upload = honest.script(Wide(), tmp_path / "model.pt")
    outcome, answers = server.run(Job(upload, images, honest.contract(memory_bytes=600 << 20)))
    assert outcome.ending is Ending.DONE, outcome.message
    assert 16 <= outcome.batch_size <= 128
    means = np.load(images).astype(np.float32).mean(axis=(2, 3)) / 255
    np.testing.assert_allclose(answers, means + means.mean(axis=1, keepdims=True), atol=1e-4)


def test_progress_is_told_as_it_goes(server, job, tmp_path):
    images = tmp_path / "images.npy"
    np.save(images, honest.pixels(6000))
    seen: list[tuple[int, float]] = []
    job = replace(job, images=images, batch_size=8)
    outcome, _ = server.run(job, progress=lambda *told: seen.append(told))
    assert outcome.ending is Ending.DONE
    assert outcome.images == 6000
    assert seen
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert all(0 < done <= 6000 and rate > 0 for done, rate in seen)


def test_a_run_that_nobody_wants_any_more_ends(server, job, tmp_path, images):
    images = tmp_path / "images.npy"
    np.save(images, honest.pixels(50_000))
    enough = threading.Event()
    outcome, answers = server.run(
        replace(job, images=images, batch_size=1),
        progress=lambda *_: enough.set(),
        cancelled=enough.is_set,
    )
    assert (outcome.ending, answers) == (Ending.CANCELLED, None)


# --- What is refused, in words


@pytest.mark.parametrize(
    ("budget", "says"),
    [
        ({"parameters": 60_000}, "61,411 stored numbers; this challenge allows 60,000"),
        ({"macs": 600_000}, "651,132 multiply-accumulates"),
        ({"file_bytes": 1000}, "this challenge allows 1,000"),
    ],
)
def test_a_budget_that_is_not_kept(server, job, budget, says):
    outcome, answers = server.run(replace(job, contract=honest.contract(**budget)))
    assert (outcome.ending, answers) == (Ending.REFUSED, None)
    assert says in outcome.message


@pytest.mark.parametrize("kind", Format)
def test_answers_of_the_wrong_shape(server, uploads, images, kind):
    contract = replace(honest.contract(), classes=("a", "b", "c", "d"))
    outcome, _ = server.run(Job(uploads[kind], images, contract))
    assert outcome.ending is Ending.REFUSED
    if kind is not Format.SAFETENSORS:  # there the weights do not fit already
        assert re.search(r"numbers of the shape \[[12], 3\]", outcome.message)
        assert "[N, 4]" in outcome.message


def test_an_input_of_the_wrong_shape(server, network, tmp_path):
    upload = honest.write(Format.ONNX, network, tmp_path / "model.onnx")
    np.save(tmp_path / "images.npy", np.zeros((4, 1, 16, 16), np.uint8))
    contract = replace(honest.contract(), channels=1)
    outcome, _ = server.run(Job(upload, tmp_path / "images.npy", contract))
    assert outcome.ending is Ending.REFUSED
    assert "does not take float32 images [N, 1, 16, 16]" in outcome.message
    assert "3, 16, 16" in outcome.message


def test_answers_that_are_no_numbers(server, images, tmp_path):

    upload = honest.script(OneNaN(), tmp_path / "model.pt")
    outcome, answers = server.run(Job(upload, images, honest.contract()))
    assert (outcome.ending, answers) == (Ending.REFUSED, None)
    assert "finite" in outcome.message


@pytest.mark.parametrize("kind", Format)
def test_a_file_that_is_none(server, images, tmp_path, kind):
    (tmp_path / "model").write_bytes(b"this is no model" * 100)
    outcome, _ = server.run(Job(honest.Upload(tmp_path / "model", kind), images, honest.contract()))
    assert outcome.ending is Ending.REFUSED
    assert outcome.message


@pytest.mark.parametrize("name", ["no-such-net", "os:system", "torchvision/no_such", ""])
def test_an_architecture_that_there_is_not(server, uploads, images, name):
    upload = replace(uploads[Format.SAFETENSORS], architecture=name)
    outcome, _ = server.run(Job(upload, images, honest.contract()))
    assert outcome.ending is Ending.REFUSED
    assert "cannot be built" in outcome.message


def test_weights_of_another_architecture_are_named(server, uploads, images):
    upload = replace(uploads[Format.SAFETENSORS], architecture="mlp")
    outcome, _ = server.run(Job(upload, images, honest.contract()))
    assert outcome.ending is Ending.REFUSED
    assert "Missing key(s)" in outcome.message


def test_an_architecture_of_torchvision_with_its_keywords(server, images, tmp_path):
    models = pytest.importorskip("baselines.vision").models
    torch.manual_seed(0)
    network = models.get_model("mnasnet0_5", num_classes=3, dropout=0.1).eval()
    upload = honest.write(Format.SAFETENSORS, network, tmp_path / "model.safetensors")
    upload = replace(upload, architecture="torchvision/mnasnet0_5", arguments={"dropout": 0.1})
    outcome, answers = server.run(Job(upload, images, honest.contract()))
    assert outcome.ending is Ending.DONE, outcome.message
    np.testing.assert_allclose(answers, honest.answers(network, np.load(images)), atol=1e-4)
    # its own standardisation, where the file has none
    keywords = upload.arguments | {"mean": [0.5] * 3, "deviation": [0.25] * 3}
    _, answers = server.run(Job(replace(upload, arguments=keywords), images, honest.contract()))
    pixels = (torch.from_numpy(np.load(images)).float() / 255 - 0.5) / 0.25
    with torch.inference_mode():
        np.testing.assert_allclose(answers, network(pixels).numpy(), atol=1e-4)


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((3, 3, 8, 8), np.uint8), "Pack them again"),
        (np.zeros((3, 3, 16, 16), np.float32), "Pack them again"),
        (np.zeros((0, 3, 16, 16), np.uint8), "holds no images"),
    ],
)
def test_images_of_another_challenge_are_the_caller_s_mistake(server, job, tmp_path, array, says):
    np.save(tmp_path / "other.npy", array)
    with pytest.raises(ImagesError, match=says):
        server.run(replace(job, images=tmp_path / "other.npy"))


def test_a_site_that_keeps_its_files_to_itself_runs_every_format(uploads, images):
    """`make run` works under umask 077. What a .pt2 needs is imported by the job itself."""
    before = os.umask(0o077)
    try:
        with ForkServer.start(threads=1) as server:
            outcome, _ = server.run(Job(uploads[Format.PT2], images, honest.contract()))
    finally:
        os.umask(before)
    assert outcome.ending is Ending.DONE, outcome.message


def test_neither_the_server_s_process_imports_a_library_nor_what_it_stands_on():
    code = (
        "import sys; from scoring.sandbox import server, images, outputs, capabilities\n"
        "with server.ForkServer.start(bare=True): pass\n"
        "print([n for n in ('torch', 'onnxruntime', 'onnx', 'torchvision') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
