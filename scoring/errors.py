"""What can go wrong, and whose business it is.

ScoringError
├── InvalidSubmission    the participant's file: every problem with its line and the remedy
├── SolutionError        the organiser's file (solution or sample submission)
└── SpecError            the call: an unknown metric or parameter, a weak seed

The sentences of an InvalidSubmission are shown to participants. They are made from the
participant's own file, the ids and the class names, which are public, and nothing else.
"""

from dataclasses import dataclass
from enum import StrEnum


class ProblemCode(StrEnum):
    """Every reason for which a file is refused."""

    TOO_LARGE = "too_large"
    EMPTY_FILE = "empty_file"
    NOT_TEXT = "not_text"
    NOT_UTF8 = "not_utf8"
    BARE_CARRIAGE_RETURN = "bare_carriage_return"
    BAD_QUOTES = "bad_quotes"
    INDEX_COLUMN = "index_column"
    WRONG_HEADER = "wrong_header"
    DUPLICATE_COLUMN = "duplicate_column"
    NO_ROWS = "no_rows"
    TOO_MANY_ROWS = "too_many_rows"
    EMPTY_LINE = "empty_line"
    WRONG_FIELD_COUNT = "wrong_field_count"
    LINE_TOO_LONG = "line_too_long"
    FIELD_TOO_LONG = "field_too_long"
    EMPTY_ID = "empty_id"
    UNKNOWN_ID = "unknown_id"
    DUPLICATE_ID = "duplicate_id"
    MISSING_IDS = "missing_ids"
    EMPTY_LABEL = "empty_label"
    UNKNOWN_CLASS = "unknown_class"
    CLASS_INDEX = "class_index"
    BAD_NUMBER = "bad_number"
    NEGATIVE_NUMBER = "negative_number"
    NUMBER_ABOVE_ONE = "number_above_one"
    NOT_ZERO_OR_ONE = "not_zero_or_one"
    BAD_ROW_SUM = "bad_row_sum"
    METRIC_REFUSED = "metric_refused"
    # a model in place of a table
    MODEL_TOO_LARGE = "model_too_large"
    UNKNOWN_MODEL_FORMAT = "unknown_model_format"
    MODEL_FORMAT_NOT_ENABLED = "model_format_not_enabled"
    DAMAGED_MODEL = "damaged_model"
    MODEL_TOO_COMPLEX = "model_too_complex"
    PICKLE_FORBIDDEN = "pickle_forbidden"
    NATIVE_CODE_FORBIDDEN = "native_code_forbidden"
    EXTERNAL_DATA_FORBIDDEN = "external_data_forbidden"
    CUSTOM_OPERATORS_FORBIDDEN = "custom_operators_forbidden"
    WRONG_MODEL_INPUT = "wrong_model_input"
    WRONG_MODEL_OUTPUT = "wrong_model_output"
    WRONG_MODEL_CLASSES = "wrong_model_classes"
    TOO_MANY_PARAMETERS = "too_many_parameters"
    UNKNOWN_ARCHITECTURE = "unknown_architecture"
    BAD_MODEL_ARGUMENTS = "bad_model_arguments"
    BAD_MODEL_ANSWERS = "bad_model_answers"


@dataclass(frozen=True)
class Problem:
    """One thing to mend; `line` counts from 1, the header being line 1."""

    code: ProblemCode
    line: int | None
    message: str

    def __str__(self) -> str:
        return self.message if self.line is None else f"Line {self.line}: {self.message}"


class ScoringError(Exception):
    """Anything this package refuses to do."""


class InvalidSubmission(ScoringError):
    """The participant's file cannot be scored."""

    def __init__(self, problems: tuple[Problem, ...], more: int = 0) -> None:
        self.problems = problems
        self.more = more
        super().__init__(problems, more)

    def __str__(self) -> str:
        sentences = [str(problem) for problem in self.problems]
        if self.more:
            sentences.append(f"There are {self.more} more problems like these.")
        return "\n".join(sentences)


class SolutionError(ScoringError):
    """The organiser's file is wrong; the sentence says what to mend."""


class SpecError(ScoringError):
    """The call is wrong."""
