"""Events in: what workers tell the open screens. Public values only, or the team's own.

One append-only stream per competition carries three kinds of entries: those for everybody, those
for the members of one team (``team`` names it), and those for whoever runs the room (TO_HOSTS:
which team, and what its file came to, no more). The web process that reads the stream keeps the
last two from everybody else, so one cursor serves all of a page's needs.
"""

import json
from functools import lru_cache
from typing import Any

import redis
import structlog
from django.conf import settings

from competitions import deadlines, leaderboard
from competitions.insight.board import MOST, Told
from competitions.leaderboard import iso
from competitions.models import Announcement, Competition, Standing, Submission, Team

log = structlog.get_logger(__name__)

# At one score a second this keeps a quarter of an hour: longer gaps get a fresh board instead.
KEPT_EVENTS = 1000
TO_ALL = ""
TO_HOSTS = "hosts"  # in place of a team: for those who run the room
START = "0-0"  # the cursor of a page made before the first event


def stream_key(slug: str) -> str:
    return f"holdout:live:{slug}"


def publish_board(standing: Standing) -> None:
    """A team's line of the public board has changed."""
    competition = Competition.objects.get(pk=standing.competition_id)
    found = leaderboard.row_of(competition, standing.team_id)
    if found is None:
        publish_reset(competition)
        return
    row = found.public()
    # These follow from the others' rows: every reader ranks for itself.
    del row["rank"], row["moved"]
    _add(competition.slug, "board", {"version": competition.board_version, "row": row})


def publish_statistics(told: Told) -> None:
    """Who is tied with the leader and who moved: the lines that changed among the first ones."""
    competition = deadlines.read(told.competition_id)
    lines = leaderboard.board(competition, size=MOST).rows
    leader = told.leader and dict(zip(("team_id", "value"), told.leader, strict=True))
    names = ("team_id", "tied", "low", "high", "moved")
    data = {
        "version": told.version,
        "leader": leader,
        "noise": told.noise,
        "rows": [{n: getattr(row, n) for n in names} for row in lines if row.team_id in told.teams],
    }
    _add(competition.slug, "statistics", data)


def publish_submission(submission: Submission) -> None:
    """A submission has a new status: told to its own team."""
    data = {
        "id": str(submission.public_id),
        "status": submission.status,
        "score": leaderboard.public_score(submission),
        "error": submission.error,
    }
    _add(submission.team.competition.slug, "submission", data, team=str(submission.team_id))

    if submission.is_final:
        publish_to_hosts(submission.team, submission.status)


def publish_to_hosts(team: Team, status: str) -> None:
    """Something has happened in a team: its lines of the host's screen are fetched anew."""
    data = {"team_id": team.pk, "status": status}
    _add(team.competition.slug, "host", data, team=TO_HOSTS)


def publish_allowance(team: Team) -> None:
    """The team has another end or other limits: its pages ask for theirs."""
    _add(team.competition.slug, "allowance", {}, team=str(team.pk))
    publish_to_hosts(team, "allowance")


def publish_announcement(announcement: Announcement) -> None:
    """The organiser's sentence, to everybody."""
    data = {"id": announcement.pk, "text": announcement.text, "at": iso(announcement.at)}
    _add(announcement.competition.slug, "announcement", data)


def publish_clock(competition: Competition) -> None:
    """The dates or the state have changed: countdowns and heads of open pages follow."""
    _add(competition.slug, "clock", clock_of(deadlines.read(competition.pk)))


def clock_of(competition: Competition, team: Team | None = None) -> dict[str, str | None]:
    """What an open page must know of the challenge's dates, as they are for the team."""
    moments = {
        "opens_at": competition.opens_at,
        "closes_at": deadlines.closes_for(competition, team),
        "freezes_at": competition.freezes_at,
        "frozen_since": deadlines.frozen_since(competition),
        "now": deadlines.clock(competition),
    }
    told = {name: None if at is None else iso(at) for name, at in moments.items()}
    return {"phase": str(deadlines.phase_for(competition, team)), **told}


def publish_reset(competition: Competition) -> None:
    """Too much has changed for single rows: every open page fetches what it shows."""
    _add(competition.slug, "reset", {})


def cursor(slug: str) -> str:
    """The newest entry's id: a page rendered now has everything up to it.

    Empty when Valkey does not answer: the page still opens, and asks for a fresh board later.
    """
    try:
        newest: Any = _connection().xrevrange(stream_key(slug), count=1)
    except redis.RedisError:
        return ""
    return str(newest[0][0].decode()) if newest else START


def _add(slug: str, event: str, data: dict[str, Any], *, team: str = TO_ALL) -> None:
    """Appends one event. Without Valkey it is lost: the board in the database is the truth."""
    fields = {"event": event, "data": json.dumps(data, separators=(",", ":")), "team": team}
    try:
        _connection().xadd(stream_key(slug), fields, maxlen=KEPT_EVENTS, approximate=True)  # type: ignore[arg-type]
    except redis.RedisError as error:
        log.warning("live event lost", stream_event=event, competition=slug, reason=str(error))


@lru_cache(maxsize=1)
def _connection() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=1)
