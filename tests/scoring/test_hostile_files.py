"""Nothing that anybody can upload breaks the reader: each file has its answer, soon and in bounds.

Times are measured by `python -m benchmarks.hostile_files`; here only a generous limit on the
processor's time ends a child that does not answer.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from functools import cache, partial
from queue import SimpleQueue

import pytest

from scoring import ProblemCode, Solution, Spec, evaluate
from tests.scoring.children import MEMORY, Nursery, judge, measured, write_solutions
from tests.scoring.hostile import (
    ALMOST_RIGHT,
    CHALLENGES,
    FLOODS,
    LONG_CELLS,
    SMALL,
    Hostile,
)

SLOW = "wide shares"  # with what else is left out here, it is in the benchmark
TOO_LARGE = "thousands of columns"  # a right file would have 800 MB
FILES = [*SMALL, *FLOODS, *(file for file in ALMOST_RIGHT if file.challenge != SLOW)]
FILES += [file for file in LONG_CELLS if file.name == "quotes"]
CHILDREN = min(4, len(os.sched_getaffinity(0)))  # at a time; each needs up to 300 MB


@pytest.fixture(scope="module")
def solutions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    write_solutions(folder)
    return folder


@pytest.fixture(scope="module")
def nurseries():
    """Those that have nothing to do."""
    with ExitStack() as stack:
        free = SimpleQueue()
        for _ in range(CHILDREN):
            free.put(stack.enter_context(Nursery()))
        yield free


@pytest.fixture(scope="module")
def answers(request, solutions, nurseries):
    """The answer for each file of the tests that will run, waited for."""

    def judged(file):
        nursery = nurseries.get()
        try:
            return judge(solutions, file, nursery.measured)
        finally:
            nurseries.put(nursery)

    here = [item for item in request.session.items if getattr(item, "module", 0) is request.module]
    chosen = [item for item in here if "answers" in item.fixturenames]
    with ThreadPoolExecutor(CHILDREN) as pool:
        files = {str(item.callspec.params["file"]): item.callspec.params["file"] for item in chosen}
        started = {name: pool.submit(judged, file) for name, file in files.items()}
        yield lambda file: started[str(file)].result()


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_hostile_file_gets_its_code_within_the_limits(file, answers):
    answer = answers(file)
    assert answer.exit_code == 1
    assert answer.codes[0] == file.code
    assert set(answer.codes) <= set(ProblemCode)
    assert len(answer.codes) <= 20
    problems = answer.answer["problems"]
    assert all(len(problem["message"]) < 400 for problem in problems)
    assert all(problem["line"] is None or problem["line"] >= 1 for problem in problems)
    assert answer.peak < MEMORY


@cache
def right(key):
    """A right file, with no more bytes than it needs."""
    challenge = CHALLENGES[key]
    shortest = challenge.right.replace(b"4" * 100, b"").split(b" ")[0]
    return challenge.file(shortest)[: -len(challenge.wrong) - 1] + shortest + b"\n"


@pytest.mark.parametrize(
    "file",
    [
        Hostile("right", "", partial(right, key), key)
        for key in CHALLENGES
        if key not in (SLOW, TOO_LARGE)
    ],
    ids=str,
)
def test_a_right_file_is_not_refused(file, answers):
    answer = answers(file)
    assert (answer.exit_code, answer.codes) == (0, [])
    assert answer.peak < MEMORY


def test_the_names_of_the_files_are_different():
    every = [str(file) for file in (*SMALL, *FLOODS, *ALMOST_RIGHT, *LONG_CELLS)]
    assert len(set(every)) == len(every)


@pytest.mark.parametrize("way", ["a fork", "a start"])
def test_the_limits_hold(way):
    with Nursery() if way == "a fork" else nullcontext() as nursery:
        run = nursery.measured if nursery else measured
        endless = run(["-c", "while True: pass"], cpu_limit=1)
        assert endless.exit_code < 0
        assert endless.cpu_seconds < 3
        large = run(["-c", f"text = b'x' * {MEMORY}"])
        assert (large.exit_code, large.answer) == (0, {})
        assert large.peak > MEMORY
        assert run(["-c", "pass"]).peak < MEMORY / 4


@pytest.mark.parametrize(("key", "code"), [("long names", 0), ("few shares", 1)])
def test_a_fork_answers_as_a_process_that_was_started(key, code, solutions):
    make = partial(right, key) if code == 0 else lambda: right(key) + b"x"
    file = Hostile("twice", "", make, key)
    started = judge(solutions, file)
    with Nursery() as nursery:
        forked = judge(solutions, file, nursery.measured)
    assert (forked.exit_code, forked.answer) == (started.exit_code, started.answer)
    assert forked.exit_code == code
    assert 0.95 < forked.peak / started.peak < 1.5


LABELS = "id,label,Usage\n1,cat,Public\n2,dog,Private\n3,cat,Private\n"
ONES = LABELS.replace("cat", "1").replace("dog", "0")
SETS = LABELS.replace("2,dog", "2,cat dog")
SCORED = {
    "labels": (LABELS, Spec("accuracy"), "id,label\n1,cat\n2,cat\n3,dog\n"),
    "score": (ONES, Spec("brier", layout="score"), "id,label\n1,0.25\n2,1e-3\n3,0.7500001\n"),
    "probabilities": (LABELS, Spec("log_loss"), "id,cat,dog\n1,0.25,0.75\n2,0.5,1\n3,2,1e-1\n"),
    "ranked": (LABELS, Spec("map_at_k", {"k": 2}), "id,label\n1,dog cat\n2,dog\n3,cat\n"),
    "sets": (SETS, Spec("jaccard", layout="sets"), "id,label\n1,cat\n2,dog\n3,cat dog\n"),
}


def quoted(text):
    lines = text.splitlines()
    return "".join(",".join(f'"{cell}"' for cell in line.split(",")) + "\n" for line in lines)


@pytest.mark.parametrize("layout", SCORED)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "bom"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("write", [str, quoted])
@pytest.mark.parametrize("end", ["", "\n", "\n\n\n"], ids=["open", "closed", "blank"])
def test_the_form_of_a_right_file_does_not_change_its_score(layout, mark, newline, write, end):
    truth, spec, text = SCORED[layout]
    solution = Solution.read(truth.encode(), spec=spec)
    plain = evaluate(text.encode(), solution, spec)
    assert 0 < plain.score < 1
    file = mark + (write(text).rstrip("\n") + end).replace("\n", newline).encode()
    assert evaluate(file, solution, spec) == plain
