"""The page of explain: what stands on it is what the network does."""

import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from baselines.errors import BaselineError

torch = pytest.importorskip("torch")
pytest.importorskip("captum")
pytest.importorskip("matplotlib")
from torch import nn  # noqa: E402

from baselines.explain import (  # noqa: E402
    answers,
    attribution,
    calibration,
    explain,
    feature_maps,
    figures,
    filters,
    layers,
    mistakes,
)

pytestmark = pytest.mark.torch
torch.set_num_threads(1)


class Page(HTMLParser):
    """The text, the tags and the pictures of a page."""

    def __init__(self, path):
        super().__init__()
        self.words, self.tags = [], []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, words):
        self.words.append(words)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def brightness(*, size=8, channels=1):
    """A network that calls the bright half of the images class 1, by its one convolution."""
    network = nn.Sequential(
        nn.Conv2d(channels, 2, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(2, 2),
    )  # fmt: skip
    with torch.no_grad():
        network[0].weight.zero_()
        network[0].weight[:, :, 1, 1] = 1 / channels
        network[0].bias.zero_()
        network[4].weight.copy_(torch.tensor([[-8.0, 0], [8, 0]]))
        network[4].bias.copy_(torch.tensor([4.0, -4]))
    return network.eval()


def shades(n=60, *, size=8, channels=1, wrong=()):
    """Images from dark to bright, labelled by whether they are bright; some labels are turned."""
    levels = np.linspace(0, 255, n).astype(np.uint8)
    pixels = np.broadcast_to(levels[:, None, None, None], (n, channels, size, size)).copy()
    labels = (levels > 127).astype(np.int64)
    labels[list(wrong)] ^= 1
    return pixels, labels


def answers_of(logits, labels):
    logits, labels = np.asarray(logits, np.float32), np.asarray(labels)
    pixels = np.zeros((len(labels), 1, 8, 8), np.uint8)
    rows = iter(torch.from_numpy(logits))

    class Parrot(nn.Module):
        def forward(self, images):
            return torch.stack([next(rows) for _ in images])

    return answers.ask(Parrot(), pixels, labels, logits.shape[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A page with three mistakes, made once."""
    pixels, labels = shades(wrong=(0, 1, 59))
    out = tmp_path_factory.mktemp("explain") / "new" / "page"
    path = explain(brightness(), pixels, labels, ("dark", "bright"), out, title="Shades")
    assert path == out / "index.html"
    return out


@pytest.fixture(scope="module")
def made(folder):
    return Page(folder / "index.html")


def test_the_page_says_how_good_the_network_is(made):
    """57 of 60 right: Wilson's interval is 86.30 % to 98.29 %."""
    assert "95.00 %" in made.text.replace("\xa0", " ")
    assert "86.30 % to 98.29 %" in made.text.replace("\xa0", " ")
    assert "3 answered wrongly" in made.text
    assert re.search(r"Parameters 26\b", made.text)


def test_what_answers_over_mirror_images_is_judged_so(tmp_path):
    """As `train`, `predict` and `export` do: bright on the left is then bright on the right."""
    pixels = np.zeros((20, 1, 8, 8), np.uint8)
    pixels[:10, ..., :4] = 255
    labels = np.arange(20) // 10
    network = nn.Sequential(
        nn.Conv2d(1, 1, 1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2)
    ).requires_grad_(False)
    network[0].weight.fill_(1)
    network[0].bias.zero_()
    network[3].weight.zero_()
    network[3].weight[0, ::8] = 1  # the first column says class 0
    network[3].bias.copy_(torch.tensor([-5.0, 0]))
    shown = {}
    for flips in (False, True):
        out = tmp_path / str(flips)
        path = explain(network, pixels, labels, ("a", "b"), out, title="x", flips=flips)
        shown[flips] = Page(path).text.replace("\xa0", " ")
    assert "100.00 %" in shown[False]
    assert "50.00 %" in shown[True]


def test_the_page_needs_nothing_beside_it(made):
    assert made.all("script") == made.all("link") == made.all("iframe") == []
    assert "http" not in made.source.lower().replace("http-equiv", "")
    assert "url(" not in made.source
    sources = [image["src"] for image in made.all("img")]
    sources += [source["srcset"] for source in made.all("source")]
    assert len(sources) > 10
    assert all(source.startswith("data:image/png;base64,") for source in sources)


def test_every_picture_has_words_and_every_table_scrolls(made):
    assert all(image["alt"].strip() for image in made.all("img"))
    scrolling = [box for box in made.all("div") if box.get("class") == "scroll"]
    assert len(made.all("table")) == len(scrolling) == 3


def test_the_pictures_lie_beside_the_page(folder):
    names = {path.name for path in (folder / "pictures").iterdir()}
    assert {"filters.png", "reliability.png", "mistake-01.png", "mistake-03.png"} <= names
    assert "mistake-04.png" not in names


HOSTILE = "</title><script>alert('x')</script>\"><img src=x onerror=y>\udc80"


def test_a_hostile_class_name_stays_text(tmp_path):
    pixels, labels = shades(wrong=(0, 1, 59))
    page = Page(explain(brightness(), pixels, labels, ("dark", HOSTILE), tmp_path, title=HOSTILE))
    assert page.all("script") == []
    assert not [image for image in page.all("img") if "onerror" in image or image["src"] == "x"]
    assert "alert('x')" in page.text


def test_the_first_filters_are_drawn_as_they_are():
    weights = np.zeros((2, 3, 2, 2), np.float32)
    weights[0, 0, 0, 0] = 2  # pure red, at the top left
    weights[1, :, 1, 1] = -0.1  # dark, at the bottom right
    drawn = filters.images(weights)
    assert drawn[0, 0, 0].tolist() == [255, 128, 128]
    assert drawn[1, 1, 1].tolist() == [0, 0, 0]
    assert (drawn[0, 1] == 128).all() and (drawn[1, 0] == 128).all()


def test_the_filters_are_those_of_the_convolution_used_first(tmp_path):
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.second = nn.Conv2d(4, 2, 3)
            self.first = nn.Conv2d(1, 4, 5)

        def forward(self, images):
            return self.second(self.first(images)).mean(dim=(2, 3))

    network = Backwards().eval()
    found = layers.convolutions(network, torch.zeros(1, 1, 12, 12))
    assert [(one.name, one.channels, one.height) for one in found] == [
        ("first", 4, 8),
        ("second", 2, 6),
    ]
    first = filters.first_layer(network, found, (1, 12, 12))
    assert (first.name, first.height, first.all, first.shown) == ("first", 5, 4, 4)


def patch(row, column, size=16):
    pixels = np.full((1, 1, size, size), 40, np.uint8)
    pixels[0, 0, row : row + 4, column : column + 4] = 250
    return pixels


@pytest.mark.parametrize(("row", "column"), [(1, 1), (2, 10), (11, 6)])
def test_saliency_and_grad_cam_point_to_the_only_informative_patch(row, column):
    network = brightness()
    with torch.no_grad():
        network[0].bias.fill_(-0.5)  # the ReLU is silent wherever it is dark
    image = answers.floats(network, patch(row, column))
    (layer,) = layers.convolutions(network, image)
    for heat in (
        attribution.grad_cam(network, layer.finished, image, 1),
        attribution.saliency(network, image, 1),
    ):
        there = np.zeros((16, 16), bool)
        there[row : row + 4, column : column + 4] = True
        assert there.flat[heat.argmax()]
        assert heat[there].min() > heat[~there].max()


def test_grad_cam_is_empty_where_nothing_speaks_for_the_class():
    network, image = brightness(), torch.ones(1, 1, 8, 8)
    (layer,) = layers.convolutions(network, image)
    assert attribution.grad_cam(network, layer.finished, image, 0).max() == 0
    assert attribution.grad_cam(network, layer.finished, image, 1).max() == 1


def test_what_the_relu_silences_is_no_evidence_in_the_drawn_grad_cam():
    """Before the ReLU the dark ground, negative times negative, would speak for class 0."""
    network = brightness()
    with torch.no_grad():
        network[0].bias.fill_(-0.5)
        network[4].bias.zero_()
    pixels = patch(2, 10)
    given = answers.ask(network, pixels, np.array([0]), 2)
    found = layers.convolutions(network, answers.floats(network, pixels))
    (example,) = attribution.examples(network, found, pixels, given, seed=0).examples
    assert (example.truth, example.said) == (0, 1)
    cold = figures.picture("cold", figures.heated(pixels[0], np.zeros((16, 16))))
    assert example.truth_cam.png == cold.png
    assert example.said_cam.png != cold.png


def test_grad_cam_looks_after_the_relu_of_the_last_convolution_with_a_map():
    lenet = nn.Sequential(
        nn.Conv2d(1, 2, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(2, 3, 3), nn.ReLU(),
        nn.Conv2d(3, 4, 10), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2),
    ).eval()  # fmt: skip
    found = layers.convolutions(lenet, torch.zeros(1, 1, 28, 28))
    last = attribution.last(found)
    assert (last.number, last.height, last.finished) == (2, 10, lenet[4])


def test_grad_cam_looks_after_a_residual_block():
    """Its one ReLU is used twice, and the convolution alone does not know the skip."""

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.shortcut = nn.Conv2d(1, 4, 1)  # written down first, used last, as in some ResNets
            self.conv1, self.bn1 = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
            self.conv2, self.bn2 = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
            self.relu = nn.ReLU()

        def forward(self, images):
            inner = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(images)))))
            return self.relu(inner + self.shortcut(images))

    network = nn.Sequential(Block(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)).eval()
    found = layers.convolutions(network, torch.zeros(1, 1, 8, 8))
    finished = [(one.name, one.finished) for one in found]
    assert finished == [
        ("0.conv1", network[0].bn1),
        ("0.conv2", network[0].bn2),
        ("0.shortcut", network[0]),
    ]
    assert attribution.last(found).finished is network[0]


