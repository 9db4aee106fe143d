"""The four steps of transfer learning, on networks small enough and photos of two colours."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from baselines import predict, runs, train
from baselines.__main__ import app
from baselines.data import challenge
from baselines.data.dataset import Dataset, Labelled
from baselines.data.decoding import Files
from baselines.errors import BaselineError, CallError
from baselines.runs import Run
from baselines.transfer import photos
from baselines.transfer.options import TransferOptions
from tests.baselines.conftest import Onlooker

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from baselines.training.device import device  # noqa: E402 - needs torch
from baselines.transfer import chain, frozen, learner, recipe  # noqa: E402
from baselines.transfer.views import View  # noqa: E402

PLAIN = device(bf16=False)
COLOURS = ("blue", "red")


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Noise that is reddish or bluish."""
    rng = np.random.default_rng(0)
    labels = np.arange(24) % 2
    pixels = rng.integers(0, 120, (24, 3, 40, 40), np.uint8)
    pixels[labels == 0, 2] += 120
    pixels[labels == 1, 0] += 120
    images = Labelled(pixels, labels)
    return Dataset("colours", COLOURS, images, images, "the same again")


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> str:
    """A file for squeezenet1_1, as if somebody had trained it."""
    return untrained("squeezenet1_1", tmp_path_factory)


@pytest.fixture(scope="module")
def mobile(tmp_path_factory) -> str:
    return untrained("mobilenet_v2", tmp_path_factory)


def untrained(base: str, tmp_path_factory) -> str:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / f"{base}.pth"
    torch.save(recipe.untrained(base).state_dict(), path)
    return str(path)


@pytest.fixture
def options(mobile) -> TransferOptions:
    return TransferOptions(
        base="mobilenet_v2", weights=mobile, side=32, head_epochs=3, tune_epochs=2
    )


def state(network) -> dict[str, Any]:
    return {name: values.clone() for name, values in network.state_dict().items()}


# ---------------------------------------------------------------- 1. load


@pytest.mark.parametrize("form", ["plain", "nested", "module", "safetensors", "other head"])
def test_weights_are_read_from_a_file(form, weights, tmp_path):
    saved = torch.load(weights, weights_only=True)
    path = tmp_path / "weights.pth"
    if form == "safetensors":
        path = path.with_suffix(".safetensors")
        pytest.importorskip("safetensors.torch").save_file(saved, path)
    elif form == "other head":
        body = {name: each for name, each in saved.items() if "classifier" not in name}
        torch.save({**body, "classifier.1.weight": torch.zeros(3, 512, 1, 1)}, path)
    else:
        prefix = "module." if form == "module" else ""
        renamed = {prefix + name: each for name, each in saved.items()}
        torch.save({"state_dict": renamed} if form == "nested" else renamed, path)
    network = recipe.pretrained("squeezenet1_1", str(path))
    name = "features.12.expand3x3.weight"
    assert torch.equal(network.get_parameter(name), saved[name])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"<html>not found</html>"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_damaged_file_is_named(content, suffix, tmp_path):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    with pytest.raises(BaselineError, match=f"weights{suffix} cannot be read.*Fetch it again"):
        recipe.pretrained("squeezenet1_1", str(path))


