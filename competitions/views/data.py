"""The data page: the files, how to fetch them, what the images look like, what to send back."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from competitions import access, files, model_rules
from competitions.models import ClassSample, Competition
from competitions.refusals import NotFound, Refused
from competitions.views import challenge as challenges
from competitions.views import layouts
from competitions.views.overview import site

CLASSES_AT_ONCE = 20  # the others are there, folded
FOREVER = "private, max-age=31536000, immutable"


@dataclass(frozen=True)
class Bar:
    """How many training images a class has; ``length`` is in hundredths of the largest one's."""

    name: str
    images: int
    length: str


@require_safe
@cache_control(private=True, no_cache=True)
def data(request: HttpRequest, slug: str) -> HttpResponse:
    """Lists the files; downloading asks again who may."""
    challenge = challenges.find(request, slug)
    competition = challenge.competition
    downloads = files.downloads(competition)
    samples = list(competition.class_samples.all())
    pictured = [sample for sample in samples if sample.path]
    context = {
        "challenge": challenge,
        "tab": "data",
        "site": site(request),
        "files": downloads,
        "total": sum(file.size for file in downloads),
        "names": ",".join(file.name for file in downloads),
        "may_download": _may_download(request, competition),
        "classes": competition.solution.classes if competition.solution else [],
        "bars": _folded(bars(samples)),
        "mosaic": _folded(pictured),
        "pictured": len(pictured),
        "example": layouts.example(competition),
        "models": model_rules.of(competition),
    }
    return render(request, "competitions/data.html", context)


@require_safe
def class_sample(request: HttpRequest, slug: str, position: int) -> HttpResponseBase:
    """Four training images of one class, for whoever may see the challenge."""
    sample = _sample(request, slug, position)
    etag = f'"{sample.sha256}"'
    response = get_conditional_response(request, etag=etag)
    if response is None:
        response = HttpResponse(files.read("data", sample.path), content_type="image/png")
    # A draft may get other files, so only an address that names the version keeps its content.
    known = request.GET.get("v") == sample.version
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = FOREVER if known else "private, no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def _sample(request: HttpRequest, slug: str, position: int) -> ClassSample:
    try:
        competition = access.competition(request.user, slug)
    except NotFound as error:
        raise Http404(str(error)) from None
    sample = competition.class_samples.filter(position=position).exclude(path="").first()
    if sample is None:
        raise Http404(
            f"There is no picture of class {position}: the data page has those there are."
        )
    return sample


def bars(samples: Sequence[ClassSample]) -> list[Bar]:
    most = max((sample.images for sample in samples), default=1)
    return [
        Bar(sample.name, sample.images, f"{100 * sample.images / most:.1f}") for sample in samples
    ]


def _folded(rows: Sequence[object]) -> dict[str, Sequence[object]]:
    return {"shown": rows[:CLASSES_AT_ONCE], "more": rows[CLASSES_AT_ONCE:]}


def _may_download(request: HttpRequest, competition: Competition) -> bool:
    try:
        access.require_download(request.user, competition)
    except Refused:
        return False
    return True
