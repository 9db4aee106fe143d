"""Sending a file and asking what became of it."""

import uuid
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from competitions import access, leaderboard, model_rules, model_runs, picks, submissions, tasks
from competitions.access import Person
from competitions.api.door import Door, StrictInput, person
from competitions.api.errors import documented
from competitions.api.running import RunDetailOutput, RunOutput
from competitions.models import Competition, Member, ModelRun, Sent, Submission
from competitions.refusals import NotFound
from competitions.remarks import remarks
from scoring import displayed

SEND_A_FILE = "Send the predictions as a multipart field `file`: curl -F file=@submission.csv"


class SubmissionInput(StrictInput):
    # An empty file is taken too: it is refused like every other wrong file, by the scoring.
    file = serializers.FileField(
        allow_empty_file=True,
        help_text="CSV, laid out like sample_submission.csv; or a model.",
        error_messages={"required": SEND_A_FILE, "null": SEND_A_FILE, "invalid": SEND_A_FILE},
    )
    message = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=200,
        help_text="For the team's own log.",
        error_messages={"max_length": "The message is longer than 200 characters. Shorten it."},
    )
    kind = serializers.ChoiceField(
        Sent.choices,
        required=False,
        default="",
        allow_blank=True,
        help_text="`model`: a network, to be run here over the test images. Left out: what the "
        "challenge takes and the file's name say.",
    )
    architecture = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=100,
        help_text="Of safetensors: a name of the baselines' zoo, or torchvision/NAME.",
    )
    arguments = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=4000,
        help_text="The architecture's keywords, as a JSON object.",
    )


class ReceiptOutput(serializers.ModelSerializer[Submission]):
    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField(help_text="Where its status is told.")

    class Meta:
        model = Submission
        fields = ["id", "status", "url"]

    def get_url(self, submission: Submission) -> str:
        return reverse("api:submission", args=[submission.public_id])


class ProblemOutput(serializers.Serializer[Any]):
    code = serializers.CharField()
    line = serializers.IntegerField(allow_null=True, help_text="In the file; the header is 1.")
    message = serializers.CharField()


class SubmissionOutput(serializers.ModelSerializer[Submission]):
    """What a team may know of its submission: the public score as displayed, nothing finer."""

    id = serializers.UUIDField(source="public_id")
    competition = serializers.SlugField(source="team.competition.slug")
    team = serializers.CharField(source="team.name")
    public_score = serializers.SerializerMethodField(
        help_text="As displayed; null while none is shown, be it scored or not."
    )
    error = serializers.CharField(help_text="Empty unless it could not be scored.")
    problems = ProblemOutput(many=True)
    pick = serializers.IntegerField(
        allow_null=True, help_text="1 or 2: chosen for the final ranking; null: not chosen."
    )
    is_late = serializers.BooleanField(help_text="Came after the end: scored, and not ranked.")
    excluded = serializers.CharField(
        source="exclusion",
        help_text="Why the organiser took it out of the ranking; empty: it counts.",
    )
    run = serializers.SerializerMethodField(help_text="Of a model; null for a file.")

    class Meta:
        model = Submission
        fields = [
            "id",
            "competition",
            "team",
            "kind",
            "status",
            "public_score",
            "error",
            "problems",
            "more_problems",
            "file_name",
            "message",
            "pick",
            "is_late",
            "excluded",
            "received_at",
            "finished_at",
            "run",
        ]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_public_score(self, submission: Any) -> str | None:
        if submission.public_value is None:
            return None
        decimals = submission.team.competition.decimals
        return displayed(submission.public_value, decimals)

    @extend_schema_field(RunOutput(allow_null=True))
    def get_run(self, submission: Submission) -> dict[str, Any] | None:
        run = _run_of(submission)
        return None if run is None else dict(RunOutput(run).data)


class SubmissionDetailOutput(SubmissionOutput):
    remarks = serializers.SerializerMethodField(
        help_text="For people: why the score is missing, has not moved or is not on the board."
    )

    class Meta(SubmissionOutput.Meta):
        fields = [*SubmissionOutput.Meta.fields, "remarks"]

    def get_remarks(self, submission: Submission) -> list[str]:
        return remarks(submission, submission.team.competition)

    @extend_schema_field(RunDetailOutput(allow_null=True))
    def get_run(self, submission: Submission) -> dict[str, Any] | None:
        run = _run_of(submission)
        return None if run is None else dict(RunDetailOutput(run).data)


class Pages(PageNumberPagination):
    """A plain list in the body; the next and the previous page stand in the Link header."""

    page_size = 100
    invalid_page_message = "There is no page {page_number} of these submissions. Begin with 1."

    def get_paginated_response(self, data: Any) -> Response:
        links = {"next": self.get_next_link(), "prev": self.get_previous_link()}
        header = ", ".join(f'<{url}>; rel="{name}"' for name, url in links.items() if url)
        return Response(data, headers={"Link": header} if header else None)