def test_a_file_that_carries_code_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return Path.touch, (tmp_path / "ran",)

    torch.save({"features.0.weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(BaselineError, match="cannot be read"):
        recipe.pretrained("squeezenet1_1", str(tmp_path / "evil.pth"))
    assert not (tmp_path / "ran").exists()


def test_a_file_of_something_else_is_refused(tmp_path):
    torch.save([1, 2, 3], tmp_path / "list.pth")
    with pytest.raises(BaselineError, match="holds no weights by name"):
        recipe.pretrained("squeezenet1_1", str(tmp_path / "list.pth"))


def test_weights_of_another_architecture_are_refused(weights):
    with pytest.raises(CallError, match=r"does not fit .* Name the file's own --base"):
        recipe.pretrained("squeezenet1_0", weights)


@pytest.mark.parametrize("base", ["lenet6", "vit_b_16", "inception_v3"])
def test_an_architecture_that_is_no_chain_is_refused(base):
    with pytest.raises(CallError, match=rf"{base} is no architecture .* mobilenet_v2 or resnet18"):
        recipe.pretrained(base, None)


def test_a_missing_file_is_named_with_the_names_to_download():
    with pytest.raises(CallError, match=r"no file absent\.pth\..*IMAGENET1K_V1"):
        recipe.pretrained("resnet18", "absent.pth")


def test_without_a_network_a_file_is_asked_for(monkeypatch):
    def refused(*_arguments, **_named):
        raise URLError("no route")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refused)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", refused)
    with pytest.raises(CallError, match=r"could not be downloaded .* --weights FILE"):
        recipe.pretrained("squeezenet1_1", "IMAGENET1K_V1")


# ---------------------------------------------------------------- 2. replace the head

HEADS = {
    "resnet18": "fc",
    "vgg11": "classifier.6",
    "alexnet": "classifier.6",
    "squeezenet1_1": "classifier.1",
    "mobilenet_v2": "classifier.1",
    "mobilenet_v3_small": "classifier.3",
    "densenet121": "classifier",
    "efficientnet_b0": "classifier.1",
    "shufflenet_v2_x0_5": "fc",
    "convnext_tiny": "classifier.2",
    "regnet_y_400mf": "fc",
}


@pytest.mark.parametrize(("base", "head"), HEADS.items())
def test_the_head_of_each_family_is_replaced(base, head):
    with torch.device("cpu" if base.startswith("regnet") else "meta"):  # shapes without numbers
        network = recipe.untrained(base)
        assert recipe.replace_head(network, 7) == head
        assert network.eval()(torch.empty(2, 3, 64, 64)).shape == (2, 7)


@pytest.mark.parametrize(
    ("base", "layers"),
    [
        ("resnet18", ["bn1", "layer3", "layer4.1", "avgpool", "fc"]),
        ("squeezenet1_1", ["features.5", "classifier.0", "classifier.1"]),
        ("mobilenet_v3_small", ["features.9", "avgpool", "classifier.0", "classifier.3"]),
        ("shufflenet_v2_x0_5", ["stage3", "conv5", "fc"]),
        ("regnet_y_400mf", ["trunk_output.block3", "fc"]),
    ],
)
def test_a_network_is_its_front_and_its_rest(base, layers):
    torch.manual_seed(0)
    network = recipe.untrained(base).eval()
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        expected = network(images)
        for layer in layers:
            found = chain.rest(network, layer)(chain.front(network, layer, images))
            torch.testing.assert_close(found, expected, msg=f"{base} cut at {layer}")


# ---------------------------------------------------------------- 3. freeze


@pytest.mark.parametrize("freeze", ["until features.99", "until ", "until classifier.9", "until"])
def test_an_unknown_layer_is_named_with_those_there_are(freeze):
    network = recipe.untrained("squeezenet1_1")
    with pytest.raises(CallError, match=r"There is no layer .* features\.12, .*classifier\.1\."):
        recipe.first_trainable(network, freeze)


def test_an_unknown_way_to_freeze_is_named():
    with pytest.raises(CallError, match="all, none or 'until LAYER', not half"):
        recipe.first_trainable(recipe.untrained("squeezenet1_1"), "half")


@pytest.mark.parametrize(
    ("freeze", "frozen_part"),
    [("all", "features."), ("until features.16", "features.1.")],
)
def test_frozen_weights_and_statistics_stay(freeze, frozen_part, options, data, onlooker):
    before = state(recipe.pretrained(options.base, options.weights))
    model = learner.transfer(data, replace(options, freeze=freeze), 0, onlooker, PLAIN)
    after = state(model.network[1])
    kept = [name for name in before if name.startswith(frozen_part)]
    assert any("running_mean" in name for name in kept)
    for name in kept:
        assert torch.equal(before[name], after[name]), name
    changed = {name for name in before if before[name].shape != after[name].shape}
    assert changed == {"classifier.1.weight", "classifier.1.bias"}
    assert onlooker.steps == recipe.steps(replace(options, freeze=freeze), len(data.train))
    if freeze != "all":
        for name in ("features.16.conv.0.0.weight", "features.16.conv.0.1.running_mean"):
            assert not torch.equal(before[name], after[name]), name


def test_with_nothing_frozen_the_first_layer_learns(options, data, onlooker):
    before = state(recipe.pretrained(options.base, options.weights))
    model = learner.transfer(data, replace(options, freeze="none"), 0, onlooker, PLAIN)
    after = state(model.network[1])
    assert not torch.equal(before["features.0.0.weight"], after["features.0.0.weight"])
    assert model.trainable == model.parameters


def test_only_what_learns_counts_as_trainable(options, data, onlooker):
    model = learner.transfer(data, options, 0, onlooker, PLAIN)
    assert model.trainable == 1280 * 2 + 2
    assert model.parameters > 2_000_000


def test_frozen_batch_norm_is_in_evaluation_mode():
    network = recipe.untrained("resnet18")
    recipe.freeze_before(network, "layer4")
    assert not network.bn1.training
    assert not network.layer3[0].bn1.training
    assert network.layer4[0].bn1.training
    assert not any(each.requires_grad for each in network.layer3.parameters())
    assert all(each.requires_grad for each in network.layer4.parameters())


# ---------------------------------------------------------------- 4. train


def test_rates_fall_towards_the_image():
    network = recipe.untrained("resnet18")
    groups = recipe.rates(network, "conv1", 0.1)
    assert [group["lr"] for group in groups] == sorted((g["lr"] for g in groups), reverse=True)
    assert groups[0]["lr"] == 0.1
    assert len(groups) == 4
    assert groups[0]["params"][0] is network.fc.weight
    assert groups[-1]["params"][0] is network.conv1.weight
    counted = [id(each) for group in groups for each in group["params"]]
    assert sorted(counted) == sorted(id(each) for each in network.parameters())


def test_learns_what_the_frozen_features_tell(weights, data, onlooker):
    """Even random filters tell red from blue."""
    options = TransferOptions("squeezenet1_1", weights, side=64, head_rate=0.1)
    model = learner.transfer(data, options, 0, onlooker)
    assert train.accuracy(model, data.test) > 0.9
    assert onlooker.accuracies[-1] > 0.9


def test_the_same_seed_gives_the_same_head(options, data, onlooker):
    first, second = (learner.transfer(data, options, 3, onlooker, PLAIN) for _ in range(2))
    heads = [each.network[1].classifier[1].weight for each in (first, second)]
    assert torch.equal(*heads)


def test_grey_images_of_any_size_are_seen():
    view = View(32)
    assert view(torch.rand(2, 1, 8, 8)).shape == (2, 3, 32, 32)
    assert view(torch.rand(2, 3, 50, 70)).shape == (2, 3, 32, 32)
    wide = torch.zeros(1, 3, 32, 96)
    wide[..., 32:64] = 1  # a white middle
    assert (view(wide) > 2).all()


# ---------------------------------------------------------------- the cache


@pytest.fixture
def backbone_runs(monkeypatch):
    """How often the frozen part was run on a batch."""
    runs, real = [], chain.front

    def counted(network, layer, images):
        runs.append(layer)
        return real(network, layer, images)

    monkeypatch.setattr(chain, "front", counted)
    return runs


def test_the_second_fit_does_not_run_the_backbone(options, data, onlooker, tmp_path, backbone_runs):
    options = replace(options, cache=tmp_path)
    first = learner.transfer(data, options, 0, onlooker, PLAIN)
    assert len(backbone_runs) == 1
    second = learner.transfer(data, options, 0, onlooker, PLAIN)
    assert len(backbone_runs) == 1
    pixels = data.test.pixels
    np.testing.assert_array_equal(first.probabilities(pixels), second.probabilities(pixels))


def test_the_key_is_of_all_that_matters(data):
    torch.manual_seed(0)
    network, pixels = recipe.untrained("squeezenet1_1"), data.train.pixels

    def key(layer="features.5", pixels=pixels, side=32, on=PLAIN):
        return frozen.key(network, layer, pixels, View(side), on)

    same = key()
    with torch.no_grad():
        network.features[12].squeeze.weight += 1  # behind the layer
    assert key() == same
    others = {key("features.6"), key(pixels=255 - pixels), key(side=48)}
    others.add(key(on=replace(PLAIN, bf16=True)))
    with torch.no_grad():
        network.features[0].bias[0] += 1
    others.add(key())
    assert len(others) == 5
    assert same not in others


def test_a_damaged_cache_is_made_again(options, data, onlooker, tmp_path, backbone_runs):
    options = replace(options, cache=tmp_path)
    learner.transfer(data, options, 0, onlooker, PLAIN)
    (kept,) = tmp_path.glob("*.npy")
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-100])
    learner.transfer(data, options, 0, onlooker, PLAIN)
    assert len(backbone_runs) == 2
    assert kept.read_bytes() == whole


