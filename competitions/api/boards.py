"""The boards as their documents describe them: the public one, its history, the final one."""

from typing import Any

from rest_framework import serializers

from competitions import leaderboard
from competitions.api.competitions import DIRECTIONS
from competitions.models import Feedback

LARGEST_PAGE_NUMBER = 1_000_000


class BoardQuery(serializers.Serializer[Any]):
    """Which part of the board is wanted."""

    page = serializers.IntegerField(
        min_value=1,
        max_value=LARGEST_PAGE_NUMBER,
        default=1,
        help_text="From 1; a page that is not there is answered with the last one.",
        error_messages={
            "invalid": "`page` is a number from 1.",
            "min_value": "`page` is a number from 1.",
            "max_value": "`page` is too large; the answer's `pages` says how many there are.",
        },
    )
    page_size = serializers.IntegerField(
        min_value=1,
        max_value=leaderboard.LARGEST_PAGE,
        default=leaderboard.PAGE,
        help_text="Lines on a page.",
        error_messages={
            "invalid": f"`page_size` is a number from 1 to {leaderboard.LARGEST_PAGE}.",
            "min_value": f"`page_size` is a number from 1 to {leaderboard.LARGEST_PAGE}.",
            "max_value": f"`page_size` is a number from 1 to {leaderboard.LARGEST_PAGE}.",
        },
    )
    group = serializers.CharField(
        allow_blank=True,
        default="",
        max_length=40,
        help_text="Only teams of this group; ranks stay those of the whole board.",
        error_messages={"max_length": "`group` has 40 letters at most."},
    )
    search = serializers.CharField(
        allow_blank=True,
        default="",
        max_length=60,
        help_text="Only teams with this in their name, in capitals or not.",
        error_messages={"max_length": "`search` has 60 letters at most."},
    )


class CostOutput(serializers.Serializer[Any]):
    """What the model takes that made the best score; null: not known."""

    images_per_second = serializers.FloatField(allow_null=True, help_text="As measured here.")
    parameters = serializers.IntegerField(allow_null=True)
    macs = serializers.IntegerField(
        allow_null=True, help_text="Multiply-accumulates for one image."
    )


class RowOutput(serializers.Serializer[Any]):
    """The document's view of ``leaderboard.Row.public``, which writes the rows."""

    rank = serializers.IntegerField(
        allow_null=True, help_text="null: a baseline, out of the race, or scores are hidden."
    )
    team_id = serializers.IntegerField()
    team = serializers.CharField()
    group = serializers.CharField(allow_blank=True, help_text="Empty: the team is in none.")
    members = serializers.IntegerField()
    is_baseline = serializers.BooleanField()
    score = serializers.CharField(
        allow_blank=True, help_text="As displayed; ranks go by it. Empty while scores are hidden."
    )
    value = serializers.FloatField(allow_null=True, help_text="The displayed score as a number.")
    low = serializers.FloatField(allow_null=True, help_text="Of the 95 % interval, if known.")
    high = serializers.FloatField(allow_null=True)
    entries = serializers.IntegerField(help_text="Scored submissions.")
    last_at = serializers.DateTimeField()
    reached_at = serializers.DateTimeField(help_text="Of equal scores, the earliest stands first.")
    tied = serializers.BooleanField(
        allow_null=True,
        help_text="Cannot be told apart from the leader on the same images. null: not known yet.",
    )
    moved = serializers.IntegerField(
        allow_null=True, help_text="Places gained in the last hour. null: was not on the board."
    )
    expected = serializers.CharField(
        allow_blank=True,
        help_text="The score to expect on the private images. Empty: not known yet.",
    )
    curve = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2),
        help_text="Each improvement, oldest first: seconds since 1970, displayed score.",
    )
    cost = CostOutput(allow_null=True, help_text="Of a model; null: a file of predictions.")


class LeaderOutput(serializers.Serializer[Any]):
    team_id = serializers.IntegerField()
    value = serializers.FloatField()


class BoardOutput(serializers.Serializer[Any]):
    version = serializers.IntegerField(help_text="Grows with every change.")
    metric = serializers.CharField()
    metric_title = serializers.CharField()
    direction = serializers.ChoiceField(DIRECTIONS)
    decimals = serializers.IntegerField()
    feedback = serializers.ChoiceField(
        Feedback.choices, help_text="What the board tells of a score now."
    )
    frozen_since = serializers.DateTimeField(
        allow_null=True, help_text="Scores of later files stay off the board until the end."
    )
    noise = serializers.FloatField(
        allow_null=True, help_text="A difference to the leader under this may be chance."
    )
    leader = LeaderOutput(allow_null=True)
    teams = serializers.IntegerField(help_text="On the whole board, without baselines.")
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    rows = RowOutput(many=True)
    you = RowOutput(
        allow_null=True, help_text="The own team's line, wherever it stands. null: there is none."
    )


class CurveOutput(serializers.Serializer[Any]):
    team_id = serializers.IntegerField()
    team = serializers.CharField()
    group = serializers.CharField(allow_blank=True)
    is_baseline = serializers.BooleanField()
    curve = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2)
    )


class HistoryOutput(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    title = serializers.CharField()
    direction = serializers.ChoiceField(DIRECTIONS)
    decimals = serializers.IntegerField()
    opens_at = serializers.DateTimeField(allow_null=True)
    closes_at = serializers.DateTimeField(allow_null=True)
    freezes_at = serializers.DateTimeField(allow_null=True)
    now = serializers.DateTimeField(help_text="The site's clock.")
    teams = CurveOutput(many=True)


class SealOutput(serializers.Serializer[Any]):
    commitment = serializers.CharField(help_text="Published before the first score.")
    seed = serializers.CharField(allow_blank=True, help_text="Draws the same split again.")
    verified = serializers.BooleanField(help_text="Split and labels match the seal.")
    note = serializers.CharField(allow_blank=True, help_text="What does not match.")


class PlaceOutput(serializers.Serializer[Any]):
    rank = serializers.IntegerField(allow_null=True, help_text="null: a baseline.")
    team_id = serializers.IntegerField()
    team = serializers.CharField()
    group = serializers.CharField(allow_blank=True)
    members = serializers.IntegerField()
    is_baseline = serializers.BooleanField()
    score = serializers.CharField(help_text="On the images that decide, as displayed.")
    value = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    rank_low = serializers.IntegerField(
        allow_null=True, help_text="The ranks that these images allow, at 95 % confidence."
    )
    rank_high = serializers.IntegerField(allow_null=True)
    tied = serializers.BooleanField(
        allow_null=True, help_text="Cannot be told apart from the winner."
    )
    public_rank = serializers.IntegerField(allow_null=True)
    public_score = serializers.CharField(allow_blank=True)
    moved = serializers.IntegerField(
        allow_null=True, help_text="Places gained against the public board."
    )


class FinalOutput(serializers.Serializer[Any]):
    decimals = serializers.IntegerField()
    direction = serializers.ChoiceField(DIRECTIONS)
    public_rows = serializers.IntegerField()
    private_rows = serializers.IntegerField()
    published_at = serializers.DateTimeField(allow_null=True)
    seal = SealOutput()
    rows = PlaceOutput(many=True)
