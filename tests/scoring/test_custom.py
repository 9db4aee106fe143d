"""An organiser's own metric: what it may say, how far it gets, and what is found when it is saved.

Every call starts a Python process with pandas, about 0.3 s, but in the tests that ask for `inside`.
"""

import ast
import json
import os
import pickle
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from scoring.custom import (
    CustomMetric,
    Limits,
    MetricError,
    Parameter,
    call,
    check_metric,
    disclosure,
    metric,
    process,
    run,
)
from scoring.errors import InvalidSubmission, ProblemCode, SpecError
from tests.scoring.inside import answer_inside

pytest.importorskip("pandas")

FOLDER = Path(process.__file__).parent
ROOT = Path(__file__).resolve().parents[2]
VISIBLE_ERROR = "class ParticipantVisibleError(Exception): ...\n"
SIGNATURE = "def score(solution, submission, row_id_column_name{}) -> float:\n"
SOLUTION = b"id,label,Usage\n001,cat,Public\n002,dog,Public\n003,cat,Public\n004,NA,Public\n"
SUBMISSION = b"id,label\n001,cat\n002,cat\n003,cat\n004,NA\n"
ACCURACY = "return (solution['label'] == submission['label']).mean()"


def source(body, arguments="", before="", docstring=""):
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return (
        before + VISIBLE_ERROR + SIGNATURE.format(arguments) + f'    """{docstring}"""\n' + lines
    ).encode()


def made(body=ACCURACY, **parts):
    return CustomMetric.read(source(body, **parts))


def called(body=ACCURACY, limits=process.LIMITS, solution=SOLUTION, parameters=None, **parts):
    return call(made(body, **parts), solution, SUBMISSION, "id", parameters or {}, limits)


def failure(body, limits=process.LIMITS, **parts):
    with pytest.raises(MetricError) as caught:
        called(body, limits, **parts)
    return caught.value


def refusal(body, solution=SOLUTION, **parts):
    with pytest.raises(InvalidSubmission) as caught:
        run(made(body, **parts), solution, SUBMISSION, "id", {})
    (problem,) = caught.value.problems
    assert (problem.code, problem.line) == (ProblemCode.METRIC_REFUSED, None)
    return problem.message


def checked(body=ACCURACY, solution=SOLUTION, submission=SUBMISSION, **parts):
    any_order = parts.pop("any_column_order", False)
    return check_metric(
        made(body, **parts), solution, submission, "id", {}, any_column_order=any_order
    )


@pytest.fixture
def inside(monkeypatch):
    answer_inside(monkeypatch)


@pytest.fixture(scope="module")
def confinement():
    return called("return 1.0").confinement


@pytest.fixture
def needs(confinement):
    def skip_without(*measures):
        if missing := set(measures) - set(confinement):
            pytest.skip(f"this kernel does not allow: {', '.join(sorted(missing))}")

    return skip_without


# --- Reading the module


def test_version_is_the_hash_of_the_bytes_and_changes_with_each():
    data = (VISIBLE_ERROR + SIGNATURE.format("") + "    return 1.0\n").encode()
    # what sha256sum says of a file with these bytes
    digest = "3198782a436879234f997c3384d71ecc87e53f5d4334c7f6005bb486f645a8f6"
    assert CustomMetric.read(data).version == digest
    assert CustomMetric.read(data + b"\n").version != digest
    assert CustomMetric.read(b"\xef\xbb\xbf" + data).version != digest


