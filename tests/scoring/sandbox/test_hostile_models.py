"""Models that attack: each ends in its named ending, nothing leaks, and the next team's runs."""

# ruff: noqa: S108 - places where a job might leave something

import json
import os
import signal
import socket
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the models extra is not installed")
pytest.importorskip("onnxruntime", reason="the models extra is not installed")
pytest.importorskip("onnx", reason="the models extra is not installed")

from scoring.sandbox.contract import Ending, Format, Job
from scoring.sandbox.server import ForkServer
from tests.scoring.sandbox import honest, hostile

pytestmark = pytest.mark.torch
ROOT = Path(__file__).resolve().parents[3]
SECONDS = 3.0  # the limit of a hostile job
SPARE = 5.0  # within which it must be gone


@pytest.fixture(scope="session")
def fair(tmp_path_factory):
    """The next team's upload, and what it should be answered with."""
    network = honest.network(seed=1)
    path = tmp_path_factory.mktemp("fair") / "model.onnx"
    return honest.write(Format.ONNX, network, path), network


@pytest.fixture
def attack(server, images, fair):
    """Run a hostile upload; in time, with this ending, and the next job is right."""

    def run(upload, *endings, server=server, **budgets):
        began = time.monotonic()
        contract = honest.contract(**{"seconds": SECONDS, "memory_bytes": 512 << 20} | budgets)
        outcome, answers = server.run(Job(upload, images, contract))
        took = time.monotonic() - began
        assert outcome.ending in endings, outcome
        assert took < SECONDS + SPARE
        if outcome.ending is not Ending.DONE:
            assert answers is None
        _expect_fair(server, images, fair)
        return outcome, answers

    return run


def _expect_fair(server, images, fair):
    upload, network = fair
    outcome, answers = server.run(Job(upload, images, honest.contract()))
    assert outcome.ending is Ending.DONE, outcome
    np.testing.assert_allclose(answers, honest.answers(network, np.load(images)), atol=1e-6)


