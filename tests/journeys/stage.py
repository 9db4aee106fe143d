"""Sets the stage in a running stack's database: `python -m tests.journeys.stage '{…}'`.

Prints as JSON what was made; without an argument, a line for every line that it reads. Started as
a program, because a test's own process is connected to the test database and not to the stack's.
"""

import json
import secrets
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import holdout.standalone  # noqa: F401 - sets Django up

# isort: split
from django.core.files.base import ContentFile
from django.db import connections
from django.db.models import F

from competitions import deadlines, files, preparing, teams
from competitions.live import events
from competitions.models import (
    Competition,
    ModelRules,
    SolutionVersion,
    Standing,
    Status,
    Submission,
)
from holdout.accounts import tokens
from holdout.accounts.models import User
from scoring import splits
from tests.classroom import add_file, make_competition
from tests.competitions.zips import image, packed
from tests.journeys.stack import ids, label


def competition(
    slug: str, rows: int = 60, daily_limit: int = 20, class_code: str | None = None
) -> dict[str, Any]:
    """One with that many test rows, of which every third is public; see stack.answers."""
    lines = [
        f"{name},{label(n)},{'Private' if n % 3 else 'Public'}" for n, name in enumerate(ids(rows))
    ]
    solution = ("id,label,Usage\n" + "\n".join(lines) + "\n").encode()
    made = make_competition(slug, solution, daily_limit=daily_limit, class_code=class_code)
    assert made.solution is not None
    seal(made.solution, {line.split(",")[0]: line.split(",")[2] for line in lines}, solution)
    return {"solution": files.storage("solutions").path(made.solution.path)}


def models(slug: str, rows: int = 60, **rules: Any) -> dict[str, Any]:
    """As above, and it takes models: grey images of 4 by 4 pixels, the n-th of the shade n."""
    made = competition(slug, rows)
    there = Competition.objects.get(slug=slug)
    for archive, names in (("test.zip", list(ids(rows))), ("train.zip", ["a.png", "b.png"])):
        images = packed({name: image(n % 256) for n, name in enumerate(names)})
        add_file(there, archive, images, len(names))
    ModelRules.objects.create(competition=there, channels=1, height=4, width=4, **rules)
    return made


def seal(version: SolutionVersion, usage: dict[str, str], solution: bytes) -> None:
    """Sealed as preparing does it, so that the seal can be found whole after the end."""
    seed = secrets.token_bytes(16)
    version.commitment = splits.given_commitment(seed, usage)
    version.label_seal = splits.solution_commitment(splits.salt_from(seed), solution)
    version.save()
    files.storage("solutions").save(preparing.seed_path(version.commitment), ContentFile(seed))


def dates(slug: str, closes_in: int, freeze_minutes: int | None = None) -> None:
    """Ends in that many minutes, as if it had been so from the start; open pages are told."""
    made = Competition.objects.get(slug=slug)
    made.closes_at = deadlines.clock(made) + timedelta(minutes=closes_in)
    made.freeze_minutes = freeze_minutes
    made.save(update_fields=["closes_at", "freeze_minutes"])
    events.publish_clock(made)


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
    "models": models,
    "people": people,
    "teams": crowd,
    "later": an_hour_later,
    "dates": dates,
    "tally": tally,
}


def set_up(wanted: dict[str, Any]) -> str:
    return json.dumps({name: VERBS[name](**arguments) for name, arguments in wanted.items()})


def main(arguments: list[str]) -> None:
    for line in arguments or sys.stdin:
        sys.stdout.write(set_up(json.loads(line)) + "\n")
        sys.stdout.flush()
        connections.close_all()  # the next line may come after the servers were killed


if __name__ == "__main__":
    main(sys.argv[1:])
