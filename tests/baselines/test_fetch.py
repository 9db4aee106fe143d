"""Downloads against a small real server."""

import shutil
import stat
import tomllib
import zipfile

import pytest
from typer.testing import CliRunner

from baselines import catalogue, fetch
from baselines.__main__ import app
from baselines.data import challenge
from baselines.errors import BaselineError, CallError
from baselines.remote import Site
from tests.baselines.conftest import FakeSite, png, running, zipped
from tests.baselines.test_decoding import damaged


def quiet(_name, _done, _total):
    pass


def gets(site, name):
    path = f"/competitions/sides/data/{name}"
    return [headers for method, seen, headers in site.seen if (method, seen) == ("GET", path)]


def test_the_command_joins_fetches_and_unpacks(site, tmp_path):
    words = ["fetch", site.url, "sides", "--token", "secret", "--out", str(tmp_path / "new")]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 0, answer.output
    for name, data in site.files.items():
        assert (tmp_path / "new" / name).read_bytes() == data
    assert len(list((tmp_path / "new" / "train" / "left").iterdir())) == 30
    assert len(list((tmp_path / "new" / "test").iterdir())) == 10
    assert [seen[1] for seen in site.seen if seen[0] == "POST"] == ["/api/competitions/sides/join/"]


def test_a_second_time_downloads_nothing(site, tmp_path):
    place = Site.at(f"{site.url}/competitions/sides/data/", None, "secret")
    fetch.fetch(place, tmp_path, quiet)
    site.seen.clear()
    site.cut = 0  # no byte would come
    fetch.fetch(place, tmp_path, quiet)
    downloads = [headers for _method, path, headers in site.seen if "/data/" in path]
    assert len(downloads) == len(site.files)
    assert all("If-None-Match" in headers for headers in downloads)


def test_goes_on_where_it_broke_off(site, tmp_path):
    place, site.joined, site.cut = Site.at(site.url, "sides", "secret"), True, 500
    with pytest.raises(BaselineError, match=r"broke off .* it will go on"):
        fetch.download(place, "train.zip", tmp_path, quiet)
    site.cut = None
    path = fetch.download(place, "train.zip", tmp_path, quiet)
    assert path.read_bytes() == site.files["train.zip"]
    assert gets(site, "train.zip")[-1]["Range"] == "bytes=500-"


def test_starts_anew_when_the_file_has_changed(site, tmp_path):
    place, site.joined, site.cut = Site.at(site.url, "sides", "secret"), True, 500
    with pytest.raises(BaselineError):
        fetch.download(place, "train.zip", tmp_path, quiet)
    site.cut, site.files["train.zip"] = None, zipped({"a/1.png": b"new"})
    path = fetch.download(place, "train.zip", tmp_path, quiet)
    assert path.read_bytes() == site.files["train.zip"]


def test_a_complete_part_is_not_asked_for_again(site, tmp_path):
    place, site.joined = Site.at(site.url, "sides", "secret"), True
    fetch.download(place, "train.csv", tmp_path, quiet)
    (tmp_path / "train.csv").rename(tmp_path / ".train.csv.part")
    path = fetch.download(place, "train.csv", tmp_path, quiet)
    assert path.read_bytes() == site.files["train.csv"]


def test_refuses_what_arrived_damaged(site, tmp_path):
    site.joined, site.hashes["test.zip"] = True, "0" * 64
    with pytest.raises(BaselineError, match=r"test.zip arrived damaged"):
        fetch.download(Site.at(site.url, "sides", "secret"), "test.zip", tmp_path, quiet)
    assert not (tmp_path / "test.zip").exists()
    assert not (tmp_path / ".test.zip.part").exists()


def test_a_file_that_is_the_sites_is_known_without_its_note(site, tmp_path):
    place, site.joined = Site.at(site.url, "sides", "secret"), True
    path = fetch.download(place, "train.csv", tmp_path, quiet)
    (tmp_path / ".train.csv.etag").unlink()
    assert fetch.download(place, "train.csv", tmp_path, quiet) == path
    fetch.download(place, "train.csv", tmp_path, quiet)
    assert "If-None-Match" in gets(site, "train.csv")[-1]


