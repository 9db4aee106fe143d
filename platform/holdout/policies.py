"""What a page may load. Strict everywhere; two vendored interfaces get what they need, no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # settings import this file, before Django can be
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

SELF, NONE, INLINE, EVAL = "'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'"
STRICT = {
    "default-src": [SELF],
    "object-src": [NONE],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
    "form-action": [SELF],
}
RELAXED = {
    # django-unfold runs on Alpine, which evaluates attributes and sets styles from scripts. All of
    # its scripts are files, so that an injected one still does not run.
    "/admin/": {
        **STRICT,
        "script-src": [SELF, EVAL],
        "style-src": [SELF, INLINE],
        "img-src": [SELF, "data:", "blob:"],
    },
    # Swagger UI sets styles from its script and carries its icons as data: addresses.
    "/api/docs/": {**STRICT, "style-src": [SELF, INLINE], "img-src": [SELF, "data:"]},
}


class RelaxedPolicyMiddleware:
    """Marks the answers of the vendored interfaces; django-csp writes the header."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for prefix, policy in RELAXED.items():
            if request.path_info.startswith(prefix):
                response._csp_config = policy  # type: ignore[attr-defined]  # django-csp reads it
        return response
