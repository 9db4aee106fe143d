"""One file out, one file in: the same challenge on another installation, and nothing it hides."""

import hashlib
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from django.test import Client

from competitions import (
    files,
    lifecycle,
    moderation,
    notebook,
    picks,
    preparing,
    reveal,
    roster,
    seal,
    submissions,
)
from competitions.models import (
    Act,
    Competition,
    Kind,
    Organiser,
    PrivateScore,
    State,
    Submission,
    Team,
)
from competitions.portable import exporting, importing
from competitions.portable.cloning import clone
from competitions.portable.tables import LEFT_OUT, LEFT_OUT_TABLES, TABLES
from competitions.refusals import Refused
from holdout.accounts.models import User
from tests.competitions.test_building import folders
from tests.competitions.zips import packed

pytestmark = pytest.mark.django_db
OVERRIDDEN = "for this test"


@pytest.fixture
def played(draft: Competition, enter: Any, host: User) -> Competition:
    """Built, opened, played by three, one hidden, one file excluded, a pick, an announcement."""
    inbox = preparing.receive_source(draft.pk, [packed(folders())], "x.zip")
    preparing.prepare(draft.pk, inbox)
    lifecycle.open_now(draft, host, despite=OVERRIDDEN)
    competition = Competition.objects.select_related("solution").get(pk=draft.pk)
    roster.load(competition, b"name,email,group\nAda,ada@x.example,A\nEve,,B\n")
    sample = files.read("data", competition.files.get(name=files.SAMPLE).path).decode()
    header, *rows = sample.splitlines()
    assert competition.solution is not None
    classes = competition.solution.classes
    for number, name in enumerate(("ada", "ben", "eve")):
        for shift in range(2):
            told = [
                f"{row.split(',')[0]},{classes[(n + number + shift) % 3]}"
                for n, row in enumerate(rows)
            ]
            sent = enter(competition, name, "\n".join([header, *told]).encode())
    moderation.hide(Team.objects.get(name="Eve"), host)
    moderation.exclude(sent, "Not by the rules.", host)
    picks.choose(Submission.objects.filter(team__name="Ada").earliest("pk"))
    lifecycle.announce(competition, "Lunch at one.", host)
    return Competition.objects.select_related("solution").get(pk=draft.pk)


def exported(competition: Competition, **options: Any) -> io.BytesIO:
    out = io.BytesIO()
    exporting.export(competition, out, **options)
    out.seek(0)
    return out


def hashes(competition: Competition) -> dict[str, str]:
    """Of each file but the notebook, which names its own challenge."""
    found = competition.files.exclude(name=notebook.NAME)
    return {file.name: file.sha256 for file in found}


def board(slug: str, client: Client, what: str = "leaderboard") -> Any:
    """What the API tells, without the numbers that each database draws for itself."""
    told = client.get(f"/api/competitions/{slug}/{what}/").json()
    for row in told["rows"]:
        row.pop("team_id")
    leader = told.get("leader") and told["leader"]["value"]
    return {**told, "version": None, "slug": None, "leader": leader}


def reveal_now(competition: Competition, host: User) -> None:
    lifecycle.close_now(competition, host)
    seal.verify(competition.pk)
    reveal.reveal(competition, host, for_ceremony=False, despite=OVERRIDDEN)


# --- the same challenge --------------------------------------------------------------------------


def test_the_board_is_the_same_on_another_installation(played, host, clients):
    before, file = board(played.slug, clients(None)), exported(played, with_solution=True)
    made = importing.load(file, slug="moved", by=host)
    assert board("moved", clients(None)) == before
    assert made.title == played.title
    assert made.opens_at == played.opens_at
    kept = Submission.objects.filter(team__competition=made).order_by("received_at")
    old = Submission.objects.filter(team__competition=played).order_by("received_at")
    for one, other in zip(kept, old, strict=True):
        assert (one.received_at, one.status, one.exclusion, one.pick, one.slot) == (
            other.received_at, other.status, other.exclusion, other.pick, other.slot,
        )  # fmt: skip
    assert made.announcements.get().text == "Lunch at one."
    assert made.roster.count() == 2
    assert seal.verify(made.pk) is True
    assert Organiser.objects.get(competition=made).user == host


def test_history_and_the_final_board_are_the_same(played, host, clients):
    reveal_now(played, host)
    client = clients(host)
    final, file = board(played.slug, client, "final"), exported(played, with_solution=True)
    importing.load(file, slug="moved")
    assert board("moved", client, "final") == final
    pages = [
        client.get(f"/competitions/{slug}/leaderboard/").content.decode().count("<tr")
        for slug in (played.slug, "moved")
    ]
    assert pages[0] == pages[1]