def test_never_overwrites_another_version(site, tmp_path):
    site.joined = True
    (tmp_path / "train.csv").write_text("mine")
    with pytest.raises(CallError, match="Fetch into an empty folder"):
        fetch.download(Site.at(site.url, "sides", "secret"), "train.csv", tmp_path, quiet)
    assert (tmp_path / "train.csv").read_text() == "mine"


def test_train_csv_may_be_missing_and_the_rest_not(site, tmp_path):
    del site.files["train.csv"]
    place = Site.at(site.url, "sides", "secret")
    assert len(fetch.fetch(place, tmp_path / "a", quiet)) == 3
    del site.files["test.zip"]
    with pytest.raises(BaselineError, match="There is no such file"):
        fetch.fetch(place, tmp_path / "b", quiet)


def test_unpacks_nothing_outside_its_folder(tmp_path):
    archive = tmp_path / "train.zip"
    for name in ("../evil.png", "/evil.png", "a/../../evil.png", "..\\evil.png", "C:evil.png"):
        archive.write_bytes(zipped({name: b"x"}))
        with pytest.raises(BaselineError, match="outside its folder"):
            fetch.unpack(archive, tmp_path / "train")
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(link, "../secret")
    with pytest.raises(BaselineError, match="holds a link"):
        fetch.unpack(archive, tmp_path / "train")
    archive.write_bytes(b"PK no")
    with pytest.raises(BaselineError, match="cannot be unpacked"):
        fetch.unpack(archive, tmp_path / "train")
    assert [path.name for path in tmp_path.iterdir()] == ["train.zip"]


def test_an_archive_with_a_damaged_file_is_named_and_leaves_nothing(tmp_path):
    (tmp_path / "train.zip").write_bytes(damaged("a/1.png"))
    with pytest.raises(BaselineError, match=r"train\.zip cannot be unpacked .* Fetch it again"):
        fetch.unpack(tmp_path / "train.zip", tmp_path / "train")
    assert [path.name for path in tmp_path.iterdir()] == ["train.zip"]


def test_an_older_folder_beside_a_new_archive_is_not_taken_for_it(site, tmp_path):
    """The folder would be read, and what was just downloaded would not."""
    (tmp_path / "train" / "left").mkdir(parents=True)
    (tmp_path / "train" / "left" / "000.png").write_bytes(png(0, 7))
    with pytest.raises(CallError, match=r"train holds other images than train\.zip .* Remove"):
        fetch.fetch(Site.at(site.url, "sides", "secret"), tmp_path, quiet)
    assert (tmp_path / "train" / "left" / "000.png").read_bytes() == png(0, 7)


def test_what_a_file_browser_leaves_in_a_folder_is_no_difference(site, tmp_path):
    place = Site.at(site.url, "sides", "secret")
    fetch.fetch(place, tmp_path, quiet)
    (tmp_path / "train" / ".DS_Store").write_bytes(b"icons")
    fetch.fetch(place, tmp_path, quiet)


def test_refuses_a_bomb(tmp_path, monkeypatch):
    archive = tmp_path / "train.zip"
    archive.write_bytes(zipped({"a/1.png": bytes(5000)}))
    monkeypatch.setattr(fetch, "UNPACKED_LIMIT", 4999)
    with pytest.raises(BaselineError, match="would take more than"):
        fetch.unpack(archive, tmp_path / "train")


def test_the_token_stays_with_its_host(site):
    """urllib would carry it along to wherever a redirect points."""
    with running(FakeSite({})) as door:
        door.redirect = site.url
        with pytest.raises(BaselineError, match="token is not known"):
            Site.at(door.url, "sides", "secret").ask("/api/submissions/7/")
    assert door.seen[-1][2]["Authorization"] == "Bearer secret"
    assert "Authorization" not in site.seen[-1][2]