@pytest.fixture
def outside():
    """A folder in which everybody may write, so that it is the sandbox that says no."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


# --- Files that run code when they are loaded (T13)


def test_a_program_cannot_touch_a_marker(attack, tmp_path, outside):
    marker = outside / "marker"
    upload = hostile.program(f"open({str(marker)!r}, 'w')", tmp_path / "model.pt2")
    outcome, _ = attack(upload, Ending.REFUSED)
    assert not marker.exists()
    assert str(marker) not in outcome.message


def test_the_same_program_does_touch_it_outside(tmp_path):
    """Or the test above would not say anything."""
    import torch  # noqa: PLC0415

    marker = tmp_path / "marker"
    upload = hostile.program(f"open({str(marker)!r}, 'w').close()", tmp_path / "model.pt2")
    torch.export.load(upload.path)
    assert marker.exists()


def test_a_pickle_in_disguise_is_not_even_unpickled(attack, tmp_path, outside):
    marker = outside / "marker"
    upload = hostile.pickle(f"open({str(marker)!r}, 'w')", tmp_path / "model.pt")
    for kind in Format:
        attack(replace(upload, format=kind, architecture="mlp"), Ending.REFUSED)
    assert not marker.exists()


def test_torchscript_can_neither_make_a_file_nor_read_one(attack, tmp_path, outside):
    secret, marker = outside / "labels.csv", outside / "marker"
    secret.write_bytes(bytes(range(100, 116)))
    for made, read in (
        (marker, secret),
        (marker, Path("/etc/passwd")),
        (Path("/dev/null"), secret),
    ):
        upload = hostile.torchscript_files(made, read, tmp_path / "model.pt")
        attack(upload, Ending.REFUSED)
        assert not marker.exists()


# --- ONNX (T14)


def test_external_data_is_never_read(attack, tmp_path):
    outside, inside = tmp_path / "outside", tmp_path / "outside" / "uploads"
    inside.mkdir(parents=True)
    secret = outside / "secret.bin"
    np.array([7, 8, 9], np.float32).tofile(secret)
    (inside / "symbolic").symlink_to(secret)
    (inside / "hard").hardlink_to(secret)
    (inside / "sub").mkdir()
    for location in ("../secret.bin", str(secret), "sub/../../secret.bin", "symbolic", "hard"):
        upload = hostile.external_data(location, inside / "model.onnx")
        attack(upload, Ending.REFUSED)


def test_a_constant_of_forty_gigabytes(attack, tmp_path):
    outcome, _ = attack(hostile.constant_bomb(tmp_path / "model.onnx"), Ending.OUT_OF_MEMORY)
    assert outcome.message == "The model needs more than 512 MiB of memory."


def test_a_loop_without_end(attack, tmp_path):
    upload = hostile.endless_loop(tmp_path / "model.onnx")
    outcome, _ = attack(upload, Ending.TIMED_OUT, seconds=0.8)
    assert outcome.message == "The model did not end within 0.8 seconds."


# --- Code inside (T15)

ENDINGS = {
    "memory": (Ending.OUT_OF_MEMORY,),
    "shared_memory": (Ending.OUT_OF_MEMORY,),
    "tensors": (Ending.OUT_OF_MEMORY,),
    "sleep": (Ending.TIMED_OUT,),
    "busy": (Ending.TIMED_OUT,),
    "deaf": (Ending.TIMED_OUT,),
    "exit": (Ending.CRASHED,),
    "system_exit": (Ending.CRASHED,),
    "abort": (Ending.CRASHED,),
    "segmentation_fault": (Ending.CRASHED,),
    "recursion": (Ending.REFUSED,),
    "endless_line": (Ending.CRASHED,),
    "forged_line": (Ending.CRASHED,),
    "deep_line": (Ending.CRASHED,),
}


@pytest.mark.parametrize("name", hostile.BOMBS)
def test_code_that_takes_what_it_can_get(attack, tmp_path, name):
    seconds = 1.0 if ENDINGS[name] == (Ending.TIMED_OUT,) else SECONDS
    upload = hostile.program(hostile.BOMBS[name], tmp_path / "model.pt2")
    attack(upload, *ENDINGS[name], seconds=seconds)


@pytest.fixture(scope="module")
def listening():
    """What a curious job would find on this machine: a port, two sockets, a file of labels.

    Where everybody may go, unlike pytest's folders: or it would not be the sandbox that says no.
    """
    with tempfile.TemporaryDirectory() as name:
        yield from _listening(Path(name))


def _listening(folder):
    labels = folder / "labels.csv"
    labels.write_text("id,label\n1,cat\n")
    for path in (folder, labels):
        path.chmod(0o777)
    ends = [socket.socket(kind) for kind in (socket.AF_INET, socket.AF_UNIX, socket.AF_UNIX)]
    ends[0].bind(("127.0.0.1", 0))
    ends[1].bind(str(folder / "socket"))
    (folder / "socket").chmod(0o777)
    ends[2].bind(f"\0holdout-{os.getpid()}")
    for end in ends:
        end.listen()
    yield {
        "ports": [ends[0].getsockname()[1]],
        "sockets": [str(folder / "socket"), f"\0holdout-{os.getpid()}"],
        "places": ["/tmp", "/dev/shm", "/", ".", str(folder), "/var/tmp", "/run"],
        "secrets": [str(labels)],
        "paths": [*PATHS, str(labels), str(folder)],
    }
    for end in ends:
        end.close()


PATHS = [
    "/etc/passwd", "/etc/shadow", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/ssl",
    "/proc", "/proc/1/environ", "/proc/1/cmdline", "/proc/1/maps", "/proc/self/environ",
    "/proc/self/maps", "/proc/self/mem", "/proc/self/root/etc/passwd", "/proc/mounts",
    "/proc/net/tcp",
    "/proc/kcore", "/proc/sys/kernel/hostname", "/root", "/home", "/tmp", "/var/tmp", "/var/log",
    "/var/run/docker.sock", "/run", "/dev", "/dev/shm", "/dev/mem", "/dev/kmsg", "/sys/fs/cgroup",
    "/sys/class/net", "/", ".", str(ROOT), str(ROOT / "manage.py"), str(ROOT / "pyproject.toml"),
    str(ROOT / "var"), str(ROOT / ".git" / "config"), str(ROOT / "tests"),
]  # fmt: skip
WORKS = {"a thread"}  # of a probe's tries: what libraries need


def findings(server, known, tmp_path, images_seen=256):
    """What probe.py found out, from the answers that it gave."""
    upload = hostile.probe(tmp_path / "model.pt2", **known)
    pixels = honest.pixels(images_seen)
    pixels[:, 0, 0, 0] = np.arange(images_seen)
    np.save(tmp_path / "numbered.npy", pixels)
    contract = replace(honest.contract(), classes=tuple(map(str, range(hostile.ANSWERS))))
    outcome, answers = server.run(Job(upload, tmp_path / "numbered.npy", contract))
    assert outcome.ending is Ending.DONE, outcome
    return json.loads(answers.astype(np.uint8).tobytes())


def succeeded(found):
    tries = {name: what for name, what in found.items() if isinstance(what, str)}
    assert len(tries) > 100
    return {name: what for name, what in tries.items() if what.startswith("DONE")}


def test_code_reaches_nothing(server, listening, tmp_path, images, fair):
    found = findings(server, listening, tmp_path)
    done = succeeded(found)
    assert set(done) == WORKS | _asked(server, listening), done
    assert found["thread"] == "ran"
    _expect_fair(server, images, fair)


def _asked(server, known):
    """Landlock has no right to ask how large a file is; in a world of its own there is no file."""
    if "namespaces" in server.host.measures:
        return set()
    return {f"stat {path}" for path in known["secrets"]}


def test_code_finds_nothing_of_the_parent_s_environment(server, listening, tmp_path):
    assert "HOLDOUT_SECRET" in os.environ  # and was when the server started
    found = findings(server, listening, tmp_path)
    assert set(found["environment"]) <= {
        "LANG", "TZ", "PYTHONPATH", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE",
        "OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX", "ORT_DISABLE_TELEMETRY",
        "TORCHINDUCTOR_CACHE_DIR", "CUDA_MODULE_LOADING", "CUDA_CACHE_DISABLE",
        "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH",
    }  # fmt: skip


def test_code_holds_only_what_it_was_handed(server, listening, tmp_path):
    found = findings(server, listening, tmp_path)
    kinds = [mode for _, mode in found["descriptors"]]
    # three times /dev/null, the socket, the pipe, images and answers, and NumPy's copies of those
    assert len(kinds) <= 9, found["descriptors"]
    assert sorted(set(kinds)) == ["0o1", "0o10", "0o14", "0o2"]


def test_two_jobs_share_nothing(server, listening, tmp_path):
    first = findings(server, listening, tmp_path)
    second = findings(server, listening, tmp_path)
    assert first["left over"] == second["left over"] == ["", ""]
    first.pop("descriptors"), second.pop("descriptors")
    assert first == second


@pytest.fixture(scope="module")
def in_container():
    """As in a container that forbids namespaces: Landlock and seccomp alone."""
    with ForkServer.start(threads=1, namespaces=False, container=True) as started:
        assert "namespaces" not in started.host.measures
        yield started


def test_without_namespaces_code_reaches_nothing_either(
    in_container, listening, tmp_path, images, fair
):
    done = succeeded(findings(in_container, listening, tmp_path))
    assert set(done) >= WORKS
    assert set(done) - WORKS <= _asked(in_container, listening), done
    _expect_fair(in_container, images, fair)


@pytest.mark.parametrize("name", ["memory", "deaf", "segmentation_fault"])
def test_without_namespaces_bombs_end_as_well(attack, in_container, tmp_path, name):
    upload = hostile.program(hostile.BOMBS[name], tmp_path / "model.pt2")
    attack(upload, *ENDINGS[name], server=in_container, seconds=1.0 if name == "deaf" else SECONDS)


def test_a_flood_of_output_goes_nowhere(attack, tmp_path, capfd):
    flood = "import os\nfor _ in range(1024): os.write(1, b'x' * (1 << 20)); os.write(2, b'y' * 64)"
    attack(hostile.program(flood, tmp_path / "model.pt2"), Ending.DONE)
    assert capfd.readouterr() == ("", "")


def test_forged_records_are_taken_for_what_they_say_and_no_more(attack, tmp_path):
    code = """
