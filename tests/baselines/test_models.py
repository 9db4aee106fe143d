"""Published facts of the networks, as tests; every one of them answers any image."""

import pytest

from baselines import catalogue, compare
from baselines.errors import CallError

torch = pytest.importorskip("torch")
TorchDispatchMode = pytest.importorskip("torch.utils._python_dispatch").TorchDispatchMode
shapes = pytest.importorskip("baselines.shapes")
task = pytest.importorskip("baselines.models.task")
pytestmark = pytest.mark.torch
torch.set_num_threads(1)  # such small networks gain nothing from a second core

IMAGENET, Task = task.IMAGENET, task.Task
NETWORKS = [name for name, one in catalogue.ARCHITECTURES.items() if one.network]
QUICK = [name for name in NETWORKS if name not in ("resnet50", "resnet152", "vgg19", "resnet34")]
DIGIT, CIFAR = Task(1, 28, 28, 10), Task(3, 32, 32, 10)


def built(arch, where, **options):
    return catalogue.named(catalogue.network_place(arch))(where, **options)


def parameters(arch, where=IMAGENET, **options):
    return shapes.table(arch, where, options).parameters


# --- LeNet-5 -------------------------------------------------------------------------------------


def test_lenet5_has_the_papers_layers():
    """LeCun et al. 1998, figure 2 and section II.B: C1 156, C5 48 120, F6 10 164 weights."""
    table = shapes.table("lenet5", Task(1, 32, 32, 10))
    # C3 is complete here: 16 * (6 * 25 + 1); the paper's table of connections leaves 1 516
    sizes = [layer.parameters for layer in table.layers if layer.parameters]
    assert sizes == [156, 2416, 48_120, 10_164, 850]
    maps = [(1, 32, 32), (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120, 1, 1), (84,)]
    assert [
        out for out in dict.fromkeys(layer.output for layer in table.layers) if out in maps
    ] == maps


# --- AlexNet -------------------------------------------------------------------------------------


def test_alexnets_first_layer():
    """Krizhevsky et al. 2012, section 3.5: 96 filters of 11x11x3 at stride 4."""
    first = next(one for one in shapes.table("alexnet", IMAGENET).layers if one.parameters)
    assert first.output == (96, 55, 55)
    assert first.parameters == 34_848 + 96  # the weights, and a bias for each filter
    assert shapes.output_side(227, 11, stride=4) == 55


def test_alexnet_has_sixty_million_weights():
    """Section 1: 60 million parameters, 650 000 neurons."""
    table = shapes.table("alexnet", IMAGENET)
    assert table.parameters == 60_965_224
    units = [one.output for one in table.layers if one.kind in ("Conv2d", "Linear")]
    assert sum(int(torch.tensor(out).prod()) for out in units) == pytest.approx(650_000, rel=0.02)


def test_response_normalisation_is_the_papers():
    """Section 3.3: b = a / (2 + 1e-4 * sum of the squares of 5 neighbouring maps) ** 0.75."""
    norm = pytest.importorskip("baselines.models.alexnet").ResponseNorm()
    maps = torch.randn(2, 9, 3, 3, generator=torch.Generator().manual_seed(0)) * 30
    torchs = torch.nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)
    torch.testing.assert_close(norm(maps), torchs(maps))
    assert sum(isinstance(one, type(norm)) for one in built("alexnet", CIFAR).modules()) == 2


# --- VGG -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arch", "count"), [("vgg11", 132_863_336), ("vgg16", 138_357_544), ("vgg19", 143_667_240)]
)
def test_vggs_weights(arch, count):
    """Simonyan, Zisserman 2015, table 2: 133, 138 and 144 million."""
    assert parameters(arch) == count


def test_three_3x3_see_what_one_7x7_sees_with_fewer_weights():
    assert shapes.receptive_field([(3, 1)] * 3) == shapes.receptive_field([(7, 1)]) == 7
    assert 3 * (3 * 3) < 7 * 7


