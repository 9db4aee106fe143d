"""An organiser's decision about a line of the leak report."""

import json
from typing import Any

from django.db import transaction

from competitions import audit
from competitions.models import Competition, Finding, FindingKind, Kind, Preparation, Remedy
from competitions.preparing import claims
from competitions.preparing.claims import Inbox
from competitions.preparing.leaks.finding import offered
from competitions.refusals import NotReady, Refused

WORKS = {Remedy.DROP, Remedy.GROUP, Remedy.IGNORE}  # on the images; the others only say something
TOO_LATE = "The report is settled by now: people work with these images."
BUSY = "The images are being prepared. Wait for that, then decide."


def options(finding: Finding) -> list[Remedy]:
    """What may be chosen for it; empty once nothing can be changed any more."""
    competition = finding.competition
    if not claims.preparable(competition.pk).exists():
        return []
    is_ours = "source" in competition.preparation_inbox
    is_split = "across" in finding.counts
    return offered(FindingKind(finding.kind), is_split, is_ours=is_ours)


def settle(finding: Finding, remedy: str, by: Any = None) -> Inbox | None:
    """What is to be rung for where the images must be prepared anew, else None.

    Raises NotReady where the report is settled or being made, Refused for no remedy of this kind.
    """
    with transaction.atomic():
        competition = Competition.objects.locked(finding.competition_id)
        if not claims.preparable(competition.pk).exists():
            raise NotReady(TOO_LATE)
        if competition.preparation == Preparation.PREPARING:
            raise NotReady(BUSY)
        found = Finding.objects.select_for_update().get(pk=finding.pk)
        if remedy not in options(found):
            names = ", ".join(option.label for option in options(found))
            raise Refused(f"That is no remedy here. Choose one of: {names}.")
        before = found.remedy
        Finding.objects.filter(pk=found.pk).update(remedy=remedy, is_automatic=False)
        audit.record(competition, by, Kind.FINDING_SETTLED, found, old=before, new=remedy)
        return _carry_out(competition, found, before, remedy)


def _carry_out(competition: Competition, found: Finding, before: str, now: str) -> Inbox | None:
    inbox: Inbox = dict(competition.preparation_inbox)
    if "source" in inbox:
        inbox["remedies"] = json.dumps(
            {**json.loads(inbox["remedies"]), found.kind: now}, sort_keys=True
        )
    is_same = _effect(found, before) == _effect(found, now)
    # After a remedy that could not be carried out every other decision is a new try.
    if is_same and competition.preparation == Preparation.READY:
        Competition.objects.filter(pk=competition.pk).update(preparation_inbox=inbox)
        return None
    if not claims.receive(competition.pk, inbox):
        raise NotReady(TOO_LATE)
    return inbox


def _effect(found: Finding, remedy: str) -> str:
    """What cannot be read is left out from the start."""
    works = remedy in WORKS and found.kind != FindingKind.UNREADABLE
    return remedy if works else ""