def test_parameters_are_found_without_executing_the_module():
    arguments = ", beta: float = 1.0, *, names: 'list[str]', top: Optional[int] = None"
    found = made("pass", arguments=arguments, before="raise SystemExit\n").parameters
    assert found == (
        Parameter("beta", "float", required=False, default=1.0),
        Parameter("names", "list[str]", required=True),
        Parameter("top", "int | None", required=False, default=None),
    )


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"# caf\xe9\n", 1, "not UTF-8"),
        (b"x = 1\ndef score(:\n", 2, "not Python"),
        (b"x = 1\x00", None, ""),
        (b"-" * 100_000 + b"1", None, "cannot be parsed"),
        (b"1" + b"+1" * 100_000, None, "cannot be parsed"),
        (b"x" * (metric.MAX_SOURCE_BYTES + 1), None, "larger than 256 KiB"),
        (VISIBLE_ERROR.encode(), None, "no function 'score'"),
        (VISIBLE_ERROR.encode() + b"if 1:\n  def score(): ...\n", None, "no function 'score'"),
        (VISIBLE_ERROR.encode() + b"async def score(): ...\n", 2, "without 'async'"),
        (SIGNATURE.format("").encode() + b" ...", None, "class ParticipantVisibleError(Exception)"),
        (
            b"class ParticipantVisibleError: ...\n" + SIGNATURE.format("").encode() + b" ...",
            None,
            "class",
        ),
        (source("...").replace(b"solution, submission", b"submission, solution"), 2, "must be"),
        (source("...").replace(b"-> float", b"-> int"), 2, "-> float"),
        (source("...").replace(b" -> float", b""), 2, "-> float"),
        (source("...", ", beta=1.0"), 2, "'beta' has no annotation"),
        (source("...", ",\n  beta: dict = {}"), 3, "a host cannot set"),
        (source("...", ",\n  beta: float = BETA"), 3, "a literal of the type float"),
        (source("...", ", beta: int = 1.5"), 2, "a literal of the type int"),
        (source("...", ", *, beta: int = True"), 2, "a literal of the type int"),
        (source("...", ", beta: float = 1.0, /"), 2, "before '/'"),
        (source("...", ", *more"), 2, "'*more'"),
        (source("...", ", **more"), 2, "'*more'"),
    ],
)
def test_a_module_that_departs_from_the_convention_is_refused_with_its_line(data, line, words):
    with pytest.raises(MetricError) as caught:
        CustomMetric.read(data)
    assert caught.value.line == line
    assert words in caught.value.sentence


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"beta": 1, "gamma": 2}, "does not take the parameter 'gamma'"),
        ({}, "needs a value for 'beta'"),
        ({"beta": "1"}, "'beta' must be: float"),
        ({"beta": True}, "'beta' must be: float"),
        ({"beta": float("nan")}, "'beta' must be: float"),
        ({"beta": 10**400}, "'beta' must be: float"),
        ({"beta": 1, "top": [1, "2"]}, "'top' must be: list[int]"),
    ],
)
def test_a_host_cannot_set_what_the_annotations_do_not_allow(values, words):
    asked = made("pass", arguments=", beta: float, top: list[int] = [1]")
    with pytest.raises(SpecError, match=words.replace("[", r"\[")):
        asked.arguments(values)


def test_errors_survive_a_process_boundary():
    error = MetricError("No.", 3, "Traceback", "log")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (str(again), again.traceback, again.log) == ("Line 3: No.", "Traceback", "log")


# --- A good metric


def test_an_honest_metric_gives_its_number():
    assert run(made(), SOLUTION, SUBMISSION, "id", {}) == 0.75


def test_parameters_arrive_with_the_annotated_type(inside):
    arguments = ", beta: float, names: list[str], top: int = 5"
    body = "assert (type(beta), names, top) == (float, ['a'], 5)\nreturn beta"
    assert called(body, arguments=arguments, parameters={"beta": 2, "names": ["a"]}).value == 2.0


def test_the_frames_are_those_of_the_convention(inside):
    body = """
assert list(solution.columns) == ["id", "label"], "Usage is gone"
assert list(submission.columns) == ["id", "p"]
assert solution["id"].tolist() == ["001", "2"], "ids are text"
assert solution["label"].tolist() == ["NA", ""], "nothing is read as missing"
assert submission["p"].tolist() == [0.5, 1.0]
assert list(solution.index) == [0, 1] and row_id_column_name == "id"
return 1"""
    solution = b"id,label,Usage\n001,NA,Public\n2,,Private\n"
    assert call(made(body), solution, b"id,p\n001,0.5\n2,1\n", "id", {}).value == 1.0


def test_a_scalar_of_numpy_is_a_float(inside):
    assert called("return np.float32(0.75)", before="import numpy as np\n").value == 0.75


def test_what_a_metric_prints_is_the_hosts_log_and_cut():
    outcome = called("print('a' * 100)\nreturn 1.0", Limits(log_bytes=10))
    assert outcome.log == "a" * 10


