"""How a network learns: every option does what it says, and a run can be gone on with."""

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from baselines import runs, train
from baselines.__main__ import app
from baselines.catalogue import dataset
from baselines.data.dataset import Dataset, Labelled
from baselines.errors import BaselineError, CallError
from baselines.training.options import USUAL_RATES, Options
from baselines.training.schedules import SCHEDULES, schedule

torch = pytest.importorskip("torch")
deep = pytest.importorskip("baselines.deep")
augmenting = pytest.importorskip("baselines.training.augmenting")
optimisers = pytest.importorskip("baselines.training.optimisers")
checkpoints = pytest.importorskip("baselines.training.checkpoints")
rates = pytest.importorskip("baselines.training.rates")
Device = pytest.importorskip("baselines.training.device").Device
pytestmark = pytest.mark.torch
torch.set_num_threads(1)

PLAIN = {"label_smoothing": 0.0, "bf16": False, "channels_last": False}


def noise(shape=(1, 8, 8), classes=10, n=32):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (n, *shape), dtype=np.uint8)
    images = Labelled(pixels, np.arange(n) % classes)
    return Dataset("noise", tuple(map(str, range(classes))), images, images, "itself")


def trainer(arch="lenet5", data=None, **options):
    images = data or noise()
    return deep.begun(images, train.plan(arch, images, seed=0, options={**PLAIN, **options}))


def weights(network):
    return torch.cat([each.detach().flatten() for each in network.parameters()])


# --- learning ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arch", ["mlp", "lenet5", "alexnet", "vgg11", "googlenet", "resnet9", "resnet18", "resnet20"]
)
def test_learns_a_batch_of_noise_by_heart(arch, onlooker):
    """A network that cannot has a broken gradient."""
    epochs = 60 if arch == "alexnet" else 30  # without normalisation it is slow to begin
    options = {"epochs": epochs, "batch_size": 8, "rate": 1e-3, "schedule": "constant"}
    if arch in ("alexnet", "vgg11", "googlenet"):
        options["model"] = {"dropout": 0.0}

    def enough(found):
        if onlooker.accuracies[-1] == 1.0:
            found.epochs = found.progress.epoch

    trainer(arch, noise(n=8), **options).fit(onlooker, enough)
    assert onlooker.accuracies[-1] == 1.0


@pytest.mark.parametrize("name", list(optimisers.OPTIMISERS))
def test_every_optimiser_lowers_the_loss(name):
    rate = {"sgd": 0.5, "momentum": 0.1, "muon": 0.05, "rmsprop": 3e-4}.get(name, 2e-3)
    arch = "lenet5" if name == "muon" else "mlp"
    found = trainer(arch, optimiser=name, rate=rate, schedule="constant", batch_size=32)
    batch = torch.arange(32)
    losses = [found.try_rate(batch, rate) for _ in range(60)]
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("name", ["momentum", "rmsprop", "muon"])
def test_there_may_be_no_momentum(name):
    found = trainer(optimiser=name, momentum=0.0)
    assert math.isfinite(found.try_rate(torch.arange(32), 1e-3))


def test_another_optimiser_comes_with_a_rate_that_is_usual_for_it():
    tuned = Options(rate=4e-3)
    assert tuned.changed({"optimiser": "sgd"}).rate == pytest.approx(0.1)
    assert tuned.changed({"optimiser": "sgd", "rate": 0.5}).rate == pytest.approx(0.5)
    assert tuned.changed({"optimiser": tuned.optimiser}).rate == pytest.approx(4e-3)
    assert set(USUAL_RATES) == set(optimisers.OPTIMISERS)


def test_muons_steps_are_orthogonal():
    step = optimisers.orthogonal(torch.randn(8, 40, generator=torch.Generator().manual_seed(0)), 8)
    values = torch.linalg.svdvals(step)
    assert float(values.min()) > 0.6 and float(values.max()) < 1.3