def test_maps_of_a_right_and_a_wrong_image_of_the_same_class():
    logits = [[4, 0], [9, 0], [0, 5], [0, 8], [0, 3]]
    labels = [0, 0, 1, 0, 0]  # the last two are wrong, the fourth is worse
    assert feature_maps.pair(answers_of(logits, labels)) == [1, 3]
    assert feature_maps.pair(answers_of(logits[:3], labels[:3])) == [1]


def test_the_maps_that_vary_most_come_first():
    seen = torch.zeros(20, 4, 4)
    seen[3] = 50  # high, but the same everywhere: it says nothing about where
    seen[7, 0, 0] = 1
    (sheet,) = feature_maps.sheets("maps", ["right"], [seen])
    drawn = np.asarray(Image.open(io.BytesIO(sheet.png)))
    assert drawn[0, 0].tolist() == drawn[-1, -1].tolist() == [127, 127, 127, 255]  # the frames
    assert drawn[1, 1, :3].tolist() == [253, 231, 37]  # the upper end of viridis
    assert drawn[-2, -2].tolist() == [68, 1, 84, 255]  # the lower one, in the twelfth tile


def test_of_many_convolutions_eight_are_shown(tmp_path):
    deep = nn.Sequential(
        *(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.ReLU()) for _ in range(11)),
        nn.Flatten(),
        nn.Linear(64, 2),
    ).eval()
    pixels, labels = shades(4)
    found = layers.convolutions(deep, answers.floats(deep, pixels[:1]))
    given = answers.ask(deep, pixels, labels, 2)
    shown = feature_maps.compare(deep, found, pixels, given)
    assert [one.number for one in shown.layers] == [1, 2, 4, 5, 7, 8, 10, 11]
    assert shown.all == 11


