"""The challenges that come with the program."""

import io
import shutil
import zipfile

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

import scoring
from competitions import files, solutions
from competitions.management import bundles
from competitions.management.bundles import BUNDLES
from competitions.models import Act, Competition, Kind, SolutionVersion, State
from competitions.preparing.sources.catalogue import SETS
from tests.classroom import compiled

pytestmark = pytest.mark.django_db


def load(*arguments: str) -> Competition:
    call_command("load_competition", *arguments, stdout=io.StringIO())
    return Competition.objects.latest("pk")


@pytest.mark.once("test_an_interrupted_load_is_finished_by_the_next")
def test_the_digits_are_halved_evenly():
    digits = load("digits", "--open")
    assert (digits.state, digits.daily_limit, digits.closes_at) == (State.OPEN, 100, None)
    version = digits.solution
    assert (version.rows, version.public_rows, version.private_rows) == (899, 450, 449)
    assert version.classes == list("0123456789")
    assert digits.decimals == 2
    truth = compiled(digits)
    counts = np.bincount(truth.codes[truth.public])
    assert np.abs(counts - 45).max() <= 2


@pytest.mark.once("test_an_interrupted_load_is_finished_by_the_next")
def test_every_image_is_an_image_under_a_name_that_tells_nothing():
    digits = load("digits")
    with zipfile.ZipFile(io.BytesIO(_file(digits, "test.zip"))) as archive:
        names = archive.namelist()
        with Image.open(io.BytesIO(archive.read(names[0]))) as image:
            assert (image.size, image.mode) == ((8, 8), "L")
    truth = compiled(digits)
    assert set(names) == set(truth.ids)
    assert len({len(name) for name in names}) == 1
    # 899 ranks of a shuffled deck: the correlation's standard deviation is 1 / sqrt(898) = 0.033
    ranks = np.argsort(np.argsort(truth.ids))
    assert abs(np.corrcoef(ranks, truth.codes)[0, 1]) < 0.17


@pytest.mark.once("test_an_interrupted_load_is_finished_by_the_next")
def test_two_installations_have_nothing_in_common():
    first, second = load("digits", "--slug", "one"), load("digits", "--slug", "two")
    ids = [set(compiled(made).ids) for made in (first, second)]
    assert not ids[0] & ids[1]


def test_loading_twice_does_nothing():
    load("digits")
    again = load("digits", "--open")
    assert (Competition.objects.count(), SolutionVersion.objects.count()) == (1, 1)
    assert again.state == State.OPEN
    Competition.objects.update(state=State.CLOSED)
    assert load("digits", "--open").state == State.CLOSED


def test_an_interrupted_load_is_finished_by_the_next():
    Competition.objects.create(slug="digits", title="Half loaded")
    assert load("digits").preparation == "ready"


@pytest.mark.once("test_an_interrupted_load_is_finished_by_the_next")
def test_the_sample_submission_scores_at_chance():
    digits = load("digits")
    report = scoring.evaluate(
        _file(digits, "sample_submission.csv"),
        compiled(digits),
        solutions.spec(digits),
    )
    assert report.score == pytest.approx(0.1, abs=0.01)


def test_an_unknown_bundle_names_those_there_are():
    with pytest.raises(
        CommandError, match="Shipped: cifar10, digits, fashion-mnist, mnist, photos"
    ):
        load("no-such-thing")


def test_a_misspelt_setting_is_refused(tmp_path):
    (tmp_path / "competition.toml").write_text('title = "x"\ndayly_limit = 3\n')
    with pytest.raises(CommandError, match="does not know dayly_limit"):
        load(str(tmp_path))


def test_a_value_out_of_range_is_refused(tmp_path):
    (tmp_path / "competition.toml").write_text('title = "x"\npublic_fraction = 1.5\n')
    with pytest.raises(CommandError, match="public_fraction"):
        load(str(tmp_path), "--slug", "x")


SETTINGS = 'title = "x"\nmetric = "map_at_k"\n'


