"""Four training images of each class: what they are drawn from, who sees them, and where."""

import io
import zipfile
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.test import Client
from PIL import Image, PngImagePlugin

from competitions import files, lifecycle, preparing
from competitions.models import ClassSample, Competition, Preparation
from competitions.pictures.examining import thumbnails
from competitions.preparing import sprites
from holdout.accounts.models import User
from tests.competitions.zips import CLASSES, TRUTH, hidden_zip, packed, solution_csv

pytestmark = [pytest.mark.django_db, pytest.mark.once("test_preparing.py")]

Colour = tuple[int, int, int]
COLOURS: dict[str, Colour] = {"cat": (200, 30, 30), "dog": (30, 200, 30), "owl": (30, 30, 200)}
SECRET: Colour = (255, 0, 255)  # of the test images alone


def coloured(colour: Colour | str, size: tuple[int, int] = (8, 8), kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, kind)
    return stream.getvalue()


def train_of(colours: dict[str, Any], each: int = 5) -> bytes:
    return packed(
        {f"{name}/{n}.png": coloured(colours[name]) for name in colours for n in range(each)}
    )


@pytest.fixture
def prepared(draft: Competition) -> Callable[..., Competition]:
    """``prepared(train)``: the draft after an upload whose test images are of the secret colour."""

    def upload(train: bytes | None = None) -> Competition:
        hidden = packed({name: coloured(SECRET) for name in TRUTH})
        inbox = preparing.receive(
            draft.pk, train=[train or train_of(COLOURS)], test=[hidden], solution=[solution_csv()]
        )
        preparing.prepare(draft.pk, inbox)
        return Competition.objects.get(pk=draft.pk)

    return upload


def picture(sample: ClassSample) -> Image.Image:
    return Image.open(io.BytesIO(files.read("data", sample.path)))


def colours_of(sample: ClassSample) -> set[Colour]:
    """The colours that are not transparent."""
    found: Any = picture(sample).getcolors(1 << 16)
    return {colour[:3] for _count, colour in found if colour[3]}


def counts(competition: Competition) -> list[tuple[Any, ...]]:
    return list(competition.class_samples.values_list("position", "name", "images"))


# --- what they are drawn from --------------------------------------------------------------------


def test_each_class_is_counted_and_drawn_from_its_own_training_images(prepared):
    competition = prepared()
    assert counts(competition) == [(0, "cat", 5), (1, "dog", 5), (2, "owl", 5)]
    for sample in competition.class_samples.all():
        assert colours_of(sample) == {COLOURS[sample.name]}


def test_no_test_image_is_ever_shown(prepared):
    for sample in prepared().class_samples.all():
        assert SECRET not in colours_of(sample)


def test_the_order_is_the_challenges(prepared):
    numbers = {"10": "red", "9": "green", "1": "blue"}
    truth = dict(zip(TRUTH, [*numbers] * 10, strict=True))
    draft = prepared()  # replaced by other files below
    inbox = preparing.receive(
        draft.pk, train=[train_of(numbers)], test=[hidden_zip()], solution=[solution_csv(truth)]
    )
    preparing.prepare(draft.pk, inbox)
    assert [name for _position, name, _images in counts(draft)] == ["1", "9", "10"]


def test_the_same_upload_shows_the_same_four(prepared):
    many = {
        f"{name}/{n}.png": coloured((10 * n, 0, 0)) for name in CLASSES for n in range(20)
    }  # one shade per image
    first = prepared(packed(many)).class_samples.values_list("sha256", flat=True)
    before = list(first)
    again = prepared(packed(dict(reversed(many.items())))).class_samples.all()
    assert [sample.sha256 for sample in again] == before
    assert all(len(colours_of(sample)) == 4 for sample in again)


def test_a_class_of_three_images_leaves_a_cell_empty(prepared):
    sample = prepared(train_of(COLOURS, each=3)).class_samples.first()
    image = picture(sample)
    corner = image.getpixel((image.width - 1, image.height - 1))
    assert image.size == (114, 114)
    assert image.getpixel((0, 0)) == (*COLOURS["cat"], 255)
    assert corner == (0, 0, 0, 0)


def of_size(size: tuple[int, int]) -> bytes:
    return packed({f"{name}/{n}.png": coloured("red", size) for name in CLASSES for n in range(4)})


@pytest.mark.once("test_each_class_is_counted_and_drawn_from_its_own_training_images")
@pytest.mark.parametrize(
    ("size", "side"),
    [((1, 1), 114), ((8, 8), 114), ((28, 28), 114), ((32, 32), 130), ((55, 40), 112),
     ((56, 56), 114), ((640, 480), 114), ((3, 900), 114)],
)  # fmt: skip
def test_pixels_of_small_images_stay_square_and_large_ones_are_scaled_down(prepared, size, side):
    assert picture(prepared(of_size(size)).class_samples.first()).size == (side, side)


