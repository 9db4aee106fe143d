"""The final board, read: there is none before the reveal, and until it is published it is the
organisers' alone."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Count, F

from competitions import access
from competitions.access import Person
from competitions.models import Competition, FinalStanding, SolutionVersion, State
from competitions.refusals import NotFound
from scoring import displayed

BEST_FIRST = (F("sort_key").desc(), "reached_at", "team_id")


def require_visible(competition: Competition, person: Person) -> None:
    """Raises NotFound where this person may not see the final board (yet)."""
    if competition.published_at is not None:
        return
    if competition.state == State.REVEALED and access.is_organiser(person):
        return
    raise NotFound("The final board is not published yet.")


def results(competition: Competition) -> dict[str, Any]:
    """The final board as JSON, best first; ask ``require_visible`` before."""
    found = (
        FinalStanding.objects.filter(competition=competition)
        .select_related("team")
        .annotate(members=Count("team__members"))
    )
    solution = competition.solution
    return {
        "decimals": competition.decimals,
        "direction": competition.metric_facts.direction,
        "public_rows": solution.public_rows if solution else 0,
        "private_rows": solution.private_rows if solution else 0,
        "published_at": _iso(competition.published_at),
        "seal": _seal(solution),
        "rows": list(_rows(found.order_by(*BEST_FIRST), competition.decimals)),
    }


def _seal(solution: SolutionVersion | None) -> dict[str, Any]:
    if solution is None:
        return {"commitment": "", "seed": "", "verified": False, "note": ""}
    return {
        "commitment": solution.commitment,
        "seed": solution.seed,
        "verified": solution.verified_at is not None and not solution.verification,
        "note": solution.verification,
    }


def _rows(found: Iterable[Any], decimals: int) -> Iterable[dict[str, Any]]:
    for one in found:
        public, private = one.public_rank, one.rank
        yield {
            "rank": private,
            "team_id": one.team_id,
            "team": one.team.name,
            "group": one.team.group,
            "members": one.members,
            "is_baseline": one.team.is_baseline,
            "score": displayed(one.score, decimals),
            "value": one.score,
            "low": _rounded(one.low, decimals + 2),
            "high": _rounded(one.high, decimals + 2),
            "rank_low": one.rank_low,
            "rank_high": one.rank_high,
            "tied": one.tied,
            "public_rank": public,
            "public_score": ""
            if one.public_score is None
            else displayed(one.public_score, decimals),
            "moved": None if public is None or private is None else public - private,
        }


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(value, decimals)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
