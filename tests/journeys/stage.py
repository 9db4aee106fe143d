"""Sets the stage in a running stack's database: `python -m tests.journeys.stage '{…}'`.

Prints as JSON what was made. Started as a program, because a test's own process is connected to
the test database and not to the stack's.
"""

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import holdout.standalone  # noqa: F401 - sets Django up

# isort: split
from django.db.models import F

from competitions import files, teams
from competitions.models import Competition, Standing, Status, Submission
from holdout.accounts import tokens
from holdout.accounts.models import User
from tests.classroom import make_competition
from tests.journeys.stack import ids, label


def competition(slug: str, rows: int = 60, daily_limit: int = 20) -> dict[str, Any]:
    """One with that many test rows, of which every third is public; see stack.answers."""
    lines = [
        f"{name},{label(n)},{'Private' if n % 3 else 'Public'}" for n, name in enumerate(ids(rows))
    ]
    solution = ("id,label,Usage\n" + "\n".join(lines) + "\n").encode()
    made = make_competition(slug, solution, daily_limit=daily_limit)
    assert made.solution is not None
    return {"solution": files.storage("solutions").path(made.solution.path)}


def people(names: list[str]) -> dict[str, str]:
    """An account and a token for each."""
    return {
        name: tokens.create(User.objects.filter(username=name).first() or _account(name))
        for name in names
    }


def _account(name: str) -> User:
    return User.objects.create_user(name)


def crowd(slug: str, count: int) -> list[dict[str, Any]]:
    """That many teams of one, each with a token, for the benchmark."""
    where = Competition.objects.get(slug=slug)
    users = [_account(f"{slug}-{n}") for n in range(count)]
    return [{"team": teams.join(where, u).pk, "token": tokens.create(u)} for u in users]


def an_hour_later(slug: str) -> int:
    """What an hour would do to the competition's unfinished submissions."""
    hour = timedelta(hours=1)
    unfinished = Submission.objects.filter(team__competition__slug=slug, finished_at=None)
    unfinished.exclude(lease_until=None).update(lease_until=F("lease_until") - hour)
    return unfinished.update(received_at=F("received_at") - hour, rung_at=F("rung_at") - hour)


def tally(slug: str) -> dict[str, Any]:
    """What the database holds of the competition in the end."""
    submissions = Submission.objects.filter(team__competition__slug=slug)
    return {
        "statuses": sorted(submissions.values_list("status", flat=True)),
        "attempts": sorted(submissions.values_list("attempt", flat=True)),
        "slots": submissions.filter(slot__isnull=False).count(),
        "public": sum(one.public_scores.count() for one in submissions),
        "private": sum(one.private_scores.count() for one in submissions),
        "entries": sum(s.entries for s in Standing.objects.filter(competition__slug=slug)),
        "scored": submissions.filter(status=Status.SCORED).count(),
        "version": Competition.objects.get(slug=slug).board_version,
    }


VERBS: dict[str, Callable[..., Any]] = {
    "competition": competition,
    "people": people,
    "teams": crowd,
    "later": an_hour_later,
    "tally": tally,
}


def main(wanted: dict[str, Any]) -> None:
    made = {name: VERBS[name](**arguments) for name, arguments in wanted.items()}
    sys.stdout.write(json.dumps(made))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
