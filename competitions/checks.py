"""One line of a checklist: what must be settled before something is done that cannot be undone."""

from collections.abc import Sequence
from dataclasses import dataclass

from competitions.refusals import NotReady


@dataclass(frozen=True)
class Check:
    """One line of a checklist. What may be overridden needs a reason then.

    What is awaited settles itself, so that nobody should override it yet.
    """

    name: str
    is_done: bool
    sentence: str
    may_be_overridden: bool = False
    is_awaited: bool = False


def overridden(checks: Sequence[Check], despite: str, what: str) -> list[str]:
    """The names of the checks that the reason ``despite`` overrides.

    Raises NotReady, beginning with the sentence ``what``, at the first that stands in the way.
    """
    missing = [check for check in checks if not check.is_done]
    for check in missing:
        if not (check.may_be_overridden and despite.strip()):
            raise NotReady(f"{what} {check.sentence}")
    return [check.name for check in missing]
