"""What the remedies do: which pictures are left out, which are not scored, which stay together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from competitions.models import FindingKind, Remedy
from competitions.preparing.leaks.finding import TEST, Found, Look, Set

COPIES = (FindingKind.EXACT, FindingKind.NEAR)


@dataclass
class Treatment:
    """Indices of pictures; ``together`` are the sets that may not part."""

    dropped: set[int] = field(default_factory=set)
    ignored: set[int] = field(default_factory=set)
    together: list[Set] = field(default_factory=list)


def treat(found: Sequence[Found], remedies: Mapping[FindingKind, str], look: Look) -> Treatment:
    """``remedies`` has the remedy of each kind; what cannot be read is left out in any case."""
    treatment = Treatment(dropped=set(look.survey.unreadable))
    for each in found:
        match remedies.get(each.kind, Remedy.OPEN):
            case Remedy.DROP:
                treatment.dropped.update(_superfluous(each, look))
            case Remedy.IGNORE:
                treatment.ignored.update(_told(each, look))
            case Remedy.GROUP:
                treatment.together.extend(each.sets)
    return treatment


def _superfluous(found: Found, look: Look) -> Iterator[int]:
    """Of copies one stays, rather in the test set; of what contradicts itself or is no use none."""
    for each in found.sets:
        kept = min(each, key=lambda i: (look.parts[i] != TEST, i)) if found.kind in COPIES else None
        yield from (i for i in each if i != kept)


def _told(found: Found, look: Look) -> Iterator[int]:
    """The pictures whose answer somebody may know: those with a copy elsewhere.

    Where the split is still to be drawn all of a set are put into the test set, unscored.
    """
    for each in found.sets:
        yield from (i for i in each if look.parts[i] in ("", TEST))
