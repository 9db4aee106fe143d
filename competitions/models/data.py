"""A competition's data: the versions of its hidden solution, the downloads, the class samples."""

from django.db import models
from django.db.models import Q

from competitions.models.competition import Competition


class SolutionVersion(models.Model):
    """One version of the hidden labels: where the file lies, and what may be told about it.

    The labels and the seed of the split are in the file alone, in private storage; the row holds
    sizes and hashes, so that no page, export or backup of this table can leak a label.
    """

    competition = models.ForeignKey(Competition, on_delete=models.CASCADE, related_name="solutions")
    version = models.PositiveSmallIntegerField()
    path = models.CharField(max_length=200)
    sha256 = models.CharField("SHA-256", max_length=64)
    id_column = models.CharField(max_length=60)
    label_column = models.CharField(max_length=60)
    classes = models.JSONField(help_text="The class names, in the challenge's order.")
    rows = models.PositiveIntegerField()
    public_rows = models.PositiveIntegerField()
    private_rows = models.PositiveIntegerField()
    commitment = models.CharField(max_length=64, help_text="Seal of the split, published.")
    label_seal = models.CharField(
        max_length=64, blank=True, help_text="Seal of the labels, published."
    )
    verified_at = models.DateTimeField(null=True, blank=True)
    verification = models.TextField(blank=True, help_text="What a broken seal looks like.")
    seed = models.CharField(
        max_length=64,
        blank=True,
        help_text="In hexadecimal; written when the challenge is revealed.",
    )
    # What three trial files scored before the opening. Of the private rows: yes or no, no number.
    launch_trial = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["competition", "version"], name="one_solution_of_each_version"
            ),
            models.CheckConstraint(
                condition=Q(public_rows__gte=1) & Q(private_rows__gte=1),
                name="solution_has_public_and_private_rows",
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.version}"


class DataFile(models.Model):
    """A file that participants may download."""

    competition = models.ForeignKey(Competition, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=100)
    path = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField("SHA-256", max_length=64)
    rows = models.PositiveIntegerField(null=True, blank=True)
    description = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["competition", "name"], name="one_data_file_of_each_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ClassSample(models.Model):
    """A class of the training images: how many there are, and four of them as one picture."""

    competition = models.ForeignKey(
        Competition, on_delete=models.CASCADE, related_name="class_samples"
    )
    position = models.PositiveIntegerField(help_text="In the challenge's order, from 0.")
    name = models.CharField(max_length=100)
    images = models.PositiveIntegerField()
    path = models.CharField(max_length=200, blank=True, help_text="Empty: there is no picture.")
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["competition", "name"], name="one_class_sample_of_each_name"
            ),
            models.UniqueConstraint(
                fields=["competition", "position"], name="one_class_sample_at_each_position"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def version(self) -> str:
        """Stands in the picture's address, so that a browser need never ask for it twice."""
        return self.sha256[:12]