import torch, os, struct, threading
class Forger(torch.nn.Module):
    def forward(self, images):
        if len(images) > 2:
            for descriptor in range(3, 12):
                try:
                    os.write(descriptor, struct.pack("<QQ", 0, 1 << 63) * 1000)
                    os.write(descriptor, struct.pack("<QQ", 99, 0))
                except OSError:
                    pass
        return images.mean(dim=(2, 3))
torch.export.ExportedProgram.module = lambda *_, **__: Forger()
"""
    attack(hostile.program(code, tmp_path / "model.pt2"), Ending.CRASHED)


SPEAKER = """
import torch, os, struct, time
def say(step, number):
    for descriptor in range(3, 12):
        try:
            os.write(descriptor, struct.pack("<QQ", step, number))
        except OSError:
            pass
class Speaker(torch.nn.Module):
    def forward(self, images):
        if len(images) > 2:
            {said}
        return images.mean(dim=(2, 3))
torch.export.ExportedProgram.module = lambda *_, **__: Speaker()
"""


def test_threads_have_an_end_before_memory_has(server, attack, tmp_path):
    if not server.host.measures & {"own_user", "namespaces"}:
        pytest.skip("the sandbox has no user of its own here")
    code = """
import os, threading
threading.stack_size(1 << 16)
ended, started = threading.Event(), 0
try:
    for started in range(1, 3001):
        threading.Thread(target=ended.wait, daemon=True).start()
