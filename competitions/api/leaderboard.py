"""The public board, for programs and for pages whose live stream broke."""

from typing import Any
from zlib import crc32

from django.http import HttpResponseBase
from django.utils.cache import get_conditional_response
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from competitions import access, leaderboard
from competitions.api.competitions import DIRECTIONS
from competitions.api.door import Door
from competitions.api.errors import documented
from competitions.models import Competition


class RowOutput(serializers.Serializer[Any]):
    """The document's view of ``leaderboard.Row.public``, which writes the rows."""

    rank = serializers.IntegerField(allow_null=True, help_text="null: a baseline, out of the race.")
    team_id = serializers.IntegerField()
    team = serializers.CharField()
    members = serializers.IntegerField()
    is_baseline = serializers.BooleanField()
    score = serializers.CharField(help_text="As displayed; ranks go by it.")
    value = serializers.FloatField(help_text="The displayed score as a number.")
    low = serializers.FloatField(allow_null=True, help_text="Of the 95 % interval, if known.")
    high = serializers.FloatField(allow_null=True)
    entries = serializers.IntegerField(help_text="Scored submissions.")
    last_at = serializers.DateTimeField()
    reached_at = serializers.DateTimeField(help_text="Of equal scores, the earliest stands first.")


class BoardOutput(serializers.Serializer[Any]):
    version = serializers.IntegerField(help_text="Grows with every change.")
    metric = serializers.CharField()
    metric_title = serializers.CharField()
    direction = serializers.ChoiceField(DIRECTIONS)
    decimals = serializers.IntegerField()
    rows = RowOutput(many=True)


class Leaderboard(Door):
    """Ask as often as you like with the ETag of the board you have: unchanged ones cost little."""

    cache_control = "no-cache"  # keep it, but ask each time: the ETag makes asking cheap

    @extend_schema(
        operation_id="competitions_leaderboard",
        summary="The public board, best first",
        parameters=[
            OpenApiParameter(
                "If-None-Match",
                str,
                OpenApiParameter.HEADER,
                description="The ETag of the board you have: 304 while it is still the newest.",
            )
        ],
        responses={
            200: BoardOutput,
            304: OpenApiResponse(description="Your board is the newest."),
            **documented(401, 404),
        },
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        competition = access.competition(request.user, slug)
        etag = _etag(competition)
        # The version alone decides, so an unchanged board costs one query, however long it is.
        unchanged = get_conditional_response(request._request, etag=etag)
        response = unchanged or Response(_content(leaderboard.board(competition)))
        response.headers["ETag"] = etag
        return response


def _etag(competition: Competition) -> str:
    title = f"{crc32(competition.metric_title.encode()):x}"  # a class in it may have any letters
    parts = (competition.slug, title, competition.decimals, competition.board_version)
    return f'W/"{"-".join(map(str, parts))}"'


def _content(board: leaderboard.Board) -> dict[str, Any]:
    return {
        "version": board.version,
        "metric": board.metric.key,
        "metric_title": board.metric.title,
        "direction": board.metric.direction,
        "decimals": board.decimals,
        "rows": [row.public() for row in board.rows],
    }