def test_muon_holds_the_norm_of_each_filter_bank():
    found = trainer("resnet9", optimiser="muon", rate=0.0)
    found.try_rate(torch.arange(16), 0.0)
    banks = [each for each in found.network.parameters() if each.ndim == 4]
    assert banks[0].requires_grad is False  # of the first layer, which does not learn
    for bank in banks[1:]:
        assert bank.detach().norm().item() == pytest.approx(len(bank) ** 0.5, rel=1e-3)


def test_muon_is_refused_where_there_are_no_filters():
    with pytest.raises(CallError, match="networks with convolutions"):
        trainer("mlp", optimiser="muon")


@pytest.mark.parametrize("name", ["optimiser", "schedule"])
def test_an_unknown_choice_names_the_known_ones(name):
    with pytest.raises(CallError, match="Choose one of"):
        trainer(**{name: "magic"})
    with pytest.raises(CallError, match="Choose of flip"):
        trainer(augment=("magic",))


def test_a_batch_in_parts_is_learnt_from_as_if_whole():
    """Where nothing is normalised over the batch."""
    whole, parts = trainer(batch_size=32), trainer(batch_size=32, part=7)
    batch = torch.arange(31)
    told = [each.learn_from(*each.feed.take(batch)) for each in (whole, parts)]
    assert torch.allclose(told[0], told[1])
    assert torch.allclose(weights(whole.network), weights(parts.network), atol=1e-6)


def test_images_to_look_at_are_of_all_classes():
    """Folders have them class by class."""
    labels = np.arange(1000) // 100
    images = Labelled(labels.astype(np.uint8)[:, None, None, None], labels)
    some = images.some(200)
    assert np.array_equal(some.pixels.ravel(), some.labels)
    assert np.bincount(some.labels, minlength=10).min() > 5
    assert np.array_equal(some.labels, images.some(200).labels)
    assert images.some(1000) is images


def test_resnet9_begins_with_filters_of_the_images_it_will_learn_from():
    pixels = np.zeros((32, 3, 8, 8), np.uint8)
    pixels[::2] = 255
    flat = Dataset("flat", ("0", "1"), *[Labelled(pixels, np.arange(32) % 2)] * 2, "itself")
    of_noise, of_flat = trainer("resnet9", noise((3, 8, 8))), trainer("resnet9", flat)
    first = [next(each.network.parameters()) for each in (of_noise, of_flat)]
    assert not torch.allclose(first[0], first[1])
    found = of_noise.network[1].whitening.weight.clone()
    of_noise.learn_from(*of_noise.feed.take(torch.arange(16)))
    assert torch.equal(of_noise.network[1].whitening.weight, found)


# --- schedules -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_a_share_of_the_rate_that_never_rises_at_the_end(name):
    shares = [schedule(name)(n / 1000) for n in range(1000)]
    assert max(shares) == pytest.approx(1, abs=0.01)
    assert min(shares) >= 0
    assert shares[-1] <= shares[500]


def test_published_schedules():
    assert [schedule("step")(at) for at in (0.49, 0.51, 0.76)] == [1.0, 0.1, 0.01]
    assert schedule("cosine")(0.5) == pytest.approx(0.5)
    assert schedule("one-cycle")(0.2) == pytest.approx(1)
    assert [schedule("high-then-decay")(at) for at in (0.25, 0.75)] == [1.0, 0.5]


def test_the_trainer_follows_the_schedule(onlooker):
    found = trainer(schedule="linear", epochs=2, batch_size=16, rate=1e-3)
    seen = []
    step = found.optimisers[0].step
    found.optimisers[0].step = lambda: (
        seen.append(found.optimisers[0].param_groups[0]["lr"]),
        step(),
    )
    found.fit(onlooker)
    assert seen == pytest.approx([1e-3, 0.75e-3, 0.5e-3, 0.25e-3])


# --- regularisers --------------------------------------------------------------------------------