def test_a_network_without_convolutions_has_a_page(tmp_path):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5), nn.ReLU(), nn.Linear(5, 2))
    pixels, labels = shades(channels=3)
    page = Page(explain(network.eval(), pixels, labels, ("a", "b"), tmp_path, title="MLP"))
    assert "it needs a convolution to look into, and this network has none" in page.text
    assert "This network has no convolution, so it has no feature maps" in page.text
    assert "one unit of the first linear layer" in page.text
    assert (tmp_path / "pictures" / "filters.png").is_file()
    assert not list((tmp_path / "pictures").glob("*-cam-*"))


def test_the_caller_s_network_stays_as_it_was(tmp_path):
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(144, 2)
    ).eval()
    before = {name: values.clone() for name, values in network.state_dict().items()}
    state = torch.get_rng_state()
    pixels, labels = shades(channels=3)
    explain(network, pixels, labels, ("a", "b"), tmp_path, title="x")
    assert all(torch.equal(before[name], now) for name, now in network.state_dict().items())
    assert all(weights.requires_grad and weights.grad is None for weights in network.parameters())
    assert network[1].inplace and not network[0]._forward_hooks
    assert torch.equal(state, torch.get_rng_state())


def test_the_same_seed_gives_the_same_page(tmp_path):
    pixels, labels = shades(wrong=(5,))
    pages = [
        explain(brightness(), pixels, labels, ("a", "b"), tmp_path / name, title="x", seed=3)
        for name in "ab"
    ]
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_the_gallery_has_the_highest_losses_first():
    given = answers_of([[0, 1], [0, 6], [0, 3], [9, 0]], [0, 0, 0, 0])
    pixels = np.zeros((4, 1, 8, 8), np.uint8)
    found = mistakes.gallery(pixels, given, 2)
    assert found.all == 3
    assert [one.in_truth for one in found.shown] == pytest.approx(
        [1 / (1 + np.e**6), 1 / (1 + np.e**3)]
    )
    assert mistakes.gallery(pixels, given, 0).shown == ()


