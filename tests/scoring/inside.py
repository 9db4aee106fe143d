"""The program of an organiser's metric in the tests' own process: the same answers, started sooner.

For tests of what is made of an answer. What a process of its own is for (its end, its limits, its
hash seed, what it prints, what it cannot reach) is tested with one.
"""

import json
import sys
from types import ModuleType

import pytest

from scoring.custom import child, process


def answer_inside(patch: pytest.MonkeyPatch) -> None:
    """From now on, until `patch` is undone, no metric gets a process of its own."""
    patch.setitem(sys.modules, "metric", ModuleType("metric"))  # to be forgotten in the end
    patch.setattr(process, "_execute", _execute)


def _execute(request: bytes, _limits: process.Limits, _hash_seed: int) -> process._Ended:
    answer = child._answer(json.loads(request))
    reply = {"value": 0.0, "text": "", "examples": "", "confinement": []} | answer
    return process._Ended(json.dumps(reply).encode(), log="", status=0, in_time=True)
