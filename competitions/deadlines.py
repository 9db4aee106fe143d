"""When a competition is open. The database's clock decides, never a web server's."""

from datetime import datetime, timedelta
from enum import StrEnum

from competitions.models import Competition, State, Team
from competitions.refusals import NotOpen

LONGEST_EXTENSION = timedelta(days=366)
TOO_FAR = (
    f"An end moves back by {LONGEST_EXTENSION.days} days at a time: a slip of the year would keep "
    "the challenge open for ever."
)


class Phase(StrEnum):
    """What the state and the dates together mean now."""

    DRAFT = "draft"
    UPCOMING = "upcoming"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"
    REVEALED = "revealed"

    @property
    def is_over(self) -> bool:
        return self in (Phase.CLOSED, Phase.REVEALED)

    @property
    def is_running(self) -> bool:
        """Begun and not over, be it paused."""
        return self in (Phase.OPEN, Phase.PAUSED)


def phase(competition: Competition) -> Phase:
    """The phase at the moment the competition was read (its ``clock``)."""
    return _phase(competition, competition.closes_at)


def phase_for(competition: Competition, team: Team | None) -> Phase:
    """The phase for one team, which a host may have given a later end of its own.

    Closed by hand it is over for all: that is how a host ends everything.
    """
    return _phase(competition, closes_for(competition, team))


def closes_for(competition: Competition, team: Team | None) -> datetime | None:
    """When it ends for this team: at the later of its own end and everybody's."""
    everybodys, own = competition.closes_at, team.closes_at if team else None
    if own is None or everybodys is None or competition.state != State.OPEN:
        return everybodys
    return max(own, everybodys)


def _phase(competition: Competition, closes_at: datetime | None) -> Phase:
    if competition.state == State.DRAFT:
        return Phase.DRAFT
    if competition.state == State.REVEALED:
        return Phase.REVEALED
    if competition.state == State.CLOSED:
        return Phase.CLOSED
    now = clock(competition)
    if competition.opens_at is not None and now < competition.opens_at:
        return Phase.UPCOMING
    if closes_at is not None and now >= closes_at:
        return Phase.CLOSED
    return Phase.PAUSED if competition.paused_at is not None else Phase.OPEN


def frozen_since(competition: Competition) -> datetime | None:
    """Since when the board stands still, if it does."""
    freezes_at = competition.freezes_at
    is_frozen = freezes_at is not None and freezes_at <= clock(competition)
    return freezes_at if is_frozen else None


def read(pk: int) -> Competition:
    """The competition as it is now, with a fresh clock."""
    return Competition.objects.select_related("solution").get(pk=pk)


def database_time(competition_pk: int) -> datetime:
    """The database's time, asked for now."""
    return clock(read(competition_pk))


def clock(competition: Competition) -> datetime:
    """The database's time at the moment the competition was read (see CompetitionManager)."""
    moment: datetime = competition.clock  # type: ignore[attr-defined]  # the manager's annotation
    return moment


def require_taking(pk: int, team: Team) -> tuple[Competition, bool]:
    """The competition, read now, and whether a file of the team's is late now; raises NotOpen.

    Called inside the transaction that takes the submission, so that both see the same moment.
    """
    competition = read(pk)
    now = phase_for(competition, team)
    if now is Phase.OPEN:
        return competition, False
    if now.is_over and competition.late_submissions:
        return competition, True
    raise NotOpen(_not_open(competition, now))


def _not_open(competition: Competition, now: Phase) -> str:
    match now:
        case Phase.UPCOMING:
            return f"Submissions open at {_utc(competition.opens_at)}. Nothing was sent."
        case Phase.PAUSED:
            return "The organiser has paused this challenge. Nothing was sent; try again later."
        case Phase.DRAFT:
            return "This challenge is a draft and takes no submissions yet."
        case _:
            return "This challenge is closed and takes no more submissions."


def _utc(moment: datetime | None) -> str:
    return f"{moment:%d %B %Y, %H:%M} UTC" if moment else "a date not set yet"
