"""What somebody sees and may change in the admin follows from the roles in each challenge."""

from collections.abc import Set as AbstractSet
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from competitions import access
from competitions.models import Competition, Organiser, Role


class ByRole:
    """For a ModelAdmin whose rows belong to a challenge.

    Whoever runs the site is an owner everywhere; other staff have the rows of their challenges.
    """

    to_competition = ""  # the lookup from a row to its challenge; empty: the row itself
    seen_by: AbstractSet[Role] = frozenset(Role)
    changed_by: AbstractSet[Role] = frozenset()
    deleted_by: AbstractSet[Role] = frozenset()
    acted_on_by: AbstractSet[Role] = frozenset(access.EDITORS)  # by buttons

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        if _runs_the_site(request):
            return rows
        path = f"{self.to_competition}__pk" if self.to_competition else "pk"
        own = Organiser.objects.filter(
            competition=OuterRef(path), user=request.user.pk, role__in=self.seen_by
        )
        return rows.filter(Exists(own))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_staff(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever has no role yet sees empty lists, and not that there is anything."""
        return _is_staff(request) and (obj is None or self.may(request, obj, self.seen_by))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_staff(request) and self.may(request, obj, self.changed_by)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_staff(request) and self.may(request, obj, self.deleted_by)

    def may(self, request: HttpRequest, obj: Any, roles: AbstractSet[Role]) -> bool:
        """Without a row: whether the person has such a role in any challenge."""
        if obj is None:
            anywhere = _runs_the_site(request) or bool(_roles_anywhere(request) & roles)
            return bool(roles) and anywhere
        return role_of(request, self.competition_of(obj)) in roles

    def competition_of(self, obj: Any) -> Competition:
        for name in filter(None, self.to_competition.split("__")):
            obj = getattr(obj, name)
        return cast(Competition, obj)

    def require_change(self, request: HttpRequest, obj: Any) -> None:
        """For lists whose cells are edited: they show rows of every challenge that one sees."""
        if not self.has_change_permission(request, obj):
            raise PermissionDenied


def role_of(request: Any, competition: Competition) -> Role | None:
    """Asked once per request and challenge: a list asks it for every row."""
    known = getattr(request, "roles_by_challenge", None)
    if known is None:
        known = request.roles_by_challenge = {}
    if competition.pk not in known:
        known[competition.pk] = access.role_of(request.user, competition)
    return cast(Role | None, known[competition.pk])


def _runs_the_site(request: HttpRequest) -> bool:
    return bool(request.user.is_active and getattr(request.user, "is_superuser", False))


def _is_staff(request: HttpRequest) -> bool:
    return bool(request.user.is_active and getattr(request.user, "is_staff", False))


def _roles_anywhere(request: Any) -> set[str]:
    known = getattr(request, "roles_anywhere", None)
    if known is None:
        own = Organiser.objects.filter(user=request.user.pk)
        known = request.roles_anywhere = set(own.values_list("role", flat=True))
    return cast(set[str], known)
