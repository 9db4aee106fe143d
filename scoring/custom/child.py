"""The program in which a metric runs: one request on stdin, one JSON object on a pipe.

Started by process.py as `python child.py FD` in an empty folder, with an environment and a process
group of its own. Imports nothing of this package, so that what the metric can reach is small.
"""

import doctest
import importlib
import io
import json
import linecache
import math
import numbers
import os
import runpy
import sys
import traceback
from base64 import b64decode
from pathlib import Path
from types import ModuleType
from typing import Any

NAME = "metric.py"
USAGE = "Usage"  # the split, which a metric must not see
MAX_TEXT = 16 << 10  # characters of a message or a traceback; the parent's cap is in bytes


class UnreadableFrames(Exception):
    """What was sent is not two tables with the same rows."""


def main() -> None:
    channel = int(sys.argv[1])
    request = json.load(sys.stdin.buffer)
    confine = runpy.run_path(str(Path(__file__).with_name("confinement.py")))["confine"]
    confinement = confine(request["limits"])
    reply = {"value": 0.0, "text": "", "examples": "", "confinement": confinement}
    _send(channel, reply | _answer(request))
    # not sys.exit: what the metric registered or left running has no say any more
    os._exit(0)


def _send(channel: int, reply: dict[str, Any]) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    left = json.dumps(reply).encode()
    while left:
        left = left[os.write(channel, left) :]


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        pandas = importlib.import_module("pandas")
        solution, submission = _frames(pandas, request)
        return _judged(request, solution, submission)
    except MemoryError:
        return {"kind": "memory"}
    except UnreadableFrames as error:
        return {"kind": "frames", "text": _cut(str(error))}
    except BaseException as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "pandas":
            return {"kind": "no_pandas"}
        return {"kind": "raised", "text": _cut("".join(traceback.format_exception(error)))}


def _frames(pandas: ModuleType, request: dict[str, Any]) -> tuple[Any, Any]:
    name = request["id_column"]
    try:
        frames = [
            _frame(pandas, b64decode(request[part]), name) for part in ("solution", "submission")
        ]
        same = frames[0][name].tolist() == frames[1][name].tolist()
    except (ValueError, KeyError) as error:  # pandas' own errors of reading are ValueErrors
        raise UnreadableFrames(f"{type(error).__name__}: {error}") from None
    if not same:
        raise UnreadableFrames("Their ids are not the same, in the same order.")
    return frames[0].drop(columns=USAGE, errors="ignore"), frames[1]


def _frame(pandas: ModuleType, data: bytes, id_column: str) -> Any:
    return pandas.read_csv(
        io.BytesIO(data),
        dtype={id_column: str},
        keep_default_na=False,  # a class may be called NA
        index_col=False,
        low_memory=False,  # a column's type must not depend on where a chunk ends
    )


def _judged(request: dict[str, Any], solution: Any, submission: Any) -> dict[str, Any]:
    module = _loaded(request["source"])
    visible = module.ParticipantVisibleError
    try:
        value = module.score(solution, submission, request["id_column"], **request["arguments"])
    except visible as error:
        return {"kind": "refused", "text": str(error)[:MAX_TEXT]}
    # a bool is a number to Python and a mistake here; NumPy's scalars are registered as numbers
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return {"kind": "not_a_number", "text": _cut(f"a {type(value).__name__}")}
    if not math.isfinite(value):
        return {"kind": "not_a_number", "text": str(float(value))}
    examples = _failed_examples(module) if request["examples"] else ""
    return {"kind": "value", "value": float(value), "examples": _cut(examples)}


def _loaded(source: str) -> ModuleType:
    module = ModuleType("metric")
    sys.modules["metric"] = module  # dataclasses and pickle look a class's module up by name
    # so that a traceback shows the lines, which are in no file
    linecache.cache[NAME] = (len(source), None, source.splitlines(keepends=True), NAME)
    exec(compile(source, NAME, "exec"), module.__dict__)  # noqa: S102 - what this process is for
    return module


def _failed_examples(module: ModuleType) -> str:
    """What doctest says of the examples in the docstring of `score`; empty if all is well."""
    report: list[str] = []
    try:
        test = doctest.DocTestParser().get_doctest(
            module.score.__doc__ or "", dict(vars(module)), "score", NAME, 0
        )
    except ValueError as error:
        return str(error)
    results = doctest.DocTestRunner(verbose=False).run(test, out=report.append)
    return "".join(report) if results.failed else ""


def _cut(text: str) -> str:
    """The end, where a traceback says what happened."""
    return text[-MAX_TEXT:]


if __name__ == "__main__":
    main()