def test_a_bundle_names_its_layout_and_its_parameters(tmp_path):
    words = f'{SETTINGS}layout = "ranked"\n[metric_parameters]\nk = 3\n'
    (tmp_path / "competition.toml").write_text(words)
    shutil.copy(BUNDLES / "digits" / "prepare.py", tmp_path)
    made = load(str(tmp_path), "--slug", "x", "--open")
    assert (made.layout, made.metric_parameters, made.state) == ("ranked", {"k": 3}, State.OPEN)
    assert _file(made, files.SAMPLE).split(b"\n")[1].endswith(b",0 1 2")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ('layout = "labels"\n', "layout: The metric 'map_at_k' does not take the layout"),
        ('layout = "pixels"\n', "not a valid choice"),
        ("[metric_parameters]\nk = 0\n", "metric_parameters: The parameter 'k'"),
        ('metric_parameters = "k=3"\n', "metric_parameters"),
        ("metric_parameters = {when = 2026-01-01}\n", "metric_parameters"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(tmp_path, words, sentence):
    (tmp_path / "competition.toml").write_text(SETTINGS + words)
    with pytest.raises(CommandError, match=sentence):
        load(str(tmp_path), "--slug", "x")
    assert not Competition.objects.exists()


@pytest.mark.parametrize("bundle", sorted(BUNDLES.iterdir()), ids=lambda path: path.name)
def test_a_bundle_is_a_plain_folder(bundle):
    names = {path.name for path in bundle.iterdir() if path.name != "__pycache__"}
    pages = {"competition.toml", "overview.md", "data.md", "rules.md"}
    assert names - {"prepare.py"} == pages
    build = bundles.settings_of(bundle).get("build")
    assert (build is None) is ("prepare.py" in names)
    made = bundles.create(bundle, bundle.name)
    assert made.overview
    assert made.data_page
    if build is not None and bundle.name != "photos":
        assert build["source"] in SETS


# --- from images ---------------------------------------------------------------------------------

BUILD = 'title = "x"\npublic_fraction = 0.5\n[build]\nsource = "images"\ntest_fraction = 0.4\n'


def photos(folder, each=10):
    """A folder of images for each of two classes, no two alike."""
    noise = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (folder / "images" / label).mkdir(parents=True)
        for n in range(each):
            pixels = noise.integers(0, 255, (12, 12), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "images" / label / f"{n}.png")
    return folder


def test_a_copied_template_makes_a_challenge_of_a_folder_of_photos(tmp_path):
    folder = shutil.copytree(BUNDLES / "photos", tmp_path / "trip")
    made = load(str(photos(folder)), "--open")
    assert (made.slug, made.title, made.state) == ("trip", "Our photos", State.OPEN)
    assert (made.solution.rows, made.solution.classes) == (6, ["cat", "dog"])
    act = Act.objects.get(kind=Kind.OPENED)
    assert act.reason == "Opened by command before the baselines were trained."
    assert act.details == {"overridden": ["baseline"]}
    assert made.baseline_runs.filter(arch="softmax").exists()


def test_a_script_names_what_the_images_are_in(tmp_path, settings):
    settings.DATASETS = photos(tmp_path / "sets")
    bundle = tmp_path / "own"
    bundle.mkdir()
    (bundle / "competition.toml").write_text('title = "x"\npublic_fraction = 0.5\n')
    (bundle / "prepare.py").write_text("def source(downloads):\n    return downloads / 'images'\n")
    assert load(str(bundle)).solution.classes == ["cat", "dog"]


def test_what_the_leak_report_found_must_be_decided_before_a_command_opens_it(tmp_path):
    (tmp_path / "competition.toml").write_text(BUILD)
    grey = Image.new("L", (12, 12), 128)
    photos(tmp_path)
    grey.save(tmp_path / "images" / "cat" / "grey.png")
    with pytest.raises(CommandError, match="waits for your decision: Images of one colour"):
        load(str(tmp_path), "--slug", "x", "--open")
    (tmp_path / "competition.toml").write_text(BUILD + '[build.remedies]\nconstant = "accept"\n')
    assert load(str(tmp_path), "--slug", "y", "--open").state == State.OPEN


@pytest.mark.parametrize(
    ("words", "script", "sentence"),
    [
        ("", "", "does not say what the files are made from"),
        ("[build]\n", "", "does not say what the files are made from"),
        ('[build]\nsorce = "x"\n', "", r"does not know build\.sorce"),
        ('[build]\nsource = "mnits"\n', "", "no published set 'mnits'"),
        (
            '[build]\nsource = "mnist"\n',
            "def prepare(a, b): ...",
            r"prepare and \[build\] both say .* Keep one",
        ),
        ('[build]\nsource = "x"\nremedies = {near = "burn"}\n', "", "near = 'burn' is no decision"),
        ("[build\n", "", "competition.toml: "),
    ],
)
def test_a_bundle_that_says_nothing_or_two_things_is_refused(tmp_path, words, script, sentence):
    (tmp_path / "competition.toml").write_text(f'title = "x"\n{words}')
    (tmp_path / "x").mkdir()
    if script:
        (tmp_path / "prepare.py").write_text(script)
    with pytest.raises(CommandError, match=sentence):
        load(str(tmp_path), "--slug", "x")


def _file(competition: Competition, name: str) -> bytes:
    return files.read("data", competition.files.get(name=name).path)
