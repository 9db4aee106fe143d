"""The board's whole life again: as a page, and as a file to keep."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from competitions import boardfile
from competitions.views import challenge as challenges


@require_safe
@cache_control(private=True, no_cache=True)
def replay(request: HttpRequest, slug: str) -> HttpResponse:
    """The player; its script fetches the history and follows the live stream from the cursor."""
    challenge = challenges.find(request, slug)
    context = {"challenge": challenge, "tab": "leaderboard"}
    return render(request, "competitions/replay.html", context)


@require_safe
@conditional_page
@cache_control(private=True, no_cache=True)
def export_board(request: HttpRequest, slug: str) -> HttpResponse:
    """The board, its day and its replay as one HTML file to download."""
    competition = challenges.find(request, slug).competition
    return HttpResponse(
        boardfile.kept(competition),
        headers={"Content-Disposition": f'attachment; filename="{competition.slug}-board.html"'},
    )
