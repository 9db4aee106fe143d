"""A line for everybody who took part or was expected, with what a teacher writes down."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from statistics import mean, median
from typing import Any

from django.db import transaction
from django.db.models import Count, Q

from competitions import audit, spreadsheets
from competitions.grading import formula
from competitions.grading.formula import Formula, FormulaError
from competitions.models import (
    Competition,
    FinalStanding,
    Kind,
    Member,
    PublicScore,
    RosterEntry,
    State,
    Status,
    Team,
)
from competitions.refusals import Refused
from competitions.teams import alphabetical
from scoring import displayed

COLUMNS = (
    "name", "email", "group", "team", "final score", "public score", "rank", "rank in group",
    "submissions", "beat the baseline", "grade",
)  # fmt: skip


@dataclass(frozen=True)
class Person:
    """One line. None is what there is not (yet)."""

    name: str
    email: str
    group: str
    team: str
    team_pk: int | None
    final: float | None
    public: float | None
    rank: int | None
    rank_in_group: int | None
    submissions: int
    beat: bool | None
    grade: float | None = None
    problem: str = ""
    shown: str = ""  # the score that counts now, with the board's digits

    @property
    def cells(self) -> list[object]:
        beat = "" if self.beat is None else "yes" if self.beat else "no"
        return [
            self.name, self.email, self.group, self.team, self.final, self.public, self.rank,
            self.rank_in_group, self.submissions, beat, self.grade,
        ]  # fmt: skip


@dataclass(frozen=True)
class Grades:
    people: list[Person]
    is_final: bool  # reckoned from the private rows


@dataclass(frozen=True)
class _Result:
    """Of a team: its numbers, and how good it is (larger is better)."""

    score: float
    public: float | None
    key: float


def of(competition: Competition, text: str | None = None) -> Grades:
    """Everybody by name; ``text`` is a formula to try instead of the challenge's own.

    Final numbers exist once the challenge is revealed: whoever asks must be one who may see them.
    Raises Refused for what is no formula.
    """
    teams = list(Team.objects.filter(competition=competition))
    members = Member.objects.filter(competition=competition, team__is_baseline=False)
    roster = {
        entry.user_id: entry
        for entry in RosterEntry.objects.filter(competition=competition, user__isnull=False)
    }
    is_final = competition.state == State.REVEALED
    results = _final(competition) if is_final else _public(competition)
    files = _files(competition)
    table = _Table(competition, teams, results)
    rule = _read(competition.grading_formula if text is None else text)
    people = [
        _graded(
            table,
            rule,
            _person(table, member, roster.get(member.user_id), files, is_final),
            member.team,
        )
        for member in members.select_related("team", "user")
    ]
    people += _expected(competition)
    return Grades(sorted(people, key=lambda it: (alphabetical(it.name), it.team)), is_final)


def save(competition: Competition, text: str, by: Any = None) -> bool:
    """The challenge's formula from now on, empty for none; False where it is that already."""
    words = text.strip()
    _read(words)
    with transaction.atomic():
        locked = Competition.objects.locked(competition.pk)
        if locked.grading_formula == words:
            return False
        change = {"old": locked.grading_formula, "new": words}
        Competition.objects.filter(pk=locked.pk).update(grading_formula=words)
        audit.record(locked, by, Kind.SETTINGS_CHANGED, grading_formula=change)
    competition.grading_formula = words
    return True


def table(competition: Competition, by: Any = None) -> bytes:
    """As a CSV for spreadsheets; that it was taken is written down."""
    found = of(competition)
    audit.record(competition, by, Kind.GRADES_EXPORTED, people=len(found.people))
    return spreadsheets.write(COLUMNS, (person.cells for person in found.people))


class _Table:
    """What every line is compared with."""

    def __init__(
        self, competition: Competition, teams: Sequence[Team], results: Mapping[int, _Result]
    ) -> None:
        self.results, self.decimals = results, competition.decimals
        ranked = [team for team in teams if team.pk in results and _counts(team)]
        self.ranks = _ranks({team.pk: results[team.pk].key for team in ranked})
        self.group_ranks = _by_group(ranked, results)
        lines = [team.pk for team in teams if team.is_baseline and team.pk in results]
        self.line = max((results[pk] for pk in lines), key=lambda it: it.key, default=None)
        scores = [results[team.pk].score for team in ranked]
        best = max((results[team.pk] for team in ranked), key=lambda it: it.key, default=None)
        self.shared: dict[str, float] = {
            **({"baseline": self.line.score} if self.line else {}),
            "best": best.score if best else 0.0,
            "mean": mean(scores) if scores else 0.0,
            "median": median(scores) if scores else 0.0,
            "teams": float(len(ranked)),
        }

    def beats(self, pk: int) -> bool | None:
        if self.line is None or pk not in self.results:
            return None
        return self.results[pk].key > self.line.key


