"""An exported challenge that was changed on its way, and what an export must not carry."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError

from competitions import lifecycle, notebook, preparing, roster, solutions
from competitions.models import (
    Act,
    Competition,
    CustomMetric,
    Finding,
    PublicScore,
    Remedy,
    Standing,
    State,
    Submission,
)
from competitions.portable import checking, exporting, importing
from competitions.portable.cloning import clone
from competitions.refusals import Refused
from tests.competitions.test_building import folders
from tests.competitions.test_custom_metrics import METRIC
from tests.competitions.zips import packed

pytestmark = [pytest.mark.django_db, pytest.mark.once("test_portable.py")]


@pytest.fixture
def built(draft, host) -> Competition:
    inbox = preparing.receive_source(draft.pk, [packed(folders())], "x.zip")
    preparing.prepare(draft.pk, inbox)
    roster.load(draft, b"name,email\nAda,ada@x.example\n", host)
    return Competition.objects.select_related("solution").get(pk=draft.pk)


def exported(competition: Competition, **options: Any) -> dict[str, bytes]:
    out = io.BytesIO()
    exporting.export(competition, out, **options)
    with zipfile.ZipFile(out) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def changed(members: dict[str, bytes], change: Callable[[dict[str, Any]], None]) -> io.BytesIO:
    """A file whose manifest says whatever the change makes of it."""
    manifest = json.loads(members["manifest.json"])
    change(manifest)
    return zipped({**members, "manifest.json": json.dumps(manifest).encode()})


def zipped(members: dict[str, bytes]) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    out.seek(0)
    return out


def with_rows(members: dict[str, bytes], table: str, **values: Any) -> io.BytesIO:
    """The table's rows with other values, under a hash that fits them."""
    rows = [{**json.loads(line), **values} for line in members[f"{table}.jsonl"].splitlines()]
    data = b"".join(json.dumps(row).encode() + b"\n" for row in rows)

    def renew(manifest: dict[str, Any]) -> None:
        manifest["sha256"][f"{table}.jsonl"] = hashlib.sha256(data).hexdigest()

    return changed({**members, f"{table}.jsonl": data}, renew)


# --- changed on its way --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [{"metric": "bogus"}, {"metric_parameters": [1]}, {"decimals": 10**6}, {"title": "x" * 999},
     {"public_fraction": 7}],
)  # fmt: skip
def test_settings_that_no_form_would_take_are_refused(built, values, host):
    members = exported(built, with_solution=True)
    file = changed(members, lambda manifest: manifest["competition"].update(values))
    with pytest.raises(Refused):
        importing.load(file, slug="moved", by=host)
    assert not Competition.objects.filter(slug="moved").exists()


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("datafile", {"path": "zz/nowhere"}),
        ("datafile", {"size": "many"}),
        ("rosterentry", {"email": "no address"}),
        ("solutionversion", {"path": "zz/nowhere"}),
        ("datafile", {"path": ""}),
        ("datafile", {"sha256": "0" * 64}),
        ("datafile", {"size": 1}),
        ("datafile", {"name": "../a/b"}),
        ("datafile", {"rows": 1e999}),
        ("datafile", {"size": 10**400}),
        ("solutionversion", {"path": ""}),
        ("solutionversion", {"classes": 7}),
        ("solutionversion", {"classes": [1, 2, 3]}),
        ("solutionversion", {"public_rows": 1}),
        ("solutionversion", {"launch_trial": {"sample": 5}}),
        ("finding", {"remedy": "burn"}),
        ("finding", {"counts": [1]}),
    ],
)
def test_rows_that_point_elsewhere_or_fit_no_column_are_refused(built, table, values, host):
    members = exported(built, with_solution=True, with_emails=True)
    if table == "finding":
        Finding.objects.create(competition=built, kind="exact", images=2)
        members = exported(built, with_solution=True)
    with pytest.raises(Refused, match="Was it changed"):
        importing.load(with_rows(members, table, **values), slug="moved", by=host)
    assert not Competition.objects.filter(slug="moved").exists()


@pytest.mark.parametrize(
    "row",
    [
        PublicScore(value=0.5, shown=1e300),
        Standing(curve=[[1]]),
        Standing(curve=[[1, 0.5], [2, "x"]]),
        Submission(problems=[7]),
        Act(details=[]),
    ],
)
def test_no_board_would_show_such_rows(row):
    with pytest.raises(ValidationError):
        checking.clean(row)


@pytest.mark.parametrize("text", [b"NaN", b"[-Infinity]", b'{"a": 1e999}', b"[" * 100_000])
def test_what_is_no_json_is_not_parsed(text):
    with pytest.raises(ValueError, match=r"\w"):
        checking.parsed(text)


