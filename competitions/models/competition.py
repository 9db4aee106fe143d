"""A competition: its pages, how it is scored, when it runs, who may join, how far its files are."""

from datetime import datetime, timedelta
from typing import cast

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from competitions.models.custom_metric import CustomMetric
from competitions.models.metrics import CUSTOM, LAYOUTS, MetricFacts, facts
from scoring import METRICS, Layout

# SQLite has no bounds of its own for small integers, and no wish lies above these.
MOST_FILES = 10_000
MOST_PEOPLE = 1000
MOST_PRIZES = 1000
LONGEST_FREEZE = 7 * 24 * 60  # minutes


class State(models.TextChoices):
    """What the organiser has decided; the dates narrow it further (see deadlines.phase)."""

    DRAFT = "draft", "Draft"
    OPEN = "open", "Open"
    CLOSED = "closed", "Closed"
    REVEALED = "revealed", "Revealed"


class Feedback(models.TextChoices):
    """What the public board, and with it every page of a team, tells of a public score."""

    ROUNDED = "rounded", "Rounded scores"
    LADDER = "ladder", "The Ladder: only real improvements"
    HIDDEN = "hidden", "No scores before the end"


class Preparation(models.TextChoices):
    """How far the organiser's files have come on their way to a challenge."""

    EMPTY = "empty", "No files yet"
    PREPARING = "preparing", "Preparing"
    READY = "ready", "Ready"
    REFUSED = "refused", "Refused"


class Admission(models.TextChoices):
    """Who may join."""

    ANYONE = "anyone", "Anyone with an account"
    CODE = "code", "Whoever has the class code"
    DOMAIN = "domain", "Whoever has an e-mail address of these domains"
    ROSTER = "roster", "Whoever stands on the roster"


def metric_choices() -> list[tuple[str, str]]:
    """A function, so that a new metric needs no migration."""
    table = [(key, metric.title) for key, metric in METRICS.items()]
    return [*table, (CUSTOM, "A metric of your own")]


def layout_choices() -> list[tuple[str, str]]:
    """A function, so that other words need no migration."""
    return list(LAYOUTS.items())


class CompetitionManager(models.Manager["Competition"]):
    """Every competition is read together with the database's clock, as ``clock``."""

    def get_queryset(self) -> models.QuerySet["Competition"]:
        return super().get_queryset().annotate(clock=Now())

    def locked(self, pk: int) -> "Competition":
        """The row as it is now, held until the transaction ends: of all locks always the first.

        Bare: joined to others it would come with those of before the wait. Not its key, which a new
        row that refers to it needs to have for itself.
        """
        return self.select_for_update(no_key=True).get(pk=pk)

    def move_board_on(self, pk: int) -> None:
        """A new version of the board; the row's lock puts concurrent changes of it in a line."""
        self.filter(pk=pk).update(board_version=F("board_version") + 1)


