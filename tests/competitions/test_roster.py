"""A class list comes from a spreadsheet and goes back to one."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from competitions import entrance, roster, spreadsheets, teams
from competitions.models import Act, Competition, Kind, RosterEntry, Team
from competitions.refusals import Refused

pytestmark = pytest.mark.django_db
LIST = "Name,Group,E-Mail\nAnna Berg,A,anna@x.example\nBen,B,\n"


def listed(competition: Competition) -> list[tuple[str, str, str]]:
    return [(it.name, it.email, it.group) for it in competition.roster.all()]


def load(competition: Competition, text: str, by: object = None) -> roster.Preview:
    return roster.load(competition, text.encode(), by)


@pytest.mark.parametrize(
    "text",
    [
        LIST,
        LIST.replace(",", ";"),
        LIST.replace(",", "\t"),
        "\ufeff" + LIST.replace("\n", "\r\n"),
        "email,name,shoe size,group\nanna@x.example,Anna Berg,39,A\n,Ben,44,B\n\n",
    ],
)
def test_lists_as_programs_write_them(competition, text):
    load(competition, text)
    assert listed(competition) == [("Anna Berg", "anna@x.example", "A"), ("Ben", "", "B")]


def test_a_list_is_shown_before_anything_is_done(competition):
    load(competition, LIST)
    found = roster.preview(competition, b"name,group\nBen,C\nCarla,A\nAnna Berg,A\n")
    assert [line.name for line in found.added] == ["Carla"]
    assert [line.name for line in found.changed] == ["Ben"]  # no column, no word on addresses
    assert len(listed(competition)) == 2


def test_every_wrong_line_is_named_and_nothing_is_done(competition):
    text = f"name,email,group\n,x@x.example,A\nAnna,no address,A\nBen,,{'x' * 41}\nAda,,\nada,,\n"
    found = roster.preview(competition, text.encode())
    assert [problem.split(":")[0].split(" has")[0] for problem in found.problems] == [
        "Line 2", "Line 3", "Line 4", "Line 6",
    ]  # fmt: skip
    with pytest.raises(Refused, match="Line 2 has no name"):
        load(competition, text)
    assert listed(competition) == []


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"first,last\nAnna,Berg\n", "a column .name."),
        (b"", "The file is empty"),
        (b"\x89PNG\r\n\x1a\n\0", "cannot be read"),
        (b"name\n" + b"x\n" * 20_001, "at most 20000"),
    ],
)
def test_what_is_no_list_is_refused(competition, data, sentence):
    with pytest.raises(Refused, match=sentence):
        roster.preview(competition, data)


def test_out_and_in_again_is_the_same(competition):
    load(competition, 'name,email,group\n=cmd(),a@x.example,-1\nÅsa "Q" Öberg,,\n+49,,@home\n')
    before = listed(competition)
    data = roster.table(competition)
    found = roster.preview(competition, data)
    assert (found.added, found.changed, found.unchanged, found.problems) == ([], [], 3, [])
    competition.roster.all().delete()
    roster.load(competition, data)
    assert listed(competition) == before


def test_no_cell_of_a_list_is_a_formula(competition):
    load(competition, 'name,group\n"=HYPERLINK(""http://evil"")",A\n')
    rows = list(csv.reader(io.StringIO(roster.table(competition).decode("utf-8-sig"))))
    assert rows[1][0] == '\'=HYPERLINK("http://evil")'


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("\tx", "'\tx"),
        ("\uff1d1", "'\uff1d1"), ("plain", "plain"), ("'quoted", "'quoted"),
        (-0.5, -0.5), (None, ""),
    ],
)  # fmt: skip
def test_cells_are_safe_and_numbers_stay_numbers(cell, written):
    assert spreadsheets.safe(cell) == written
    if isinstance(cell, str):
        assert spreadsheets.plain(written) == cell


def test_a_changed_group_reaches_whoever_has_joined(competition, host):
    load(competition, LIST)
    entrance.enter(competition, "Ben", "1234")
    load(competition, "name,group\nBen,Z\n", host)
    assert Team.objects.get(name="Ben").group == "Z"
    assert Act.objects.filter(kind=Kind.ROSTER_CHANGED).first().details == {
        "added": 0, "changed": 1,
    }  # fmt: skip


def test_whoever_has_joined_stays_on_the_list(competition, host):
    load(competition, LIST)
    entrance.enter(competition, "Ben", "1234")
    with pytest.raises(Refused, match="Ben has joined"):
        roster.remove(RosterEntry.objects.get(name="Ben"), host)
    roster.remove(RosterEntry.objects.get(name="Anna Berg"), host)
    assert [name for name, _email, _group in listed(competition)] == ["Ben"]


# --- slips ---------------------------------------------------------------------------------------


def test_slips_are_made_for_whoever_is_still_expected(competition, host):
    load(competition, LIST + "Carla,A,\n")
    entrance.enter(competition, "Ben", "1234")
    made = roster.slips(competition, host)
    assert [entry.name for entry, _pin in made] == ["Anna Berg", "Carla"]
    competition.refresh_from_db()
    assert competition.class_code
    pin = made[1][1]
    again = {entry.name: other for entry, other in roster.slips(competition, host)}
    with pytest.raises(entrance.WrongPin):
        entrance.enter(competition, "Carla", pin if pin != again["Carla"] else "0000")
    assert entrance.enter(competition, "Carla", again["Carla"]).first_name == "Carla"


# --- the page ------------------------------------------------------------------------------------


@pytest.fixture
def at_desk(clients, host) -> Client:
    return clients(host)


def page(competition: Competition) -> str:
    return f"/competitions/{competition.slug}/roster/"


def test_the_page_previews_imports_and_downloads(at_desk, competition):
    file = SimpleUploadedFile("list.csv", LIST.encode())
    shown = at_desk.post(page(competition), {"act": "preview", "file": file}).content.decode()
    assert "2 new, 0 changed" in shown
    at_desk.post(page(competition), {"act": "import", "table": LIST})
    assert "0 of 2 have joined" in at_desk.get(page(competition)).content.decode()
    table = at_desk.get(page(competition) + "roster.csv")
    assert "attachment" in table.headers["Content-Disposition"]
    assert b"Anna Berg,anna@x.example,A" in table.content


def test_code_pin_and_slips_by_buttons(at_desk, competition):
    load(competition, LIST)
    at_desk.post(page(competition), {"act": "code"})
    competition.refresh_from_db()
    assert competition.class_code in at_desk.get(page(competition)).content.decode()
    slips = at_desk.post(page(competition) + "slips/").content.decode()
    assert slips.count('class="slip"') == 2 and competition.class_code in slips
    entry = RosterEntry.objects.get(name="Ben")
    told = at_desk.post(page(competition), {"act": "pin", "entry": entry.pk}).content.decode()
    assert "The new PIN of Ben" in told
    at_desk.post(page(competition), {"act": "remove", "entry": entry.pk})
    at_desk.post(page(competition), {"act": "no code"})
    competition.refresh_from_db()
    assert (competition.class_code, competition.roster.count()) == (None, 1)


@pytest.mark.parametrize("who", ["alice", "nobody"])
def test_the_roster_is_for_organisers(clients, alice, competition, who):
    client = clients(alice if who == "alice" else None)
    status = 403 if who == "alice" else 302
    assert client.get(page(competition)).status_code == status
    assert client.get(page(competition) + "roster.csv").status_code == status
    assert client.post(page(competition) + "slips/").status_code == status


def test_somebody_elses_entry_is_out_of_reach(at_desk, competition, another):
    entry = RosterEntry.objects.create(competition=another, name="Zoe")
    response = at_desk.post(page(competition), {"act": "pin", "entry": entry.pk})
    assert response.status_code == 404


def test_joining_an_open_challenge_needs_no_list(competition, alice):
    assert teams.join(competition, alice)


def test_a_table_without_a_column_says_nothing_of_it(competition, alice):
    load(competition, f"name,email,group\nAlice,{alice.email},A\n")
    team = teams.join(competition, alice)
    load(competition, "name\nAlice\nBen\n")
    team.refresh_from_db()
    assert listed(competition) == [("Alice", alice.email, "A"), ("Ben", "", "")]
    assert team.group == "A"


def test_a_list_in_the_code_page_of_old(competition):
    roster.load(competition, "name;group\nJörg Müller;A\n".encode("cp1252"))
    assert listed(competition) == [("Jörg Müller", "", "A")]


def test_a_group_has_one_spelling(competition, alice, bob):
    load(competition, f"name,email,group\nAlice,{alice.email},Red\nBob,{bob.email},\n")
    for user in (alice, bob):
        teams.join(competition, user)
    load(competition, "name,group\nBob,red\n")
    assert {team.group for team in Team.objects.filter(competition=competition)} == {"Red"}


@pytest.mark.parametrize("cell", ["Bob;=1+1", "Bob; -2", "a;b;@c"])
def test_a_cell_is_no_formula_where_semicolons_divide(cell):
    table = spreadsheets.write(("n", "team"), [(1, cell)]).decode()
    cells = [each for row in csv.reader(io.StringIO(table), delimiter=";") for each in row]
    assert not any(each.strip().startswith(("=", "-", "@")) for each in cells)
    assert spreadsheets.plain(str(spreadsheets.safe(cell))) == cell