def test_weight_decay_shrinks_weights_and_spares_biases():
    decayed, spared = optimisers.decayed(trainer().network, 0.1)
    assert decayed["weight_decay"] == 0.1 and spared["weight_decay"] == 0.0
    assert all(each.ndim > 1 for each in decayed["params"])
    assert all(each.ndim == 1 for each in spared["params"])


def test_l1_drives_weights_towards_zero(onlooker):
    few = trainer("perceptron", l1=0.05, epochs=30, rate=1e-2, weight_decay=0.0).fit(onlooker)
    many = trainer("perceptron", epochs=30, rate=1e-2, weight_decay=0.0).fit(onlooker)
    assert weights(few).abs().mean() < 0.5 * weights(many).abs().mean()


def test_mixup_blends_images_and_their_labels():
    images = torch.arange(4.0)[:, None, None, None].expand(4, 1, 2, 2)
    blends, partner, share = augmenting.mixed(images, 0.4)
    assert 0 <= share <= 1
    assert torch.allclose(blends, share * images + (1 - share) * images[partner])


def test_mixup_learns_the_blend_of_both_labels():
    found = trainer(mixup=0.4)
    images, labels = torch.rand(16, 1, 8, 8), torch.arange(16) % 10
    torch.manual_seed(3)
    blends, partner, share = augmenting.mixed(images, 0.4)
    assert 0.05 < share < 0.95
    with torch.no_grad():
        list(found.network.parameters())[-2].mul_(50)  # it has an opinion
    logits = found.network(blends)
    entropy = torch.nn.functional.cross_entropy
    expected = share * entropy(logits, labels) + (1 - share) * entropy(logits, labels[partner])
    torch.manual_seed(3)
    loss, _right = found._loss(images, labels)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert loss.item() != pytest.approx(entropy(logits, labels).item(), rel=1e-4)


def test_auxiliary_classifiers_learn_the_blend_as_well():
    found = trainer("googlenet", noise((3, 32, 32)), mixup=0.4)
    answer = torch.randn(16, 10, generator=torch.Generator().manual_seed(0))
    found.network.forward = lambda _images: (answer, answer)
    images, labels = torch.rand(16, 3, 32, 32), torch.arange(16) % 10
    torch.manual_seed(3)
    both, _right = found._loss(images, labels)
    found.network.forward = lambda _images: answer
    torch.manual_seed(3)
    one, _right = found._loss(images, labels)
    assert both.item() == pytest.approx(1.3 * one.item(), rel=1e-5)


def test_early_stopping_needs_ten_images():
    with pytest.raises(CallError, match="one training image in 10, and there are only 9"):
        trainer(early_stopping=1, data=noise(n=9))
    held = trainer(early_stopping=1, data=noise(n=10)).held
    assert held is not None and len(held) == 1


def test_early_stopping_copies_no_images():
    """They may lie in a file that is larger than the memory."""
    data = noise(n=64)
    found = trainer(early_stopping=1, data=data)
    assert found.feed.pixels.data_ptr() == data.train.pixels.ctypes.data
    assert sorted([*found.kept.tolist(), *found.held.tolist()]) == list(range(64))


def test_early_stopping_keeps_the_best_weights(onlooker):
    """On noise the validation loss only grows: it stops as soon as its patience is over."""
    found = trainer(early_stopping=2, epochs=40, rate=5e-3, data=noise(n=64))
    network = found.fit(onlooker)
    assert found.progress.epoch < 40
    assert found._held_loss(found.held) == pytest.approx(found.progress.best_loss, rel=1e-4)
    assert network is found.network


def test_averaged_weights_lie_between_those_of_the_run(onlooker):
    plain = trainer(epochs=3).fit(onlooker)
    averaged = trainer(epochs=3, ema=0.9).fit(onlooker)
    begin = trainer().network
    assert (
        0 < (weights(averaged) - weights(begin)).norm() < (weights(plain) - weights(begin)).norm()
    )