def test_tables_of_different_rows_are_the_hosts_mistake(inside):
    with pytest.raises(MetricError, match="two tables of the same rows"):
        call(made(), SOLUTION, b"id,label\n001,cat\n", "id", {})
    with pytest.raises(MetricError, match="two tables of the same rows"):
        call(made(), SOLUTION, SUBMISSION, "name", {})


# --- What a participant may read


def test_a_refusal_of_the_metric_is_shown():
    assert refusal("raise ParticipantVisibleError('Write one box per row.')") == (
        "Write one box per row."
    )


def test_a_subclass_is_shown_too_and_a_message_may_be_missing(inside):
    body = "class Mine(ParticipantVisibleError): ...\nraise Mine"
    assert refusal(body) == disclosure.UNEXPLAINED


def test_a_long_message_is_cut_and_made_printable(inside):
    message = refusal("raise ParticipantVisibleError('\\x1b[1m\\u202e one\\n\\ttwo ' + 'z' * 400)")
    assert message.startswith("[1m one two zzz")
    assert len(message) == 300
    assert message.endswith("z…")


def test_a_refusal_while_loading_is_the_hosts_mistake(inside):
    late = "\nraise ParticipantVisibleError('x')\n"
    with pytest.raises(MetricError, match="raised an exception"):
        call(
            CustomMetric.read(source("return 1.0") + late.encode()), SOLUTION, SUBMISSION, "id", {}
        )


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
LABELS = ["".join(random.Random(f"label {i}").choices(LETTERS, k=16)) for i in range(200)]  # noqa: S311
SECRETS = ("id,label\n" + "".join(f"{i},{name}\n" for i, name in enumerate(LABELS))).encode()
GUESSES = ("id,label\n" + "".join(f"{i},x\n" for i in range(200))).encode()
TELLING = {
    "a label": "raise ParticipantVisibleError(f'Row {at} is {label}.')",
    "the data frame": "raise ParticipantVisibleError(solution.to_string())",
    "at the cut": "raise ParticipantVisibleError('-' * 290 + label)",
    "in capitals": "raise ParticipantVisibleError(label.upper())",
    "interrupted": "raise ParticipantVisibleError('\\u200b'.join(label))",
    "wide letters": "raise ParticipantVisibleError(''.join(chr(ord(c) + 0xfee0) for c in label))",
    "as a cause": "raise ParticipantVisibleError('No.') from ValueError(label)",
    "another exception": "raise ValueError(label)",
    "name of an exception": "raise type(label, (Exception,), {})",
    "printed": "print(*labels); import sys; print(*labels, file=sys.stderr); sys.exit(1)",
    "type of the result": "return type(label, (), {})()",
    "exit": "import os; print(label, flush=True); os._exit(7)",
}


@pytest.mark.parametrize("way", TELLING)
def test_no_label_is_in_what_a_participant_may_read(way):
    body = "labels = solution['label'].tolist()\nat, label = 3, labels[3]\n" + TELLING[way]
    with pytest.raises((InvalidSubmission, MetricError)) as caught:
        run(made(body), SECRETS, GUESSES, "id", {})
    seen = str(caught.value).casefold()
    assert seen
    assert not [name for name in LABELS if name.casefold() in seen]
    if isinstance(caught.value, MetricError) and way in ("another exception", "printed"):
        assert LABELS[3] in caught.value.traceback + caught.value.log  # the host does see it
    if way == "as a cause":
        assert (seen, caught.value.__cause__) == ("no.", None)


@pytest.mark.parametrize("label", LABELS[:20])
def test_one_label_withholds_a_message_and_a_changed_one_does_not(label):
    assert disclosure.shown(f"Is it {label}?", SECRETS, "id") == disclosure.WITHHELD
    assert disclosure.shown(f"Is it {label[:-1]}?", SECRETS, "id") == f"Is it {label[:-1]}?"


