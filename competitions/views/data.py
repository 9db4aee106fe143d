"""The data page: the files, how to fetch them, what to send back."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from competitions import access
from competitions.models import Competition
from competitions.refusals import Refused
from competitions.views import challenge as challenges
from competitions.views.overview import site
from scoring import METRICS

EXAMPLE_IDS = ("0b7e52", "3f9a1c", "c4418d")


@require_safe
@cache_control(private=True, no_cache=True)
def data(request: HttpRequest, slug: str) -> HttpResponse:
    """Lists the files; downloading asks again who may."""
    challenge = challenges.find(request, slug)
    competition = challenge.competition
    files = list(competition.files.all())
    context = {
        "challenge": challenge,
        "tab": "data",
        "site": site(request),
        "files": files,
        "total": sum(file.size for file in files),
        "names": ",".join(file.name for file in files),
        "may_download": _may_download(request, competition),
        "classes": competition.solution.classes if competition.solution else [],
        "example": example(competition),
    }
    return render(request, "competitions/data.html", context)


def example(competition: Competition) -> list[str]:
    """The first lines of a submission in this challenge's layout, with invented ids."""
    solution = competition.solution
    if solution is None:
        return []
    names = list(solution.classes)
    if METRICS[competition.metric].layout == "probabilities":
        even = f"{1 / len(names):.3f}"
        header = ",".join([solution.id_column, *names])
        return [header, *(",".join([i, *[even] * len(names)]) for i in EXAMPLE_IDS)]
    labels = [names[n % len(names)] for n in range(len(EXAMPLE_IDS))]
    header = f"{solution.id_column},{solution.label_column}"
    return [header, *(f"{i},{label}" for i, label in zip(EXAMPLE_IDS, labels, strict=True))]


def _may_download(request: HttpRequest, competition: Competition) -> bool:
    try:
        access.require_download(request.user, competition)
    except Refused:
        return False
    return True
