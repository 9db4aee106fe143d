"""What a challenge asks of a model, in the words of the sandbox; and whether it takes files."""

from collections.abc import Mapping
from typing import Any

from competitions.models import Competition, ModelRules, Sent, SolutionVersion
from competitions.models.metrics import CUSTOM
from competitions.refusals import NotReady, Refused
from scoring import METRICS, SpecError
from scoring.sandbox.contract import Budgets, Contract, Format
from scoring.sandbox.settings import contract_from

MIB = 1 << 20
# In a challenge that takes models alone the test images never leave the server, and nobody needs
# the form of a file with their ids.
WITHHELD = ("test.zip", "sample_submission.csv")
ENDINGS = (".onnx", ".safetensors", ".pt2", ".pt", ".ts")  # of models' files
PREDICTIONS = (".csv",)  # of files of predictions, never of models
PLACEHOLDERS = ("a", "b")  # classes, where they are not known yet
ONLY_MODELS = (
    "This challenge takes models, not files of predictions: its test images stay on the server. "
    "Send your network as ONNX or safetensors."
)
ONLY_FILES = "This challenge takes files of predictions, no models. Send a CSV."


def of(competition: Competition) -> ModelRules | None:
    """The challenge's rules where it takes models; read with it by the doors (see access.py)."""
    rules: ModelRules | None = getattr(competition, "model_rules", None)
    return rules if rules is not None and rules.takes_models else None


def require(competition: Competition) -> ModelRules:
    """Raises Refused where it takes files alone."""
    rules = of(competition)
    if rules is None:
        raise Refused(ONLY_FILES)
    return rules


def require_files(competition: Competition) -> None:
    """Raises Refused where it takes models alone."""
    if takes_models_alone(competition):
        raise Refused(ONLY_MODELS)


def kind_of(competition: Competition, name: str) -> Sent:
    """What a file of that name is here, where nobody says it.

    One that is named like a model is one also where none is taken: its refusal then says so.
    """
    lower = name.lower()
    is_taken_for_one = takes_models_alone(competition) and not lower.endswith(PREDICTIONS)
    return Sent.MODEL if lower.endswith(ENDINGS) or is_taken_for_one else Sent.FILE


def takes_models_alone(competition: Competition) -> bool:
    rules = of(competition)
    return rules is not None and not rules.takes_files


def sent(competition: Competition) -> str:
    """What a team sends here, in words that follow “Submit”."""
    rules = of(competition)
    if rules is None:
        return "predictions"
    return "predictions or a model" if rules.takes_files else "a model"


def withheld(competition: Competition) -> tuple[str, ...]:
    """The names of the data files that participants may not have."""
    return WITHHELD if takes_models_alone(competition) else ()


def contract(rules: ModelRules, solution: SolutionVersion | None) -> Contract:
    """Raises NotReady before the challenge has its images, and with them its classes."""
    if solution is None:
        raise NotReady("This challenge has no images yet, so no model can be tried on them.")
    return Contract(
        channels=rules.channels,
        height=rules.height,
        width=rules.width,
        classes=tuple(solution.classes),
        formats=frozenset(rules.formats),
        budgets=Budgets(
            seconds=float(rules.seconds),
            memory_bytes=rules.memory_mib * MIB,
            file_bytes=rules.file_mib * MIB,
            parameters=rules.max_parameters,
            macs=rules.max_macs,
        ),
        bf16=rules.bf16,
        several=_takes_several(rules.competition),
    )


def from_table(table: Mapping[str, Any], takes: str) -> ModelRules:
    """The rules of a table [model] (see scoring.sandbox.settings), not saved. Raises SpecError."""
    asked = contract_from(table, PLACEHOLDERS)
    if {"classes", "several"} & set(table):
        raise SpecError("classes and several follow from the challenge here. Leave them out.")
    return ModelRules(
        takes=takes,
        channels=asked.channels,
        height=asked.height,
        width=asked.width,
        seconds=round(asked.budgets.seconds),
        memory_mib=asked.budgets.memory_bytes // MIB,
        file_mib=asked.budgets.file_bytes // MIB,
        max_parameters=asked.budgets.parameters,
        max_macs=asked.budgets.macs,
        bf16=asked.bf16,
        **{f"takes_{kind}": kind in asked.formats for kind in Format},
    )


def _takes_several(competition: Competition) -> bool:
    """Whether an image may have more classes than one: of each its logit then decides alone."""
    if competition.submission_layout == "sets":
        return True
    if competition.metric == CUSTOM:
        return False
    forms = METRICS[competition.metric].accepts
    return any(
        form.truth == "matrix" for form in forms if form.layout == competition.submission_layout
    )
