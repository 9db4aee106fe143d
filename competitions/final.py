"""The final board, read: there is none before the reveal, and until it is published it is the
organisers' alone."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db.models import Count, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from competitions import access
from competitions.access import Person
from competitions.models import (
    Competition,
    FinalStanding,
    Member,
    PrivateScore,
    SolutionVersion,
    State,
    Submission,
    Team,
)
from competitions.models.standing import BEST_FIRST
from competitions.refusals import NotFound
from scoring import displayed

EVERYBODY = slice(None)


def require_visible(competition: Competition, person: Person) -> None:
    """Raises NotFound where this person may not see the final board (yet)."""
    if competition.published_at is not None:
        return
    if competition.state == State.REVEALED and access.may_edit(person, competition):
        return
    raise NotFound("The final board is not published yet.")


def results(competition: Competition) -> dict[str, Any]:
    """The final board as JSON, best first; ask ``require_visible`` before."""
    return {**about(competition), "rows": places(competition)}


def version_of(competition: Competition) -> str:
    """Whatever changes the final board, or what it says of itself, changes this: a query."""
    lines = FinalStanding.objects.filter(competition=competition)
    found = lines.aggregate(Count("pk"), Count("tied"), Count("rank_low"))  # a worker fills them in
    solution = competition.solution
    seal = solution and (solution.pk, solution.verified_at, solution.verification, solution.seed)
    shown = (competition.decimals, competition.metric_title, competition.published_at, seal)
    told = repr((competition.board_version, sorted(found.items()), shown))
    return f"{competition.slug}-{sha256(told.encode()).hexdigest()[:20]}"


def about(competition: Competition) -> dict[str, Any]:
    """What the final board says of itself; ask ``require_visible`` before."""
    solution = competition.solution
    return {
        "decimals": competition.decimals,
        "direction": competition.metric_facts.direction,
        "public_rows": solution.public_rows if solution else 0,
        "private_rows": solution.private_rows if solution else 0,
        "published_at": _iso(competition.published_at),
        "seal": _seal(solution),
    }


def places(
    competition: Competition, wanted: slice = EVERYBODY, team: Team | None = None
) -> list[dict[str, Any]]:
    """Lines of the final board, best first, or the team's alone; ask ``require_visible`` before."""
    members = Member.objects.filter(team=OuterRef("team")).order_by().values("team")
    found = FinalStanding.objects.filter(competition=competition).select_related("team")
    if team is not None:
        found = found.filter(team=team)
    counted = found.annotate(
        members=Coalesce(Subquery(members.annotate(n=Count("*")).values("n")), Value(0))
    )
    return list(_rows(counted.order_by(*BEST_FIRST)[wanted], competition.decimals))


def own_result(competition: Competition, team: Team | None) -> FinalStanding | None:
    """The team's place in the end; None before everybody may know, or where it has none."""
    if competition.published_at is None or team is None:
        return None
    return FinalStanding.objects.select_related("submission").filter(team=team).first()


def ranked(competition: Competition) -> int:
    """How many teams have a place in the end; 0 before everybody may know."""
    if competition.published_at is None:
        return 0
    return FinalStanding.objects.filter(competition=competition, rank__isnull=False).count()


def private_scores(competition: Competition, submissions: Iterable[Submission]) -> dict[int, str]:
    """The displayed private score by submission, for its own team; none before the publication.

    The only way by which a private score reaches a page of a team's files.
    """
    if competition.published_at is None:
        return {}
    found = PrivateScore.objects.filter(
        submission__in=list(submissions), solution=competition.solution_id
    )
    return {
        pk: displayed(value, competition.decimals)
        for pk, value in found.values_list("submission", "value")
    }


def _seal(solution: SolutionVersion | None) -> dict[str, Any]:
    if solution is None:
        return {"commitment": "", "seed": "", "verified": False, "note": ""}
    return {
        "commitment": solution.commitment,
        "seed": solution.seed,
        "verified": solution.verified_at is not None and not solution.verification,
        "note": solution.verification or _corrected(solution),
    }


def _corrected(solution: SolutionVersion) -> str:
    """Labels that were mended have a seal of their own, which is younger than the start."""
    versions = SolutionVersion.objects.filter(
        competition=solution.competition_id, commitment=solution.commitment
    )
    first = versions.order_by("version").first()
    if first is None or first.label_seal == solution.label_seal:
        return ""
    return (
        f"The labels were corrected and sealed anew on {solution.created_at:%d %B %Y}; the seal "
        f"from before the start, {first.label_seal}, is that of the first ones."
    )


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
