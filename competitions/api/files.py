"""The authorising door before the challenge's files: whole or in part, never by their path."""

from mimetypes import guess_type

from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from competitions import access, files
from competitions.api import errors, ranges
from competitions.models import DataFile
from competitions.refusals import NotFound, Refused


@require_safe
def download(request: HttpRequest, slug: str, name: str) -> HttpResponseBase:
    """One file, to who joined or brings a token: with Range, If-Range, ETag, If-None-Match."""
    try:
        file = _find(request, slug, name)
    except Refused as error:
        return _refuse(request, error)
    response = get_conditional_response(request, etag=_etag(file)) or _content(request, file)
    for header, value in _headers(file).items():
        response.headers[header] = value
    return response


def _find(request: HttpRequest, slug: str, name: str) -> DataFile:
    competition = access.competition(request.user, slug)
    by_token = getattr(request, "bearer_user", None) is not None
    access.require_download(request.user, competition, by_token=by_token)
    return files.data_file(competition, name)


def _refuse(request: HttpRequest, error: Refused) -> HttpResponse:
    """The site's own page for a browser, the REST door's JSON for every other program."""
    # The first of equals is preferred: curl and the like, which accept anything, get JSON.
    if request.get_preferred_type(["application/json", "text/html"]) == "text/html":
        raise (Http404 if isinstance(error, NotFound) else PermissionDenied)(str(error))
    return JsonResponse(errors.body(error.code, str(error)), status=error.http_status)


def _content(request: HttpRequest, file: DataFile) -> HttpResponseBase:
    if request.method == "HEAD":  # ranges are defined for GET alone
        return _described(HttpResponse(), file, file.size)
    try:
        part = ranges.requested(_range_header(request, file), file.size)
    except ranges.Unsatisfiable:
        return _unsatisfiable(file)
    if part is None:
        return _stream(file, ranges.Part(0, file.size))
    response = _stream(file, part)
    response.status_code = 206
    response.headers["Content-Range"] = part.content_range(file.size)
    return response


def _unsatisfiable(file: DataFile) -> HttpResponse:
    message = f"The file has {file.size} bytes; the range begins behind them. Ask for less."
    headers = {"Content-Range": f"bytes */{file.size}"}
    return JsonResponse(errors.body("no_such_range", message), status=416, headers=headers)


def _range_header(request: HttpRequest, file: DataFile) -> str:
    """The Range header, unless If-Range tells that the client has parts of another file."""
    condition = request.headers.get("If-Range", "").strip()
    return request.headers.get("Range", "") if condition in ("", _etag(file)) else ""


def _stream(file: DataFile, part: ranges.Part) -> HttpResponseBase:
    blocks = ranges.Blocks(files.open_data(file), part)
    return _described(StreamingHttpResponse(blocks), file, part.length)


def _described(response: HttpResponseBase, file: DataFile, length: int) -> HttpResponseBase:
    response.headers["Content-Length"] = str(length)
    response.headers["Content-Type"] = guess_type(file.name)[0] or "application/octet-stream"
    response.headers["Content-Disposition"] = content_disposition_header(True, file.name) or ""
    return response


def _etag(file: DataFile) -> str:
    return f'"{file.sha256}"'


def _headers(file: DataFile) -> dict[str, str]:
    return {
        "ETag": _etag(file),
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