def test_confused_pairs_have_a_direction():
    said, labels = np.array([1, 1, 1, 0, 2, 0]), np.array([0, 0, 1, 1, 2, 0])
    given = answers_of(np.eye(3)[said] * 5, labels)
    found = mistakes.confusion(np.zeros((6, 1, 8, 8), np.uint8), given, 3)
    assert found.matrix == [[1, 2, 0], [1, 1, 0], [0, 0, 1]]
    assert [(one.truth, one.said, one.count) for one in found.pairs] == [(0, 1, 2), (1, 0, 1)]
    assert found.pairs[0].share == pytest.approx(2 / 3)
    assert [len(one.examples) for one in found.pairs] == [2, 1]


def test_with_many_classes_only_the_confused_pairs_are_shown(tmp_path):
    many = tuple(f"class {at}" for at in range(31))
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 31)).eval()
    pixels, labels = shades()
    page = Page(explain(network, pixels, labels, many, tmp_path, title="many"))
    assert "With 31 classes the whole matrix would be unreadable" in page.text
    assert "true ↓" not in page.text
    assert "The most confused pairs" in page.text


def test_a_network_without_mistakes_is_said_to_have_none(tmp_path):
    pixels, labels = shades()
    page = Page(explain(brightness(), pixels, labels, ("a", "b"), tmp_path, title="perfect"))
    assert "There are none: every image was answered rightly." in page.text
    assert "There is no wrong answer to compare with." in page.text
    assert "No temperature was found" in page.text


def error(confidence, right):
    found = calibration.bins(np.array(confidence), np.array(right, bool))
    return calibration.expected_error(found)


def test_calibration_error_by_hand():
    calibrated = [0.8] * 10, [1] * 8 + [0] * 2
    assert error(*calibrated) == pytest.approx(0)
    # ten sure answers of which half are right, ten unsure ones as good as they claim
    overconfident = [0.9] * 10 + [0.6] * 10, [1] * 5 + [0] * 5 + [1] * 6 + [0] * 4
    assert error(*overconfident) == pytest.approx(0.5 * 0.4)
    # in one bin of the fifteen too high and too low even out, in two they do not
    assert error([0.61, 0.65], [1, 0]) == pytest.approx(0.63 - 0.5)
    assert error([0.61, 0.70], [1, 0]) == pytest.approx((0.39 + 0.70) / 2)


