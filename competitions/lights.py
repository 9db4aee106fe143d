"""The host's traffic lights: who of a room needs somebody, and why, in plain words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

IDLE = timedelta(minutes=20)
STUCK = timedelta(minutes=30)  # without a valid file
REFUSED_IN_A_ROW = 2
RECENT = 6  # files of a team that are looked at; of more refused ones it says "6 times or more"


class Light(StrEnum):
    """The most urgent first."""

    HELP = "help"
    WATCH = "watch"
    FINE = "fine"
    AWAY = "away"


URGENCY = {light: place for place, light in enumerate(Light)}


@dataclass(frozen=True)
class Seen:
    """What is known of a person's team at the moment ``now``, as ``judge`` needs it."""

    now: datetime
    is_running: bool = True  # the challenge, for this team
    since: datetime | None = None  # from when it could send files; None: has not joined
    last_at: datetime | None = None  # its last file
    is_valid: bool = False  # one of its files was scored
    refused: int = 0  # how many of its last files in a row were wrong
    error: str = ""  # what the last file was told, if it went wrong
    is_our_fault: bool = False
    is_spent: bool = False  # no attempt is left today
    below: str = ""  # the best baseline, and how far it is, where the team is below it
    dominant: str = ""  # that its last file names one class for most images
    disqualification: str = ""


class Judgement(NamedTuple):
    """A light and why, in plain words, which may end with a moment."""

    light: Light
    words: str = ""
    at: datetime | None = None


def judge(seen: Seen) -> Judgement:
    """Who needs the host. The first that holds:

    away   has not joined, or was disqualified
    help   the last file failed by our fault; two refused in a row; no valid file after 30 minutes
    watch  idle for 20 minutes with attempts left; below the best baseline
    fine   everybody else

    While nothing is taken, paused or after the end, nobody is idle or stuck.
    """
    if seen.since is None:
        return Judgement(Light.AWAY, "On the roster, has not joined")
    if seen.disqualification:
        return Judgement(Light.AWAY, f"Disqualified: {seen.disqualification}")
    return _help(seen) or _watch(seen) or Judgement(Light.FINE, _remark(seen))


def _help(seen: Seen) -> Judgement | None:
    if seen.is_our_fault:
        return Judgement(Light.HELP, f"Our fault, not theirs. {seen.error}")
    if seen.refused >= REFUSED_IN_A_ROW:
        more = " or more" if seen.refused >= RECENT else ""
        return Judgement(Light.HELP, f"Refused {seen.refused} times{more}: {seen.error}")
    if seen.is_valid or not (seen.is_running and _lasts(seen, seen.since, STUCK)):
        return None
    if seen.last_at is None:
        return Judgement(Light.HELP, "Nothing sent yet, here since", seen.since)
    return Judgement(Light.HELP, f"No valid file yet. {seen.error or 'The last one waits'}".strip())


def _watch(seen: Seen) -> Judgement | None:
    since = max(filter(None, (seen.last_at, seen.since)), default=None)
    if seen.is_running and not seen.is_spent and _lasts(seen, since, IDLE):
        return Judgement(Light.WATCH, _joined(seen.below, seen.dominant, "Idle since"), since)
    if seen.below:
        return Judgement(Light.WATCH, _joined(seen.below, seen.dominant))
    return None


def _lasts(seen: Seen, since: datetime | None, span: timedelta) -> bool:
    return since is not None and seen.now - since >= span


def _remark(seen: Seen) -> str:
    refused = f"Last file refused: {seen.error}" if seen.refused else ""
    return refused or seen.dominant or ("No attempts left today" if seen.is_spent else "")


def _joined(*parts: str) -> str:
    return ". ".join(part for part in parts if part)