def test_a_challenge_comes_from_a_folder_too(challenge_folder, tmp_path):
    words = ["fetch", str(challenge_folder), "--out", str(tmp_path / "copy")]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 0, answer.output
    assert len(list((tmp_path / "copy" / "test").iterdir())) == 10
    assert catalogue.dataset(str(tmp_path / "copy"), tmp_path).classes == ("left", "right")


def test_an_unpacked_challenge_is_copied_as_it_is(challenge_folder, tmp_path):
    for name in ("train", "test"):
        fetch.unpack(challenge_folder / f"{name}.zip", challenge_folder / name)
        (challenge_folder / f"{name}.zip").unlink()
    fetch.copy(challenge_folder, tmp_path / "copy")
    assert len(list((tmp_path / "copy" / "train").rglob("*.png"))) == 60


@pytest.mark.parametrize("unpacked", [False, True])
def test_a_challenge_is_not_copied_over_another(challenge_folder, tmp_path, unpacked):
    """An image of it has changed and one is gone: neither may be mixed with the copy of before."""
    if unpacked:
        fetch.unpack(challenge_folder / "train.zip", challenge_folder / "train")
        (challenge_folder / "train.zip").unlink()
    fetch.copy(challenge_folder, tmp_path / "copy")
    before = catalogue.dataset(str(tmp_path / "copy"), tmp_path)
    images = {f"{side}/{at}.png": png(0, at) for at in range(9) for side in ("left", "right")}
    (challenge_folder / "train.zip").write_bytes(zipped(images))
    if unpacked:
        shutil.rmtree(challenge_folder / "train")
        fetch.unpack(challenge_folder / "train.zip", challenge_folder / "train")
        (challenge_folder / "train.zip").unlink()
    with pytest.raises(CallError, match=r"is not what .* has of it\. Fetch into an empty folder"):
        fetch.copy(challenge_folder, tmp_path / "copy")
    after = catalogue.dataset(str(tmp_path / "copy"), tmp_path)
    assert (after.train.pixels == before.train.pixels).all()


def test_the_same_challenge_may_be_copied_again(challenge_folder, tmp_path):
    """Also where the source has unpacked it meanwhile."""
    fetch.copy(challenge_folder, tmp_path / "copy")
    fetch.unpack(challenge_folder / "train.zip", challenge_folder / "train")
    fetch.copy(challenge_folder, tmp_path / "copy")
    assert len(list((tmp_path / "copy" / "train").rglob("*.png"))) == 60


def test_a_folder_that_holds_more_of_a_challenge_than_the_source_is_another(
    challenge_folder, tmp_path
):
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "train.csv").write_text("id,label\n")
    (challenge_folder / "train.csv").unlink()
    with pytest.raises(CallError, match=r"train\.csv is not what"):
        fetch.copy(challenge_folder, tmp_path / "copy")


def test_a_folder_without_a_challenge_is_refused(tmp_path):
    with pytest.raises(CallError, match=r"neither train/ nor train\.zip"):
        fetch.copy(tmp_path, tmp_path / "copy")


def test_a_folder_is_not_copied_onto_itself(challenge_folder):
    with pytest.raises(CallError, match="Say where with --out"):
        fetch.copy(challenge_folder, challenge_folder)


def test_a_slug_alone_is_looked_up_on_the_site_in_the_environment(site, tmp_path, monkeypatch):
    monkeypatch.setenv("HOLDOUT_URL", site.url)
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, ["fetch", "sides", "--token", "secret"])
    assert answer.exit_code == 0, answer.output
    assert (tmp_path / "data" / "sides" / "train.zip").exists()


def test_a_slug_without_a_site_is_asked_for_one(monkeypatch):
    monkeypatch.delenv("HOLDOUT_URL", raising=False)
    answer = CliRunner().invoke(app, ["fetch", "sides", "--token", "secret"])
    assert answer.exit_code == 2
    assert "HOLDOUT_URL" in answer.output