@pytest.mark.parametrize(
    ("message", "cells", "withheld"),
    [
        ("there are 3 columns", ["1", "0.5"], True),  # numbers alone: any digit
        ("there are three columns", ["1", "0.5"], False),
        ("there are ٣ columns", ["1", "0.5"], True),
        ("there are 3 columns", ["1", "x"], False),
        ("about 2.0", ["2", "x"], True),
        ("about 2", ["2.0", "x"], True),
        ("about 0.5", ["0.50", "x"], True),
        ("about 1000", ["1e3", "x"], True),
        ("a dog", ["cat dog", "bird"], True),  # one of several labels
        ("a dog", ["cat|dog", "bird"], True),
        ("neither", ["", "cat"], False),
        ("True is wrong", ["true", "false"], True),
    ],
)
def test_what_withholds_a_message(message, cells, withheld):
    solution = "id,label\n" + "".join(f"r{at},{cell}\n" for at, cell in enumerate(cells))
    shown = disclosure.shown(message, solution.encode(), "id")
    assert shown == (disclosure.WITHHELD if withheld else message)


def test_ids_may_be_named_and_other_columns_may_not():
    solution = b"weight,id,label\n0.125,r17,cat\n0.25,r18,dog\n"
    assert disclosure.shown("See the row rxvii.", solution, "id") == "See the row rxvii."
    assert disclosure.shown("About 0.13.", solution, "id") == disclosure.WITHHELD
    assert disclosure.shown("See r17.", b"id,label\nr17,cat\n", "id") == "See r17."


@pytest.mark.parametrize("solution", [b"", b"id,label\n1\n", b"id,label\n1,\xe4\n", b"a,b\n1,2\n"])
def test_a_solution_that_cannot_be_searched_withholds_everything(solution):
    assert disclosure.shown("Hello.", solution, "id") == disclosure.WITHHELD


# --- Ends without a score


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ("float('nan')", "nan"),
        ("'0.5'", "a str"),
        ("None", "a NoneType"),
        ("True", "a bool"),
    ],
)
def test_a_result_that_is_not_one_finite_float_is_refused(result, reason, inside):
    error = failure(f"return {result}")
    assert error.sentence == "The metric did not return one finite float."
    assert error.traceback == reason


def test_a_result_too_large_for_a_float_is_refused(inside):
    assert "OverflowError" in failure("return 10 ** 400").traceback


def test_an_exception_is_the_hosts_with_its_lines():
    error = failure("values = {}\nreturn values['missing']")
    assert error.sentence == "The metric raised an exception."
    assert "return values['missing']" in error.traceback
    assert "KeyError: 'missing'" in error.traceback


def test_a_traceback_is_cut_at_its_end(inside):
    error = failure("raise ValueError('a' * 100_000 + 'end')")
    assert error.traceback.strip().endswith("aend")
    assert len(error.traceback) <= 16 << 10


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("import os; os._exit(0)", "did not answer with one result"),
        ("import os; os._exit(3)", "without a result, with status 3"),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
        ("import sys; sys.exit(0)", "raised an exception"),
        ("import os; os.close(int(sys.argv[1])); return 1.0", "without a result"),
        ("return score(solution, submission, row_id_column_name)", "raised an exception"),
    ],
)
def test_an_end_of_its_own_is_no_score(body, sentence):
    assert sentence in failure(body, before="import sys\n").sentence


ANSWER = {"kind": "value", "value": 1.0, "text": "", "examples": "", "confinement": []}


@pytest.mark.parametrize(
    "written",
    [
        json.dumps(ANSWER),  # and then the program's own: two results
        "x" * (3 << 20),
        "[" * 100_000,
    ],
)
def test_a_metric_that_writes_to_the_result_pipe_gets_no_score(written):
    text = f"{written[:1]!r} * {len(written)}" if len(set(written)) == 1 else repr(written)
    body = f"import os, sys\nos.write(int(sys.argv[1]), ({text}).encode())\nreturn 0.5"
    assert (
        "did not answer" in failure(body).sentence or "without a result" in failure(body).sentence
    )


# JSON of other shapes, and numbers that JSON allows and a score must not be
FORGED = (
    *(ANSWER | {"value": value} for value in ("0.5", True, None, 1)),
    *({**ANSWER, "confinement": [1]}, {**ANSWER, "kind": 1}, {**ANSWER, "more": 1}),
    *({"value": 1.0}, [ANSWER], 1.0, None),
)


