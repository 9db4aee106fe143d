"""What every page of one challenge has in common: its head, its tabs, who is looking."""

import json
from dataclasses import dataclass
from datetime import datetime

from django.http import Http404, HttpRequest

from competitions import access, deadlines, model_rules, teams
from competitions.deadlines import Phase
from competitions.live import events
from competitions.models import Announcement, Competition, Standing, Submission, Team
from competitions.refusals import NotFound

LATEST_ANNOUNCEMENTS = 5


@dataclass(frozen=True)
class Challenge:
    """A challenge as this visitor sees it; templates know it as ``challenge``."""

    competition: Competition
    phase: Phase
    team: Team | None
    teams: int
    submissions: int
    is_organised: bool = False  # by this visitor, in whatever role
    cursor: str = ""  # from which the live stream tells what this page does not show yet

    @property
    def is_open(self) -> bool:
        return self.phase is Phase.OPEN

    @property
    def is_over(self) -> bool:
        return self.phase.is_over

    @property
    def can_submit(self) -> bool:
        if self.team is not None and self.team.disqualification:
            return False
        return self.is_open or (self.is_over and self.competition.late_submissions)

    @property
    def takes_models_alone(self) -> bool:
        """Then no test image is offered, and no form of a file."""
        return model_rules.takes_models_alone(self.competition)

    @property
    def sent(self) -> str:
        """What a team sends: predictions, a model, or either."""
        return model_rules.sent(self.competition)

    @property
    def can_join(self) -> bool:
        return self.team is None and (not self.phase.is_over or self.competition.late_submissions)

    @property
    def closes_at(self) -> datetime | None:
        """The end, as it is for the visitor's team."""
        return deadlines.closes_for(self.competition, self.team)

    @property
    def has_own_end(self) -> bool:
        """Whether a host gave this team a later end than everybody's."""
        return self.closes_at != self.competition.closes_at

    @property
    def next_moment(self) -> datetime | None:
        """What the clock in the head runs towards."""
        if self.phase is Phase.UPCOMING:
            return self.competition.opens_at
        is_running = self.phase in (Phase.OPEN, Phase.PAUSED)
        return self.closes_at if is_running else None

    @property
    def freezes_at(self) -> datetime | None:
        """From when on files count that the board does not show, if there is such a time."""
        freezes_at = self.competition.freezes_at
        return None if freezes_at == self.competition.closes_at else freezes_at

    @property
    def frozen_since(self) -> datetime | None:
        """Since when the board stands still; nobody asks any more after the reveal.

        A challenge that was closed before its freeze began stands still and holds nothing back.
        """
        is_told = self.phase is not Phase.REVEALED and self.freezes_at is not None
        return deadlines.frozen_since(self.competition) if is_told else None

    @property
    def states(self) -> set[str]:
        """What is so now. Elements with ``data-when`` show themselves accordingly, here and in
        ``static/js/challenge.js``, which knows the same words."""
        end = "endless" if self.competition.closes_at is None else "ending"
        frozen = {"frozen"} if self.frozen_since else set()
        return {self.phase.value, f"{self.phase.value}-{end}", *frozen}

    @property
    def clock(self) -> str:
        """The dates as JSON, from which the page's clock goes on by itself."""
        return json.dumps(events.clock_of(self.competition, self.team))

    @property
    def announcements(self) -> list[Announcement]:
        """The newest first; a query."""
        return list(self.competition.announcements.all()[:LATEST_ANNOUNCEMENTS])


def find(request: HttpRequest, slug: str) -> Challenge:
    """The challenge, or the 404 page where this visitor may not know of it (at most 4 queries).

    One more where somebody is signed in and has no team: only then may it be an organiser.
    """
    # First the cursor, then the rows: an event between the two is then heard twice, never lost.
    cursor = events.cursor(slug)
    try:
        competition = access.competition(request.user, slug)
    except NotFound as error:
        raise Http404(str(error)) from None
    team = teams.of(competition, request.user)
    return Challenge(
        competition=competition,
        phase=deadlines.phase_for(competition, team),
        team=team,
        teams=Standing.objects.filter(competition=competition, is_baseline=False).count(),
        submissions=Submission.objects.filter(team=team).count() if team else 0,
        is_organised=team is None and access.is_organiser(request.user, competition),
        cursor=cursor,
    )
