"""The first page of the admin: what runs, what needs somebody, and whether the workers are well."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, QuerySet
from django.db.models.functions import Now, TruncHour
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from competitions import access, deadlines, queues
from competitions.admin import columns
from competitions.deadlines import Phase
from competitions.models import Competition, Preparation, Status, Submission

HOURS = 24
FAULTS = 10
SHOWN = 50  # challenges


@dataclass(frozen=True)
class Line:
    """A challenge: where it stands, and what it needs next, with where that is done."""

    competition: Competition
    phase: str
    teams: int
    todo: str
    address: str


@dataclass(frozen=True)
class Bar:
    """An hour's submissions; ``share`` is of the busiest hour, in percent."""

    hour: str
    count: int
    share: int


def context(request: HttpRequest, given: dict[str, Any]) -> dict[str, Any]:
    """Unfold's callback: what the page shows besides what every page of the admin has."""
    competitions = _organised(request)
    submissions = Submission.objects.filter(team__competition__in=competitions)
    return {
        **given,
        "lines": [_line(each) for each in competitions[:SHOWN]],
        "bars": _bars(submissions),
        "queues": queues.read(),
        "faults": _faults(submissions),
        "refused": competitions.filter(preparation=Preparation.REFUSED)[:FAULTS],
    }


def _organised(request: HttpRequest) -> QuerySet[Competition]:
    rows = Competition.objects.annotate(joined=Count("teams", distinct=True))
    if getattr(request.user, "is_superuser", False):
        return rows
    return rows.filter(access.organised(request.user))


def _line(competition: Any) -> Line:
    todo, address = _next(competition)
    return Line(
        competition, deadlines.phase(competition).capitalize(), competition.joined, todo, address
    )


def _next(competition: Competition) -> tuple[str, str]:
    build = reverse("admin:competitions_competition_build", args=[competition.pk])
    change = reverse("admin:competitions_competition_change", args=[competition.pk])
    host = reverse("competitions:host", args=[competition.slug])
    phase = deadlines.phase(competition)
    if phase is Phase.DRAFT:
        match competition.preparation:
            case Preparation.EMPTY:
                return "Bring the images", build
            case Preparation.PREPARING:
                return "Images are being read", build
            case Preparation.REFUSED:
                return "The images were refused", build
        return "Check the list and open it", change
    if phase.is_running:
        return "Watch the room", host
    match phase:
        case Phase.CLOSED:
            return "Reveal the private board", change
        case Phase.REVEALED if competition.published_at is None:
            return "Hold the ceremony", reverse("competitions:ceremony", args=[competition.slug])
        case Phase.REVEALED:
            return "Nothing", change
    return f"Opens {columns.utc(competition.opens_at)}", change


def _bars(submissions: QuerySet[Submission]) -> list[Bar]:
    """One for each of the last hours, the present one last."""
    since = Now() - timedelta(hours=HOURS)
    counted = (
        submissions.filter(received_at__gt=since)
        .annotate(hour=TruncHour("received_at"))
        .values_list("hour")
        .annotate(count=Count("pk"))
        .order_by("hour")
    )
    counts: dict[datetime, int] = dict(counted)
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    hours = [now - timedelta(hours=ago) for ago in reversed(range(HOURS))]
    most = max(counts.values(), default=0)
    return [
        Bar(f"{hour:%H:00}", counts.get(hour, 0), round(100 * counts.get(hour, 0) / (most or 1)))
        for hour in hours
    ]


def _faults(submissions: QuerySet[Submission]) -> QuerySet[Submission]:
    """What failed by a fault of ours, newest first."""
    failed = submissions.filter(status=Status.FAILED).select_related("team__competition")
    return failed.order_by(F("finished_at").desc(nulls_last=True))[:FAULTS]
