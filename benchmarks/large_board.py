"""One engine's part of `python -m benchmarks.board_reads`: fills its database and reads."""

import random
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from statistics import median
from typing import Any

import holdout.standalone  # noqa: F401 - sets Django up

# isort: split
from django.core.management import call_command
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext

from benchmarks import board_reads
from competitions import leaderboard
from competitions.models import (
    Competition,
    Member,
    Preparation,
    SolutionVersion,
    Standing,
    State,
    Status,
    Submission,
    Team,
)
from holdout.accounts.models import User
from scoring import wilson

BATCH = 2000
GROUPS = ("", "", "Group A", "Group B")
PUBLIC_ROWS = 3000
START = datetime(2026, 11, 1, 9, tzinfo=UTC)

Rows = list[Any]


@dataclass(frozen=True)
class Read:
    """One kind of read, and the most milliseconds that it should take."""

    name: str
    work: Callable[[], object]
    goal: float = 50


def main(teams: int, rounds: int) -> None:
    call_command("migrate", verbosity=0)
    competition = fill(teams)
    print(f"{'':24}{'queries':>8}{'time':>10}{'goal':>8}")
    for read in reads(competition, teams):
        queries, spent = measure(read.work, rounds)
        print(f"{read.name:24}{queries:8}{spent:7.1f} ms{read.goal:5.0f} ms", flush=True)


def reads(competition: Competition, teams: int) -> Iterator[Read]:
    middle, last = teams // 200, teams // 100
    own = Team.objects.get(name=f"Team {teams // 3:06}")
    for name, options in {
        "first page": {},
        "middle page": {"page": middle},
        "last page": {"page": last},
        "page of 1000": {"size": 1000},
        "group": {"group": "Group A"},
        "group, middle page": {"group": "Group A", "page": middle // 4},
        "search, one team": {"search": own.name},
        "search, 1 in 10": {"search": "7"},
        "search, nothing": {"search": "nobody"},
    }.items():
        yield Read(name, lambda options=options: leaderboard.board(competition, **options))  # type: ignore[misc]
    yield Read("own line", lambda: leaderboard.line_of(competition, own))
    yield Read("a changed row", lambda: leaderboard.row_of(competition, own.pk))
    yield Read("the first five", lambda: leaderboard.top(competition, 5))
    yield Read("the page of one's own", lambda: leaderboard.page_of(competition, own))
    yield Read("groups", lambda: leaderboard.groups(competition))


def measure(work: Callable[[], object], rounds: int) -> tuple[int, float]:
    """Queries; median milliseconds, rows made into objects included, after one round to warm up."""
    with CaptureQueriesContext(connection) as queries:
        work()
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        times.append((time.perf_counter() - begun) * 1000)
    return len(queries), median(times)


# --- a large board -------------------------------------------------------------------------------


def fill(teams: int) -> Competition:
    """That many teams of one, a hundredth of them with a second member, each with a score."""
    chance = random.Random(7)  # noqa: S311 - a board, not a secret
    with transaction.atomic():
        competition = challenge()
        names = (f"Team {n:06}" for n in range(teams))
        while batch := tuple(islice(names, BATCH)):
            add(competition, batch, chance)
    with connection.cursor() as cursor:  # what a server of that size has done by itself long ago
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    return Competition.objects.select_related("solution").get(pk=competition.pk)


def challenge() -> Competition:
    made = Competition.objects.create(slug="large", title="Large", decimals=4)
    made.solution = SolutionVersion.objects.create(
        competition=made,
        version=1,
        path="none",
        sha256="0" * 64,
        id_column="id",
        label_column="label",
        classes=["cat", "dog"],
        rows=3 * PUBLIC_ROWS,
        public_rows=PUBLIC_ROWS,
        private_rows=2 * PUBLIC_ROWS,
        commitment="0" * 64,
    )
    made.preparation, made.state, made.opens_at = Preparation.READY, State.OPEN, START
    made.save()
    return made


def add(competition: Competition, names: tuple[str, ...], chance: random.Random) -> None:
    teams = created(
        Team(
            competition=competition, name=name, name_key=name.casefold(),
            group=chance.choice(GROUPS), is_baseline=chance.random() < 0.0001,
        )
        for name in names
    )  # fmt: skip
    users = created(User(username=name) for name in names)
    created(
        Member(team=team, competition=competition, user=user)
        for team, user in zip(teams, users, strict=True)
    )
    sent = created(submission(team, user, chance) for team, user in zip(teams, users, strict=True))
    created(standing(one, chance) for one in sent)


def created(made: Iterator[Any]) -> Rows:
    found = list(made)
    manager: models.Manager[Any] = type(found[0])._default_manager
    return list(manager.bulk_create(found))


def submission(team: Team, user: User, chance: random.Random) -> Submission:
    at = START + timedelta(seconds=chance.randrange(30 * 86400))
    return Submission(
        public_id=uuid.UUID(int=chance.getrandbits(128)),
        team=team, user=user, file_name="answers.csv", path="none", size=1, sha256="0" * 64,
        status=Status.SCORED, day=at.date(), slot=1, lifetime_slot=1, attempt=1,
        received_at=at, started_at=at, finished_at=at,
    )  # fmt: skip


def standing(sent: Submission, chance: random.Random) -> Standing:
    score = round(min(max(chance.gauss(0.85, 0.05), 0), 1), 4)
    low, high = wilson(score, PUBLIC_ROWS)
    at = int(sent.received_at.timestamp())
    curve = [[at - 3600 * n, round(score * (1 - n / 50), 4)] for n in range(6, -1, -1)]
    return Standing(
        competition=sent.team.competition, team=sent.team, submission=sent,
        is_baseline=sent.team.is_baseline, score=score, sort_key=score, low=low, high=high,
        reached_at=sent.received_at, last_at=sent.received_at,
        entries=chance.randrange(1, 60), curve=curve, rank_before=chance.randrange(1, 1000),
    )  # fmt: skip


if __name__ == "__main__":
    given = board_reads.arguments()
    main(given.teams, given.rounds)