def test_an_interrupted_computation_leaves_nothing(data, tmp_path, monkeypatch):
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(chain, "front", interrupted)
    network = recipe.untrained("squeezenet1_1")
    with pytest.raises(KeyboardInterrupt):
        frozen.features(network, "features.5", data.train.pixels, View(32), PLAIN, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(options, data, onlooker, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CallError, match=r"cannot be written to .* another --cache"):
        learner.transfer(data, replace(options, cache=tmp_path / "file"), 0, onlooker, PLAIN)


# ---------------------------------------------------------------- as a learner


@pytest.fixture
def run(data, options) -> Run:
    chosen = {"base": options.base, "weights": options.weights, "side": 32, "head_epochs": 2}
    return replace(train.plan("mlp", data, seed=0), arch="transfer",
                   options={"model": chosen, "bf16": False})  # fmt: skip


def test_a_run_comes_back_as_it_was(data, run, tmp_path, onlooker):
    model = learner.fit(data, run, onlooker)
    model.save(tmp_path)
    lost = replace(run, options={"model": {**run.training.model, "weights": "gone"}, "bf16": False})
    again = learner.load(tmp_path, lost)
    pixels = data.test.pixels
    np.testing.assert_array_equal(again.probabilities(pixels), model.probabilities(pixels))
    np.testing.assert_allclose(model.probabilities(pixels).sum(axis=1), 1, atol=1e-5)
    (tmp_path / "model.pt").write_bytes(b"PK broken")
    with pytest.raises(BaselineError, match="Train it again"):
        learner.load(tmp_path, run)


def middling(colour: str, width: int, height: int) -> bytes:
    """A photo whose middle has one colour and whose sides, most of it, have the other."""
    rng = np.random.default_rng(width * height)
    pixels = rng.integers(0, 100, (height, width, 3), np.uint8)
    start = (width - height) // 2
    inside = np.zeros(width, bool)
    inside[start : start + height] = True
    pixels[:, inside == (colour == "red"), 0] += 150
    pixels[:, inside == (colour == "blue"), 2] += 150
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def wide_photos(tmp_path_factory) -> Path:
    """train/ and val/ with photos of differing sizes, the same file names in each class."""
    folder = tmp_path_factory.mktemp("photos")
    for part, count in (("train", 8), ("val", 5)):
        for colour in COLOURS:
            (folder / part / colour).mkdir(parents=True)
            for at in range(count):
                photo = middling(colour, 150 + 5 * at, 48 + at)
                (folder / part / colour / f"{at}.png").write_bytes(photo)
    return folder


@pytest.fixture(scope="module")
def photo_run(wide_photos, weights, tmp_path_factory) -> Path:
    """As `transfer --data` would make it, but longer and faster for a head that stands on noise."""
    images = photos.read(wide_photos, 64)
    head = {"head_rate": 0.02, "head_epochs": 60}
    model = {"base": "squeezenet1_1", "weights": weights, "side": 64, **head}
    source = {"data": str(wide_photos), "root": "", "largest": None, "side": 64}
    run = train.plan("transfer", images, seed=0, options={"model": model}, source=source)
    out = tmp_path_factory.mktemp("transfer") / "run"
    train.train(run, images, out, Onlooker())
    return out


def test_predict_is_as_often_right_on_the_validation_photos_as_was_measured(photo_run, wide_photos):
    """Squashed to a square, these photos would look like the other class."""
    measured = runs.read(photo_run).metrics["test_accuracy"]
    assert measured > 0.8
    lines = predict.predict(photo_run, wide_photos / "val", None).decode().splitlines()[1:]
    right = [line.partition("/")[0] == line.partition(",")[2] for line in lines]
    assert len(right) == 10
    assert np.mean(right) == pytest.approx(measured)


def test_a_challenge_that_train_loaded_is_read_as_train_read_it(challenge_folder, run):
    """Its images of other sizes were resized as a whole, and so are new ones."""
    pictures = dict(Files(challenge_folder / "test.zip"))
    ours = replace(run, source={"data": str(challenge_folder)}, width=30, height=10)
    resized = learner.decode(pictures, ours)
    np.testing.assert_array_equal(resized, challenge.stack(pictures, (30, 10), False))
    photographed = learner.decode(pictures, replace(ours, source={**ours.source, "side": 32}))
    np.testing.assert_array_equal(photographed, photos.stack(pictures, (30, 10), False))
    assert (resized != photographed).any()


def test_answers_are_of_32_bit_floats_whatever_it_learnt_with(data, weights, onlooker):
    """As an exported file's are."""
    options = TransferOptions("squeezenet1_1", weights, side=64, head_epochs=5, head_rate=0.1)
    model = learner.transfer(data, options, 0, onlooker, replace(PLAIN, bf16=True))
    images = torch.from_numpy(data.test.pixels).float() / 255
    with torch.inference_mode():
        whole = model.network.float()(images).softmax(dim=1).numpy()
    assert np.abs(model.probabilities(data.test.pixels) - whole).max() < 1e-5
    assert not any(each.training for each in model.network.modules())  # nor does it learn by it


def test_a_transferred_network_can_be_looked_into(photo_run, tmp_path):
    for package in ("captum", "matplotlib"):
        pytest.importorskip(package)
    words = ["explain", str(photo_run), "--out", str(tmp_path)]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 0, answer.output
    page = (tmp_path / "index.html").read_text()
    assert "1.features.0" in page  # the first filters, behind the view
    assert "Convolution 26" in page


def test_options_come_in_words():
    assert TransferOptions.of({"cache": "here"}).cache == Path("here")
    with pytest.raises(CallError, match=r"takes no depth\. It takes base, cache"):
        TransferOptions.of({"depth": 3})
    with pytest.raises(CallError, match="32 or more"):
        TransferOptions.of({"side": 8})


@pytest.mark.parametrize("freeze", [["--freeze", "all"], []])
def test_passes_after_unfreezing_are_refused_where_all_stays_frozen(freeze, wide_photos, tmp_path):
    words = ["transfer", "--data", str(wide_photos), "--out", str(tmp_path / "run")]
    done = CliRunner().invoke(app, [*words, *freeze, "--tune-epochs", "3"])
    assert done.exit_code == 2
    assert "--tune-epochs changes nothing together with --freeze all" in done.stderr
    assert not (tmp_path / "run").exists()
    with pytest.raises(CallError, match="--rate changes nothing"):
        TransferOptions().refuse_idle({"rate": 0.1})
    TransferOptions(freeze="none").refuse_idle({"rate": 0.1, "tune_epochs": 3})


def test_the_bar_is_as_long_as_the_transfer(data, run, onlooker):
    learner.fit(data, run, onlooker)
    assert onlooker.steps == train.steps(run, data)
    assert train.steps(train.plan("knn", data, seed=0), data) == 1  # it has no batches either


# ---------------------------------------------------------------- photos


def photo(colour: str, size=(60, 40), form="JPEG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, form)
    return file.getvalue()


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path


FILES = {
    f"set/{part}/{colour}/{at}.jpg": photo(colour)
    for part in ("train", "val")
    for colour in COLOURS
    for at in range(5)
}


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_photos_become_a_data_set(form, tmp_path):
    source = archive(tmp_path / "set.zip", {**FILES, "set/README.txt": b"hello"})
    if form == "folder":
        zipfile.ZipFile(source).extractall(tmp_path / "out")
        source = tmp_path / "out"
    found = photos.read(source, 32)
    assert (found.classes, found.held_out) == (COLOURS, "validation set")
    assert found.train.pixels.shape == found.test.pixels.shape == (10, 3, 40, 60)
    assert found.train.labels.tolist() == [0] * 5 + [1] * 5
    brightest = found.train.pixels.mean(axis=(2, 3)).argmax(axis=1)
    assert brightest.tolist() == [2] * 5 + [0] * 5


def test_photos_of_differing_sizes_or_too_large_ones_are_brought_to_a_square(tmp_path):
    files = {**FILES, "set/val/red/wide.jpg": photo("red", (80, 40))}
    found = photos.read(archive(tmp_path / "set.zip", files), 32)
    assert (found.train.pixels.shape, found.test.pixels.shape) == ((10, 3, 32, 32), (11, 3, 32, 32))
    large = {name: photo("red", (photos.LARGEST + 1, 40)) for name in FILES}
    found = photos.read(archive(tmp_path / "large.zip", large), 32)
    assert found.train.pixels.shape == (10, 3, 32, 32)


def test_photos_without_colour_have_one_channel(tmp_path):
    file = io.BytesIO()
    Image.new("L", (60, 40), 90).save(file, "PNG")
    grey = {name.replace(".jpg", ".png"): file.getvalue() for name in FILES}
    assert photos.read(archive(tmp_path / "grey.zip", grey), 32).train.pixels.shape[1] == 1


def test_without_a_second_part_a_fifth_is_held_out(tmp_path):
    files = {name: content for name, content in FILES.items() if "/train/" in name}
    found = photos.read(archive(tmp_path / "set.zip", files), 32)
    assert (len(found.train), len(found.test)) == (8, 2)
    assert found.held_out == "validation fifth"


def test_the_middle_is_cut_out(tmp_path):
    """As torchvision's Resize(256), CenterCrop(224): an eighth of the shorter side goes."""
    wide = np.zeros((256, 400, 3), np.uint8)
    wide[16:240, 88:312] = 255
    file = io.BytesIO()
    Image.fromarray(wide).save(file, "PNG")
    files = {**FILES, "set/train/red/9.png": file.getvalue()}
    found = photos.read(archive(tmp_path / "set.zip", files), 224)
    assert found.train.pixels[-1].min() > 250


def test_the_middle_has_the_shape_that_is_asked_for():
    high = np.zeros((400, 128, 3), np.uint8)
    high[172:228, 8:120] = 255  # the middle of a shape twice as wide as high
    file = io.BytesIO()
    Image.fromarray(high).save(file, "PNG")
    (found,) = photos.stack({"a.png": file.getvalue()}, (112, 56), grey=True)
    assert found.shape == (1, 56, 112)
    assert found.min() > 250


@pytest.mark.parametrize(
    ("files", "error", "words"),
    [
        ({"set/train/red/a.jpg": photo("red")}, CallError, "at least two classes"),
        ({**FILES, "set/val/green/a.jpg": photo("green")}, BaselineError, "no train/green"),
        ({**FILES, "set/train/green/a.jpg": photo("green")}, BaselineError, "no val/green, so"),
        ({**FILES, "set/train/red/x.jpg": photo("red")[:300]}, BaselineError, "red/x.jpg cannot"),
        ({**FILES, "set/train/red/x.jpg": b"text"}, BaselineError, "red/x.jpg cannot be read"),
    ],
)
def test_what_is_wrong_with_photos_is_said(files, error, words, tmp_path):
    with pytest.raises(error, match=words):
        photos.read(archive(tmp_path / "set.zip", files), 32)


def test_a_source_that_is_not_there_or_no_archive(tmp_path):
    with pytest.raises(CallError, match="does not exist"):
        photos.read(tmp_path / "absent.zip")
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(BaselineError, match="not a whole zip archive"):
        photos.read(tmp_path / "cut.zip")


@pytest.mark.published_data
def test_a_real_network_knows_butterflies_from_crabs(shared, tmp_path, onlooker):
    source = shared / "photos" / "caltech101-24.zip"
    file = shared / "weights" / "squeezenet1_1_caffe-edb46aa9.pth"
    some = dict(Files(source, lambda name: "/butterfly/" in name or "/crab/" in name))
    data = photos.read(archive(tmp_path / "two.zip", some), 128)
    options = TransferOptions("squeezenet1_1", str(file), side=128)
    model = learner.transfer(data, options, 0, onlooker)
    assert train.accuracy(model, data.test) > 0.8
