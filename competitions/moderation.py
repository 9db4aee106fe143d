"""What an organiser may do about teams and files. Every act has its opposite; nothing is deleted.

Each verb is one transaction: the challenge is held, the row changed, the team's line of the board
(and of the final one, once revealed) made anew from what is there, and the act written down with
its reason. So the opposite act gives back the very same line. A verb that finds everything as it
asks does nothing and returns False.
"""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from competitions import audit, reveal, standings, teams
from competitions.models import Act, Alarm, Competition, Kind, State, Status, Submission, Team
from competitions.refusals import Refused

REASON_LENGTH: int = Team._meta.get_field("disqualification").max_length or 0
GROUP_LENGTH: int = Team._meta.get_field("group").max_length or 0


def hide(team: Team, by: Any = None, reason: str = "") -> bool:
    """The team takes part and stands on no board."""
    return _change(team, by, Kind.HID, reason, is_hidden=True)


def show(team: Team, by: Any = None, reason: str = "") -> bool:
    return _change(team, by, Kind.SHOWED, reason, is_hidden=False)


def disqualify(team: Team, reason: str, by: Any = None) -> bool:
    """Off every board, and no more files; the team reads the reason. Raises Refused without one."""
    words = _reason(reason)
    return _change(team, by, Kind.DISQUALIFIED, words, disqualification=words)


def reinstate(team: Team, by: Any = None, reason: str = "") -> bool:
    return _change(team, by, Kind.REINSTATED, reason, disqualification="")


def mark_baseline(team: Team, by: Any = None, reason: str = "") -> bool:
    """The team's score stays as a line to beat, without a rank."""
    return _change(team, by, Kind.MARKED_BASELINE, reason, is_baseline=True)


def unmark_baseline(team: Team, by: Any = None, reason: str = "") -> bool:
    return _change(team, by, Kind.UNMARKED_BASELINE, reason, is_baseline=False)


def rename(team: Team, name: str, by: Any = None) -> bool:
    """Raises NameTaken, or Refused for a name of nothing."""
    with transaction.atomic():
        competition = Competition.objects.locked(team.competition_id)
        before = team_now(team).name
        if teams.clean_name(name) == before:
            return False
        teams.rename(team, name)
        audit.record(competition, by, Kind.RENAMED, team.name, before=before)
    return True


def set_group(team: Team, group: str, by: Any = None) -> bool:
    """Sorts the team into a group of the board; an empty one takes it out of its group.

    Capitals make no other group: the spelling of the first team in it is everybody's. Writing the
    only team of a group otherwise spells the group anew.
    """
    words = " ".join(group.split())
    if len(words) > GROUP_LENGTH:
        raise Refused(f"The name of a group may have {GROUP_LENGTH} characters.")
    with transaction.atomic():
        competition = Competition.objects.locked(team.competition_id)
        before = team_now(team).group
        words = teams.as_others_spell_it(words, team)
        if before == words:
            return False
        Team.objects.filter(pk=team.pk).update(group=words)
        Competition.objects.move_board_on(competition.pk)
        change = {"old": before, "new": words}
        audit.record(competition, by, Kind.SETTINGS_CHANGED, team, group=change)
    return True


def exclude(submission: Submission, reason: str, by: Any = None) -> bool:
    """The file counts nowhere, now or in the end, and loses its pick; its team reads the reason."""
    words = _reason(reason)
    with transaction.atomic():
        competition = Competition.objects.locked(submission.team.competition_id)
        before = Submission.objects.get(pk=submission.pk)
        if before.exclusion == words:
            return False
        Submission.objects.filter(pk=submission.pk).update(exclusion=words, pick=None)
        kept = {"submission": str(before.public_id), "pick": before.pick or _pick_lost(before)}
        audit.record(competition, by, Kind.EXCLUDED, before, reason=words, **kept)
        _settle(submission.team, competition)
    return True


def include(submission: Submission, by: Any = None, reason: str = "") -> bool:
    """The file counts again, as a pick too where its team has chosen no other one since."""
    with transaction.atomic():
        competition = Competition.objects.locked(submission.team.competition_id)
        before = Submission.objects.get(pk=submission.pk)
        if not before.exclusion:
            return False
        Submission.objects.filter(pk=submission.pk).update(exclusion="", pick=_free_pick(before))
        kept = {"submission": str(before.public_id)}
        audit.record(competition, by, Kind.INCLUDED, before, reason=reason, **kept)
        _settle(submission.team, competition)
    return True


def see(alarm: Alarm, by: Any = None, reason: str = "") -> bool:
    """A host has looked at the alarm, and may say what came of it."""
    with transaction.atomic():
        competition = Competition.objects.locked(alarm.team.competition_id)
        if not Alarm.objects.filter(pk=alarm.pk, seen_at=None).update(seen_at=Now()):
            return False
        audit.record(competition, by, Kind.ALARM_SEEN, alarm.team, reason=reason)
    return True


def team_now(team: Team) -> Team:
    """The team as the database has it, and not as a form may have changed it already."""
    return Team.objects.get(pk=team.pk)


def _change(team: Team, by: Any, kind: Kind, reason: str, **columns: Any) -> bool:
    with transaction.atomic():
        competition = Competition.objects.locked(team.competition_id)
        if not Team.objects.filter(pk=team.pk).exclude(**columns).update(**columns):
            return False
        audit.record(competition, by, kind, team, reason=reason)
        _settle(team, competition)
    return True


def _settle(team: Team, competition: Competition) -> None:
    Competition.objects.move_board_on(competition.pk)
    standings.record(team_now(team), competition)
    if competition.state == State.REVEALED:
        reveal.anew(competition, team)


def _reason(text: str) -> str:
    words = " ".join(text.split())
    if not words:
        raise Refused("Write the reason: the team reads it.")
    if len(words) > REASON_LENGTH:
        raise Refused(f"The reason may have {REASON_LENGTH} characters, and this one has more.")
    return words


def _pick_lost(submission: Submission) -> int | None:
    """The pick that the file lost when it was excluded, if it is."""
    if not submission.exclusion:
        return None
    acts = Act.objects.filter(kind=Kind.EXCLUDED, details__submission=str(submission.public_id))
    last = acts.first()
    return None if last is None else last.details["pick"]


def _free_pick(submission: Submission) -> int | None:
    pick = _pick_lost(submission)
    taken = Submission.objects.filter(team=submission.team_id, pick=pick).exists()
    may_be_picked = submission.status == Status.SCORED and not submission.is_late
    return pick if may_be_picked and not taken else None
