"""The host's screen, read: one row for each person, and who of them needs somebody.

However many they are, it takes the same few queries. The rules of the lights are in lights.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple

from django.db.models import Count, F, Max, Min, Q, Window
from django.db.models.functions import RowNumber

from competitions import attempts, deadlines
from competitions.lights import RECENT, URGENCY, Judgement, Light, Seen, judge
from competitions.models import (
    Act,
    Competition,
    Kind,
    Member,
    Mistakes,
    PublicScore,
    RosterEntry,
    Status,
    Submission,
    Team,
)
from competitions.models.submission import WAITING
from scoring import displayed

ONE_CLASS = 0.5  # share of the images from which on a file is told to name one class


class Sort(StrEnum):
    URGENCY = "urgency"
    NAME = "name"
    SCORE = "score"


@dataclass(frozen=True)
class Person:
    """One row: a member of a team, or somebody on the roster who has not come yet."""

    key: str  # of the row, the same as long as the person is in the list
    name: str
    judgement: Judgement
    team: Team | None = None
    is_alone: bool = True
    joined_at: datetime | None = None
    valid_at: datetime | None = None
    beats: bool = False  # the best baseline
    best: str = ""  # as displayed; empty while scores are hidden
    sort_key: float | None = None
    idle_since: datetime | None = None
    left: int | None = None  # files that may still be sent today; None: none is taken any more

    @property
    def pips(self) -> list[bool]:
        return [self.joined_at is not None, self.valid_at is not None, self.beats]

    @property
    def steps(self) -> str:
        """The three pips in words."""
        words = ("joined", "valid file", "beats the baseline")
        done = [word for word, is_done in zip(words, self.pips, strict=True) if is_done]
        return ", ".join(done) or "not joined"


@dataclass(frozen=True)
class Screen:
    """Everybody in the order asked for, and how many there are of each light."""

    people: list[Person]
    baseline: str  # the best baseline's name; empty without one
    waiting: int  # files of this challenge without a score
    oldest: timedelta | None  # how long the first of them has waited

    @property
    def tally(self) -> dict[str, int]:
        counted = {light.value: 0 for light in Light}
        for person in self.people:
            counted[person.judgement.light] += 1
        return counted

    @property
    def beating(self) -> int:
        return sum(person.beats for person in self.people)

    @property
    def joined(self) -> int:
        return sum(person.joined_at is not None for person in self.people)


def read(competition: Competition, sort: Sort = Sort.URGENCY) -> Screen:
    """The screen as it is at the competition's clock: eight queries."""
    room = _Room.of(competition)
    people = sorted(_people(competition, room), key=_ORDERS[sort])
    waiting, oldest = _waiting(competition)
    return Screen(people, room.baseline.name if room.baseline else "", waiting, oldest)


class _Files(NamedTuple):
    """A team's files, counted."""

    used: int = 0
    lifetime_used: int = 0
    valid_at: datetime | None = None
    last_at: datetime | None = None


class _Baseline(NamedTuple):
    name: str
    score: float


@dataclass(frozen=True)
class _Room:
    """What was read of all teams, by team."""

    now: datetime
    resumed_at: datetime | None
    sign: int
    lifetime_limit: int
    counted: Mapping[int, _Files]
    recent: Mapping[int, Sequence[Submission]]
    best: Mapping[int, float]
    dominant: Mapping[str, Any]
    baseline: _Baseline | None = field(default=None)

    @classmethod
    def of(cls, competition: Competition) -> "_Room":
        now = deadlines.clock(competition)
        is_less_better = competition.metric_facts.direction == "minimize"
        best = _best(competition, is_less_better=is_less_better)
        teams = {pk: value for pk, (value, _name) in best.items()}
        lines = [_Baseline(name, value) for value, name in best.values() if name]
        top = min if is_less_better else max
        row = Mistakes.objects.filter(competition=competition).only("dominant").first()
        return cls(
            now=now,
            resumed_at=_resumed_at(competition),
            sign=-1 if is_less_better else 1,
            lifetime_limit=attempts.lifetime_limit(competition),
            counted=_counted(competition, attempts.day_of(now)),
            recent=_recent(competition),
            best=teams,
            dominant=row.dominant if row else {},
            baseline=top(lines, key=lambda line: line.score, default=None),
        )


def _best(competition: Competition, *, is_less_better: bool) -> dict[int, tuple[float, str]]:
    """Each team's best public score as its team knows it, also while the board stands still; and
    the name of a baseline."""
    counted = PublicScore.objects.filter(
        submission__team__competition=competition,
        submission__exclusion="",
        submission__is_late=False,
        solution=competition.solution_id,
        shown__isnull=False,
    )
    fields = ("submission__team", "submission__team__name", "submission__team__is_baseline")
    rows = counted.values_list(*fields).annotate((Min if is_less_better else Max)("shown"))
    return {pk: (value, name if is_baseline else "") for pk, name, is_baseline, value in rows}


def _counted(competition: Competition, today: date) -> dict[int, _Files]:
    rows = (
        Submission.objects.filter(team__competition=competition, team__is_baseline=False)
        .order_by()
        .values("team")
        .annotate(
            used=Count("pk", filter=Q(day=today, slot__isnull=False)),
            lifetime_used=Count("lifetime_slot"),
            valid_at=Min("received_at", filter=Q(status=Status.SCORED)),
            last_at=Max("received_at"),
        )
    )
    return {
        row["team"]: _Files(row["used"], row["lifetime_used"], row["valid_at"], row["last_at"])
        for row in rows
    }


