"""What the REST views have in common."""

from typing import Any, cast

from django.contrib.auth.models import AbstractUser
from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

# The hidden field of a browser's form is no mistake of its sender.
TOLERATED = {"csrfmiddlewaretoken"}


class Door(APIView):
    """Answers belong to the person who asked, unless the view says otherwise."""

    cache_control = "private, no-store"

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {**super().default_response_headers, "Cache-Control": self.cache_control}


class StrictInput(serializers.Serializer[Any]):
    """Refuses fields it does not know: a misspelt one would otherwise be lost in silence."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(self.initial_data) - set(self.fields) - TOLERATED)
        if unknown:
            names = ", ".join(f"`{name}`" for name in unknown)
            known = ", ".join(f"`{name}`" for name in self.fields)
            raise serializers.ValidationError(
                f"{names} is not a field of this request. Its fields are {known}."
            )
        return attrs


class StrictInputSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Tells the OpenAPI document of the strictness."""

    target_class = "competitions.api.door.StrictInput"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        fields = auto_schema._map_serializer(  # type: ignore[no-untyped-call]
            self.target, direction, bypass_extensions=True
        )
        return {**fields, "additionalProperties": False}


def person(request: Request) -> AbstractUser:
    """The signed-in user, where the view's permissions have made sure that there is one."""
    return cast(AbstractUser, request.user)