def test_small_vggs_keep_the_order_of_layers():
    kinds = [m for m in built("vgg16", CIFAR).modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(kinds) == 13
    assert all(each.kernel_size == (3, 3) for each in kinds)


# --- GoogLeNet -----------------------------------------------------------------------------------


def test_googlenet_needs_a_fraction_of_alexnets_weights():
    """Szegedy et al. 2015 say twelve times fewer, of the network's body; with its last layer, and
    torchvision's batch normalisation, it is a ninth."""
    whole = parameters("googlenet")
    body = whole - 1024 * 1000 - 1000
    assert whole == 6_624_904
    assert parameters("alexnet") / whole > 9
    assert parameters("alexnet") / body > 10


def test_an_inception_module_lays_four_paths_side_by_side():
    inception = pytest.importorskip("baselines.models.googlenet").Inception
    module = inception(96, 32, (48, 64), (8, 16), 16, "relu").eval()
    assert module(torch.zeros(1, 96, 16, 16)).shape == (1, 32 + 64 + 16 + 16, 16, 16)


def test_the_auxiliary_classifier_speaks_while_it_learns():
    network = built("googlenet", CIFAR)
    logits, other = network.train()(torch.rand(2, 3, 32, 32))
    assert logits.shape == other.shape == (2, 10)
    assert network.eval()(torch.rand(2, 3, 32, 32)).shape == (2, 10)


# --- ResNets -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arch", "where", "count"),
    [
        ("resnet18", IMAGENET, 11_689_512),
        ("resnet34", IMAGENET, 21_797_672),
        ("resnet50", IMAGENET, 25_557_032),
        ("resnet152", IMAGENET, 60_192_808),
        ("resnet18", CIFAR, 11_173_962),
        ("resnet20", CIFAR, 269_722),
        ("resnet56", CIFAR, 853_018),
    ],
)
def test_resnets_weights(arch, where, count):
    """torchvision's; He et al. 2016, table 6: 0.27 and 0.85 million for CIFAR."""
    assert parameters(arch, where) == count


def test_a_residual_block_that_has_learnt_nothing_changes_nothing():
    block = pytest.importorskip("baselines.models.resnet").ResidualBlock(4, 4, 1, "relu").eval()
    torch.nn.init.zeros_(block.second.weight)
    x = torch.rand(2, 4, 8, 8)
    assert torch.equal(block(x), x)


def test_where_it_halves_the_image_the_new_maps_begin_empty():
    block = pytest.importorskip("baselines.models.resnet").ResidualBlock(2, 4, 2, "relu").eval()
    torch.nn.init.zeros_(block.second.weight)
    x = torch.rand(1, 2, 8, 8)
    assert torch.equal(block(x)[:, :2], x[:, :, ::2, ::2])
    assert not block(x)[:, 2:].any()


# --- arithmetic ----------------------------------------------------------------------------------


def test_ten_filters_of_5x5x3():
    assert shapes.convolution_weights(10, 5, 3) == 760
    assert shapes.output_side(32, 5, padding=2) == 32


@pytest.mark.parametrize("side", [8, 28, 32, 227])
@pytest.mark.parametrize(("size", "stride", "padding"), [(3, 1, 1), (5, 2, 0), (7, 3, 2)])
def test_the_formula_is_what_torch_does(side, size, stride, padding):
    layer = torch.nn.Conv2d(1, 1, size, stride=stride, padding=padding)
    expected = shapes.output_side(side, size, stride=stride, padding=padding)
    assert layer(torch.zeros(1, 1, side, side)).shape[-1] == expected


def test_a_unit_that_sees_every_pixel_of_a_photo():
    """The course's argument: 200x200x3 pixels are 120 000 weights for a single unit."""
    photo = Task(3, 200, 200, 10)
    assert shapes.table("mlp", photo, {"units": 1}).layers[1].parameters == 120_000 + 1


# --- all of them ---------------------------------------------------------------------------------


@pytest.mark.parametrize("arch", QUICK)
@pytest.mark.parametrize("where", [Task(1, 8, 8, 7), DIGIT, CIFAR, Task(3, 20, 41, 7)], ids=str)
def test_answers_any_small_image(arch, where):
    network = built(arch, where).eval()
    images = torch.rand(2, where.channels, where.height, where.width)
    with torch.inference_mode():
        assert network(images).shape == (2, where.classes)