# --- augmentation --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", augmenting.AUGMENTATIONS)
@pytest.mark.parametrize("shape", [(5, 1, 8, 8), (4, 3, 32, 32), (2, 3, 20, 41)])
def test_another_view_has_the_same_shape_and_range(name, shape):
    torch.manual_seed(0)
    images = torch.rand(shape)
    view = augmenting.chain([name])(images, 0)
    assert view.shape == images.shape
    assert view.min() >= 0 and view.max() <= 1
    assert not torch.equal(view, images)


def test_alternate_shows_both_sides_of_every_image_in_two_epochs():
    images = torch.from_numpy(noise((3, 8, 8), n=64).train.pixels).float() / 255
    even, odd = augmenting.alternate(images, 4), augmenting.alternate(images, 5)
    mirrored = [torch.equal(a, b.flip(-1)) for a, b in zip(even, images, strict=True)]
    assert 10 < sum(mirrored) < 54
    assert torch.equal(odd, even.flip(-1))
    again = augmenting.alternate(images.flip(0), 4)  # whichever its neighbours in the batch are
    assert torch.equal(again, even.flip(0))


def test_alternate_shows_both_sides_of_large_images_and_of_what_is_moved_then():
    photos = 255 - torch.from_numpy(noise((3, 224, 224), n=32).train.pixels) // 4  # bright ones
    even = augmenting.alternate(photos.float() / 255, 0)
    mirrored = [torch.equal(a, b.flip(-1)) for a, b in zip(even * 255, photos.float(), strict=True)]
    assert 6 < sum(mirrored) < 26
    images = torch.from_numpy(noise(n=64).train.pixels).float() / 255
    views = []
    for names in (("alternate", "shift"), ("shift", "alternate")):
        torch.manual_seed(0)
        views.append(augmenting.chain(names)(images, 0))
    assert torch.equal(*views)


