"""How a challenge is built: uploads that go on after a break, the leak report, its baselines."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from competitions.models.competition import Competition
from competitions.models.data import SolutionVersion
from competitions.models.submission import Submission


class Upload(models.Model):
    """A large file on its way, in pieces; each piece is a stored file of its own."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads"
    )
    name = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField()
    # What the browser knows of the file beside: two may share a name and a size.
    mark = models.CharField(max_length=80, blank=True)
    received = models.PositiveBigIntegerField(default=0)
    pieces = models.PositiveIntegerField(default=0)
    # Where the whole file lies among the private ones, once it is there.
    path = models.CharField(max_length=200, blank=True)
    # Until when somebody is putting the pieces together.
    joining_until = models.DateTimeField(null=True, blank=True)
    begun_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-begun_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(received__lte=F("size")), name="upload_receives_no_more_than_its_size"
            ),
            models.CheckConstraint(
                condition=Q(path="") | Q(received=F("size")), name="upload_is_kept_only_whole"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class FindingKind(models.TextChoices):
    """What the leak report looks for."""

    EXACT = "exact", "The same picture twice"
    NEAR = "near", "Nearly the same picture"
    CONFLICT = "conflict", "One picture, two classes"
    UNREADABLE = "unreadable", "Unreadable images"
    TINY = "tiny", "Tiny images"
    CONSTANT = "constant", "Images of one colour"
    IMBALANCE = "imbalance", "Classes of very different size"
    SHORTCUT = "shortcut", "Files that tell their class"


class Remedy(models.TextChoices):
    """What is done about a finding."""

    OPEN = "", "Not decided"
    DROP = "drop", "Left out"
    GROUP = "group", "Kept together on one side"
    IGNORE = "ignore", "In the test set, and not scored"
    ACCEPT = "accept", "Left as it is"


class Finding(models.Model):
    """One line of the leak report: a kind of trouble, where it is, and what is done about it."""

    competition = models.ForeignKey(Competition, on_delete=models.CASCADE, related_name="findings")
    kind = models.CharField(max_length=12, choices=FindingKind.choices)
    images = models.PositiveIntegerField(help_text="How many images it concerns.")
    # Numbers alone: {"sets": 12, "across": 3, "test": 5, "train": 4} and the like.
    counts = models.JSONField(default=dict)
    # The first sets as lists of {"name", "part", "label", "thumbnail"}, in a private file.
    examples = models.CharField(max_length=200, blank=True)
    remedy = models.CharField(max_length=8, choices=Remedy.choices, default=Remedy.OPEN, blank=True)
    is_automatic = models.BooleanField(default=False, help_text="Nobody had to decide it.")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["competition", "kind"], name="one_finding_of_each_kind"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=FindingKind.values), name="finding_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(remedy__in=Remedy.values), name="finding_remedy_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()

    @property
    def is_settled(self) -> bool:
        return self.remedy != Remedy.OPEN


class Run(models.TextChoices):
    """``waiting -> training -> ready -> posted``, or ``failed``."""

    WAITING = "waiting", "Waiting"
    TRAINING = "training", "Training"
    READY = "ready", "Trained"
    POSTED = "posted", "On the board"
    FAILED = "failed", "Failed"


class BaselineRun(models.Model):
    """A baseline that the site trains for a challenge, and posts once the challenge is open."""

    competition = models.ForeignKey(
        Competition, on_delete=models.CASCADE, related_name="baseline_runs"
    )
    solution = models.ForeignKey(SolutionVersion, on_delete=models.CASCADE, related_name="+")
    arch = models.CharField(max_length=40)
    title = models.CharField(max_length=60)
    status = models.CharField(max_length=10, choices=Run.choices, default=Run.WAITING)
    note = models.TextField(blank=True, help_text="Why it failed.")
    # Its answers, among the submissions' files; what they score on the public rows.
    answers = models.CharField(max_length=200, blank=True)
    public_score = models.FloatField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True, help_text="Training time.")
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    rung_at = models.DateTimeField(null=True, blank=True)
    submission = models.OneToOneField(
        Submission, on_delete=models.SET_NULL, null=True, blank=True, related_name="baseline_run"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["competition", "arch"], name="one_run_of_each_baseline"
            ),
            models.CheckConstraint(
                condition=Q(status__in=Run.values), name="baseline_run_status_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[Run.READY, Run.POSTED]) | ~Q(answers=""),
                name="baseline_run_is_trained_only_with_answers",
            ),
        ]

    def __str__(self) -> str:
        return self.title
