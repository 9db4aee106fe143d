"""The boards, for programs and for pages whose live stream broke: public, its history, final."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from zlib import crc32

from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from competitions import access, deadlines, final, leaderboard, snapshots, teams
from competitions.api.boards import BoardOutput, BoardQuery, FinalOutput, HistoryOutput
from competitions.api.door import Door
from competitions.api.errors import documented
from competitions.models import Competition, Team

IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of what you have: 304 while it is still the newest.",
)


class CachedDoor(Door):
    """Ask as often as you like with the ETag of what you have: unchanged answers cost little."""

    cache_control = "no-cache"  # keep it, but ask each time: the ETag makes asking cheap

    def answer(self, request: Request, etag: str, body: Callable[[], bytes]) -> HttpResponseBase:
        """304 where the asker has it, else what ``body()`` makes."""
        unchanged = get_conditional_response(request._request, etag=etag)
        response = unchanged or HttpResponse(body(), content_type="application/json")
        response.headers["ETag"] = etag
        return response


class Leaderboard(CachedDoor):
    """A page of the board. Members of a team get their own line with it, wherever it stands.

    Ask as often as you like with the ETag of the board you have: unchanged ones cost little.
    """

    @extend_schema(
        operation_id="competitions_leaderboard",
        summary="The public board, best first",
        parameters=[BoardQuery, IF_NONE_MATCH],
        responses={
            200: BoardOutput,
            304: OpenApiResponse(description="Your board is the newest."),
            **documented(400, 401, 404),
        },
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        competition = access.competition(request.user, slug)
        query = BoardQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted: dict[str, Any] = query.validated_data
        team = teams.of(competition, request.user)
        key = _board_key(competition, wanted)
        if team is not None:
            self.headers["Cache-Control"] = "private, no-cache"
        whose = "" if team is None else f"-{team.pk}"
        return self.answer(
            request, f'W/"{key}{whose}"', lambda: _board(competition, wanted, team, key)
        )


class History(CachedDoor):
    """Every team's curve: from them the board of any moment follows."""

    @extend_schema(
        operation_id="competitions_history",
        summary="The public board's whole life",
        parameters=[IF_NONE_MATCH],
        responses={
            200: HistoryOutput,
            304: OpenApiResponse(description="Nothing has happened since."),
            **documented(401, 404),
        },
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        competition = access.competition(request.user, slug)
        dates = (competition.opens_at, competition.closes_at, competition.freezes_at)
        head = f"{crc32(f'{competition.title} {dates}'.encode()):x}"
        key = f"history-{leaderboard.version_of(competition)}-{head}"
        return self.answer(request, f'W/"{key}"', lambda: _history(competition, key))


class Final(CachedDoor):
    """On the images that nobody saw. It is not there before the organiser publishes it."""

    @extend_schema(
        operation_id="competitions_final",
        summary="The final board, best first",
        parameters=[IF_NONE_MATCH],
        responses={
            200: FinalOutput,
            304: OpenApiResponse(description="Your board is the newest."),
            **documented(401, 404),
        },
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        competition = access.competition(request.user, slug)
        final.require_visible(competition, request.user)
        if competition.published_at is None:  # an organiser's alone: kept nowhere
            self.headers["Cache-Control"] = "private, no-store"
            return Response(final.results(competition))
        version = final.version_of(competition)
        return self.answer(request, f'W/"final-{version}"', lambda: _final(competition, version))


def _board_key(competition: Competition, wanted: dict[str, Any]) -> str:
    names = f"{wanted['group']}\0{wanted['search'].casefold()}"
    part = (wanted["page"], wanted["page_size"], sha256(names.encode()).hexdigest()[:16])
    return f"board-{leaderboard.version_of(competition)}-{'-'.join(map(str, part))}"


def _board(competition: Competition, wanted: dict[str, Any], team: Team | None, key: str) -> bytes:
    page, size, group, search = (wanted[n] for n in ("page", "page_size", "group", "search"))

    def make() -> tuple[bool, bytes]:
        found = leaderboard.board(competition, page, size, group, search)
        # Neither a page that is not there nor a group that somebody made up.
        is_there = found.page == page and (bool(found.rows) or not group)
        return is_there, _json(found.public())

    is_usual = size == leaderboard.PAGE and not search
    _, body = snapshots.once(key, make, lambda made: made[0]) if is_usual else make()
    own = leaderboard.line_of(competition, team)
    return _with_more(body, you=None if own is None else own.public())


def _history(competition: Competition, key: str) -> bytes:
    def make() -> bytes:
        history = leaderboard.history(competition)
        del history["now"]  # not the same for everybody
        return _json(history)

    now = leaderboard.iso(deadlines.clock(competition))
    return _with_more(snapshots.latest(f"history-{competition.pk}", key, make), now=now)


def _final(competition: Competition, version: str) -> bytes:
    name = f"final-{competition.pk}"
    return snapshots.latest(name, version, lambda: _json(final.results(competition)))


def _json(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def _with_more(body: bytes, **more: object) -> bytes:
    """The JSON object with further members, which are not the same for everybody."""
    return body[:-1] + b"," + _json(more)[1:]