class Operations(TorchDispatchMode):  # type: ignore[valid-type, misc]
    """Notes the names of all that torch does, gradients as well."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.add(str(function))
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "arch", ["mlp", "lenet5", "alexnet", "vgg11", "googlenet", "resnet20", "resnet9", "resnet18"]
)
def test_a_small_network_has_a_repeatable_gradient(arch):
    """On a GPU that of adaptive poolings is none, says `torch.use_deterministic_algorithms`."""
    network = built(arch, CIFAR).train()
    with Operations() as seen:
        answer = network(torch.rand(2, 3, 32, 32))
        sum(each.sum() for each in (answer if isinstance(answer, tuple) else (answer,))).backward()
    assert any("backward" in name or "mm" in name for name in seen.names)
    assert not [name for name in seen.names if "adaptive" in name]


@pytest.mark.parametrize(
    "arch", ["mlp", "lenet5", "alexnet", "vgg11", "googlenet", "resnet20", "resnet9"]
)
@pytest.mark.parametrize(
    "activation", ["relu", "leaky-relu", "elu", "tanh", "sigmoid", "gelu", "maxout"]
)
def test_every_activation_in_our_own_networks(arch, activation):
    network = built(arch, DIGIT, activation=activation)
    found = {type(module).__name__ for module in network.modules()}
    wanted = {"leaky-relu": "LeakyReLU", "relu": "ReLU", "elu": "ELU", "gelu": "GELU"}
    assert wanted.get(activation, activation.capitalize()) in found
    assert network.eval()(torch.rand(1, 1, 28, 28)).shape == (1, 10)


def test_maxout_is_the_larger_of_two_units():
    maxout = pytest.importorskip("baselines.models.layers").Maxout(2)
    values = torch.tensor([[1.0, 3.0, -2.0, -5.0]])
    assert maxout(values).tolist() == [[3.0, -2.0]]
    assert maxout(values[:, :, None, None]).shape == (1, 2, 1, 1)


def test_maxout_is_refused_where_it_would_change_a_published_network():
    with pytest.raises(CallError, match="needs a network of our own"):
        built("resnet18", CIFAR, activation="maxout")


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(CallError, match="relu, leaky-relu"):
        built("mlp", DIGIT, activation="swish")
    with pytest.raises(CallError, match="is no network"):
        catalogue.network_place("softmax")


def test_every_architecture_has_its_year():
    assert set(compare.YEARS) == set(catalogue.ARCHITECTURES)


# --- filters that come from the images -----------------------------------------------------------


def test_whitening_makes_what_neighbours_have_in_common_one():
    """Of the patches it was shown: variance 1, and nothing to do with each other."""
    layers = pytest.importorskip("baselines.models.layers")
    images = torch.randn(64, 3, 32, 32).cumsum(2).cumsum(3)
    whitening = layers.Whitening(3, 2)
    whitening.look_at(images)
    answers = whitening(images)
    assert torch.equal(answers[:, 12:], -answers[:, :12])
    spread = answers[:, :12, ::2, ::2].transpose(0, 1).flatten(1).cov()
    assert torch.allclose(spread, torch.eye(12), atol=0.01)
    assert not any(each.requires_grad for each in whitening.parameters())


def test_whitening_gives_maxout_other_pairs_in_each_copy():
    layers = pytest.importorskip("baselines.models.layers")
    whitening = layers.Whitening(3, 2, copies=2)
    images = torch.randn(64, 3, 32, 32).cumsum(2).cumsum(3)
    whitening.look_at(images)
    maps = layers.Maxout()(whitening(images)).transpose(0, 1).flatten(1)
    assert len(torch.unique(maps[:, :100].round(decimals=3), dim=0)) == 24


def test_a_large_image_is_made_smaller_without_new_patterns():
    fit = pytest.importorskip("baselines.models.layers").FitInto(32)
    stripes = (torch.arange(224) % 2).float().expand(1, 1, 224, 224)
    assert torch.allclose(fit(stripes)[..., 2:-2], torch.tensor(0.5), atol=0.1)
    small = torch.rand(1, 1, 8, 8)
    assert fit(small).shape == (1, 1, 32, 32)


def test_whitening_of_images_that_show_nothing_is_finite():
    layers = pytest.importorskip("baselines.models.layers")
    whitening = layers.Whitening(1, 2, copies=2)
    whitening.look_at(torch.zeros(1, 1, 8, 8))
    assert whitening.weight.isfinite().all()
    assert len(whitening.weight) == 16
