"""Bearer tokens on every route, pages and downloads included."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

from holdout.accounts import tokens


class BearerTokenMiddleware:
    """Signs the request in by its token; leaves requests without one alone.

    A wrong token is answered with 401 at once: falling back to "anonymous" would turn a typing
    mistake into a puzzling 403 or an empty list.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        header = request.headers.get("Authorization", "")
        if header:
            try:
                user = tokens.user_of_header(header)
            except tokens.InvalidToken as error:
                return _unauthorised(str(error))
            if user is not None:
                request.user = user
                request.bearer_user = user  # type: ignore[attr-defined]
        return self.get_response(request)


def _unauthorised(message: str) -> HttpResponse:
    body = {"error": {"code": "invalid_token", "message": message}}
    return JsonResponse(body, status=401, headers={"WWW-Authenticate": "Bearer"})
