"""What a metric is: its function, the forms of submission it can judge, its parameters."""

import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scoring.errors import SpecError

Direction: TypeAlias = Literal["maximize", "minimize"]
Layout: TypeAlias = Literal["labels", "score", "probabilities", "ranked", "sets"]
Truth: TypeAlias = Literal["codes", "positive", "matrix", "either"]
Numbers: TypeAlias = Literal["any", "unit", "shares", "binary"]

Codes: TypeAlias = NDArray[np.integer[Any]]
Flags: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]
# codes or flags, or numbers or codes: of the function's forms, whichever came
Mixed: TypeAlias = NDArray[Any]

# f(truth, answer, classes, **arguments) on n >= 1 rows, aligned; see Accepts for the arrays
Function: TypeAlias = Callable[..., float]
Rows: TypeAlias = Callable[..., Floats]


class Required(Enum):
    """The mark of a parameter without a default."""

    REQUIRED = "required"


REQUIRED: Final = Required.REQUIRED


@dataclass(frozen=True)
class Accepts:
    """One form of submission that a metric can judge, and the truth it is held against.

    The answer is, by ``layout``: ``labels`` integer[n], class codes of any width; ``score``
    float64[n]; ``probabilities`` float64[n, K], or bool[n, K] where ``numbers`` is "binary";
    ``ranked`` integer[n, L], class codes with the best first and -1 after the end of a list;
    ``sets`` bool[n, K].

    ``truth`` is ``codes`` intp[n], ``positive`` bool[n], ``matrix`` bool[n, K], or ``either``:
    codes where the solution holds one label per row, else the matrix.

    ``numbers`` says what the reader of the file must have made sure of: ``any`` finite; ``unit``
    each in [0, 1]; ``shares`` none below 0 and each row's sum above 0; ``binary`` each 0 or 1.

    ``when`` names the arguments without which the metric makes no sense of this form. ``asked``
    marks a form that is taken only where its layout is named: its scores cannot be compared with
    those of the metric's other forms, so that no file's own columns may choose it.
    """

    layout: Layout
    truth: Truth
    numbers: Numbers = "any"
    when: tuple[tuple[str, object], ...] = ()
    asked: bool = False


@dataclass(frozen=True)
class Parameter:
    """A setting of a metric.

    ``parse`` turns what a terminal (a string) or the site (a JSON value) gave into the value;
    ``resolve`` then turns it, with the class names and the metric's other values, into what the
    function takes. Both raise ValueError with a sentence that says what is allowed.
    """

    name: str
    default: object
    meaning: str
    parse: Callable[[object], Any]
    choices: tuple[str, ...] = ()
    resolve: Callable[[Any, Sequence[str], Mapping[str, Any]], Any] | None = None

    @property
    def required(self) -> bool:
        return self.default is REQUIRED


@dataclass(frozen=True)
class Metric:
    """What the site, the terminal and the docs need to know of a metric.

    ``rows`` is there where the metric is the mean of one value per row, and gives these values.
    ``interval`` is there where each of them is 0 or 1. ``bounds`` hold for every setting and
    every layout. The function returns nan where the *truth* leaves the metric undefined.
    """

    key: str
    title: str
    direction: Direction
    accepts: tuple[Accepts, ...]
    function: Function
    bounds: tuple[float, float]
    source: str
    parameters: tuple[Parameter, ...] = ()
    rows: Rows | None = None
    interval: Literal["wilson"] | None = None

    @property
    def layouts(self) -> tuple[Layout, ...]:
        return tuple(form.layout for form in self.accepts)

    @property
    def layout(self) -> Layout:
        """The metric's own layout, taken where nobody chooses another."""
        return self.accepts[0].layout

    def accept(
        self, layout: Layout, arguments: Mapping[str, object] | None = None
    ) -> Accepts | None:
        """The form with this layout, or None; with arguments, only if they let it be judged."""
        for form in self.accepts:
            if form.layout == layout:
                fits = arguments is None or all(arguments[name] == at for name, at in form.when)
                return form if fits else None
        return None

    def parse(self, parameters: Mapping[str, object]) -> dict[str, Any]:
        """Every parameter's value, defaults filled in; needs no class names.

        Raises SpecError for an unknown name, a wrong value or a required one that is missing.
        """
        known = [each.name for each in self.parameters]
        if unknown := set(parameters) - set(known):
            takes = f"It takes: {', '.join(known)}." if known else "Leave it out."
            raise SpecError(
                f"The metric '{self.key}' does not take the parameter '{min(unknown)}'. {takes}"
            )
        return {
            parameter.name: self._parsed(parameter, parameters) for parameter in self.parameters
        }

    def arguments(self, parameters: Mapping[str, object], classes: Sequence[str]) -> dict[str, Any]:
        """What the function takes besides truth, answer and the number of classes.

        Raises SpecError as `parse` does, and where a value does not fit the classes.
        """
        values = self.parse(parameters)
        return {each.name: self._resolved(each, values, tuple(classes)) for each in self.parameters}

    def _parsed(self, parameter: Parameter, given: Mapping[str, object]) -> Any:
        if parameter.name in given:
            value = given[parameter.name]
            try:
                return parameter.parse(value)
            except ValueError as error:
                raise self._wrong(parameter, value, error) from None
        if parameter.required:
            raise SpecError(
                f"The metric '{self.key}' needs the parameter '{parameter.name}': "
                f"{parameter.meaning}"
            )
        return parameter.default

    def _resolved(
        self, parameter: Parameter, values: Mapping[str, Any], classes: tuple[str, ...]
    ) -> Any:
        value = values[parameter.name]
        if parameter.resolve is None:
            return value
        try:
            return parameter.resolve(value, classes, values)
        except ValueError as error:
            raise self._wrong(parameter, value, error) from None

    def _wrong(self, parameter: Parameter, value: object, error: ValueError) -> SpecError:
        told = "left out" if value is None else f"{reprlib.repr(value)}"
        return SpecError(
            f"The parameter '{parameter.name}' of the metric '{self.key}' cannot be {told}. {error}"
        )
