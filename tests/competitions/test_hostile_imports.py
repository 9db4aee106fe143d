"""An exported challenge that was changed on its way, and what an export must not carry."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from competitions import notebook, preparing, roster
from competitions.models import Competition, Finding, Remedy
from competitions.portable import exporting, importing
from competitions.portable.cloning import clone
from competitions.refusals import Refused
from tests.competitions.test_building import folders
from tests.competitions.zips import packed

pytestmark = pytest.mark.django_db


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
        ("finding", {"remedy": "burn"}),
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
