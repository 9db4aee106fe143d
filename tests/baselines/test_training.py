"""How a network learns: every option does what it says, and a run can be gone on with."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from baselines import runs, train
from baselines.__main__ import app
from baselines.catalogue import dataset
from baselines.data.dataset import Dataset, Labelled
from baselines.errors import BaselineError, CallError
from baselines.training.options import Options
from baselines.training.schedules import SCHEDULES, schedule

torch = pytest.importorskip("torch")
deep = pytest.importorskip("baselines.deep")
augmenting = pytest.importorskip("baselines.training.augmenting")
optimisers = pytest.importorskip("baselines.training.optimisers")
checkpoints = pytest.importorskip("baselines.training.checkpoints")
rates = pytest.importorskip("baselines.training.rates")
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
    options = {"epochs": 60, "batch_size": 8, "rate": 1e-3, "schedule": "constant"}
    if arch in ("alexnet", "vgg11", "googlenet"):
        options["model"] = {"dropout": 0.0}
    trainer(arch, noise(n=8), **options).fit(onlooker)
    assert max(onlooker.accuracies) == 1.0


@pytest.mark.parametrize("name", list(optimisers.OPTIMISERS))
def test_every_optimiser_lowers_the_loss(name):
    rate = {"sgd": 0.5, "momentum": 0.1, "muon": 0.05, "rmsprop": 3e-4}.get(name, 2e-3)
    arch = "lenet5" if name == "muon" else "mlp"
    found = trainer(arch, optimiser=name, rate=rate, schedule="constant", batch_size=32)
    batch = torch.arange(32)
    losses = [found.try_rate(batch, rate) for _ in range(60)]
    assert losses[-1] < 0.8 * losses[0]


def test_muons_steps_are_orthogonal():
    step = optimisers.orthogonal(torch.randn(8, 40, generator=torch.Generator().manual_seed(0)), 8)
    values = torch.linalg.svdvals(step)
    assert float(values.min()) > 0.6 and float(values.max()) < 1.3


def test_muon_holds_the_norm_of_each_filter_bank():
    found = trainer("resnet9", optimiser="muon", rate=0.0)
    found.try_rate(torch.arange(16), 0.0)
    banks = [each for each in found.network.parameters() if each.ndim == 4]
    for bank in banks:
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


def test_resume_from_the_terminal(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SELDOM", 0.0)
    out = tmp_path / "run"
    words = ["train", "--arch", "lenet5", "--data", "digits", "--epochs", "3", "--out", str(out)]
    write = checkpoints.write

    def stopped(it, folder):
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
    assert json.loads(done.stdout.splitlines()[-1])["test_accuracy"] > 0.8
    assert not (out / checkpoints.NAME).exists()
    again = CliRunner().invoke(app, ["resume", str(out)])
    assert "is trained already" in again.stderr


def test_a_damaged_checkpoint_says_so(tmp_path):
    (tmp_path / checkpoints.NAME).write_bytes(b"no checkpoint")
    with pytest.raises(BaselineError, match="Remove it to begin anew"):
        checkpoints.restore(trainer(), tmp_path)


# --- errors and the rest -------------------------------------------------------------------------


def test_out_of_memory_names_a_batch_that_may_fit(tmp_path, onlooker, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(deep.Trainer, "_loss", full)
    data = noise()
    run = train.plan("lenet5", data, seed=0, options={"batch_size": 64})
    with pytest.raises(CallError, match="--batch-size 32"):
        train.train(run, data, tmp_path, onlooker)


def test_a_keyword_that_the_network_does_not_take_is_refused(tmp_path, onlooker):
    run = train.plan("resnet18", noise(), seed=0, options={"model": {"dropout": 0.5}})
    with pytest.raises(CallError, match="resnet18 does not take that"):
        train.train(run, noise(), tmp_path, onlooker)


def test_the_rate_finder_stops_where_the_loss_explodes():
    found = rates.search(trainer(data=dataset("digits", Path())))
    assert rates.LOWEST < found.best < 1
    assert max(found.rates) <= rates.HIGHEST
    assert all(math.isfinite(loss) for loss in found.losses)


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
