"""A challenge that takes models: what it asks of them, and the run of each that was sent."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from competitions.models.competition import Competition
from competitions.models.submission import Submission
from competitions.models.team import Team
from scoring.sandbox.contract import Format

LARGEST_SIDE = 1024  # pixels
LONGEST_RUN = 3600  # seconds
MOST_MEMORY = 80 * 1024  # MiB
LARGEST_FILE = 2048  # MiB


class Takes(models.TextChoices):
    """What a challenge takes."""

    FILES = "files", "Files of predictions"
    MODELS = "models", "Models; the test images stay here"
    BOTH = "both", "Files and models"


class ModelRules(models.Model):
    """What a model must keep to. A challenge without this row takes files alone."""

    competition = models.OneToOneField(
        Competition, on_delete=models.CASCADE, related_name="model_rules"
    )
    takes = models.CharField(max_length=10, choices=Takes.choices, default=Takes.BOTH)

    channels = models.PositiveSmallIntegerField(
        default=3, choices=[(1, "1, grey"), (3, "3, red, green, blue")]
    )
    height = models.PositiveSmallIntegerField(
        default=32, validators=[MinValueValidator(1), MaxValueValidator(LARGEST_SIDE)]
    )
    width = models.PositiveSmallIntegerField(
        default=32, validators=[MinValueValidator(1), MaxValueValidator(LARGEST_SIDE)]
    )

    takes_onnx = models.BooleanField("ONNX", default=True)
    takes_safetensors = models.BooleanField("safetensors, with a named architecture", default=True)
    takes_pt2 = models.BooleanField(
        "torch.export (.pt2)", default=False, help_text="Loading one runs what its author wrote."
    )
    takes_torchscript = models.BooleanField(
        "TorchScript", default=False, help_text="Loading one runs what its author wrote."
    )

    seconds = models.PositiveIntegerField(
        default=600,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_RUN)],
        help_text="The longest run over all test images.",
    )
    memory_mib = models.PositiveIntegerField(
        "memory (MiB)",
        default=4096,
        validators=[MinValueValidator(64), MaxValueValidator(MOST_MEMORY)],
        help_text="Of the process, or of the GPU.",
    )
    file_mib = models.PositiveIntegerField(
        "file (MiB)",
        default=256,
        validators=[MinValueValidator(1), MaxValueValidator(LARGEST_FILE)],
        help_text="The largest model.",
    )
    max_parameters = models.PositiveBigIntegerField(
        "parameters",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Empty: any number.",
    )
    max_macs = models.PositiveBigIntegerField(
        "multiply-accumulates",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="For one image. Empty: any number.",
    )
    bf16 = models.BooleanField(
        "16-bit floats",
        default=False,
        help_text="bfloat16 where the device is faster with it; answers may differ a little.",
    )

    # The images as the sandbox maps them into memory, and of which files they were made.
    packed_path = models.CharField(max_length=200, blank=True, editable=False)
    samples_path = models.CharField(max_length=200, blank=True, editable=False)
    packed_of = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "models"
        constraints = [
            models.CheckConstraint(
                condition=Q(takes__in=Takes.values), name="what_a_challenge_takes_is_known"
            ),
            models.CheckConstraint(
                condition=Q(channels__in=[1, 3], height__gte=1, width__gte=1),
                name="models_are_given_pictures",
            ),
            models.CheckConstraint(
                condition=Q(takes=Takes.FILES)
                | Q(takes_onnx=True)
                | Q(takes_safetensors=True)
                | Q(takes_pt2=True)
                | Q(takes_torchscript=True),
                name="who_takes_models_takes_a_format",
                violation_error_message="Choose at least one kind of model file.",
            ),
            models.CheckConstraint(
                condition=Q(seconds__gte=1, memory_mib__gte=64, file_mib__gte=1)
                & (Q(max_parameters__isnull=True) | Q(max_parameters__gte=1))
                & (Q(max_macs__isnull=True) | Q(max_macs__gte=1)),
                name="models_may_take_something",
            ),
            models.CheckConstraint(
                condition=(Q(packed_path="") & Q(samples_path="") & Q(packed_of=""))
                | (~Q(packed_path="") & ~Q(samples_path="") & ~Q(packed_of="")),
                name="packed_images_say_what_they_were_made_of",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_takes_display()} ({self.height} by {self.width})"

    @property
    def takes_models(self) -> bool:
        return self.takes != Takes.FILES

    @property
    def takes_files(self) -> bool:
        return self.takes != Takes.MODELS

    @property
    def formats(self) -> list[Format]:
        """The kinds of file that are taken, in the order in which they are offered."""
        return [kind for kind in Format if getattr(self, f"takes_{kind}")]


class ModelStage(models.TextChoices):
    """``to_try -> trying -> waiting -> running -> done``, or from any of them ``ended``."""

    TO_TRY = "to_try", "Waits for its dry run"
    TRYING = "trying", "Dry run"
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    ENDED = "ended", "Ended without answers"


LEASED = (ModelStage.TRYING, ModelStage.RUNNING)
IN_LINE = (ModelStage.TO_TRY, ModelStage.WAITING)
OVER = (ModelStage.DONE, ModelStage.ENDED)


class ModelRun(models.Model):
    """One model, first tried on a few training images, then run over the test images."""

    submission = models.OneToOneField(
        Submission, on_delete=models.CASCADE, related_name="model_run"
    )
    # Stand here too, so that whose turn it is is found on this table's indexes.
    competition = models.ForeignKey(
        Competition, on_delete=models.CASCADE, related_name="model_runs"
    )
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="model_runs")

    path = models.CharField(max_length=200, help_text="The model, among the submissions' files.")
    format = models.CharField(max_length=20, choices=[(str(kind), kind.name) for kind in Format])
    architecture = models.CharField(max_length=100, blank=True)
    arguments = models.JSONField(default=dict, blank=True)

    stage = models.CharField(max_length=10, choices=ModelStage.choices, default=ModelStage.TO_TRY)
    attempt = models.PositiveSmallIntegerField(
        default=0, help_text="How often a worker began this stage. The newest alone may end it."
    )
    lease_until = models.DateTimeField(null=True, blank=True)
    rung_at = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField(help_text="Since when it waits for what comes next.")
    served_at = models.DateTimeField(null=True, blank=True, help_text="When a worker took it.")
    began_at = models.DateTimeField(
        null=True, blank=True, help_text="When its run over the test images began."
    )

    images_done = models.PositiveIntegerField(default=0)
    images_total = models.PositiveIntegerField(default=0)
    images_per_second = models.FloatField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True, help_text="First batch to last answer.")
    load_seconds = models.FloatField(null=True, blank=True)
    expected_seconds = models.FloatField(
        null=True, blank=True, help_text="Of the whole run, as the dry run lets expect."
    )
    device = models.CharField(max_length=100, blank=True)
    batch_size = models.PositiveIntegerField(null=True, blank=True)
    parameters = models.PositiveBigIntegerField(null=True, blank=True)
    macs = models.PositiveBigIntegerField(
        "multiply-accumulates", null=True, blank=True, help_text="For one image."
    )

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["stage", "queued_at"],
                name="model_runs_not_over",
                condition=~Q(stage__in=OVER),
            ),
            models.Index(fields=["competition", "served_at"], name="model_runs_of_a_challenge"),
            models.Index(fields=["team", "served_at"], name="model_runs_of_a_team"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(stage__in=ModelStage.values), name="model_run_stage_is_known"
            ),
            models.CheckConstraint(
                condition=Q(format__in=[str(kind) for kind in Format]),
                name="model_run_format_is_known",
            ),
            models.CheckConstraint(
                condition=(Q(stage__in=LEASED) & Q(lease_until__isnull=False))
                | (~Q(stage__in=LEASED) & Q(lease_until__isnull=True)),
                name="model_run_is_leased_exactly_while_a_worker_has_it",
            ),
            models.CheckConstraint(
                condition=~Q(stage__in=[ModelStage.RUNNING, ModelStage.DONE])
                | Q(began_at__isnull=False),
                name="model_run_says_when_it_began",
            ),
            models.CheckConstraint(
                condition=Q(images_done__lte=F("images_total")),
                name="model_run_answers_no_more_images_than_there_are",
            ),
            models.CheckConstraint(
                condition=~Q(format=str(Format.SAFETENSORS)) | ~Q(architecture=""),
                name="model_run_of_weights_names_its_architecture",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_format_display()}, {self.get_stage_display()}"

    @property
    def is_over(self) -> bool:
        return self.stage in OVER

    @property
    def is_trial(self) -> bool:
        """Whether what it does next, or does now, is the dry run."""
        return self.stage in (ModelStage.TO_TRY, ModelStage.TRYING)


class Screening(models.Model):
    """A host's question about a model that has run: does it look at the images? Up to four more
    runs, each a claim of its own.

    Its findings are for whoever judges: no proof, and no score.
    """

    run = models.OneToOneField(ModelRun, on_delete=models.CASCADE, related_name="screening")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    asked_at = models.DateTimeField()
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    # [{"name": "order", "verdict": "steady", "sentence": "..."}, ...]
    findings = models.JSONField(default=list, blank=True)
    trouble = models.TextField(blank=True, help_text="Why nothing was found out.")
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(done_at__isnull=True) | Q(lease_until__isnull=True),
                name="screening_is_leased_only_until_it_is_done",
            ),
        ]

    def __str__(self) -> str:
        return f"screening of {self.run_id}"