@pytest.mark.parametrize(
    "answer",
    [
        *(json.dumps(forged) for forged in FORGED),
        *(json.dumps(ANSWER).replace("1.0", number) for number in ("1e999", "NaN", "-Infinity")),
        json.dumps(ANSWER) * 2,
        json.dumps(ANSWER).encode("utf-16"),
        "",
    ],
)
def test_an_answer_of_another_shape_is_no_score(monkeypatch, tmp_path, answer):
    data = answer if isinstance(answer, bytes) else answer.encode()
    program = tmp_path / "child.py"
    program.write_text(f"import os, sys\nos.write(int(sys.argv[1]), {data!r})\n")
    monkeypatch.setattr(process, "_CHILD", str(program))
    assert failure("return 1.0").sentence == "The metric's process did not answer with one result."


def test_a_program_that_answers_in_the_right_shape_is_heard(monkeypatch, tmp_path):
    # or the test above would pass for any reason
    program = tmp_path / "child.py"
    data = json.dumps(ANSWER).encode()
    program.write_text(f"import os, sys\nos.write(int(sys.argv[1]), {data!r})\n")
    monkeypatch.setattr(process, "_CHILD", str(program))
    assert called("return 1.0").value == 1.0


def test_without_pandas_the_host_reads_how_to_install_it(monkeypatch):
    monkeypatch.setattr(process, "INTERPRETER", (*process.INTERPRETER, "-S"))  # no site-packages
    assert "pip install pandas" in failure("return 1.0").sentence


# --- Limits


def test_time_on_the_clock_is_limited_and_the_log_of_endless_printing_is_cut():
    error = failure("while True: print('a' * 1000)", Limits(wall_seconds=1.0, log_bytes=500))
    assert error.sentence == "The metric did not end within 1 seconds."
    assert len(error.log) in (0, 500)  # none, if starting took the second


def test_closed_pipes_do_not_buy_time():
    body = "import os, time\nos.closerange(0, 64)\ntime.sleep(60)"
    assert "ended by signal 9" in failure(body, Limits(wall_seconds=30)).sentence


def test_processor_time_is_limited():
    error = failure("while True: pass", Limits(cpu_seconds=1))
    assert error.sentence == "The metric used more than 1 seconds of processor time."


def test_processor_time_is_limited_also_when_the_signal_is_ignored(monkeypatch, tmp_path):
    # a program that loads no pandas, which on a slow machine takes more than the second
    program = tmp_path / "child.py"
    program.write_text(
        "import json, runpy, signal, sys\n"
        f"confine = runpy.run_path({str(FOLDER / 'confinement.py')!r})['confine']\n"
        "confine(json.load(sys.stdin.buffer)['limits'])\n"
        "signal.signal(signal.SIGXCPU, signal.SIG_IGN)\n"
        "print('ignored', flush=True)\n"
        "while True: pass\n"
    )
    monkeypatch.setattr(process, "_CHILD", str(program))
    error = failure("return 1.0", Limits(cpu_seconds=1))
    assert "ended by signal 9" in error.sentence
    assert error.log == "ignored\n"


def test_memory_is_limited():
    body = "kept = []\nwhile True: kept.append(bytearray(1 << 28))"
    error = failure(body, Limits(memory_bytes=1 << 29))
    assert error.sentence == "The metric needs more than 512 MiB of memory."


def test_files_are_small_and_in_a_folder_that_goes():
    written = "import os\nopen('x', 'wb').write(bytes({}))\nprint(os.getcwd())\nreturn 1.0"
    folder = called(written.format(1000)).log.strip()
    assert Path(folder).is_absolute()
    assert not Path(folder).exists()
    assert "File too large" in failure(written.format(2 << 20)).traceback


def test_a_fork_bomb_does_not_start(needs):
    needs("system_calls")
    # bounded, should it start after all
    error = failure("import os\nfor _ in range(4): os.fork()\nreturn 1.0")
    assert "PermissionError" in error.traceback