# --- challenges that take models -----------------------------------------------------------------

MODELS = {
    "takes": "both", "channels": 1, "height": 10, "width": 12, "formats": ["onnx"],
    "seconds": 60, "memory_mib": 512, "file_mib": 16, "max_parameters": 5000, "max_macs": None,
    "bf16": True,
}  # fmt: skip
STRANGE = 'a "quoted" \\ name\n\x7fü'


def asks(site, **models):
    site.told = {
        "title": STRANGE,
        "metric": {"key": "fbeta"},
        "layout": "labels",
        "metric_parameters": {"beta": 0.5, "weights": {"left": [1, 1e-7], STRANGE: []}},
        "classes": ["right", "left"],
        "models": {**MODELS, **models},
    }
    return Site.at(site.url, "sides", "secret")


def test_what_is_asked_of_a_model_is_written_beside_the_files(site, tmp_path):
    found = fetch.fetch(asks(site), tmp_path, quiet)
    assert found[-1] == tmp_path / "competition.toml"
    told = tomllib.loads(found[-1].read_text(encoding="utf-8"))
    assert told.pop("model") == {
        "image": [1, 10, 12], "formats": ["onnx"], "seconds": 60, "memory_mb": 512, "file_mb": 16,
        "parameters": 5000, "bf16": True, "classes": ["right", "left"],
    }  # fmt: skip
    expected = {name: site.told[name] for name in ("title", "layout", "metric_parameters")}
    assert told == {"metric": "fbeta", **expected}


def test_a_challenge_without_models_has_no_such_file(site, tmp_path):
    fetch.fetch(Site.at(site.url, "sides", "secret"), tmp_path, quiet)
    assert not (tmp_path / "competition.toml").exists()


def test_rules_that_changed_are_written_anew_and_nothing_of_ones_own(site, tmp_path):
    place = asks(site)
    fetch.fetch(place, tmp_path, quiet)
    asks(site, seconds=30)
    fetch.fetch(place, tmp_path, quiet)
    written = (tmp_path / "competition.toml").read_text()
    assert "seconds = 30" in written
    (tmp_path / "competition.toml").write_text("[model]\nimage = [1, 8, 8]\n")
    with pytest.raises(CallError, match=r"was not written by fetch\. Fetch into an empty"):
        fetch.fetch(place, tmp_path, quiet)
    assert "8, 8" in (tmp_path / "competition.toml").read_text()


def test_where_models_alone_are_taken_the_training_images_come_and_no_others(site, tmp_path):
    for name in ("test.zip", "sample_submission.csv"):
        del site.files[name]
    found = fetch.fetch(asks(site, takes="models"), tmp_path, quiet)
    assert [path.name for path in found] == ["train.zip", "train.csv", "competition.toml"]
    assert (gets(site, "test.zip"), gets(site, "sample_submission.csv")) == ([], [])
    with pytest.raises(CallError, match="they stay on the site"):
        challenge.part(tmp_path, "test")


def test_a_copy_has_the_rules_too(site, tmp_path):
    fetch.fetch(asks(site), tmp_path / "first", quiet)
    for _again in range(2):
        fetch.copy(tmp_path / "first", tmp_path / "copy")
    written = [(tmp_path / name / "competition.toml").read_bytes() for name in ("first", "copy")]
    assert written[0] == written[1]


def test_a_networks_outputs_have_the_order_of_the_fetched_challenge(site, tmp_path):
    fetch.fetch(asks(site), tmp_path, quiet)
    images = challenge.load(tmp_path)
    assert images.classes == ("right", "left")
    bright = [images.train.pixels[images.train.labels == code].mean(axis=(0, 1)) for code in (0, 1)]
    assert bright[0][:, -1].mean() > 100 > bright[0][:, 0].mean()
    assert bright[1][:, 0].mean() > 100 > bright[1][:, -1].mean()