class Competition(models.Model):
    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=120)
    summary = models.CharField(max_length=240, blank=True, help_text="One sentence, on the lists.")
    overview = models.TextField(blank=True, help_text="Markdown.")
    data_page = models.TextField("data page", blank=True, help_text="Markdown.")
    rules = models.TextField(blank=True, help_text="Markdown.")

    metric = models.CharField(max_length=60, choices=metric_choices, default="accuracy")
    metric_parameters = models.JSONField(default=dict, blank=True)
    custom_metric = models.ForeignKey(
        CustomMetric,
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    layout = models.CharField(
        max_length=20,
        choices=layout_choices,
        blank=True,
        help_text="The form of a submission. Empty: the metric's own.",
    )
    decimals = models.PositiveSmallIntegerField(
        default=4,
        validators=[MinValueValidator(1), MaxValueValidator(6)],
        help_text="Digits shown on the board; teams equal to this precision share a rank.",
    )
    public_fraction = models.FloatField(
        default=0.3,
        validators=[MinValueValidator(0.01), MaxValueValidator(0.99)],
        help_text="Share of the test rows behind the public board; the others decide at the end.",
    )
    daily_limit = models.PositiveSmallIntegerField(
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_FILES)],
        help_text="Scored submissions per team and day (UTC). A refused file costs none.",
    )
    lifetime_limit = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_FILES)],
        help_text="Scored submissions per team in all. Empty: a thirtieth of the public rows, "
        "from 20 to 500, which keeps the board from being guessed.",
    )
    max_team_size = models.PositiveSmallIntegerField(
        default=5, validators=[MinValueValidator(1), MaxValueValidator(MOST_PEOPLE)]
    )

    feedback = models.CharField(
        max_length=10,
        choices=Feedback.choices,
        default=Feedback.ROUNDED,
        help_text="The Ladder is for small test sets and for prizes.",
    )
    ladder_step = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1e-6)],
        help_text="The improvement that the Ladder shows. Empty: about one standard error.",
    )
    freeze_minutes = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_FREEZE)],
        help_text="The board stands still for the last minutes, until the final one is published.",
    )
    late_submissions = models.BooleanField(
        default=False, help_text="Take files after the end: they are scored and never ranked."
    )
    prizes = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(MOST_PRIZES)],
        help_text="Places that win something; a line on the board says so. 0: none.",
    )

    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    opens_at = models.DateTimeField(null=True, blank=True, help_text="UTC. Empty: when opened.")
    closes_at = models.DateTimeField(null=True, blank=True, help_text="UTC. Empty: never.")
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Since when the board stands still, where no date says it: frozen by hand, or closed by hand
    # while it stood still.
    froze_at = models.DateTimeField(null=True, blank=True, editable=False)
    revealed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Between the reveal and this moment the final board is the ceremony's alone.
    published_at = models.DateTimeField(null=True, blank=True, editable=False)

    preparation = models.CharField(
        max_length=10, choices=Preparation.choices, default=Preparation.EMPTY, editable=False
    )
    preparation_note = models.TextField(blank=True, editable=False)
    # Enough to begin again from nothing: the files' keys, and who is at it until when.
    # What a page shows meanwhile: the step in words, and how many images are done of how many.
    preparation_step = models.CharField(max_length=60, blank=True, editable=False)
    preparation_done = models.PositiveIntegerField(default=0, editable=False)
    preparation_total = models.PositiveIntegerField(default=0, editable=False)
    preparation_inbox = models.JSONField(default=dict, blank=True, editable=False)
    preparation_since = models.DateTimeField(null=True, blank=True, editable=False)
    preparation_rung_at = models.DateTimeField(null=True, blank=True, editable=False)
    preparation_attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    preparation_until = models.DateTimeField(null=True, blank=True, editable=False)
    solution = models.ForeignKey(
        "competitions.SolutionVersion",
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    image_spec = models.JSONField(
        default=dict, blank=True, editable=False, help_text="Sizes, channels and formats found."
    )

    class_code = models.CharField(
        max_length=12,
        null=True,
        blank=True,
        unique=True,
        help_text="With it people join by a name and a PIN, without an account. Empty: nobody.",
    )
    admission = models.CharField(max_length=10, choices=Admission.choices, default=Admission.ANYONE)
    admitted_domains = models.CharField(
        max_length=300, blank=True, help_text="Separated by spaces, such as school.example."
    )
    grading_formula = models.CharField(
        max_length=200, blank=True, help_text="Reckons a grade for the grades table."
    )
    board_version = models.PositiveBigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CompetitionManager()

    class Meta:
        verbose_name = "challenge"
        ordering = ["-created_at", "-pk"]
        # Held by nobody through being superuser alone: whoever sees a label was given it by name.
        permissions = [("view_labels", "Can see single test labels (each look is written down)")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="competition_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(layout__in=["", *LAYOUTS]),
                name="competition_layout_is_known_or_left_to_the_metric",
            ),
            models.CheckConstraint(
                condition=Q(metric=CUSTOM, custom_metric__isnull=False)
                | (~Q(metric=CUSTOM) & Q(custom_metric__isnull=True)),
                name="competition_has_a_custom_metric_exactly_when_it_says_custom",
            ),
            models.CheckConstraint(
                condition=Q(preparation__in=Preparation.values),
                name="competition_preparation_is_known",
            ),
            models.CheckConstraint(
                condition=Q(preparation=Preparation.PREPARING, preparation_since__isnull=False)
                | (~Q(preparation=Preparation.PREPARING) & Q(preparation_since__isnull=True)),
                name="competition_has_waited_since_exactly_while_preparing",
            ),
            models.CheckConstraint(
                condition=Q(preparation_until__isnull=True)
                | Q(preparation=Preparation.PREPARING, preparation_attempts__gte=1),
                name="competition_is_leased_only_by_an_attempt_to_prepare",
            ),
            models.CheckConstraint(
                condition=Q(opens_at__isnull=True)
                | Q(closes_at__isnull=True)
                | Q(opens_at__lt=F("closes_at")),
                name="competition_opens_before_it_closes",
                violation_error_message="The competition must open before it closes.",
            ),
            models.CheckConstraint(
                condition=Q(state=State.DRAFT)
                | (Q(preparation=Preparation.READY) & Q(solution__isnull=False)),
                name="competition_is_ready_unless_it_is_a_draft",
                violation_error_message="Prepare the files before opening the competition.",
            ),
            models.CheckConstraint(
                condition=Q(public_fraction__gt=0) & Q(public_fraction__lt=1),
                name="competition_keeps_some_rows_private",
            ),
            models.CheckConstraint(
                condition=Q(daily_limit__gte=1), name="competition_allows_a_submission_a_day"
            ),
            models.CheckConstraint(
                condition=Q(lifetime_limit__isnull=True) | Q(lifetime_limit__gte=1),
                name="competition_allows_a_submission_in_all",
            ),
            models.CheckConstraint(
                condition=Q(feedback__in=Feedback.values), name="competition_feedback_is_known"
            ),
            models.CheckConstraint(
                condition=Q(ladder_step__isnull=True) | Q(ladder_step__gt=0),
                name="competition_ladder_has_steps",
            ),
            models.CheckConstraint(
                condition=Q(admission__in=Admission.values),
                name="competition_admission_is_known",
            ),
            models.CheckConstraint(
                condition=Q(class_code__isnull=True) | ~Q(class_code=""),
                name="competition_class_code_is_not_empty",
            ),
            models.CheckConstraint(
                condition=~Q(admission=Admission.DOMAIN) | ~Q(admitted_domains=""),
                name="competition_names_the_domains_that_it_admits",
            ),
            models.CheckConstraint(
                condition=Q(preparation_done__lte=F("preparation_total")),
                name="competition_prepares_no_more_than_there_is",
            ),
            models.CheckConstraint(
                condition=Q(paused_at__isnull=True) | Q(state=State.OPEN),
                name="competition_is_paused_only_while_open",
            ),
            models.CheckConstraint(
                condition=Q(state=State.REVEALED, revealed_at__isnull=False)
                | (~Q(state=State.REVEALED) & Q(revealed_at__isnull=True)),
                name="competition_has_a_moment_of_reveal_exactly_when_revealed",
            ),
            models.CheckConstraint(
                condition=Q(published_at__isnull=True) | Q(state=State.REVEALED),
                name="competition_is_published_only_after_the_reveal",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def metric_facts(self) -> MetricFacts:
        """What everybody may know of the metric; nothing else on the site asks what it is."""
        return facts(self.metric, self.metric_parameters, self.custom_metric)

    @property
    def freezes_at(self) -> datetime | None:
        """From when on new scores stay off the board until the final one is published."""
        if self.freeze_minutes is None or self.closes_at is None or self.published_at is not None:
            return None
        if self.froze_at is not None:
            return self.froze_at
        return self.closes_at - timedelta(minutes=self.freeze_minutes)

    @property
    def hides_scores(self) -> bool:
        return self.feedback == Feedback.HIDDEN and self.published_at is None

    @property
    def metric_title(self) -> str:
        """The metric's name, with its parameters in words."""
        return self.metric_facts.title

    @property
    def submission_layout(self) -> Layout:
        """The form that a submission has here: the organiser's choice, else the metric's own."""
        return cast(Layout, self.layout) if self.layout else self.metric_facts.layout