class SubmissionList(Door):
    """A sent file is answered at once; its score follows at the answer's ``url``."""

    permission_classes = [IsAuthenticated]
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="competitions_submissions_list",
        summary="What the own team has sent, newest first",
        description="100 a page; the Link header leads to the others. Organisers see all teams'.",
        parameters=[OpenApiParameter("page", int)],
        responses={200: SubmissionOutput(many=True), **documented(401, 404)},
    )
    def get(self, request: Request, slug: str) -> Response:
        competition = access.competition(request.user, slug)
        sent = _readable(request.user).filter(team__competition=competition)
        pages = Pages()
        page = pages.paginate_queryset(sent, request, view=self)
        return pages.get_paginated_response(SubmissionOutput(page, many=True).data)

    @extend_schema(
        operation_id="competitions_submissions_create",
        summary="Send a file, or a model",
        request={"multipart/form-data": SubmissionInput},
        responses={202: ReceiptOutput, **documented(400, 401, 403, 404, 409, 413, 415, 429)},
    )
    def post(self, request: Request, slug: str) -> Response:
        competition = access.competition(request.user, slug)
        sent = SubmissionInput(data=request.data)
        sent.is_valid(raise_exception=True)
        submission = _take(competition, person(request), sent.validated_data)
        tasks.enqueue(submission)
        receipt = ReceiptOutput(submission).data
        return Response(receipt, status=202, headers={"Location": receipt["url"]})


class SubmissionDetail(Door):
    """For the own team; another team's is answered like one that does not exist."""

    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="submissions_retrieve",
        summary="What became of a submission",
        responses={200: SubmissionDetailOutput, **documented(401, 404)},
    )
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        return Response(SubmissionDetailOutput(_one(_readable(request.user), public_id)).data)


class Cancel(Door):
    """Until its run begins a cancelled model gives its attempt back; later it stays spent."""

    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="submissions_cancel",
        summary="Take a model back that waits or runs",
        request=None,
        responses={200: SubmissionDetailOutput, **documented(400, 401, 403, 404, 409)},
    )
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        cancelled = model_runs.cancel(_one(_own(request.user), public_id), person(request))
        tasks.tell(cancelled)
        return Response(SubmissionDetailOutput(_one(_own(request.user), public_id)).data)


class Pick(Door):
    """At most two files of a team are judged on the private rows, and the better one counts.

    Whoever picks nothing is judged by the best public score. The picks are settled at the end.
    """

    permission_classes = [IsAuthenticated]

    @extend_schema(
        operation_id="submissions_pick",
        summary="Choose a file for the final ranking",
        request=None,
        responses={200: SubmissionDetailOutput, **documented(400, 401, 403, 404, 409)},
    )
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        picks.choose(_one(_own(request.user), public_id))
        return self._answer(request, public_id)

    @extend_schema(
        operation_id="submissions_unpick",
        summary="Take the choice back",
        request=None,
        responses={200: SubmissionDetailOutput, **documented(401, 403, 404, 409)},
    )
    def delete(self, request: Request, public_id: uuid.UUID) -> Response:
        picks.withdraw(_one(_own(request.user), public_id))
        return self._answer(request, public_id)

    def _answer(self, request: Request, public_id: uuid.UUID) -> Response:
        return Response(SubmissionDetailOutput(_one(_own(request.user), public_id)).data)


def _take(competition: Competition, user: AbstractUser, sent: dict[str, Any]) -> Submission:
    """By the verb for what was sent; raises Refused."""
    file, message = sent["file"], sent["message"]
    kind = sent["kind"] or model_rules.kind_of(competition, file.name or "")
    if kind == Sent.MODEL:
        keywords = model_runs.parse_arguments(sent["arguments"])
        return model_runs.submit(competition, user, file, message, sent["architecture"], keywords)
    return submissions.submit(competition, user, file, message)


def _run_of(submission: Submission) -> ModelRun | None:
    return submission.model_run if submission.is_model else None


def _one(among: QuerySet[Submission], public_id: uuid.UUID) -> Submission:
    submission = among.filter(public_id=public_id).first()
    if submission is None:
        raise NotFound(f"Your teams have no submission {public_id}. Check the id.")
    return submission


def _own(user: Person) -> QuerySet[Submission]:
    """Of the person's own teams alone: an organiser reads the others' and picks none of them."""
    return _readable(user).filter(
        Exists(Member.objects.filter(team=OuterRef("team"), user=user.pk))
    )


def _readable(user: Person) -> QuerySet[Submission]:
    """The submissions this person may read, each with its public score, in one query."""
    return leaderboard.with_public_score(access.submissions(user)).select_related("model_run")
