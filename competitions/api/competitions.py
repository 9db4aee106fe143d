"""The challenges, and joining them."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from competitions import access, attempts, deadlines, files, model_rules, teams
from competitions.access import Person
from competitions.api.door import Door, person
from competitions.api.errors import documented
from competitions.models import (
    Announcement,
    Competition,
    DataFile,
    Member,
    ModelRules,
    SolutionVersion,
    Team,
)
from competitions.models.metrics import LAYOUTS
from scoring.sandbox.contract import Format

DIRECTIONS = ("maximize", "minimize")
LATEST_ANNOUNCEMENTS = 5


class FileOutput(serializers.ModelSerializer[DataFile]):
    url = serializers.SerializerMethodField(help_text="For those who joined; knows ranges.")

    class Meta:
        model = DataFile
        fields = ["name", "size", "sha256", "rows", "description", "url"]

    def get_url(self, file: DataFile) -> str:
        return reverse("competitions:download", args=[file.competition.slug, file.name])


class MetricOutput(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="Of the table, or custom: a metric of the organiser's.")
    title = serializers.CharField(help_text="With the parameters in words.")
    direction = serializers.ChoiceField(DIRECTIONS)


class TestRowsOutput(serializers.ModelSerializer[SolutionVersion]):
    public = serializers.IntegerField(source="public_rows", help_text="Behind the board.")
    private = serializers.IntegerField(source="private_rows", help_text="Decide at the end.")

    class Meta:
        model = SolutionVersion
        fields = ["public", "private"]


class AttemptsOutput(serializers.Serializer[attempts.Attempts]):
    limit = serializers.IntegerField(help_text="Submissions per team and day (UTC).")
    used = serializers.IntegerField()
    left = serializers.IntegerField(help_text="Today, and no more than are left in all.")
    resets_at = serializers.DateTimeField()
    lifetime_limit = serializers.IntegerField(help_text="Submissions per team in all.")
    lifetime_used = serializers.IntegerField()
    lifetime_left = serializers.IntegerField()


class CompetitionOutput(serializers.ModelSerializer[Competition]):
    """A challenge as everybody may see it; the context holds what the asking person joined."""

    phase = serializers.SerializerMethodField()
    metric = serializers.SerializerMethodField()
    metric_parameters = serializers.DictField(
        read_only=True,
        help_text="As the organiser wrote them; what is left out has the metric's default.",
    )
    layout = serializers.ChoiceField(
        list(LAYOUTS), source="submission_layout", help_text="The form of a submission."
    )
    classes = serializers.SerializerMethodField(help_text="The labels, in the challenge's order.")
    files = serializers.SerializerMethodField(help_text="Those that participants may have.")
    test_rows = TestRowsOutput(source="solution", allow_null=True)
    commitment = serializers.CharField(
        source="solution.commitment",
        default=None,
        allow_null=True,
        help_text="Seal of the public/private split: its hash, published before the first score.",
    )
    label_seal = serializers.CharField(
        source="solution.label_seal",
        default=None,
        allow_null=True,
        help_text="Seal of the hidden labels, likewise; empty for challenges of older versions.",
    )
    joined = serializers.SerializerMethodField()
    freezes_at = serializers.DateTimeField(
        allow_null=True, help_text="From then to the publication the board stands still."
    )
    lifetime_limit = serializers.SerializerMethodField(help_text="Submissions per team in all.")

    class Meta:
        model = Competition
        fields = [
            "slug",
            "title",
            "summary",
            "phase",
            "metric",
            "metric_parameters",
            "layout",
            "opens_at",
            "freezes_at",
            "closes_at",
            "published_at",
            "feedback",
            "late_submissions",
            "prizes",
            "daily_limit",
            "lifetime_limit",
            "max_team_size",
            "classes",
            "files",
            "test_rows",
            "commitment",
            "label_seal",
            "joined",
        ]

    @extend_schema_field(serializers.ChoiceField([phase.value for phase in deadlines.Phase]))
    def get_phase(self, competition: Competition) -> str:
        return deadlines.phase(competition).value

    @extend_schema_field(MetricOutput)
    def get_metric(self, competition: Competition) -> dict[str, str]:
        metric = competition.metric_facts
        return {"key": metric.key, "title": metric.title, "direction": metric.direction}

    def get_classes(self, competition: Competition) -> list[str]:
        return list(competition.solution.classes) if competition.solution else []

    @extend_schema_field(FileOutput(many=True))
    def get_files(self, competition: Competition) -> list[dict[str, Any]]:
        return list(FileOutput(files.downloads(competition), many=True).data)

    def get_lifetime_limit(self, competition: Competition) -> int:
        return attempts.lifetime_limit(competition)

    def get_joined(self, competition: Competition) -> bool:
        return competition.pk in self.context["joined"]


class AnnouncementOutput(serializers.ModelSerializer[Announcement]):
    class Meta:
        model = Announcement
        fields = ["id", "text", "at"]


class ModelRulesOutput(serializers.ModelSerializer[ModelRules]):
    """What a model must keep to. Its images are float32 in [0, 1]."""

    formats = serializers.ListField(child=serializers.ChoiceField([str(kind) for kind in Format]))
    max_parameters = serializers.IntegerField(allow_null=True, help_text="null: any number.")
    max_macs = serializers.IntegerField(
        allow_null=True, help_text="Multiply-accumulates for one image; null: any number."
    )

    class Meta:
        model = ModelRules
        fields = [
            "takes",
            "channels",
            "height",
            "width",
            "formats",
            "seconds",
            "memory_mib",
            "file_mib",
            "max_parameters",
            "max_macs",
            "bf16",
        ]


class CompetitionDetailOutput(CompetitionOutput):
    announcements = serializers.SerializerMethodField(
        help_text=f"The last {LATEST_ANNOUNCEMENTS} of the organiser's, the newest first."
    )
    attempts = serializers.SerializerMethodField(help_text="What the own team has left today.")
    models = serializers.SerializerMethodField(
        help_text="What is asked of a model; null where none are taken."
    )

    class Meta(CompetitionOutput.Meta):
        fields = [*CompetitionOutput.Meta.fields, "announcements", "attempts", "models"]

    @extend_schema_field(AnnouncementOutput(many=True))
    def get_announcements(self, competition: Competition) -> list[dict[str, Any]]:
        latest = competition.announcements.all()[:LATEST_ANNOUNCEMENTS]
        return list(AnnouncementOutput(latest, many=True).data)

    @extend_schema_field(ModelRulesOutput(allow_null=True))
    def get_models(self, competition: Competition) -> dict[str, Any] | None:
        rules = model_rules.of(competition)
        return None if rules is None else dict(ModelRulesOutput(rules).data)

    @extend_schema_field(AttemptsOutput(allow_null=True))
    def get_attempts(self, competition: Competition) -> dict[str, Any] | None:
        team = self.context["team"]
        if team is None:
            return None
        return dict(AttemptsOutput(attempts.of(competition, team)).data)


class TeamOutput(serializers.ModelSerializer[Team]):
    members = serializers.IntegerField(source="members.count")

    class Meta:
        model = Team
        fields = ["id", "name", "members"]


class JoinOutput(serializers.Serializer[Any]):
    team = TeamOutput()


class CompetitionList(Door):
    """Newest first; drafts for organisers alone."""

    @extend_schema(
        operation_id="competitions_list",
        summary="The challenges",
        responses={200: CompetitionOutput(many=True), **documented(401)},
    )
    def get(self, request: Request) -> Response:
        context = {"joined": _joined(request.user)}
        competitions = access.visible(request.user).prefetch_related("files")
        return Response(CompetitionOutput(competitions, many=True, context=context).data)


class CompetitionDetail(Door):
    """As in the list, with what was announced and what the own team has left today."""

    @extend_schema(
        operation_id="competitions_retrieve",
        summary="One challenge",
        responses={200: CompetitionDetailOutput, **documented(401, 404)},
    )
    def get(self, request: Request, slug: str) -> Response:
        competition = access.competition(request.user, slug)
        team = teams.of(competition, request.user)
        context = {"joined": {competition.pk} if team else set(), "team": team}
        return Response(CompetitionDetailOutput(competition, context=context).data)


class Join(Door):
    """Makes a team of one. Joining again answers with the same team."""

    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="competitions_join",
        summary="Join a challenge",
        request=None,
        responses={200: JoinOutput, **documented(401, 403, 404, 409)},
    )
    def post(self, request: Request, slug: str) -> Response:
        competition = access.competition(request.user, slug)
        team = teams.join(competition, person(request))
        return Response(JoinOutput({"team": team}).data)


def _joined(user: Person) -> set[int]:
    if not user.is_authenticated:
        return set()
    return set(Member.objects.filter(user=user.pk).values_list("competition_id", flat=True))
