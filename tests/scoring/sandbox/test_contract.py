"""The table [model] of a competition.toml, and what the site says of wrong ones."""

import tomllib

import pytest

from scoring import SpecError
from scoring.sandbox.contract import Budgets, Contract, Format
from scoring.sandbox.settings import KEYS, contract_from

CLASSES = ["cat", "dog"]


def read(text, classes=CLASSES):
    return contract_from(tomllib.loads(text), classes)


def test_the_size_of_the_images_is_enough():
    assert read("image = [3, 32, 48]") == Contract(3, 32, 48, ("cat", "dog"))


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("size = 32", (3, 32, 32)),
        ("size = [24, 32]\nchannels = 1", (1, 24, 32)),
        ("image = [1, 8, 8]", (1, 8, 8)),
    ],
)
def test_size_and_channels_say_the_same_as_image(text, sides):
    found = read(text)
    assert (found.channels, found.height, found.width) == sides


def test_everything_that_can_be_set():
    found = read(
        'image = [3, 32, 32]\nformats = ["onnx", "pt2"]\nseconds = 2.5\nmemory_mb = 512\n'
        "file_mb = 10\nparameters = 1000\nmacs = 2000\nbf16 = true\nseveral = true\n"
        'classes = ["dog", "cat"]'
    )
    assert found.formats == {Format.ONNX, Format.PT2}
    assert found.budgets == Budgets(2.5, 512 << 20, 10 << 20, 1000, 2000)
    assert (found.bf16, found.several) == (True, True)
    assert found.classes == ("dog", "cat")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "needs image"),
        ("image = 32", "image must be"),
        ("image = [3, 32]", "image must be"),
        ("image = [3, 32, 32]\nsize = 32", "image must be alone"),
        ("image = [3, 32.0, 32]", "image must be a whole number"),
        ("image = [true, 32, 32]", "channels must be a whole number"),
        ("image = [3, 0, 32]", "image must be a whole number"),
        ("size = [32]", "size must be"),
        ("size = 32\nfromats = []", "does not know fromats"),
        ("size = 32\nformats = []", "formats must be"),
        ('size = 32\nformats = ["onnx", "pickle"]', "onnx, safetensors, pt2, torchscript"),
        ('size = 32\nformats = "onnx"', "formats must be a list"),
        ("size = 32\nseconds = 0", "seconds must be a number above 0"),
        ("size = 32\nseconds = inf", "seconds must be"),
        ("size = 32\nseconds = true", "seconds must be"),
        ("size = 32\nmemory_mb = 1.5", "memory_mb must be a whole number"),
        ("size = 32\nfile_mb = -1", "file_mb must be"),
        ('size = 32\nparameters = "many"', "parameters must be"),
        ("size = 32\nmacs = 0", "macs must be"),
        ("size = 32\nbf16 = 1", "bf16 must be true or false"),
        ('size = 32\nclasses = ["cat"]', "classes must be a list of at least two"),
        ('size = 32\nclasses = ["cat", "cat"]', "comes twice"),
        ('size = 32\nclasses = ["cat", "cow"]', "not those of the challenge"),
        ('size = 32\nclasses = ["cat", 1]', "classes must be a list"),
    ],
)
def test_a_wrong_table_is_refused_with_the_key_and_what_it_takes(text, words):
    with pytest.raises(SpecError, match=words):
        read(text)


def test_without_classes_anywhere_they_are_asked_for():
    with pytest.raises(SpecError, match="needs classes"):
        read("size = 32", classes=None)
    assert read('size = 32\nclasses = ["a", "b"]', classes=None).classes == ("a", "b")


def test_an_unknown_key_is_told_with_those_that_exist():
    with pytest.raises(SpecError) as error:
        read("size = 32\nheight = 3")
    assert all(key in str(error.value) for key in KEYS)


def test_the_example_in_the_docstring_is_taken():
    import scoring.sandbox.settings as settings  # noqa: PLC0415

    lines = [line.strip() for line in settings.__doc__.splitlines() if line.startswith("    ")]
    found = contract_from(tomllib.loads("\n".join(lines))["model"])
    assert found.classes == ("cat", "dog")
