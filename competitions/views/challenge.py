"""What every page of one challenge has in common: its head, its tabs, who is looking."""

from dataclasses import dataclass
from datetime import datetime

from django.http import Http404, HttpRequest

from competitions import access, deadlines, teams
from competitions.models import Competition, Standing, Submission, Team
from competitions.refusals import NotFound


@dataclass(frozen=True)
class Challenge:
    """A challenge as this visitor sees it; templates know it as ``challenge``."""

    competition: Competition
    phase: deadlines.Phase
    team: Team | None
    teams: int
    submissions: int

    @property
    def is_open(self) -> bool:
        return self.phase is deadlines.Phase.OPEN

    @property
    def can_join(self) -> bool:
        return self.team is None and self.phase is not deadlines.Phase.CLOSED

    @property
    def next_moment(self) -> datetime | None:
        """What the clock in the head runs towards."""
        if self.phase is deadlines.Phase.UPCOMING:
            return self.competition.opens_at
        return self.competition.closes_at if self.is_open else None


def find(request: HttpRequest, slug: str) -> Challenge:
    """The challenge, or the 404 page where this visitor may not know of it (at most 4 queries)."""
    try:
        competition = access.competition(request.user, slug)
    except NotFound as error:
        raise Http404(str(error)) from None
    team = teams.of(competition, request.user)
    return Challenge(
        competition=competition,
        phase=deadlines.phase(competition),
        team=team,
        teams=Standing.objects.filter(competition=competition, team__is_baseline=False).count(),
        submissions=Submission.objects.filter(team=team).count() if team else 0,
    )
