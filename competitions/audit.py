"""The audit log: a line is written in the transaction of the act that it tells, or not at all."""

from typing import Any

from competitions.models import Act, Competition, Kind


def record(
    competition: Competition,
    by: Any,
    kind: Kind,
    subject: object = "",
    *,
    reason: str = "",
    **details: Any,
) -> Act:
    """``by`` is the person who acts; None where a command of the operator's did."""
    return Act.objects.create(
        competition_id=competition.pk,
        actor_id=None if by is None else by.pk,
        kind=kind,
        subject=str(subject)[:200],
        reason=reason,
        details=details,
    )