def test_labels_that_their_classes_do_not_hold_are_refused(built, host):
    members = exported(built, with_solution=True)
    file = with_rows(members, "solutionversion", classes=["no", "such", "class"])
    with pytest.raises(Refused, match="do not fit"):
        importing.load(file, slug="moved", by=host)


def test_a_manifest_without_hashes_is_none(built):
    members = exported(built, with_solution=True)
    file = changed(members, lambda manifest: manifest.update(sha256=[1]))
    with pytest.raises(Refused, match="names no hashes"):
        importing.load(file, slug="moved")


def test_a_file_of_another_challenge_is_not_adopted(built, another, host):
    """Its path is the hash of its content, which somebody may know."""
    known = built.solution.path
    members = exported(built, with_solution=True)
    del members[f"files/solutions/{known}"]
    with pytest.raises(Refused, match="Was it changed"):
        importing.load(zipped(members), slug="moved", by=host)


def test_a_manifest_without_end_is_not_read_to_its_end(built, monkeypatch):
    members = exported(built, with_solution=True)
    monkeypatch.setattr(importing, "MAX_SMALL", 1000)
    with pytest.raises(Refused, match="larger than any"):
        importing.load(zipped(members), slug="moved")


def test_a_table_changed_behind_its_last_row_is_noticed(built):
    members = exported(built, with_solution=True)
    members["rosterentry.jsonl"] += members["rosterentry.jsonl"].replace(b"Ada", b"Eve")
    with pytest.raises(Refused, match="its hash is another one"):
        importing.load(zipped(members), slug="moved")
    assert not Competition.objects.filter(slug="moved").exists()


# --- what an export must not carry ---------------------------------------------------------------


def test_addresses_leave_only_if_asked_for(built):
    assert not any(b"ada@x.example" in data for data in exported(built).values())
    assert b"ada@x.example" in exported(built, with_emails=True)["rosterentry.jsonl"]


def test_without_the_solution_its_hash_stays_here(built):
    """Whoever guesses the labels could check them against it; the seal is salted."""
    told = b"".join(exported(built).values())
    assert built.solution.sha256.encode() not in told


def test_an_own_metric_moves_without_its_source(built, host):
    """It may hold labels: the board is shown, and nothing can be scored."""
    solutions.keep(built, CustomMetric.read(METRIC, "own.py", "minimize"))
    lifecycle.open_now(built, host, despite="for this test")
    members = exported(built)
    assert not any(METRIC[:30] in data for data in members.values())
    assert importing.load(zipped(members), slug="moved", by=host).state == State.CLOSED


def test_an_own_metric_that_is_not_the_one_it_says_is_refused(built, host):
    solutions.keep(built, CustomMetric.read(METRIC, "own.py", "minimize"))
    members = exported(built, with_solution=True)
    for source in (METRIC.decode() + "\n", "no program ("):
        with pytest.raises(Refused, match=r"Was it changed|do not fit"):
            importing.load(with_rows(members, "custommetric", source=source), slug="moved")


def test_the_leak_report_leaves_with_the_solution_alone(built):
    Finding.objects.create(competition=built, kind="shortcut", images=2, examples="aa/bb")
    assert "finding.jsonl" not in exported(built)
    assert b"aa/bb" not in exported(built, with_solution=True)["finding.jsonl"]


def test_the_solution_leaves_with_the_permission_alone(built, host, clients):
    page = f"/admin/competitions/competition/{built.pk}/moving/"
    asked = {"act": "export", "with_solution": "on", "with_data": "on"}
    client = clients(host)
    assert "with_solution" not in client.get(page).content.decode()
    assert client.post(page, asked).status_code == 403
    host.user_permissions.add(Permission.objects.get(codename="view_labels"))
    answer = client.post(page, asked)
    answer.close()
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


# --- what a copy carries -------------------------------------------------------------------------


def copies(built, host) -> list[Competition]:
    file = zipped(exported(built, with_solution=True))
    return [clone(built, "again", "Once more", host), importing.load(file, slug="moved", by=host)]


def test_what_was_not_decided_is_as_open_in_a_copy(built, host):
    Finding.objects.create(competition=built, kind="exact", images=2, counts={"across": 1})
    for copy in copies(built, host):
        (finding,) = copy.findings.filter(kind="exact")
        assert (finding.remedy, finding.counts) == (Remedy.OPEN, {"across": 1})


def test_a_copys_notebook_joins_the_copy(built, host):
    for copy in copies(built, host):
        data = exported(copy)[f"files/data/{copy.files.get(name=notebook.NAME).path}"].decode()
        assert copy.slug in data
        assert f"competitions/{built.slug}" not in data