def test_nothing_that_the_files_say_about_themselves_is_passed_on(prepared):
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", "taken at home")
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG", pnginfo=told, dpi=(300, 300))
    train = packed({f"{name}/{n}.png": stream.getvalue() for name in CLASSES for n in range(4)})
    sample = prepared(train).class_samples.first()
    assert picture(sample).info == {}
    assert b"home" not in files.read("data", sample.path)


@pytest.mark.once("test_each_class_is_counted_and_drawn_from_its_own_training_images")
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "RGBA", "I", "F", "CMYK"])
def test_every_kind_of_image_is_drawn(prepared, mode):
    kind = "TIFF" if mode in ("I", "F", "CMYK") else "PNG"
    stream = io.BytesIO()
    Image.new(mode, (20, 20)).save(stream, kind)
    train = packed(
        {f"{name}/{n}.{kind.lower()}": stream.getvalue() for name in CLASSES for n in range(4)}
    )
    assert prepared(train).class_samples.exclude(path="").count() == 3


def test_deep_greys_are_stretched(prepared):
    deep = Image.new("I;16", (4, 4), 1000)
    deep.putpixel((0, 0), 65535)
    stream = io.BytesIO()
    deep.save(stream, "PNG")
    train = packed({f"{name}/{n}.png": stream.getvalue() for name in CLASSES for n in range(4)})
    sample = prepared(train).class_samples.first()
    assert colours_of(sample) == {(0, 0, 0), (255, 255, 255)}


# --- what is broken, and what is too much --------------------------------------------------------


