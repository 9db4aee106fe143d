"""An organiser's metric: one Python module, read here and executed only in a child process.

The convention is the one that Kaggle publishes for its hosts: a function `score` over two data
frames and the name of the id column, and an exception whose text participants may see.
"""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Self

from scoring.custom.errors import MetricError
from scoring.custom.parameters import Parameter, parameters_of, text_of
from scoring.errors import SpecError

MAX_SOURCE_BYTES = 256 << 10
FUNCTION = "score"
GIVEN = ("solution", "submission", "row_id_column_name")
VISIBLE_ERROR = "ParticipantVisibleError"


@dataclass(frozen=True)
class CustomMetric:
    """The source, its SHA-256 in hexadecimal digits, and what the host may set."""

    source: str = field(repr=False)
    version: str
    parameters: tuple[Parameter, ...]

    @classmethod
    def read(cls, data: bytes) -> Self:
        r"""From the bytes of the file, without executing any of it.

        Raises `MetricError` with the line where the module departs from the convention.

        >>> metric = CustomMetric.read(
        ...     b"class ParticipantVisibleError(Exception): ...\n"
        ...     b"def score(\n"
        ...     b"    solution, submission, row_id_column_name, beta: float = 1.0\n"
        ...     b") -> float:\n"
        ...     b"    return beta\n"
        ... )
        >>> metric.parameters
        (Parameter(name='beta', annotation='float', required=False, default=1.0),)
        >>> len(metric.version)
        64
        """
        source = _decoded(data)
        tree = _parsed(source)
        function = _score_of(tree)
        _refuse_without_visible_error(tree)
        return cls(source, sha256(data).hexdigest(), _parameters_of(function))

    def parse(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The values of parameters written as NAME=VALUE: text for text, else JSON.

        What is no text already, or no JSON, stays as it is, for `arguments` to judge.

        >>> metric = CustomMetric("", "", (Parameter("k", "list[int]", True),))
        >>> metric.parse({"k": "[1, 2]"}), metric.parse({"k": [1, 2]})
        ({'k': [1, 2]}, {'k': [1, 2]})
        """
        annotations = {parameter.name: parameter.annotation for parameter in self.parameters}
        return {name: _parsed_value(value, annotations.get(name)) for name, value in given.items()}

    def arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The keyword arguments of a call; what the host left out keeps its default.

        Raises `SpecError` for an unknown name, a missing value or one of another type.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        if unknown := set(values) - set(known):
            raise SpecError(f"The metric does not take the parameter '{min(unknown)}'.")
        for name, parameter in known.items():
            if name not in values and parameter.required:
                raise SpecError(f"The metric needs a value for '{name}'.")
            if name in values and not parameter.accepts(values[name]):
                raise SpecError(f"The parameter '{name}' must be: {parameter.annotation}.")
        return {name: _converted(known[name], value) for name, value in values.items()}


def _parsed_value(value: Any, annotation: str | None) -> Any:
    if annotation is None or annotation.startswith("str") or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):  # no JSON; nested beyond what its reader holds
        return value


def _converted(parameter: Parameter, value: Any) -> Any:
    # JSON has one kind of number, so that a host's 1.0 may come back as 1
    return float(value) if parameter.annotation.startswith("float") and value is not None else value


def _decoded(data: bytes) -> str:
    if len(data) > MAX_SOURCE_BYTES:
        raise MetricError(f"The module is larger than {MAX_SOURCE_BYTES >> 10} KiB.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MetricError("The module is not UTF-8. Save it in this encoding.", line) from None


def _parsed(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise MetricError(f"This is not Python: {error.msg}.", error.lineno) from None
    except (ValueError, RecursionError, MemoryError):
        # a NUL character on Python 3.11; expressions nested beyond what the parser holds
        raise MetricError("The module cannot be parsed.") from None


def _score_of(tree: ast.Module) -> ast.FunctionDef:
    functions = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == FUNCTION
    ]
    if not functions:
        raise MetricError(f"The module defines no function '{FUNCTION}' at its outermost level.")
    function = functions[-1]
    if isinstance(function, ast.AsyncFunctionDef):
        raise MetricError(f"Write '{FUNCTION}' without 'async'.", function.lineno)
    return function


def _refuse_without_visible_error(tree: ast.Module) -> None:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == VISIBLE_ERROR and node.bases:
            return
    raise MetricError(
        f"The module does not define 'class {VISIBLE_ERROR}(Exception)' at its outermost level."
    )


def _parameters_of(function: ast.FunctionDef) -> tuple[Parameter, ...]:
    names = tuple(
        argument.arg for argument in (*function.args.posonlyargs, *function.args.args)[: len(GIVEN)]
    )
    if names != GIVEN:
        raise MetricError(
            f"The first arguments of '{FUNCTION}' must be: {', '.join(GIVEN)}.", function.lineno
        )
    try:
        if function.returns is None or text_of(function.returns) != "float":
            raise MetricError(f"'{FUNCTION}' must be annotated with '-> float'.", function.lineno)
        return parameters_of(function, len(GIVEN))
    except RecursionError:
        raise MetricError(
            "An annotation or a default is nested too deep.", function.lineno
        ) from None
