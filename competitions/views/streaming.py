"""The live stream's address, where the ASGI router in front of Django did not take it."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe


@require_safe
def live(request: HttpRequest, slug: str) -> HttpResponse:
    """Says so; the page's script then polls the leaderboard instead."""
    return HttpResponse(
        "The live stream needs the site's ASGI entry point. Poll the leaderboard instead.\n",
        status=503,
        content_type="text/plain; charset=utf-8",
    )
