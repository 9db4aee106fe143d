"""Grades: everybody's numbers, a formula over them, and nothing of Python within reach."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from competitions import moderation, reveal, roster, teams
from competitions.grading import formula, grades
from competitions.grading.formula import FormulaError
from competitions.models import Act, Competition, Kind, Member, State, Team
from competitions.refusals import Refused
from holdout.accounts.models import User

VALUES = dict.fromkeys(formula.VARIABLES, 0.5) | {"rank": 2.0, "teams": 4.0}


def reckoned(text: str, **values: float) -> float:
    return formula.read(text).grade({**VALUES, **values})


# --- the formula ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("10 * score", 5.0),
        ("2 ** 3 - -1", 9.0),
        ("7 // 2 + 7 % 2", 4.0),
        ("clip(12)", 10.0),
        ("clip(score, 1, 2)", 1.0),
        ("round(1 / 3, 2)", 0.33),
        ("min(rank, teams) + max(0, 1) + abs(-1) + sqrt(4)", 6.0),
        ("1 if rank < 3 and not beat == 0 else 0", 1.0),
        ("5 if 1 < rank <= 2 else 0", 5.0),
        ("(score > 1) or (score > 0)", 1.0),
    ],
)
def test_what_a_formula_may_say(text, result):
    assert reckoned(text) == pytest.approx(result)


@pytest.mark.parametrize(
    "text",
    [
        "", "1 +", "score score", "__import__('os')", "score.real", "(1).__class__", "x", "'a'",
        "[1]", "{}", "lambda: 1", "score[0]", "f'{score}'", "print(1)", "max(score, key=abs)",
        "(lambda: 1)()", "1 @ 2", "1 << 3", "~1", "score is None", "1 in (1,)", "True", "1j",
        "[x for x in (1,)]", "(y := 1)", "x if", "min(*(1, 2))", "9" * 201, "(" * 150,
        "abs(abs)",
    ],
)  # fmt: skip
def test_what_it_may_not(text):
    with pytest.raises(FormulaError):
        reckoned(text)


@pytest.mark.parametrize("text", ["1 / 0", "9 ** 9 ** 9", "10 ** 101", "sqrt(-1)", "(-1) ** 0.5"])
def test_what_gives_no_number_is_said(text):
    with pytest.raises(FormulaError, match=r"here\.$"):
        reckoned(text)


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_number_or_a_sentence(text):
    try:
        value = reckoned(text)
    except FormulaError as error:
        assert str(error)
    else:
        assert isinstance(value, float)


# --- the table -----------------------------------------------------------------------------------


@pytest.fixture
def played(competition: Competition, enter: Any, answers: Any) -> Competition:
    """Ada is right, Ben half, and the line stands between them; Carla is only expected."""
    roster.load(
        competition, b"name,email,group\nAda,ada@x.example,A\nBen,,A\nCarla,c@x.example,B\n"
    )
    for name, wrong in (("ada", 0), ("ben", 9), ("line", 4)):
        enter(competition, name, answers(wrong))
    moderation.mark_baseline(Team.objects.get(name="Line"))
    return Competition.objects.get(pk=competition.pk)


def line(competition: Competition, name: str, text: str | None = None) -> grades.Person:
    return next(it for it in grades.of(competition, text).people if it.name == name)


def test_everybody_has_a_line(played):
    found = grades.of(played)
    assert [person.name for person in found.people] == ["Ada", "Ben", "Carla"]
    ada, ben, carla = found.people
    assert (ada.rank, ada.rank_in_group, ada.submissions, ada.beat) == (1, 1, 1, True)
    assert (ben.rank, ben.rank_in_group, ben.beat, ben.group) == (2, 2, False, "A")
    assert (carla.email, carla.team, carla.rank, carla.beat) == ("c@x.example", "", None, None)
    assert (found.is_final, ada.final) == (False, None)


def test_a_formula_grades_whoever_has_a_place(played):
    assert line(played, "Ada", "clip(10 * (score - baseline) / (best - baseline))").grade == 10
    assert line(played, "Ben", "clip(10 * (score - baseline) / (best - baseline))").grade == 0
    assert line(played, "Carla", "10 * score").grade is None
    assert line(played, "Ada", "1 / (rank - 1)").problem == "It divides by zero here."
    assert line(played, "Ben", "percentile + teams").grade == 2


def test_before_the_reveal_no_private_number_is_in_it(played, host):
    before = [person.cells for person in grades.of(played).people]
    Competition.objects.filter(pk=played.pk).update(state=State.CLOSED)
    reveal.reveal(played, host, despite="a test")
    played.refresh_from_db()
    after = grades.of(played)
    assert after.is_final
    assert [cells[4] for cells in before] == [None] * 3
    assert after.people[0].final == 1.0
    assert after.people[1].final is not None


def test_a_hidden_or_disqualified_team_has_no_place(played, host):
    moderation.disqualify(Team.objects.get(name="Ada"), "Two accounts.", host)
    assert line(played, "Ada").rank is None
    assert line(played, "Ben").rank == 1


def test_the_formula_is_kept_and_written_down(played, host):
    assert grades.save(played, " 10 * score ", host) is True
    assert grades.save(played, "10 * score", host) is False
    assert Act.objects.get(kind=Kind.SETTINGS_CHANGED, actor=host).details == {
        "grading_formula": {"old": "", "new": "10 * score"}
    }
    with pytest.raises(Refused, match="There is no 'x'"):
        grades.save(played, "x", host)
    assert line(played, "Ada").grade == 10


def test_the_table_goes_back_as_a_roster(played, host):
    data = grades.table(played, host)
    found = roster.preview(played, data)
    assert found.problems == []
    assert [entry.name for entry in found.added] == []
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert {"name", "email", "group", "final score", "rank", "grade"} <= set(rows[0])
    assert rows[0]["beat the baseline"] == "yes"
    assert Act.objects.get(kind=Kind.GRADES_EXPORTED).details == {"people": 3}


def test_no_cell_of_it_is_a_formula(played, host):
    Team.objects.filter(name="Ada").update(name="=cmd()")
    User.objects.filter(first_name="Ben").update(first_name="@Ben")
    rows = list(csv.reader(io.StringIO(grades.table(played, host).decode("utf-8-sig"))))
    assert not any(cell.startswith(("=", "@", "+")) for row in rows for cell in row)


# --- the page ------------------------------------------------------------------------------------


def test_the_page_tries_keeps_and_downloads(played, clients, host):
    client, address = clients(host), f"/competitions/{played.slug}/grades/"
    tried = client.get(address, {"formula": "100 * score"}).content.decode()
    assert "not kept yet" in tried and "<strong>100.0</strong>" in tried
    wrong = client.post(address, {"formula": "nope"}).content.decode()
    assert "There is no" in wrong
    client.post(address, {"formula": "10 * score"})
    played.refresh_from_db()
    assert played.grading_formula == "10 * score"
    assert "attachment" in client.post(f"{address}grades.csv").headers["Content-Disposition"]
    assert client.get(f"{address}grades.csv").status_code == 405


def test_grades_are_for_organisers(played, clients, alice):
    address = f"/competitions/{played.slug}/grades/"
    assert clients(alice).get(address).status_code == 403
    assert clients(alice).post(f"{address}grades.csv").status_code == 403
    assert clients(None).get(address).status_code == 302


def test_a_challenge_without_anybody_says_so(competition, clients, host):
    page = clients(host).get(f"/competitions/{competition.slug}/grades/").content.decode()
    assert "Nobody yet" in page


@pytest.mark.parametrize("text", ["round(7, -999999999)", "round(7, 10 ** 9)", "round(2, -99)"])
def test_a_formula_cannot_hold_up_the_page(text):
    """Python would write a whole number out to all the digits that it is asked for."""
    assert reckoned(text) in (0.0, 2.0, 7.0)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["baseline", "beat"])
def test_what_is_not_there_yet_is_no_zero(competition, enter, answers, name):
    enter(competition, "ada", answers(2))
    (person,) = grades.of(competition, f"10 * {name}").people
    assert (person.grade, person.problem) == (None, f"There is no {name} yet.")


@pytest.mark.django_db
def test_grades_come_back_as_the_roster(competition, alice, host):
    roster.load(competition, b"name,email,group\nAlice Liddell,alice@example.org,A\n", host)
    teams.join(competition, alice)
    roster.load(competition, b"name,email,group\nAlice Liddell,al@school.example,B\n", host)
    table = grades.table(competition, host)
    assert "Alice Liddell,al@school.example,B," in table.decode()
    found = roster.preview(competition, table)
    assert (found.added, found.changed) == ([], [])


@pytest.mark.django_db
@pytest.mark.once("a limit of SQLite's")
def test_a_thousand_teams_have_grades(competition, clients, host):
    count = range(1001)
    users = User.objects.bulk_create(User(username=f"u{n}", password="!") for n in count)
    made = Team.objects.bulk_create(
        Team(competition=competition, name=f"T {n}", name_key=f"t {n}") for n in count
    )
    Member.objects.bulk_create(
        Member(team=team, competition=competition, user=user)
        for team, user in zip(made, users, strict=True)
    )
    assert clients(host).get(f"/competitions/{competition.slug}/grades/").status_code == 200