def test_what_was_open_goes_on(played, host, enter):
    made = importing.load(exported(played, with_solution=True), slug="moved")
    sample = files.read("data", made.files.get(name=files.SAMPLE).path)
    sent = enter(made, "zoe", sample)
    sent.refresh_from_db()
    assert sent.status == "scored"


def test_everybody_comes_as_somebody_who_cannot_sign_in(played):
    made = importing.load(exported(played, with_solution=True), slug="moved")
    people = User.objects.filter(memberships__competition=made)
    assert {user.first_name for user in people} == {"Ada", "Ben", "Eve"}
    assert not any(user.is_active or user.has_usable_password() for user in people)


def test_the_same_people_where_somebody_says_so(played):
    before = set(User.objects.filter(memberships__competition=played))
    made = importing.load(exported(played, with_solution=True), slug="moved", match_people=True)
    assert set(User.objects.filter(memberships__competition=made)) == before


# --- what is hidden stays ------------------------------------------------------------------------


def test_without_the_solution_nothing_hidden_is_in_the_file(played, clients):
    before = board(played.slug, clients(None))
    file = exported(played)
    private = [repr(value) for value in PrivateScore.objects.values_list("value", flat=True)]
    seed = files.read("solutions", f"seeds/{played.solution.commitment}")
    with zipfile.ZipFile(file) as archive:
        assert not any("solutions" in name or "private" in name for name in archive.namelist())
        text = b"".join(archive.read(name) for name in archive.namelist())
    assert seed not in text and seed.hex().encode() not in text
    assert files.read("solutions", played.solution.path) not in text
    assert private
    file.seek(0)
    made = importing.load(file, slug="moved")
    assert (
        made.state,
        "cannot" in made.preparation_note or "nothing" in made.preparation_note,
    ) == (
        State.CLOSED,
        True,
    )
    assert board("moved", clients(None))["rows"] == before["rows"]


def test_the_published_board_moves_without_the_solution(played, host, clients):
    """Its seal is verified by then, and the seed known to everybody: the labels are not."""
    reveal_now(played, host)
    seal.verify(played.pk)
    Competition.objects.filter(pk=played.pk).update(published_at=Now())
    file = exported(played)
    assert played.solution.sha256.encode() not in file.getvalue()
    with zipfile.ZipFile(file) as archive:
        assert played.solution.sha256.encode() not in archive.read("solutionversion.jsonl")
    final = board(played.slug, clients(None), "final")
    importing.load(file, slug="moved")
    assert board("moved", clients(None), "final") == final


def test_addresses_are_in_it_only_if_asked_for(played):
    User.objects.filter(first_name="Ada").update(email="ada@home.example")
    with zipfile.ZipFile(exported(played, with_solution=True)) as archive:
        assert b"ada@home.example" not in archive.read("user.jsonl")
    with zipfile.ZipFile(exported(played, with_emails=True)) as archive:
        assert b"ada@home.example" in archive.read("user.jsonl")


def test_no_password_token_or_pin_is_in_it(played):
    with zipfile.ZipFile(exported(played, with_solution=True, with_emails=True)) as archive:
        text = b"".join(archive.read(n) for n in archive.namelist() if n.endswith("jsonl"))
    for word in (b"password", b"pbkdf2", b"digest", b"slip_pin", b"class_code", b"invitation"):
        assert word not in text


def test_taking_it_is_written_down(played, host):
    exported(played, with_solution=True, by=host)
    told = {"solution": True, "data": True, "emails": False}
    assert Act.objects.get(kind=Kind.EXPORTED).details == told
    assert Act.objects.get(kind=Kind.LABELS_VIEWED).actor == host


def test_taking_it_without_the_solution_is_no_look_at_labels(played, host):
    exported(played, by=host)
    assert not Act.objects.filter(kind=Kind.LABELS_VIEWED).exists()


# --- data by reference ---------------------------------------------------------------------------


def test_data_that_is_only_named_must_be_brought(played, tmp_path):
    file = exported(played, with_solution=True, with_data=False)
    with pytest.raises(Refused, match="Put that very file into the folder"):
        importing.load(file, slug="moved")
    given = {it.name: files.read("data", it.path) for it in played.files.all()}
    file.seek(0)
    with pytest.raises(Refused, match="with the SHA-256"):
        importing.load(file, slug="moved", data={**given, "test.zip": b"another"})
    assert not Competition.objects.filter(slug="moved").exists()
    file.seek(0)
    assert importing.load(file, slug="moved", data=given).files.count() == played.files.count()


# --- hostile files -------------------------------------------------------------------------------