except RuntimeError:
    pass
if not 500 < started < 3000 - 500:
    os._exit(1)
ended.set()
"""
    attack(hostile.program(code, tmp_path / "model.pt2"), Ending.DONE, memory_bytes=2 << 30)


@pytest.mark.parametrize("number", [0, 5, 77, 1 << 20, 1 << 63])
def test_no_number_of_an_image_leaves_as_the_size_of_a_batch(attack, tmp_path, number):
    code = SPEAKER.format(said=f"say(1, {number}); time.sleep(100)")
    outcome, _ = attack(hostile.program(code, tmp_path / "model.pt2"), Ending.CRASHED)
    assert outcome.batch_size == 0
    assert "protocol" in outcome.message


def test_progress_is_told_in_hundredths_whatever_the_model_says(server, tmp_path):
    images = tmp_path / "images.npy"
    np.save(images, honest.pixels(1000))
    told: list[int] = []
    said = "[(say(0, number), time.sleep(0.02)) for number in (3, 137, 731)]; time.sleep(100)"
    upload = hostile.program(SPEAKER.format(said=said), tmp_path / "model.pt2")
    job = Job(upload, images, honest.contract(seconds=1.0))
    outcome, _ = server.run(job, progress=lambda done, _rate: told.append(done))
    assert outcome.ending is Ending.TIMED_OUT
    assert told[-1] == outcome.images == 730
    assert all(done % 10 == 0 for done in told)


def test_answers_are_written_to_their_file_only(attack, tmp_path):
    """The file cannot grow, and nothing else can be written, even through its descriptor."""
    code = """
import torch, os
class Writer(torch.nn.Module):
    def forward(self, images):
        grown = 0
        if len(images) > 2:
            for descriptor in range(3, 12):
                for act in (lambda: os.ftruncate(descriptor, 1 << 30),
                            lambda: os.pwrite(descriptor, b"x" * 100, 1 << 20),
                            lambda: os.fchmod(descriptor, 0o777)):
                    try:
                        act()
                        grown += os.fstat(descriptor).st_size > 1 << 20
                    except OSError:
                        pass
        return images.mean(dim=(2, 3)) * 0 + grown
torch.export.ExportedProgram.module = lambda *_, **__: Writer()
"""
    _, answers = attack(hostile.program(code, tmp_path / "model.pt2"), Ending.DONE)
    assert not answers.any()


# --- The server itself


def test_no_job_outlives_its_server_and_the_next_one_gets_another(images, tmp_path, fair):
    upload = hostile.program(hostile.BOMBS["deaf"], tmp_path / "model.pt2")
    job = Job(upload, images, honest.contract(seconds=60))
    outcomes = []
    with ForkServer.start(threads=1, container=True) as server:
        lost = server.pid
        running = threading.Thread(target=lambda: outcomes.append(server.run(job)))
        running.start()
        # the job and its parent, and where there are namespaces one more outside of them
        processes = 3 if "namespaces" in server.host.measures else 2
        assert _soon(lambda: len(_session(lost)) == processes)
        os.kill(lost, signal.SIGKILL)
        running.join(SPARE + SPARE)
        assert [outcome.ending for outcome, _ in outcomes] == [Ending.UNAVAILABLE]
        assert _soon(lambda: _session(lost) == [])
        _expect_fair(server, images, fair)
        assert server.pid != lost


def _soon(happened):
    until = time.monotonic() + SPARE
    while not happened() and time.monotonic() < until:
        time.sleep(0.05)
    return happened()


def _session(leader):
    """The processes of a session, from /proc."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(folder.name))
    return found
