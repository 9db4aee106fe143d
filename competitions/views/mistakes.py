"""What the class got wrong: the page, and the pictures on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from competitions import access
from competitions.insight import reports
from competitions.models import Team
from competitions.refusals import NotFound, Refused
from competitions.views import challenge as challenges
from competitions.views.challenge import Challenge

DRAWN = 30  # classes; a heat map of more is finer than a screen
STEPS = 9  # shades of a heat map; css/mistakes.css has one class for each
NAMED = 3  # answers of an image


@dataclass(frozen=True)
class Cell:
    """A share of a heat map: its shade, 0 to STEPS, and the words behind it."""

    percent: str
    shade: int
    title: str
    is_same: bool  # on the diagonal


@dataclass(frozen=True)
class Line:
    name: str
    cells: list[Cell]


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def mistakes(request: HttpRequest, slug: str) -> HttpResponse:
    """A POST asks for the labels of single images too, and is written down before the reveal."""
    challenge = _visible(request, slug)
    competition = challenge.competition
    report = reports.read(competition)
    wants_labels = request.method == "POST" or competition.published_at is not None
    hardest = None
    if report.told and wants_labels:
        try:
            hardest = reports.labels(competition, request.user)
        except Refused as error:
            raise PermissionDenied(str(error)) from None
    context = {
        "challenge": challenge,
        "tab": "leaderboard" if competition.published_at else "host",
        "report": report,
        "may_view_labels": competition.published_at is None
        and access.may_view_labels(request.user, competition),
        **(_shown(report.told, hardest) if report.told else {}),
    }
    return render(request, "competitions/mistakes.html", context)


@login_required
@require_safe
def picture(request: HttpRequest, slug: str, which: str, number: int) -> HttpResponse:
    """A test image, small, for whoever may see the list that it is in."""
    competition = _visible(request, slug).competition
    try:
        png = reports.thumbnail(competition, request.user, which, number)
    except NotFound as error:
        raise Http404(str(error)) from None
    except Refused as error:
        raise PermissionDenied(str(error)) from None
    response = HttpResponse(png, content_type="image/png")
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def _visible(request: HttpRequest, slug: str) -> Challenge:
    challenge = challenges.find(request, slug)
    try:
        reports.require_visible(challenge.competition, request.user)
    except Refused as error:
        raise PermissionDenied(str(error)) from None
    return challenge


def _shown(told: Mapping[str, Any], hardest: list[dict[str, Any]] | None) -> dict[str, Any]:
    classes, teams = told["classes"], told["teams"]
    names = dict(Team.objects.filter(pk__in=teams).values_list("pk", "name"))
    ordered = [names.get(pk, "a team that left") for pk in teams]
    count = len(teams)
    return {
        "told": told,
        "count": count,
        "matrix": _confusion(told["confusion"], classes),
        "pairs": [(classes[i], classes[j], _percent(share)) for i, j, share in told["pairs"]],
        "grades": _grades(told),
        "best_team": ordered[0],
        "accuracy": {name: _percent(share, 1) for name, share in told["accuracy"].items()},
        "agreement": _agreement(told["agreement"], ordered),
        "disputed": [_image(one, names, count) for one in told["disputed"]],
        "hardest": None if hardest is None else [_image(one, names, count) for one in hardest],
    }


def _confusion(matrix: Sequence[Sequence[float]] | None, classes: Sequence[str]) -> list[Line]:
    """Mistakes are shaded by the most frequent one: of a good class they are all small."""
    if matrix is None or len(classes) > DRAWN:
        return []
    worst = max((s for i, row in enumerate(matrix) for j, s in enumerate(row) if i != j), default=0)
    return [
        Line(
            true,
            [
                _cell(
                    share,
                    f"{true}: called {answer} in {_percent(share)}",
                    i == j,
                    share if i == j else share / (worst or 1),
                )
                for j, (answer, share) in enumerate(zip(classes, row, strict=True))
            ],
        )
        for i, (true, row) in enumerate(zip(classes, matrix, strict=True))
    ]


def _agreement(told: Mapping[str, Any], teams: Sequence[str]) -> dict[str, Any]:
    """The shades spread from the least agreement to all: pairs of good teams differ in little."""
    matrix = told["matrix"] or []
    least = min((share for row in matrix for share in row), default=0.0)
    span = 1 - least or 1.0
    lines = [
        Line(
            team,
            [
                _cell(share, f"{team} and {other}: the same answer to {_percent(share)}", i == j,
                      (share - least) / span)
                for j, (other, share) in enumerate(zip(teams, row, strict=False))
            ],
        )
        for i, (team, row) in enumerate(zip(teams, matrix, strict=False))
    ]  # fmt: skip
    mean = told["mean"]
    return {"mean": None if mean is None else _percent(mean, 1), "lines": lines}


def _cell(share: float, title: str, is_same: bool, shade: float | None = None) -> Cell:
    depth = share if shade is None else shade
    drawn = 0 if depth <= 0 else max(1, round(STEPS * depth))
    return Cell(f"{100 * share:.0f}", drawn, title, is_same)


def _grades(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A line per class: its images, and both precision, recall and F1 of the field and the best."""
    return [
        {
            "name": name,
            "rows": told["support"][at],
            **{
                who: {key: _percent(values[at]) for key, values in told[who].items()}
                for who in ("field", "best")
            },
        }
        for at, name in enumerate(told["classes"])
    ]


def _image(one: Mapping[str, Any], names: Mapping[int, str], teams: int) -> dict[str, Any]:
    answers = one["answers"]
    solved = [names.get(pk, "a team that left") for pk in one.get("solved", [])]
    return {
        "id": one["id"],
        "label": one.get("label"),
        "has_picture": bool(one["thumbnail"]),
        "answers": answers[:NAMED],
        "others": sum(number for _name, number in answers[NAMED:]),
        "solved": solved,
        "share": _percent(len(solved) / teams),
    }


def _percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"
