"""A job's file of answers, in whatever state it was left (R19)."""

import os
import socket
import threading

import numpy as np
import pytest

from scoring.sandbox.outputs import BadOutput, OutputFile


@pytest.fixture
def made(tmp_path):
    output = OutputFile(tmp_path / "answers", 4, 3)
    yield output
    output.close()


def fill(output, numbers):
    os.pwrite(output.descriptor, np.asarray(numbers, np.float32).tobytes(), 0)


def test_what_was_written_is_read(made):
    fill(made, np.arange(12))
    answers = made.read()
    assert (answers.shape, answers.dtype) == ((4, 3), np.float32)
    assert answers.tolist() == np.arange(12.0).reshape(4, 3).tolist()


def test_its_room_on_the_disk_is_taken_at_once(made):
    assert os.fstat(made.descriptor).st_size == 48
    assert os.fstat(made.descriptor).st_blocks > 0


def test_it_is_nobody_else_s_to_read(made):
    assert os.fstat(made.descriptor).st_mode & 0o777 == 0o600


def test_a_file_that_is_there_already_is_not_taken(tmp_path):
    (tmp_path / "answers").write_bytes(b"secret")
    with pytest.raises(FileExistsError):
        OutputFile(tmp_path / "answers", 1, 1)
    assert (tmp_path / "answers").read_bytes() == b"secret"


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_answers_that_are_no_numbers(made, number):
    fill(made, [1.0] * 7 + [number] + [1.0] * 4)
    with pytest.raises(BadOutput, match="not finite"):
        made.read()


@pytest.mark.parametrize("size", [0, 47, 49, 1 << 30])
def test_another_size(made, size):
    os.truncate(made.path, size)
    with pytest.raises(BadOutput, match="size"):
        made.read()


def symbolic_link(path):
    path.with_name("labels").write_bytes(bytes(48))
    path.symlink_to(path.with_name("labels"))


def hard_link(path):
    path.with_name("labels").write_bytes(bytes(48))
    path.hardlink_to(path.with_name("labels"))


def another_file(path):
    path.write_bytes(bytes(48))


def pipe(path):
    os.mkfifo(path)


def device(path):
    try:
        os.mknod(path, 0o20600, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        pytest.skip("only root makes devices")


def folder(path):
    path.mkdir()


def unix_socket(path):
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(path))


def nothing(path):
    pass


@pytest.mark.parametrize(
    "put",
    [symbolic_link, hard_link, another_file, pipe, device, folder, unix_socket, nothing],
    ids=lambda put: put.__name__,
)
def test_something_else_in_its_place_is_not_read_and_not_waited_for(made, put, monkeypatch):
    made.path.unlink()
    monkeypatch.chdir(made.path.parent)
    put(made.path)
    refused = []

    def read():
        with pytest.raises(BadOutput):
            made.read()
        refused.append(put)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(5)
    assert refused == [put]


def test_a_second_name_for_it(made):
    made.path.with_name("second").hardlink_to(made.path)
    with pytest.raises(BadOutput, match="not in the file that was made"):
        made.read()
