"""Every refusal of the REST door in one shape: ``{"error": {"code": ..., "message": ...}}``."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import exception_handler

from competitions.refusals import Refused

SIGN_IN = "Sign in, or send `Authorization: Bearer TOKEN`; your account's page makes tokens."
# What to do about the framework's own refusals, whose texts only say what was wrong.
REMEDIES = {
    "permission_denied": "Send the page's token as X-CSRFToken, or use a Bearer token instead.",
    "method_not_allowed": "The Allow header names the methods of this address.",
    "unsupported_media_type": "Send multipart/form-data: curl -F file=@submission.csv",
    "parse_error": "Send multipart/form-data: curl -F file=@submission.csv",
    "not_acceptable": "This door answers in application/json.",
}
MEANINGS = {
    400: "The request is wrong; the message says what to change.",
    401: "Nobody is signed in.",
    403: "This person may not do it.",
    404: "There is no such thing, or none that this person may know of.",
    409: "Not now: the challenge is not in the right phase.",
    413: "The file is too large.",
    415: "The body is not multipart/form-data.",
    429: "The day's submissions are used up.",
}


class _Error(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="For programs.")
    message = serializers.CharField(help_text="For people: what was wrong and what to do.")


class ErrorOutput(serializers.Serializer[Any]):
    error = _Error()


def documented(*statuses: int) -> dict[int, OpenApiResponse]:
    """The refusals of a route, for its entry in the OpenAPI document."""
    return {status: OpenApiResponse(ErrorOutput, MEANINGS[status]) for status in statuses}


def body(code: str, message: str) -> dict[str, dict[str, str]]:
    return {"error": {"code": code, "message": message}}


def handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to an exception; None leaves what nobody foresaw to Django."""
    if isinstance(error, Refused):
        return Response(body(error.code, str(error)), status=error.http_status)
    if isinstance(error, SuspiciousOperation):
        status = 413 if isinstance(error, RequestDataTooBig) else 400
        return Response(body("bad_request", f"{error}"), status=status)
    response = exception_handler(error, context)
    if response is not None:
        response.data = _rewritten(response.data)
    return response


@csrf_exempt  # a wrong address is a wrong address, whatever cookie came with it
def no_such_address(request: HttpRequest) -> HttpResponse:
    """JSON for programs, where the site's own 404 page would be HTML."""
    message = f"There is nothing at {request.path}. The addresses are listed at /api/docs/."
    return JsonResponse(body("not_found", message), status=404)


def _rewritten(data: Any) -> dict[str, dict[str, str]]:
    """The framework's ``detail``, or the sentences of its validation errors."""
    if not isinstance(data, dict) or "detail" not in data:
        return body("invalid", " ".join(_sentences(data)))
    detail = data["detail"]
    code = getattr(detail, "code", "refused")
    if code == "not_authenticated":
        return body(code, SIGN_IN)
    return body(code, f"{detail} {REMEDIES.get(code, '')}".strip())


def _sentences(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        data = list(data.values())
    if not isinstance(data, list):
        yield str(data)
        return
    for part in data:
        yield from _sentences(part)
