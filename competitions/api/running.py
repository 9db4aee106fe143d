"""What the REST door tells of a model's run."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from competitions import model_runs
from competitions.models import ModelRun


class LinePlaceOutput(serializers.Serializer[model_runs.Place]):
    position = serializers.IntegerField(help_text="1 is the next.")
    seconds = serializers.FloatField(help_text="Until it begins, as far as one can tell.")


class RunOutput(serializers.ModelSerializer[ModelRun]):
    """How far a model has come. What its run measures is null until it is known."""

    class Meta:
        model = ModelRun
        fields = [
            "stage",
            "format",
            "architecture",
            "arguments",
            "images_done",
            "images_total",
            "images_per_second",
            "expected_seconds",
            "load_seconds",
            "seconds",
            "device",
            "batch_size",
            "parameters",
            "macs",
        ]


class RunDetailOutput(RunOutput):
    place = serializers.SerializerMethodField(
        help_text="In the line; null while a worker has it, or where it is over."
    )

    class Meta(RunOutput.Meta):
        fields = [*RunOutput.Meta.fields, "place"]

    @extend_schema_field(LinePlaceOutput(allow_null=True))
    def get_place(self, run: ModelRun) -> dict[str, Any] | None:
        place = model_runs.place(run)
        return None if place is None else dict(LinePlaceOutput(place).data)