ATTEMPTS = (
    "subprocess.run(['/bin/true'])",
    "os.posix_spawn('/bin/true', ['true'], {})",
    "os.execv('/bin/true', ['true'])",
    "os.kill(os.getppid(), 0)",
    "os.kill(-1, 0)",
    "resource.prlimit(os.getppid(), resource.RLIMIT_CPU)",
    "os.sched_setaffinity(os.getppid(), {0})",
    "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
    "socket.socket(socket.AF_INET)",
    "socket.socket(socket.AF_UNIX)",
)


def granted(attempts):
    """Those that did not end in a PermissionError, all tried in one process."""
    body = """
for attempt in attempts:
    try: eval(attempt)
    except PermissionError: continue
    except BaseException as error: print(error)
    print(attempt)
return 1.0"""
    before = f"import os, resource, socket, subprocess\nattempts = {attempts!r}\n"
    return called(body, before=before).log.splitlines()


def test_other_processes_cannot_be_started_or_reached(needs):
    needs("system_calls")
    assert granted(ATTEMPTS) == []
    assert granted(["os.getpid()"]) == ["os.getpid()"]


def test_threads_still_work():
    body = "import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()\nreturn 1.0"
    assert called(body).value == 1.0


def test_limits_cannot_be_raised_again(needs):
    needs("no_capabilities")  # with them a privileged user's process could
    body = "import resource as r\nr.setrlimit(r.RLIMIT_AS, (-1, -1))\nreturn 1.0"
    assert "not allowed to raise" in failure(body).traceback


def test_there_is_no_network(confinement):
    if not {"namespaces", "system_calls"} & set(confinement):
        pytest.skip("this kernel allows neither namespaces nor a filter")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        port = server.getsockname()[1]
        error = failure(f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)")
        assert "Error" in error.traceback
        with pytest.raises(TimeoutError):
            server.accept()


def test_files_of_the_site_cannot_be_read(needs, tmp_path):
    needs("files")
    (tmp_path / "secret").write_text("hidden")
    paths = (tmp_path / "secret", __file__, "/etc/passwd", f"/proc/{os.getpid()}/environ")
    attempts = [*(f"open({str(path)!r})" for path in paths), f"os.listdir({str(tmp_path)!r})"]
    assert granted(attempts) == []


def test_files_of_the_site_cannot_be_changed(needs, tmp_path):
    needs("system_calls")
    path = tmp_path / "labels.csv"
    path.write_text("hidden")
    before = path.stat()
    attempts = [
        f"os.chmod({str(path)!r}, 0o777)",
        f"os.chown({str(path)!r}, os.getuid(), os.getgid())",
        f"os.utime({str(path)!r}, (1, 1))",
        f"os.setxattr({str(path)!r}, 'user.mark', b'1')",
    ]
    assert granted(attempts) == []
    after = path.stat()
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


def test_the_environment_is_an_allow_list(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "hidden")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    body = "import json, os\nprint(json.dumps(dict(os.environ)))\nreturn 1.0"
    found = json.loads(called(body).log)
    assert found.keys() == {
        *("HOME", "TMPDIR", "LANG", "TZ", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE"),
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "JOBLIB_MULTIPROCESSING"),
    }


def test_no_open_file_of_the_site_is_inherited(tmp_path):
    with open(tmp_path / "secret", "w") as secret:
        os.set_inheritable(secret.fileno(), True)
        inode = os.fstat(secret.fileno()).st_ino
        before = (
            "import os\ndef inode(n):\n  try: return os.fstat(n).st_ino\n  except OSError: pass\n"
        )
        body = "print(*filter(None, map(inode, range(64))))\nreturn 1.0"
        open_files = called(body, before=before).log.split()
    assert len(open_files) == 4  # its standard three and the result's pipe
    assert str(inode) not in open_files


