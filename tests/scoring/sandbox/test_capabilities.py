"""What the host provides, and which formats may run on it."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scoring.sandbox import system_calls
from scoring.sandbox.capabilities import MEASURES, Host
from scoring.sandbox.cgroups import ControlGroup
from scoring.sandbox.contract import Contract, Ending, Format, Job, Upload
from scoring.sandbox.server import ForkServer

EVERYTHING = Host(frozenset(MEASURES), frozenset(Format), {})
ROOT = Path(__file__).resolve().parents[3]
DATA = {Format.ONNX, Format.SAFETENSORS}


def lacking(*names, **settings):
    return replace(EVERYTHING, measures=EVERYTHING.measures - set(names), **settings)


def accepted(host):
    return {kind for kind in Format if host.refusal(kind) is None}


@pytest.mark.parametrize(
    ("host", "formats"),
    [
        (EVERYTHING, set(Format)),
        (lacking("namespaces"), DATA),
        (lacking("namespaces", container=True), set(Format)),
        (lacking("files"), DATA),
        (lacking("files", "namespaces"), set()),
        (lacking("files", "namespaces", container=True), DATA),
        (lacking("system_calls"), set()),
        (lacking("system_calls", container=True), set()),
        (lacking("no_new_privileges"), set()),
        (lacking("limits"), set()),
        (lacking("own_user", "control_group"), set(Format)),
        (lacking(*MEASURES), set()),
        (lacking(*MEASURES, trusted=True), set(Format)),
        (replace(EVERYTHING, formats=frozenset({Format.ONNX})), {Format.ONNX}),
    ],
)
def test_a_format_needs_its_measures(host, formats):
    assert accepted(host) == formats


def test_the_state_is_said_in_words():
    words = "\n".join(lacking("namespaces", missing={"torch": "it is not installed"}).words())
    assert "namespaces: NO" in words
    assert "files: yes" in words
    assert "onnx: can be submitted." in words
    assert "pt2: This machine does not run pt2, which can carry code" in words
    assert "torch cannot be loaded: it is not installed." in words


@pytest.fixture(scope="module")
def here():
    with ForkServer.start(bare=True) as server:
        yield server.host


def test_this_machine_s_measures_are_found_by_taking_them(here):
    assert here.measures <= MEASURES.keys()
    assert {"no_new_privileges", "no_capabilities", "limits", "dies_with_parent"} <= here.measures


def test_what_this_kernel_has_is_found(here):
    """Asked of util-linux and of the kernel's own list, not of our code."""
    modules = Path("/sys/kernel/security/lsm")
    if modules.exists():
        assert ("files" in here.measures) == ("landlock" in modules.read_text().split(","))
    flags = ("--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--mount-proc")
    rank = () if os.geteuid() == 0 else ("--map-root-user",)
    try:
        done = subprocess.run(["unshare", *rank, *flags, "true"], capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs the program unshare")
    assert ("namespaces" in here.measures) == (done.returncode == 0)


def test_to_find_out_takes_no_library(here):
    assert here.formats <= set(Format)
    with ForkServer.start(bare=True) as server:
        mapped = f"/proc/{server.pid}/task/{server.pid}/children"
        with open(mapped) as file:
            children = file.read().split()
        for process in (str(server.pid), *children):
            with open(f"/proc/{process}/maps") as file:
                assert "libtorch" not in file.read()


def test_without_namespaces_the_rest_still_holds(here):
    with ForkServer.start(bare=True, namespaces=False) as server:
        assert server.host.measures == here.measures - {"namespaces"}


def test_a_format_that_lacks_a_measure_is_not_run(tmp_path):
    with ForkServer.start(bare=True, namespaces=False) as server:
        upload = Upload(tmp_path / "model.pt2", Format.PT2)
        job = Job(upload, tmp_path / "images.npy", Contract(3, 8, 8, ("a", "b")))
        outcome, answers = server.run(job)
    assert (outcome.ending, answers) == (Ending.UNAVAILABLE, None)
    assert "does not run pt2" in outcome.message


def test_every_call_on_the_list_has_one_number_and_no_other_has_it():
    numbers = system_calls.ALLOWED | system_calls.ALLOWED_WITH_GPU
    for column in (0, 1):
        known = [pair[column] for pair in numbers.values() if pair[column] is not None]
        assert len(known) == len(set(known))


@pytest.mark.skipif(
    not os.path.exists("/usr/include/asm-generic/unistd.h"), reason="needs the kernel's headers"
)
@pytest.mark.parametrize(("machine", "column"), [("x86_64", 0), ("aarch64", 1)])
def test_the_numbers_are_those_of_the_kernel_s_headers(machine, column):
    headers = {0: "x86_64-linux-gnu/asm/unistd_64.h", 1: "asm-generic/unistd.h"}
    found = {}
    try:
        with open(f"/usr/include/{headers[column]}") as file:
            text = file.read()
    except FileNotFoundError:
        pytest.skip(f"no headers for {machine} here")
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 3 and words[0] == "#define" and words[2].isdigit():
            found[words[1].removeprefix("__NR3264_").removeprefix("__NR_")] = int(words[2])
    alias = {"newfstatat": "fstatat"} if column else {}
    for name, numbers in (system_calls.ALLOWED | system_calls.ALLOWED_WITH_GPU).items():
        if numbers[column] is not None:
            assert found[alias.get(name, name)] == numbers[column], name


# --- Control groups


@pytest.fixture
def group():
    made = ControlGroup.make()
    if made is None:
        pytest.skip("no control group can be made here")
    yield made
    made.close()


def test_a_group_stops_what_a_process_s_own_limits_do_not_see(group):
    """Memory that is shared, and of two processes together."""
    code = "import mmap, sys; sys.stdin.read(1); mmap.mmap(-1, 1 << 29).write(b'x' * (1 << 29))"
    hungry = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    assert group.add(hungry.pid)
    group.limit(128 << 20)
    hungry.communicate(b"x", timeout=30)
    assert hungry.returncode == -9


def test_a_group_goes_when_its_processes_have_gone(group):
    folder = group._folder
    group.close()
    assert not folder.exists()


def test_a_group_that_its_maker_could_not_remove_is_removed_by_the_next(group):
    code = (
        "import os; from scoring.sandbox.cgroups import ControlGroup\n"
        "print(ControlGroup.make()._folder, flush=True); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    forgotten = Path(killed.stdout.strip())
    assert forgotten.name.startswith("holdout-models-")
    assert forgotten.exists()
    next_one = ControlGroup.make()
    assert next_one is not None
    next_one.close()
    assert not forgotten.exists()
    assert group._folder.exists()


def test_where_no_group_can_be_made_there_is_none(tmp_path):
    (tmp_path / "cgroup").write_text("0::/../../etc\n3:cpu:/\n")
    assert ControlGroup.make(tmp_path / "cgroup") is None
    assert ControlGroup.make(tmp_path / "missing") is None
