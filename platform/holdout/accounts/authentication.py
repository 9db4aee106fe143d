"""The REST framework's view of a bearer token that the middleware has already read."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from holdout.accounts.models import User


class BearerAuthentication(BaseAuthentication):
    """Takes the user whom ``BearerTokenMiddleware`` found, so that no CSRF token is asked for."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        user: User | None = getattr(request._request, "bearer_user", None)
        return (user, None) if user is not None else None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular
    """How the OpenAPI document names it."""

    target_class = "holdout.accounts.authentication.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
