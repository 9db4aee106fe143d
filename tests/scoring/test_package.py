"""The package from outside: its names, its weight, its errors."""

import doctest
import pickle
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import scoring

ROOT = Path(__file__).resolve().parents[2]
MODULES = [
    module.name
    for module in pkgutil.walk_packages(scoring.__path__, "scoring.")
    if not module.name.endswith("__main__")
]


def test_public_names_equal_all():
    names = {
        name
        for name, value in vars(scoring).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    # the function has the name of its module, as `from scoring import evaluate` should find it
    assert names == set(scoring.__all__)
    assert callable(scoring.evaluate)


def test_imports_numpy_and_nothing_heavy():
    program = (
        "import sys, scoring; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "numpy" in loaded
    assert not loaded & {
        "django",
        "torch",
        "pandas",
        "sklearn",
        "polars",
        "typer",
        "rich",
        "celery",
    }


@pytest.mark.parametrize("name", ["scoring", *MODULES])
def test_examples_in_docstrings(name):
    assert doctest.testmod(import_module(name)).failed == 0


def test_errors_survive_a_process_boundary():
    error = scoring.InvalidSubmission(
        (scoring.Problem(scoring.ProblemCode.EMPTY_LINE, 3, "The line is empty. Delete it."),), 2
    )
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (again.problems, again.more, str(again)) == (error.problems, 2, str(error))
