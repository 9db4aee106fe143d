"""The keyword arguments that a host may set on a metric."""

import ast
import re
from dataclasses import dataclass, field
from typing import Any

from scoring.custom.errors import MetricError

_SCALARS = {"bool": bool, "int": int, "float": float, "str": str}
_PLAIN = (*_SCALARS, "list[int]", "list[float]", "list[str]")
_OPTIONAL = " | None"
ANNOTATIONS = (*_PLAIN, *(name + _OPTIONAL for name in _PLAIN))

_LARGEST_FLOAT = 1.7e308  # a JSON integer beyond it would overflow when it becomes a float


@dataclass(frozen=True)
class Parameter:
    """One keyword argument of `score`; `annotation` is one of `ANNOTATIONS`."""

    name: str
    annotation: str
    required: bool
    default: Any = field(default=None, hash=False)

    def accepts(self, value: object) -> bool:
        """Whether a value, as JSON gives it, is of the annotated type.

        An int passes for a float, a bool for neither, and no float is infinite or NaN.

        >>> beta = Parameter("beta", "list[float] | None", required=True)
        >>> beta.accepts([1, 0.5]), beta.accepts(None), beta.accepts([True]), beta.accepts(0.5)
        (True, True, False, False)
        """
        return _fits(value, self.annotation)


def parameters_of(function: ast.FunctionDef, given: int) -> tuple[Parameter, ...]:
    """All arguments of a parsed function but the first `given`, which are not the host's to set.

    Raises `MetricError` for an argument that a host cannot set by name, one without an annotation
    out of `ANNOTATIONS`, and a default that is not a literal of that type.
    """
    arguments = function.args
    if collector := arguments.vararg or arguments.kwarg:
        raise MetricError(
            f"'{function.name}' takes any argument through '*{collector.arg}'. "
            "Name every argument.",
            collector.lineno,
        )
    if len(arguments.posonlyargs) > given:
        raise MetricError(
            "An argument before '/' cannot be set by its name. Remove the '/'.", function.lineno
        )
    positional = (*arguments.posonlyargs, *arguments.args)
    missing = len(positional) - len(arguments.defaults)
    defaults = (*[None] * missing, *arguments.defaults)
    found = [*zip(positional, defaults, strict=True)][given:]
    found += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return tuple(_parameter(argument, default) for argument, default in found)


def text_of(annotation: ast.expr) -> str:
    """An annotation in one spelling: quotes, `typing.`, `List` and `Optional` are taken away.

    >>> text_of(ast.parse("typing.Optional[List[int]]", mode="eval").body)
    'list[int] | None'
    """
    text = ast.unparse(annotation)
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        text = annotation.value
    text = text.replace("typing.", "").replace("List[", "list[")
    optional = re.fullmatch(r"Optional\[(.+)\]", text)
    return text if optional is None else optional[1] + _OPTIONAL


def _parameter(argument: ast.arg, default: ast.expr | None) -> Parameter:
    if argument.annotation is None:
        raise MetricError(f"The argument '{argument.arg}' has no annotation.", argument.lineno)
    annotation = text_of(argument.annotation)
    if annotation not in ANNOTATIONS:
        raise MetricError(
            f"The argument '{argument.arg}' is annotated with a type that a host cannot set. "
            f"Use one of: {', '.join(_PLAIN)}, perhaps with '{_OPTIONAL.strip()}'.",
            argument.lineno,
        )
    if default is None:
        return Parameter(argument.arg, annotation, required=True)
    parameter = Parameter(argument.arg, annotation, required=False, default=_literal(default))
    if not parameter.accepts(parameter.default):
        raise MetricError(
            f"The default of '{argument.arg}' must be a literal of the type {annotation}.",
            default.lineno,
        )
    return parameter


def _literal(default: ast.expr) -> object:
    try:
        return ast.literal_eval(default)
    except (ValueError, TypeError, SyntaxError):
        return ...  # which no annotation accepts


def _fits(value: object, annotation: str) -> bool:
    if annotation.endswith(_OPTIONAL):
        return value is None or _fits(value, annotation.removesuffix(_OPTIONAL))
    if annotation.startswith("list["):
        element = annotation.removeprefix("list[").removesuffix("]")
        return isinstance(value, list) and all(_fits(each, element) for each in value)
    if annotation == "float" and type(value) in (int, float):
        return -_LARGEST_FLOAT <= value <= _LARGEST_FLOAT  # type: ignore[operator]
    return type(value) is _SCALARS[annotation]