def broken() -> bytes:
    """A whole header and half the pixels: the look from outside finds nothing wrong."""
    noise = Image.effect_noise((64, 64), 90)
    stream = io.BytesIO()
    noise.save(stream, "JPEG")
    return stream.getvalue()[: stream.tell() // 2]


def mixed(broken_ones: Iterable[int], each: int = 6) -> bytes:
    bad, good = broken(), coloured("red", (64, 64), "JPEG")
    owls = {f"owl/{n}.jpg": bad if n in broken_ones else good for n in range(each)}
    return packed({"cat/a.jpg": good, "dog/a.jpg": good, **owls})


def test_a_broken_image_is_refused_by_name(prepared):
    competition = prepared(mixed(broken_ones=[1]))
    assert competition.preparation == Preparation.REFUSED
    assert "'owl/1.jpg', which is not a readable image" in competition.preparation_note


def test_what_is_refused_today_is_refused_still(prepared):
    train = packed({"cat/a.png": coloured("red"), "dog/b.png": b"GIF? no"})
    assert "'dog/b.png', which is not a readable" in prepared(train).preparation_note
    assert not ClassSample.objects.exists()


def test_only_so_many_classes_are_drawn(prepared, monkeypatch):
    monkeypatch.setattr(sprites, "MAX_SPRITES", 2)
    competition = prepared()
    assert len(counts(competition)) == 3
    assert list(competition.class_samples.exclude(path="").values_list("name", flat=True)) == [
        "cat",
        "dog",
    ]


def test_no_more_is_decoded_than_shown(prepared, monkeypatch):
    decoded = []

    def counted(pictures, side):
        found = list(pictures)
        decoded.extend(found)
        return thumbnails(found, side)

    monkeypatch.setattr(sprites, "thumbnails", counted)
    prepared(train_of(COLOURS, each=30))
    assert len(decoded) == 4 * len(COLOURS)


# --- who sees them -------------------------------------------------------------------------------


@pytest.fixture
def opened(prepared: Callable[..., Competition]) -> Competition:
    competition = prepared()
    lifecycle.open_now(competition, despite="no baseline in this test")
    return Competition.objects.get(pk=competition.pk)


def address(sample: ClassSample, version: str = "") -> str:
    return f"/competitions/secret/classes/{sample.position}.png{version}"


def test_everybody_sees_them_once_the_challenge_is_open(opened, clients, alice):
    sample = opened.class_samples.get(name="dog")
    for person in (None, alice):
        response = clients(person).get(address(sample))
        assert response.status_code == 200
        assert response.content == files.read("data", sample.path)
        assert response.headers["Content-Type"] == "image/png"
        assert response.headers["ETag"] == f'"{sample.sha256}"'
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_a_drafts_are_the_organisers(prepared, clients, alice, host):
    sample = prepared().class_samples.first()
    assert [clients(who).get(address(sample)).status_code for who in (None, alice, host)] == [
        404,
        404,
        200,
    ]


@pytest.mark.parametrize("position", ["3", "99999999999999999999999", "-1", "x"])
def test_there_is_nothing_at_other_positions(position, opened, clients):
    assert clients(None).get(f"/competitions/secret/classes/{position}.png").status_code == 404


def test_a_class_without_a_picture_answers_so(opened, clients):
    opened.class_samples.filter(position=0).update(path="", sha256="")
    assert clients(None).get("/competitions/secret/classes/0.png").status_code == 404
    assert clients(None).get("/competitions/nowhere/classes/0.png").status_code == 404


def test_who_has_it_need_not_fetch_it(opened, clients):
    sample = opened.class_samples.first()
    tag = {"headers": {"If-None-Match": f'"{sample.sha256}"'}}
    response = clients(None).get(address(sample), **tag)
    assert response.status_code == 304
    assert response.content == b""
    assert response.headers["ETag"] == f'"{sample.sha256}"'


def test_an_address_with_the_version_is_kept_for_ever(opened, clients):
    sample = opened.class_samples.first()

    def kept(version: str) -> str:
        found: str = clients(None).get(address(sample, version)).headers["Cache-Control"]
        return found

    assert "immutable" in kept(f"?v={sample.version}")
    assert kept("") == kept("?v=") == kept("?v=000000000000") == "private, no-cache"


def test_it_costs_one_query_beyond_the_challenge(opened, clients, django_assert_num_queries):
    path = address(opened.class_samples.first())
    with django_assert_num_queries(2):
        clients(None).get(path)


# --- the pages -----------------------------------------------------------------------------------


@pytest.fixture
def html(clients: Callable[..., Client]) -> Callable[..., str]:
    def get(path: str, person: User | None = None) -> str:
        return str(clients(person).get(path).content.decode())

    return get


def test_the_data_page_shows_the_images_and_the_balance(prepared, html, host):
    files_of = {f"{name}/{n}.png": coloured("red") for name in CLASSES for n in range(4)}
    files_of |= {f"owl/more{n}.png": coloured("red") for n in range(4)}
    samples = prepared(packed(files_of)).class_samples
    page = html("/competitions/secret/data/", host)
    for sample in samples.all():
        assert f'src="{address(sample)}?v={sample.version}" width="112" height="112"' in page
        assert f'alt="Four training images of class {sample.name}" loading="lazy"' in page
        assert f"<dt>{sample.name}</dt>" in page
    assert page.count('class="bar-a" width="50.0"') == 2
    assert page.count('class="bar-a" width="100.0"') == 1
    assert 'data-copy="cat\ndog\nowl\n"' in page
    assert "more class" not in page


def test_more_than_twenty_classes_are_folded(prepared, html, host):
    names = [f"k{n:02d}" for n in range(23)]
    competition = prepared()
    ClassSample.objects.all().delete()
    ClassSample.objects.bulk_create(
        ClassSample(competition=competition, position=n, name=name, images=n + 1, path="x")
        for n, name in enumerate(names)
    )
    page = html("/competitions/secret/data/", host)
    assert page.count("<summary>3 more classes</summary>") == 2
    assert all(f"<dt>{name}</dt>" in page for name in names)
    assert page.count("Training images of class") == 3  # those with fewer than four
    assert page.count("<details") == page.count("</details>")


def test_the_page_says_when_classes_have_no_picture(prepared, html, host):
    prepared()
    ClassSample.objects.filter(position=1).update(path="")
    page = html("/competitions/secret/data/", host)
    assert "2 of the 3 classes, four of each" in page
    assert "Four training images of class dog" not in page


def test_a_class_called_script_is_only_a_name(prepared, html, host):
    prepared()
    ClassSample.objects.filter(position=0).update(name='"><script>alert(1)</script>')
    assert "<script>alert" not in html("/competitions/secret/data/", host)


def test_the_card_has_a_row_of_them(opened, html):
    page = html("/")
    assert page.count('alt="" width="40" height="40"') == 3
    opened.class_samples.update(path="")
    assert 'class="thumbs"' not in html("/")


def test_the_archives_are_as_they_were(opened):
    """The sprites are no downloads."""
    assert list(opened.files.values_list("name", flat=True)) == [
        "train.zip", "test.zip", "train.csv", "sample_submission.csv", "starter.ipynb",
    ]  # fmt: skip
    train = files.read("data", opened.files.get(name="train.zip").path)
    with zipfile.ZipFile(io.BytesIO(train)) as archive:
        assert len(archive.namelist()) == 15
