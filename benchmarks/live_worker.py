"""What a scoring worker does for the live stream, for `benchmarks.live`.

Started in the surroundings of the measured site. Reads one JSON line, sets the stage and answers
with it; then publishes the one team's board row for every further line, and answers with the
moment before it did, in ns of the monotonic clock.
"""

import json
import sys
import time
from typing import Any

import holdout.standalone  # noqa: F401 - sets Django up

# isort: split
from django.conf import settings
from django.core.files.base import ContentFile
from django.test import Client

from competitions import submissions, teams
from competitions.live import events
from competitions.models import Competition, Standing
from holdout.accounts.models import User
from tests.classroom import report_on
from tests.journeys.stack import answers
from tests.journeys.stage import competition

ROWS = 60


def stage(slug: str, people: int) -> tuple[Standing, list[str]]:
    """A competition with one team on its board, and the sessions of that many members."""
    competition(slug, rows=ROWS)
    where = Competition.objects.get(slug=slug)
    users = [User.objects.create(username=f"person-{n}") for n in range(max(1, people))]
    for user in users:
        teams.join(where, user)
    return _scored(where, users[0]), [_session(user) for user in users[:people]]


def _scored(where: Competition, user: User) -> Standing:
    content = answers(ROWS, wrong=3)
    sent = submissions.submit(where, user, ContentFile(content, name="answers.csv"))
    claimed = submissions.claim(sent.pk)
    standing = submissions.finish(claimed, report_on(claimed, content)) if claimed else None
    if standing is None:
        raise SystemExit("the one submission of the stage was not scored")
    return standing


def _session(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    standing, sessions = stage(**json.loads(sys.stdin.readline()))
    say({"sessions": sessions, "path": f"/competitions/{standing.competition.slug}"})
    while sys.stdin.readline():
        began = time.monotonic_ns()
        events.publish_board(standing)
        say({"began": began})


if __name__ == "__main__":
    main()
