"""What a submission looks like here: its first lines, and in words what they mean."""

from collections.abc import Sequence
from dataclasses import dataclass

from competitions import solutions
from competitions.models import Competition, SolutionVersion
from competitions.preparing import tables
from scoring.metrics import Accepts, Layout, Numbers

IDS = ("0b7e52", "3f9a1c", "c4418d")
SHOWN = 5  # names of a ranked list; the words say how many count


@dataclass(frozen=True)
class Example:
    """The first lines, with invented ids, and what to know of them."""

    lines: list[str]
    words: str
    better: str  # more or less


def example(competition: Competition) -> Example | None:
    """How a submission begins; None before the files are there."""
    solution = competition.solution
    if solution is None:
        return None
    facts = competition.metric_facts
    form, depth = solutions.accepted(competition)
    table = tables.write(_header(form, solution), _rows(form, solution.classes, depth or SHOWN))
    return Example(
        lines=table.decode().splitlines(),
        words=_words(form, depth) if depth else _words_for_own(form),
        better="more" if facts.direction == "maximize" else "less",
    )


def _header(form: Accepts, solution: SolutionVersion) -> list[str]:
    in_columns = form.layout == "probabilities"
    return [solution.id_column, *(solution.classes if in_columns else [solution.label_column])]


def _rows(form: Accepts, classes: Sequence[str], depth: int) -> list[list[str]]:
    """One for each invented id: another class in front each time."""
    turned = [[*classes[n:], *classes[:n]] for n in range(len(IDS))]
    match form.layout:
        case "score":
            cells = [["0.92"], ["0.07"], ["0.5"]]
        case "ranked":
            cells = [[" ".join(names[: min(depth, SHOWN)])] for names in turned]
        case "sets":
            cells = [[turned[0][0]], [" ".join(turned[1][:2])], [turned[2][0]]]
        case "probabilities" if form.numbers == "binary":
            cells = [["1" if name == names[0] else "0" for name in classes] for names in turned]
        case "probabilities":
            cells = [[f"{1 / len(classes):.3f}"] * len(classes)] * len(IDS)
        case _:
            cells = [[names[0]] for names in turned]
    return [[name, *row] for name, row in zip(IDS, cells, strict=True)]


def _words(form: Accepts, depth: int) -> str:
    match form.layout:
        case "labels":
            return "The name of one class per image, written exactly so."
        case "score" | "probabilities":
            return NUMBERS[form.layout, form.numbers]
        case "ranked":
            told = f"the first {depth} count" if depth > 1 else "the first one counts"
            return f"Names of classes with spaces between them, the best first; {told}."
        case "sets":
            return "The names of all classes of the image, with spaces between them."


def _words_for_own(form: Accepts) -> str:
    """What is certain whatever the organiser's metric makes of it; their pages say the rest."""
    match form.layout:
        case "score":
            return "One number per image."
        case "probabilities":
            return "A number for each class, in a column named by it."
        case "ranked":
            return "Names of classes with spaces between them, the best first."
        case _:
            return _words(form, depth=1)


NUMBERS: dict[tuple[Layout, Numbers], str] = {
    ("score", "any"): "One number per image: the greater, the surer you are of class 1.",
    ("score", "unit"): "One number per image, 0 to 1: the probability of class 1.",
    ("probabilities", "any"): "One number per class, in a column named by it: the greater, the "
    "surer you are.",
    ("probabilities", "shares"): "The probability of each class, in a column named by it. A row "
    "that does not sum to 1 is divided by its sum.",
    ("probabilities", "unit"): "The probability of each class, 0 to 1, in a column named by it. A "
    "row need not sum to 1.",
    ("probabilities", "binary"): "1 for each class of the image, else 0, in a column named by the "
    "class.",
}