def _recent(competition: Competition) -> dict[int, list[Submission]]:
    """The last files of each team, the newest first."""
    newest = Window(
        RowNumber(), partition_by=F("team"), order_by=[F("received_at").desc(), F("pk").desc()]
    )
    rows = (
        Submission.objects.filter(team__competition=competition, team__is_baseline=False)
        .annotate(place=newest)
        .filter(place__lte=RECENT)
        .only("team_id", "status", "error")
        .order_by("team_id", "place")
    )
    return {pk: list(its) for pk, its in groupby(rows, key=lambda one: one.team_id)}


def _waiting(competition: Competition) -> tuple[int, timedelta | None]:
    found = Submission.objects.filter(team__competition=competition, status__in=WAITING)
    counted = found.aggregate(n=Count("pk"), first=Min("received_at"))
    if counted["first"] is None:
        return 0, None
    return counted["n"], max(timedelta(), deadlines.clock(competition) - counted["first"])


def _people(competition: Competition, room: _Room) -> Iterable[Person]:
    members = Member.objects.filter(competition=competition, team__is_baseline=False)
    rows = list(members.select_related("team", "user"))
    size: dict[int, int] = {}
    for member in rows:
        size[member.team_id] = size.get(member.team_id, 0) + 1
    expected = list(RosterEntry.objects.filter(competition=competition))
    names = {entry.user_id: entry.name for entry in expected}
    for member in rows:
        name = names.get(member.user_id) or _name(member.user)
        yield _person(competition, room, member, name, is_alone=size[member.team_id] == 1)
    here = {member.user_id for member in rows}
    for entry in expected:
        if entry.user_id not in here:
            yield Person(f"r{entry.pk}", entry.name, judge(Seen(room.now)))


def _resumed_at(competition: Competition) -> datetime | None:
    """When the last pause ended: while it lasted nobody could send anything."""
    acts = Act.objects.filter(competition=competition, kind=Kind.RESUMED)
    return acts.order_by("-at").values_list("at", flat=True).first()


def _name(user: Any) -> str:
    return str(user.get_full_name() or user.get_username())


def _person(
    competition: Competition, room: _Room, member: Member, name: str, *, is_alone: bool
) -> Person:
    team, files = member.team, room.counted.get(member.team_id, _Files())
    best, line = room.best.get(team.pk), room.baseline
    since = max(filter(None, (member.joined_at, competition.opens_at, room.resumed_at)))
    left = _left(competition, room, team, files)
    return Person(
        key=f"m{member.pk}",
        name=name,
        team=team,
        is_alone=is_alone,
        judgement=judge(_seen(competition, room, team, since, left)),
        joined_at=member.joined_at,
        valid_at=files.valid_at,
        beats=best is not None and line is not None and room.sign * best > room.sign * line.score,
        best="" if best is None else displayed(best, competition.decimals),
        sort_key=None if best is None else room.sign * best,
        idle_since=files.last_at or since,
        left=left,
    )


def _left(competition: Competition, room: _Room, team: Team, files: _Files) -> int | None:
    if deadlines.phase_for(competition, team).is_over:
        return None
    today = competition.daily_limit + team.extra_attempts - files.used
    in_all = room.lifetime_limit + team.extra_attempts - files.lifetime_used
    return max(0, min(today, in_all))


def _seen(
    competition: Competition, room: _Room, team: Team, since: datetime, left: int | None
) -> Seen:
    files, recent = room.counted.get(team.pk, _Files()), room.recent.get(team.pk, [])
    ended = [one for one in recent if one.is_final]
    last = ended[0] if ended else None
    return Seen(
        now=room.now,
        is_running=deadlines.phase_for(competition, team) is deadlines.Phase.OPEN,
        since=since,
        last_at=files.last_at,
        is_valid=files.valid_at is not None,
        refused=_refused(ended),
        error=last.error if last else "",
        is_our_fault=last is not None and last.status == Status.FAILED,
        is_spent=left == 0,
        below=_below(competition, room, team),
        dominant=_dominant(room, team),
        disqualification=team.disqualification,
    )


def _refused(ended: Sequence[Submission]) -> int:
    """How many of the last files in a row were wrong."""
    for place, one in enumerate(ended):
        if one.status != Status.INVALID:
            return place
    return len(ended)


def _below(competition: Competition, room: _Room, team: Team) -> str:
    best, line = room.best.get(team.pk), room.baseline
    if best is None or line is None or room.sign * best >= room.sign * line.score:
        return ""
    gap = displayed(abs(line.score - best), competition.decimals)
    return f"Below {line.name} by {gap}"


def _dominant(room: _Room, team: Team) -> str:
    told = room.dominant.get(str(team.pk))
    if told is None or told["share"] < ONE_CLASS:
        return ""
    return f"Predicts “{told['class']}” for {100 * told['share']:.0f} % of the images"


def _by_urgency(person: Person) -> Any:
    """In a light, whoever has waited longest."""
    since = person.idle_since.timestamp() if person.idle_since else 0.0
    return URGENCY[person.judgement.light], since, person.name.casefold(), person.key


def _by_name(person: Person) -> Any:
    return person.name.casefold(), person.key


def _by_score(person: Person) -> Any:
    score = person.sort_key
    return score is None, -(score or 0.0), person.name.casefold(), person.key


_ORDERS = {Sort.URGENCY: _by_urgency, Sort.NAME: _by_name, Sort.SCORE: _by_score}