def _person(
    table: _Table,
    member: Member,
    entry: RosterEntry | None,
    files: Mapping[int, int],
    is_final: bool,
) -> Person:
    """Named as on the roster, so that a teacher finds the line again, and the table comes back."""
    team, user = member.team, member.user
    found = table.results.get(team.pk)
    return Person(
        name=entry.name if entry else user.get_full_name() or user.get_username(),
        email=(entry.email if entry else "") or user.email,
        group=team.group or (entry.group if entry else ""),
        team=team.name,
        team_pk=team.pk,
        final=found.score if found and is_final else None,
        public=found.public if found else None,
        rank=table.ranks.get(team.pk),
        rank_in_group=table.group_ranks.get(team.pk),
        submissions=files.get(team.pk, 0),
        beat=table.beats(team.pk),
        shown=displayed(found.score, table.decimals) if found else "",
    )


def _graded(table: _Table, rule: Formula | None, person: Person, team: Team) -> Person:
    found = table.results.get(team.pk)
    if rule is None or found is None or person.rank is None:
        return person
    values = {
        **table.shared,
        "score": found.score,
        "public": found.score if found.public is None else found.public,
        "rank": float(person.rank),
        "percentile": _percentile(person.rank, table.shared["teams"]),
        "submissions": float(person.submissions),
        **({} if person.beat is None else {"beat": float(person.beat)}),
    }
    try:
        return replace(person, grade=round(rule.grade(values), 4))
    except FormulaError as error:
        return replace(person, problem=str(error))


def _percentile(rank: int, teams: float) -> float:
    return 1.0 if teams <= 1 else (teams - rank) / (teams - 1)


def _counts(team: Team) -> bool:
    return not team.is_baseline and not team.is_hidden and not team.disqualification


def _final(competition: Competition) -> dict[int, _Result]:
    found = FinalStanding.objects.filter(competition=competition)
    return {it.team_id: _Result(it.score, it.public_score, it.sort_key) for it in found}


def _public(competition: Competition) -> dict[int, _Result]:
    """The best shown public score of each team, also while the board is hidden or stands still."""
    sign = 1 if competition.metric_facts.direction == "maximize" else -1
    shown = PublicScore.objects.filter(
        submission__team__competition=competition,
        solution=competition.solution_id,
        submission__exclusion="",
        submission__is_late=False,
        shown__isnull=False,
    ).values_list("submission__team", "shown")
    best: dict[int, float] = {}
    for team, score in shown:
        best[team] = max(best.get(team, -inf), sign * (score or 0.0))
    return {team: _Result(sign * key, sign * key, key) for team, key in best.items()}


def _files(competition: Competition) -> dict[int, int]:
    scored = Count("submissions", filter=Q(submissions__status=Status.SCORED))
    counted = Team.objects.filter(competition=competition).annotate(n=scored)
    return dict(counted.values_list("pk", "n"))


def _expected(competition: Competition) -> list[Person]:
    """Who stands on the roster and never came."""
    waiting = RosterEntry.objects.filter(competition=competition, user=None)
    return [
        Person(it.name, it.email, it.group, "", None, None, None, None, None, 0, None)
        for it in waiting
    ]


def _ranks(keys: Mapping[int, float]) -> dict[int, int]:
    """Competition ranks: equal keys share the place, and the next ones are counted behind."""
    counts = Counter(keys.values())
    places, better = {}, 0
    for key in sorted(counts, reverse=True):
        places[key] = better + 1
        better += counts[key]
    return {pk: places[key] for pk, key in keys.items()}


def _by_group(teams: Sequence[Team], results: Mapping[int, _Result]) -> dict[int, int]:
    groups: dict[str, dict[int, float]] = defaultdict(dict)
    for team in teams:
        if team.group:
            groups[team.group.casefold()][team.pk] = results[team.pk].key
    return {pk: rank for keys in groups.values() for pk, rank in _ranks(keys).items()}


def _read(text: str) -> Formula | None:
    if not text.strip():
        return None
    try:
        return formula.read(text)
    except FormulaError as error:
        raise Refused(str(error)) from None