def test_a_flip_mirrors_some_and_leaves_the_others():
    torch.manual_seed(0)
    images = torch.rand(64, 1, 4, 4)
    view = augmenting.flip(images, 0)
    mirrored = [torch.equal(a, b.flip(-1)) for a, b in zip(view, images, strict=True)]
    same = [torch.equal(a, b) for a, b in zip(view, images, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 16 < sum(mirrored) < 48


def test_a_shift_moves_by_whole_pixels():
    torch.manual_seed(1)
    image = torch.zeros(200, 1, 16, 16)
    image[:, :, 8, 8] = 1
    spots = {tuple(at.tolist()) for at in augmenting.shift(image, 0).nonzero()[:, 2:]}
    assert spots == {(y, x) for y in range(6, 11) for x in range(6, 11)}


# --- seeds, checkpoints, resuming ----------------------------------------------------------------


def test_the_same_seed_gives_the_same_network(onlooker):
    one, other = (trainer(epochs=2, augment=("shift",)).fit(onlooker) for _ in range(2))
    assert torch.equal(weights(one), weights(other))


class Stop(Exception):
    pass


@pytest.mark.parametrize(
    "options", [{}, {"optimiser": "momentum", "ema": 0.9}, {"early_stopping": 50}]
)
def test_an_interrupted_run_ends_like_one_that_was_not(options, tmp_path, onlooker):
    chosen = {"epochs": 4, "batch_size": 8, **options}
    whole = trainer(**chosen).fit(onlooker)
    broken = trainer(**chosen)

    def end(it):
        checkpoints.write(it, tmp_path)
        if it.progress.epoch == 2:
            raise Stop

    with pytest.raises(Stop):
        broken.fit(onlooker, end)
    later = trainer(**chosen)
    assert checkpoints.restore(later, tmp_path)
    assert later.progress.epoch == 2
    assert torch.equal(weights(later.fit(onlooker)), weights(whole))


def test_a_checkpoint_remembers_how_long_it_took(tmp_path, onlooker):
    found = trainer(epochs=2)
    found.fit(onlooker, lambda it: checkpoints.write(it, tmp_path))
    spent = checkpoints.seconds(tmp_path)
    assert spent == pytest.approx(found.progress.seconds)
    assert 0 < spent < 60
    assert checkpoints.seconds(tmp_path / "none") == 0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_run_on_a_gpu_goes_on_with_the_same_random_numbers(tmp_path):
    found = trainer(augment=("flip", "shift"))
    checkpoints.write(found, tmp_path)
    expected = torch.rand(5, device="cuda")
    torch.cuda.manual_seed(99)
    assert checkpoints.restore(found, tmp_path)
    assert torch.equal(torch.rand(5, device="cuda"), expected)


def steps_of(folder):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = events.EventAccumulator(str(folder))
    found.Reload()
    return [each.step for each in found.Scalars("train/loss")]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_resume_from_the_terminal(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SELDOM", 0.0)
    out = tmp_path / "run"
    words = ["train", "--arch", "lenet5", "--data", "digits", "--epochs", "3", "--out", str(out)]
    write = checkpoints.write

    def stopped(it, folder):
        it.progress.seconds += 500  # of an evening
        write(it, folder)
        if it.progress.epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints, "write", stopped)
    broken = CliRunner().invoke(app, words)
    assert broken.exit_code == 130
    assert "resume" in broken.stderr
    assert runs.read(out).metrics == {}
    monkeypatch.setattr(checkpoints, "write", write)
    done = CliRunner().invoke(app, ["resume", str(out), "--json"])
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["test_accuracy"] > 0.8
    assert told["train_seconds"] > 500
    assert steps_of(out / "events") == [1, 2, 3]
    assert not runs.can_go_on(out)
    again = CliRunner().invoke(app, ["resume", str(out)])
    assert "is trained already" in again.stderr


def test_a_damaged_checkpoint_says_so(tmp_path):
    (tmp_path / runs.CHECKPOINT).write_bytes(b"no checkpoint")
    with pytest.raises(BaselineError, match="Remove it to begin anew"):
        checkpoints.restore(trainer(), tmp_path)


def test_training_does_not_go_on_with_somebody_elses_run(tmp_path, onlooker):
    """The folder holds an interrupted run of another seed, and the model of another learner."""
    data = noise()
    foreign = deep.begun(data, train.plan("lenet5", data, seed=0, options={**PLAIN, "epochs": 9}))
    foreign.progress.epoch = 8
    checkpoints.write(foreign, tmp_path)
    (tmp_path / "model.npz").write_bytes(b"of a softmax regression")
    run = train.plan("lenet5", data, seed=7, options={**PLAIN, "epochs": 2})
    expected = deep.fit(data, run, onlooker)
    _result, model = train.trained(run, data, tmp_path, onlooker)
    assert len(onlooker.accuracies) == 2 * 2
    assert torch.equal(weights(model.network), weights(expected.network))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.pt", "run.json"]


def test_a_run_that_could_not_be_measured_is_not_lost(tmp_path, monkeypatch):
    out = tmp_path / "run"
    words = ["train", "--arch", "lenet5", "--data", "digits", "--epochs", "1", "--out", str(out)]

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(train, "accuracy", interrupted)
        broken = CliRunner().invoke(app, [*words, "--no-log"])
    assert "It is trained" in broken.stderr
    assert (out / "model.pt").is_file()
    kept = runs.read(out)
    assert (dict(kept.metrics), kept.seconds > 0) == ({}, True)
    monkeypatch.setattr(deep, "fit", interrupted)  # nothing is trained again
    done = CliRunner().invoke(app, ["resume", str(out), "--json"])
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["test_accuracy"] > 0.1
    assert told["train_seconds"] == kept.seconds


def test_what_an_unfinished_run_left_is_not_explained(tmp_path):
    train.plan("lenet5", noise(), seed=0).save(tmp_path)
    done = CliRunner().invoke(app, ["explain", str(tmp_path), "--out", str(tmp_path / "page")])
    assert done.exit_code == 2
    assert "not trained to its end" in done.stderr and "resume" in done.stderr


# --- errors and the rest -------------------------------------------------------------------------


SHORT_OF_MEMORY = """
import json, resource, sys
import numpy as np, torch
from baselines import deep, train
from baselines.data.dataset import Dataset, Labelled
from baselines.errors import CallError
from baselines.training import memory
from baselines.watching import Nobody

torch.set_num_threads(1)
images = Labelled(np.zeros((1024, 1, 32, 32), np.uint8), np.arange(1024) % 10)
data = Dataset("noise", tuple("0123456789"), images, images, "itself")
settings = {"batch_size": 2_000_000_000, "epochs": 1, "model": {"width": 4}}
run = train.plan("lenet5", data, seed=0, options=settings)
few = train.plan("lenet5", data, seed=0, options={**settings, "batch_size": 8})
deep.fit(Dataset("few", data.classes, Labelled(images.pixels[:8], images.labels[:8]), images, ""),
         few, Nobody())  # once: what torch needs for itself
used = 1024 * int(next(line.split()[1] for line in open("/proc/self/status") if "VmSize" in line))
unlimited = resource.getrlimit(resource.RLIMIT_AS)[1]
resource.setrlimit(resource.RLIMIT_AS, (used + 100 * 2**20, unlimited))
told = []
for attempt in (deep.search_rate, lambda data, run: deep.fit(data, run, Nobody())):
    try:
        attempt(data, run)
    except CallError as error:
        told.append(str(error))
# what was tried before has left its gaps between what is still there
resource.setrlimit(resource.RLIMIT_AS, (used + 130 * 2**20, unlimited))
for one in ({"part": FITS}, {"batch_size": FITS}):
    deep.fit(data, train.plan("lenet5", data, seed=0, options={**settings, **one}), Nobody())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to such a limit")
def test_out_of_memory_names_how_many_images_fit():
    """A real shortage: the process may take 100 MB more than it needs to begin with."""
    code = SHORT_OF_MEMORY.replace("FITS", "int(told[1].split('--part ')[1].split()[0])")
    done = subprocess.run(
        [sys.executable, "-c", code + "print(json.dumps(told))"],
        capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert len(told) == 2
    words = r"1,024 images at once do not .*, (\d+) do\. --part \1 .* --batch-size \1 from smaller"
    assert all(re.search(words, one) for one in told)


def test_answers_are_given_in_smaller_batches_where_memory_is_short():
    """With the words of Linux' own allocator, from the real one."""
    answering = pytest.importorskip("baselines.training.answering")
    network, sizes = trainer("mlp").network, []

    class Greedy(torch.nn.Module):
        def forward(self, images):
            sizes.append(len(images))
            if len(images) > 2:
                torch.empty(2**55)
            return network(images)

    images = torch.from_numpy(noise().train.pixels[:7])
    found = answering.answers(Greedy(), Device("cpu", False, False), images)
    assert found.shape == (7, 10)
    assert max(sizes[-4:]) <= 2


def test_a_batch_of_answers_is_bounded_by_its_pixels():
    answering = pytest.importorskip("baselines.training.answering")
    sizes = []

    class Seen(torch.nn.Module):
        def forward(self, images):
            sizes.append(len(images))
            return images.flatten(1)[:, :3]

    answering.answers(Seen(), Device("cpu", False, False), torch.zeros(25, 3, 224, 224).byte())
    assert sizes == [10, 10, 5]


def test_what_learnt_with_16_bits_answers_with_32():
    found = trainer("resnet9", noise((3, 32, 32)), bf16=True)
    short = Device("cpu", bf16=True, channels_last=True)
    pixels = noise((3, 32, 32)).train.pixels
    with torch.inference_mode():
        exact = found.network.eval()(torch.from_numpy(pixels).float() / 255).softmax(dim=1).numpy()
    answer = deep.Deep(short.placed(found.network), short, flips=False).probabilities(pixels)
    assert np.abs(answer - exact).max() < 1e-5


def test_a_layer_that_cannot_be_repeated_is_said(onlooker, monkeypatch):
    def other_numbers(_trainer, images, _labels):
        return images.put_(torch.tensor([0]), torch.tensor([1.0]))  # torch refuses, on a CPU too

    monkeypatch.setattr(deep.Trainer, "_loss", other_numbers)
    run = train.plan("lenet5", noise(), seed=0, options={"deterministic": True})
    try:
        with pytest.raises(CallError, match=r"lenet5 has a layer .* Leave --deterministic out"):
            deep.fit(noise(), run, onlooker)
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("arch", ["lenet5", "resnet9"])
def test_a_training_that_diverges_says_so(arch, tmp_path, onlooker):
    run = train.plan(arch, noise(), seed=0, options={"rate": 1e30, "epochs": 20, "bf16": False})
    with pytest.raises(BaselineError, match=r"diverged.* A rate of 1e\+30 .*find-rate"):
        train.train(run, noise(), tmp_path, onlooker)
    assert not (tmp_path / "model.pt").exists()


@pytest.mark.parametrize("rate", [math.nan, math.inf, -1.0])
def test_a_rate_is_a_number_from_zero_on(rate):
    with pytest.raises(CallError, match="none to learn with"):
        Options().changed({"rate": rate})


def test_a_keyword_that_the_network_does_not_take_is_refused(tmp_path, onlooker):
    run = train.plan("resnet18", noise(), seed=0, options={"model": {"dropout": 0.5}})
    with pytest.raises(CallError, match="resnet18 does not take that"):
        train.train(run, noise(), tmp_path, onlooker)


def test_the_rate_finder_stops_where_the_loss_explodes():
    found = rates.search(trainer(data=dataset("digits", Path())))
    assert rates.LOWEST < found.best < 1
    assert max(found.rates) <= rates.HIGHEST
    assert all(math.isfinite(loss) for loss in found.losses)


def test_the_rate_finder_keeps_the_optimisers_apart_as_training_does():
    found = trainer("resnet9", optimiser="muon", rate=0.1)
    found.try_rate(torch.arange(16), 0.4)
    muon, rest = (each.param_groups[0]["lr"] for each in found.optimisers)
    assert (muon, rest) == (pytest.approx(0.4), pytest.approx(0.1))


def test_the_finders_picture_may_have_any_name(tmp_path):
    found = rates.Search([1e-3, 1e-2], [2.0, 1.0], 1e-3)
    for name in ("rates.txt", "rates"):
        path = rates.plot(found, tmp_path / name)
        assert path.read_bytes().startswith(b"\x89PNG")


def test_lenet5_learns_the_digits(tmp_path, onlooker):
    data = dataset("digits", Path())
    run = train.plan("lenet5", data, seed=0, options={"epochs": 8})  # the recipe gets further
    result = train.train(run, data, tmp_path, onlooker)
    assert result.test_accuracy >= 0.97
    assert onlooker.steps == train.steps(run, data)
    again = deep.load(tmp_path, runs.read(tmp_path))
    assert train.accuracy(again, data.test) == pytest.approx(result.test_accuracy, abs=1e-6)
    (tmp_path / "model.pt").write_bytes(b"not a model")
    with pytest.raises(BaselineError, match="Train it again"):
        deep.load(tmp_path, run)


def test_small_sets_are_not_repeated_without_end():
    assert Options().total_epochs(100) == 40
    assert Options().total_epochs(60_000) == 5
    assert Options(epochs=7).total_epochs(100) == 7
