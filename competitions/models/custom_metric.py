"""An organiser's own metric: the program that scores a challenge, in versions that never change."""

from typing import Any, Self

from django.db import models
from django.db.models import Q

from scoring import custom

DIRECTIONS = {"maximize": "More is better", "minimize": "Less is better"}
FILE_NAME = 100  # characters


class CustomMetric(models.Model):
    """A Python module as it was uploaded. Workers alone execute it, in a confined child process.

    The rows of a challenge are a history: a change makes a new row. ``version`` is the SHA-256 of
    the file; the same file with the other direction is another row.
    """

    competition = models.ForeignKey(
        "competitions.Competition", on_delete=models.CASCADE, related_name="custom_metrics"
    )
    version = models.CharField("SHA-256", max_length=64)
    source = models.TextField()
    direction = models.CharField(max_length=10, choices=list(DIRECTIONS.items()))
    file_name = models.CharField(max_length=FILE_NAME)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["competition", "version", "direction"],
                name="one_custom_metric_of_each_version_and_direction",
            ),
            models.CheckConstraint(
                condition=Q(direction__in=DIRECTIONS), name="custom_metric_direction_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name}, version {self.version[:12]}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Inserts; raises TypeError for a row that is there already."""
        if not self._state.adding:
            raise TypeError("A version of a metric never changes: make another one.")
        super().save(*args, **kwargs)

    @classmethod
    def read(cls, data: bytes, file_name: str, direction: str) -> Self:
        """A row to be kept, of a file that is parsed here and not executed. Raises MetricError."""
        version = custom.CustomMetric.read(data).version
        # Not "utf-8-sig": the version is of all bytes, and must be the same when read again.
        source = data.decode()
        return cls(version=version, source=source, direction=direction, file_name=file_name)

    def turned(self, direction: str) -> Self:
        """The same program, a row to be kept, with that direction."""
        return type(self)(
            version=self.version,
            source=self.source,
            direction=direction,
            file_name=self.file_name,
        )
