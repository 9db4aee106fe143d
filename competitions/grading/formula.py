"""A formula over a person's numbers, such as ``clip(10 * (score - baseline) / (best - baseline))``.

Arithmetic, comparisons and a handful of functions; nothing of Python can be reached. The text is
parsed by Python's own grammar, and every node that is not on the list below is refused by name.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

VARIABLES = {
    "score": "the final score, or the public one before the reveal",
    "public": "the public score",
    "baseline": "the best baseline's score",
    "best": "the best team's score",
    "mean": "the mean of all scores",
    "median": "the median of all scores",
    "rank": "the place, 1 for the best",
    "percentile": "the share of teams that are not better, from 0 to 1",
    "teams": "how many teams have a place",
    "submissions": "how many files were scored",
    "beat": "1 if the baseline is beaten, else 0",
}
LONGEST = 200
MOST = 10.0**9  # no number on the way may be larger: a power cannot hold up the page
_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARISONS: dict[type, Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def _clip(value: float, low: float = 0.0, high: float = 10.0) -> float:
    """Between ``low`` and ``high``."""
    return min(max(value, low), high)


def _digits(wanted: float) -> int:
    """Of no use beyond these, and of a whole number Python would write all of them out."""
    return min(max(int(wanted), -9), 9)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "sqrt": math.sqrt,
    "round": lambda value, digits=0: round(float(value), _digits(digits)),
    "clip": _clip,
}


class FormulaError(Exception):
    """``str(error)`` says what is wrong, for whoever wrote it."""


@dataclass(frozen=True)
class Formula:
    """A formula that was read; ``grade`` reckons it for one person."""

    text: str
    _tree: ast.expr

    def grade(self, values: Mapping[str, float]) -> float:
        """Raises FormulaError where these numbers give no number."""
        try:
            result = float(_value(self._tree, values))
        except ZeroDivisionError:
            raise FormulaError("It divides by zero here.") from None
        except (ArithmeticError, ValueError, TypeError):
            raise FormulaError("It gives no number here.") from None
        if not math.isfinite(result):
            raise FormulaError("It gives no number here.")
        return result


def read(text: str) -> Formula:
    """Raises FormulaError for what is no formula."""
    if len(text) > LONGEST:
        raise FormulaError(f"A formula has at most {LONGEST} characters.")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise FormulaError("This is no formula. Write for example: 10 * score") from None
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in _FUNCTIONS and id(node) not in called:
            raise FormulaError(f"{node.id} needs its numbers in brackets: {node.id}(score).")
        _refuse_unknown(node)
    return Formula(text.strip(), tree)


def _refuse_unknown(node: ast.AST) -> None:
    match node:
        case ast.Name(id=name) if name not in VARIABLES and name not in _FUNCTIONS:
            known = ", ".join([*VARIABLES, *_FUNCTIONS])
            raise FormulaError(f"There is no {name!r} here. Known are: {known}.")
        case ast.Constant(value=value) if type(value) not in (int, float):
            raise FormulaError(f"{value!r} is no number.")
        case ast.Call(func=ast.Name(id=name), keywords=[]) if name in _FUNCTIONS:
            return
        case ast.Call():
            raise FormulaError(f"Only these can be called: {', '.join(_FUNCTIONS)}.")
        case ast.BinOp() | ast.UnaryOp() | ast.Compare() | ast.BoolOp() | ast.IfExp() | ast.Name():
            return
        case ast.Constant() | ast.expr_context() | ast.boolop():
            return
        case ast.operator() if type(node) in _OPERATORS:
            return
        case ast.cmpop() if type(node) in _COMPARISONS:
            return
        case ast.unaryop() if not isinstance(node, ast.Invert):
            return
    raise FormulaError("A formula has numbers, names, + - * / **, comparisons, if and else.")


def _value(node: ast.AST, values: Mapping[str, float]) -> Any:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.Name(id=name) if name not in values:
            raise FormulaError(f"There is no {name} yet.")
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left=left, op=op, right=right):
            return _bounded(type(op), _value(left, values), _value(right, values))
        case ast.UnaryOp(op=op, operand=operand):
            value = _value(operand, values)
            return (
                not value
                if isinstance(op, ast.Not)
                else -value
                if isinstance(op, ast.USub)
                else value
            )
        case ast.BoolOp(op=op, values=parts):
            found = (bool(_value(part, values)) for part in parts)
            return all(found) if isinstance(op, ast.And) else any(found)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _value(body if _value(test, values) else orelse, values)
        case ast.Compare(left=left, ops=ops, comparators=others):
            sides = [_value(side, values) for side in (left, *others)]
            pairs = zip(ops, sides, sides[1:], strict=False)
            return all(_COMPARISONS[type(op)](a, b) for op, a, b in pairs)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _FUNCTIONS[name](*(_value(each, values) for each in arguments))
    raise TypeError(node)


def _bounded(op: type, left: Any, right: Any) -> Any:
    """No operand above MOST, and no power above 100: both are known before it is reckoned."""
    if abs(left) > MOST or abs(right) > MOST or (op is ast.Pow and abs(right) > 100):
        raise ArithmeticError
    return _OPERATORS[op](float(left), float(right))