def test_a_confidence_of_one_and_a_bin_s_upper_end_have_a_bin():
    found = calibration.bins(np.array([1.0, 0.2, 0.2 + 1e-9]), np.array([True, False, True]))
    assert [(round(each.low * 15), each.count) for each in found] == [(2, 1), (3, 1), (14, 1)]


def test_the_temperature_undoes_a_factor():
    """Scores of an honest 80 %, three times too large: the loss is lowest at 3."""
    logits = np.tile(np.log([0.8, 0.2]) * 3, (100, 1)).astype(np.float32)
    labels = np.repeat([0, 1], [80, 20])
    assert calibration.temperature(logits, labels) == pytest.approx(3, rel=1e-3)
    assert calibration.temperature(logits / 6, labels) == pytest.approx(0.5, rel=1e-3)
    assert calibration.temperature(logits, labels * 0) is None  # all right: the surer the better


def test_the_temperature_mends_the_half_it_has_not_seen():
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 4000)
    labels = (rng.random(4000) > sure).astype(np.int64)
    logits = np.log(np.stack([sure, 1 - sure], axis=1)) * 4
    mended = calibration.mend(answers_of(logits, labels), seed=0)
    assert mended.images == 2000
    assert mended.temperature == pytest.approx(4, rel=0.1)
    assert mended.before > 0.1 and mended.after < 0.03
    assert calibration.mend(answers_of(logits[:49], labels[:49]), seed=0) is None


def test_what_chance_gives_shrinks_with_the_images():
    few, many = (calibration.by_chance(np.full(n, 0.8), seed=0) for n in (25, 2500))
    # the mean gap of a share of n is sqrt(2 / pi) of its standard error
    assert few == pytest.approx(0.8 * 0.08, rel=0.15)
    assert many == pytest.approx(0.8 * 0.008, rel=0.15)


@pytest.mark.parametrize(
    ("pixels", "labels", "message"),
    [
        (np.zeros((0, 1, 8, 8), np.uint8), [], "There are no images"),
        (np.zeros((3, 1, 8, 8), np.uint8), [0, 1], "3 images and 2 labels"),
        (np.zeros((2, 1, 8, 8), np.uint8), [0, 2], "Image 1 has the label 2"),
        (np.zeros((2, 1, 8, 8), np.uint8), [-1, 0], "Image 0 has the label -1"),
        (np.zeros((2, 1, 8, 8), np.float32), [0, 1], "must be bytes"),
        (np.zeros((2, 4, 8, 8), np.uint8), [0, 1], "1 or 3"),
    ],
)
def test_what_does_not_fit_together_is_refused_in_words(tmp_path, pixels, labels, message):
    with pytest.raises(BaselineError, match=message):
        explain(
            brightness(), pixels, np.array(labels, np.int64), ("a", "b"), tmp_path / "x", title="x"
        )
    assert not (tmp_path / "x").exists()


def test_a_network_for_other_classes_or_gone_astray_is_refused_in_words(tmp_path):
    pixels, labels = shades(4)
    with pytest.raises(BaselineError, match=r"for 3 classes it should be \(4, 3\)"):
        explain(brightness(), pixels, labels, ("a", "b", "c"), tmp_path, title="x")
    network = brightness()
    with torch.no_grad():
        network[4].bias.fill_(float("nan"))
    with pytest.raises(BaselineError, match="training went astray"):
        explain(network, pixels, labels, ("a", "b"), tmp_path, title="x")
    (tmp_path / "file").write_text("")
    with pytest.raises(BaselineError, match="cannot be written"):
        explain(brightness(), pixels, labels, ("a", "b"), tmp_path / "file", title="x")


def test_images_pass_in_batches_of_bounded_size():
    largest = 0

    class Watching(nn.Module):
        def forward(self, images):
            nonlocal largest
            largest = max(largest, images.shape[0] * images.shape[2] * images.shape[3])
            return torch.zeros(len(images), 2)

    pixels = np.zeros((30, 3, 224, 224), np.uint8)
    given = answers.ask(Watching(), pixels, np.zeros(30, np.int64), 2)
    assert len(given.labels) == len(given.said) == 30
    assert largest <= answers.POSITIONS
