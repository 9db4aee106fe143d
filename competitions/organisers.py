"""Who organises a challenge, in which role. There is always an owner."""

from typing import Any

from django.db import IntegrityError, transaction

from competitions import audit
from competitions.models import Competition, Kind, Member, Organiser, Role
from competitions.refusals import Refused

LAST_OWNER = "A challenge needs an owner. Make somebody else one first."


def add(competition: Competition, user: Any, role: str, by: Any = None) -> Organiser:
    """Gives the person a role, and with it the way into the admin.

    Raises Refused for whoever competes in it: nobody judges the own files.
    """
    _require_role(role)
    with transaction.atomic():
        locked = Competition.objects.locked(competition.pk)
        if Member.objects.filter(competition=locked, user=user.pk).exists():
            raise Refused(f"{user} competes in this challenge, and so cannot organise it.")
        try:
            with transaction.atomic():
                made = Organiser.objects.create(competition=locked, user_id=user.pk, role=role)
        except IntegrityError:
            raise Refused(f"{user} has a role here already. Change that one.") from None
        if not user.is_staff:
            user.is_staff = True
            user.save(update_fields=["is_staff"])
        audit.record(locked, by, Kind.ORGANISER_ADDED, user, role=role)
    return made


def change(organiser: Organiser, role: str, by: Any = None) -> bool:
    """Another role; False where it is the one they have."""
    _require_role(role)
    with transaction.atomic():
        locked = Competition.objects.locked(organiser.competition_id)
        before = Organiser.objects.select_related("user").get(pk=organiser.pk)
        if before.role == role:
            return False
        _require_another_owner(before)
        Organiser.objects.filter(pk=before.pk).update(role=role)
        audit.record(locked, by, Kind.ORGANISER_CHANGED, before.user, old=before.role, new=role)
    return True


def remove(organiser: Organiser, by: Any = None) -> None:
    """Takes the role; the account keeps its way into the admin, where it then sees nothing."""
    with transaction.atomic():
        locked = Competition.objects.locked(organiser.competition_id)
        before = Organiser.objects.select_related("user").get(pk=organiser.pk)
        _require_another_owner(before)
        before.delete()
        audit.record(locked, by, Kind.ORGANISER_REMOVED, before.user, role=before.role)


def _require_role(role: str) -> None:
    if role not in Role.values:
        raise Refused(f"A role is one of: {', '.join(Role.values)}.")


def _require_another_owner(present: Organiser) -> None:
    owners = Organiser.objects.filter(competition=present.competition_id, role=Role.OWNER)
    if present.role == Role.OWNER and not owners.exclude(pk=present.pk).exists():
        raise Refused(LAST_OWNER)
