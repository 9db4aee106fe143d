"""Teams of several: an invitation that is passed on, moving to another team, leaving one."""

import secrets
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from competitions import admission, deadlines, teams
from competitions.models import Competition, Member, Submission, Team
from competitions.refusals import LimitReached, NotFound, NotOpen, Refused

SIGNS = 8  # of an invitation


def invite(team: Team) -> str:
    """The team's invitation, made at the first time."""
    with transaction.atomic():
        Competition.objects.locked(team.competition_id)
        fresh = Team.objects.get(pk=team.pk)
        if fresh.invitation is None:
            fresh.invitation = "".join(secrets.choice(admission.SIGNS) for _ in range(SIGNS))
            fresh.save(update_fields=["invitation"])
    return str(fresh.invitation)


def revoke(team: Team) -> None:
    """The invitation that was passed on leads nowhere any more."""
    with transaction.atomic():
        Competition.objects.locked(team.competition_id)
        Team.objects.filter(pk=team.pk).update(invitation=None)


def team_of(competition: Competition, invitation: str) -> Team:
    """Raises NotFound for an invitation that nobody has given."""
    wanted = admission.typed(invitation)
    found = Team.objects.filter(competition=competition, invitation=wanted).first()
    if not wanted or found is None:
        raise NotFound("No team has this invitation. Ask for it again: it may have been renewed.")
    return found


def accept(competition: Competition, user: AbstractUser, invitation: str) -> Team:
    """The person is in that team from now on, and no longer alone in another one.

    Raises NotFound, NotOpen, LimitReached for a full team, Refused for whoever has sent a file or
    has others in the own team: scores belong to teams, and do not change sides.
    """
    target = team_of(competition, invitation)
    own = teams.join(competition, user)
    with transaction.atomic():
        locked = Competition.objects.locked(competition.pk)
        _require_running(competition)
        if own.pk == target.pk:
            return target
        _require_free(own)
        size = Member.objects.filter(team=target).count()
        if size >= locked.max_team_size:
            raise LimitReached(
                f"{target.name} is full: a team has at most {locked.max_team_size} members here."
            )
        Member.objects.filter(team=own, user=user.pk).update(team=target)
        own.delete()
        Competition.objects.move_board_on(locked.pk)
    return target


def leave(team: Team, user: AbstractUser) -> Team:
    """Out of a team of several, into one of one's own; what the team has sent stays with it."""
    competition = team.competition
    with transaction.atomic():
        locked = Competition.objects.locked(competition.pk)
        _require_running(competition)
        if Team.objects.get(pk=team.pk).disqualification:
            raise Refused("Your team was disqualified; it stays as it is.")
        if Submission.objects.filter(team=team, user=user.pk).exists():
            raise Refused("You have sent files for this team; they bind you to it.")
        if Member.objects.filter(team=team).count() < 2:
            raise Refused("You are alone in this team: there is nobody to leave.")
        Member.objects.filter(team=team, user=user.pk).delete()
        Competition.objects.move_board_on(locked.pk)
        return teams.join(competition, user)


def members(team: Team) -> list[Any]:
    """The people, in the order in which they came."""
    found = Member.objects.filter(team=team).select_related("user").order_by("joined_at", "pk")
    return [member.user for member in found]


def _require_free(team: Team) -> None:
    if Member.objects.filter(team=team).count() > 1:
        raise Refused(f"You are in {team.name} with others. Leave that team first.")
    if Submission.objects.filter(team=team).exists():
        raise Refused(f"{team.name} has sent files already, so it cannot join another team.")
    if team.disqualification:
        raise Refused("Your team was disqualified, so it cannot join another one.")


def _require_running(competition: Competition) -> None:
    if deadlines.phase(deadlines.read(competition.pk)).is_over:
        raise NotOpen("This challenge is over; teams stay as they are.")