def changed(file: io.BytesIO, name: str, data: bytes, also: bool = False) -> io.BytesIO:
    """The archive with another member; ``also`` mends the manifest's hash for it."""
    out = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.namelist():
            content = data if member == name else old.read(member)
            if also and member == exporting.MANIFEST:
                told = json.loads(content)
                told["sha256"][name] = hashlib.sha256(data).hexdigest()
                content = json.dumps(told).encode()
            new.writestr(member, content)
        if name not in old.namelist():
            new.writestr(name, data)
    out.seek(0)
    return out


@pytest.mark.parametrize(
    ("name", "data", "also", "sentence"),
    [
        # in the middle of its rows: what came before them is taken back
        ("team.jsonl", b"{}\n", True, "cannot be read"),
        *(
            pytest.param(*case, marks=pytest.mark.once("the case above"))
            for case in [
                ("team.jsonl", b"{}\n", False, "[Ww]as it changed|was changed"),
                ("team.jsonl", b"[1]\n", True, "cannot be read"),
                ("team.jsonl", b"not json\n", True, "cannot be read"),
                ("manifest.json", b"[]", False, "manifest is unknown"),
                ("manifest.json", b'{"format": 99}', False, "manifest is unknown"),
                ("files/solutions/seeds/../../x", b"x", True, "leads out of it"),
                ("files/default/aa/bb", b"x", True, "cannot be read"),
                ("files/data/aa/bb", b"x", True, "cannot be read"),
            ]
        ),
    ],
)
def test_a_changed_file_changes_nothing(played, name, data, also, sentence):
    people = User.objects.count()
    with pytest.raises(Refused, match=sentence):
        importing.load(
            changed(exported(played, with_solution=True), name, data, also), slug="moved"
        )
    assert not Competition.objects.filter(slug="moved").exists()
    assert User.objects.count() == people


@pytest.mark.parametrize("data", [b"", b"no zip", packed({"a.txt": b"x"})])
def test_what_is_no_export_is_refused(db, data):
    with pytest.raises(Refused, match="exported challenge"):
        importing.load(io.BytesIO(data))


def test_a_taken_name_is_refused(played):
    with pytest.raises(Refused, match="another name in the address"):
        importing.load(exported(played, with_solution=True))


def test_files_that_are_being_scored_are_waited_for(played):
    user = User.objects.get(first_name="Ada")
    sample = files.read("data", played.files.get(name=files.SAMPLE).path)
    submissions.submit(played, user, ContentFile(sample, name="late.csv"))
    with pytest.raises(Refused, match="being scored"):
        exported(played)


# --- nothing is forgotten ------------------------------------------------------------------------


def test_every_table_and_column_travels_or_is_left_out_with_a_reason():
    tables = {table.name for table in TABLES} | {"competition"}
    for model in apps.get_app_config("competitions").get_models():
        name = model._meta.model_name
        assert (name in tables) ^ (name in LEFT_OUT_TABLES), name
    known = {
        f"{model._meta.model_name}.{field.name}"
        for model in apps.get_app_config("competitions").get_models()
        for field in model._meta.concrete_fields
    }
    assert set(LEFT_OUT) <= known


# --- the commands --------------------------------------------------------------------------------


def test_the_commands_do_it(played, tmp_path, capsys):
    out = tmp_path / "x.zip"
    call_command("export_challenge", played.slug, out=out, with_solution=True)
    call_command("import_challenge", out, slug="moved")
    assert "3 teams, 6 submissions" in capsys.readouterr().out
    assert Competition.objects.filter(slug="moved").exists()
    with pytest.raises(CommandError, match="There is no challenge nothing"):
        call_command("export_challenge", "nothing", out=out)
    with pytest.raises(CommandError):
        call_command("import_challenge", tmp_path / "missing.zip")


# --- clones --------------------------------------------------------------------------------------


def test_a_clone_has_the_images_and_nobody_in_it(played, host):
    Competition.objects.filter(pk=played.pk).update(
        closes_at=played.opens_at + timedelta(days=1), prizes=3, freeze_minutes=10
    )
    made = clone(played, "again", "Once more", host)
    assert (made.state, made.prizes, made.opens_at, made.closes_at) == (State.DRAFT, 3, None, None)
    assert made.teams.count() == 0
    assert made.solution.sha256 == played.solution.sha256
    assert hashes(made) == hashes(played)
    lifecycle.open_now(made, host, despite=OVERRIDDEN)
    assert seal.verify(made.pk) is True
    assert Act.objects.filter(kind=Kind.CLONED).count() == 2


def test_a_clone_needs_images_and_a_free_name(draft, played, host, db):
    with pytest.raises(Refused, match="already"):
        clone(played, played.slug, "Again", host)
    empty = Competition.objects.create(slug="empty", title="Empty")
    with pytest.raises(Refused, match="no images yet"):
        clone(empty, "more", "More", host)
    call_command("clone_challenge", played.slug, name="by-command")
    assert Competition.objects.get(slug="by-command").title == played.title