def ended(pid, seconds=5.0):
    """Whether a process is gone, or a zombie, within some time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


def test_the_whole_group_is_killed_when_the_time_is_over(monkeypatch, tmp_path):
    # a program that does not confine itself, as on a kernel that allows nothing
    program = tmp_path / "child.py"
    program.write_text(
        "import os, time\nif (pid := os.fork()):\n  print(pid, flush=True)\ntime.sleep(60)\n"
    )
    monkeypatch.setattr(process, "_CHILD", str(program))
    error = failure("return 1.0", Limits(wall_seconds=1.0))
    assert "did not end within" in error.sentence
    assert ended(int(error.log))


def test_a_metric_does_not_outlive_a_killed_worker(needs, tmp_path):
    needs("dies_with_parent")
    (tmp_path / "metric.py").write_bytes(source("import time\nopen('here', 'w')\ntime.sleep(60)"))
    program = (
        "import sys\nfrom pathlib import Path\nfrom scoring.custom import CustomMetric, run\n"
        "metric = CustomMetric.read(Path(sys.argv[1], 'metric.py').read_bytes())\n"
        f"run(metric, {SOLUTION!r}, {SUBMISSION!r}, 'id', {{}})\n"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, env={"TMPDIR": str(tmp_path)}
    )
    try:
        until = time.monotonic() + 30
        while not list(tmp_path.glob("metric-*/here")):
            assert time.monotonic() < until
            assert worker.poll() is None
            time.sleep(0.05)
        children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
    finally:
        worker.kill()
        worker.wait()
    assert len(children) == 1
    try:
        assert ended(children[0])
    finally:
        with suppress(ProcessLookupError):
            os.kill(int(children[0]), signal.SIGKILL)


# --- What an organiser is told


def test_a_good_metric_has_no_problems():
    example = """
    >>> frame = pd.DataFrame({"id": ["a"], "label": ["cat"]})
    >>> float(score(frame, frame, "id"))
    1.0
    """
    before = "import pandas as pd\n"
    assert checked(before=before, docstring=example, any_column_order=True) == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import random\nreturn random.random()", "in a second run"),
        ("return float(solution['label'][1] == 'dog')", "with its rows in another order"),
        ("return 'x'", "one finite float"),
        ("return 1 / 0", "ZeroDivisionError: division by zero"),
        ("raise ParticipantVisibleError('No cat.')", "refuses the sample: No cat."),
        (
            "if solution['label'][1] != 'dog': raise ParticipantVisibleError('Hm.')\nreturn 1.0",
            "refuses the same sample with its rows in another order: Hm.",
        ),
    ],
)
def test_a_metric_that_cannot_be_relied_on_is_found(body, words, inside):
    (problem,) = checked(body)
    assert words in problem


def test_a_metric_that_hangs_on_the_hashes_of_strings_is_found():
    (problem,) = checked("return sorted('abcdefgh', key=hash).index('a')")
    assert "in a second run" in problem


def test_an_order_of_columns_counts_where_the_host_asks(inside):
    (problem,) = checked("return float(submission.columns[0] == 'id')", any_column_order=True)
    assert "columns in another order" in problem


def test_rounding_in_another_order_is_forgiven_and_so_are_columns_by_place(inside):
    body = "total = 0.0\nfor p in submission.iloc[:, 1]: total += p\nreturn total"
    submission = b"id,p\na,0.1\nb,0.2\nc,0.3\nd,0.6\n"
    assert 0.1 + 0.2 + 0.3 + 0.6 != 0.2 + 0.6 + 0.1 + 0.3  # as it is asked: odd rows, even rows
    assert checked(body, b"id,label\na,1\nb,1\nc,1\nd,1\n", submission) == []


def test_a_failing_example_is_quoted(inside):
    (problem,) = checked(docstring=">>> 1 + 1\n    3\n    ")
    assert "An example in the docstring of 'score' fails" in problem
    assert problem.endswith("1 + 1\nExpected:\n        3\nGot:\n    2")


def test_a_missing_parameter_and_a_short_sample_are_told(inside):
    (problem,) = checked("return beta", arguments=", beta: float")
    assert problem == "The metric needs a value for 'beta'."
    (problem,) = checked(solution=b"id,label\n1,cat\n", submission=b"id,label\n1,cat\n")
    assert "fewer than two rows" in problem


# --- The package


def test_the_package_loads_no_pandas():
    program = "import sys, scoring.custom; print('pandas' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("name", ["child.py", "confinement.py"])
def test_the_child_imports_the_standard_library_alone(name):
    tree = ast.parse((FOLDER / name).read_text())
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [node.module or "."]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert imported
    assert imported <= sys.stdlib_module_names
