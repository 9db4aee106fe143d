"""What several tests of the challenges begin with."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections

from competitions import preparing
from competitions.models import Competition, Submission
from competitions.pictures import examining
from holdout.accounts.models import User
from tests.competitions.zips import hidden_zip, solution_csv, train_zip


@pytest.fixture(scope="session")
def examiners() -> Iterator[list[examining.Examiner]]:
    kept: list[examining.Examiner] = []
    yield kept
    for examiner in kept:
        examiner.close()


@pytest.fixture(autouse=True)
def kept_examiners(examiners: list[examining.Examiner], monkeypatch: pytest.MonkeyPatch) -> None:
    """A confined child takes a quarter of a second of work to start: here one serves all uploads.

    On the site each upload has its own; test_examining.py asks for that.
    """

    @contextmanager
    def kept() -> Iterator[None]:
        token = examining._idle.set(examiners)
        try:
            yield
        finally:
            examining._idle.reset(token)

    monkeypatch.setattr(examining, "sitting", kept)


@pytest.fixture
def prepared(draft: Competition) -> Callable[..., Competition]:
    """``prepared(train=…)``: the draft after an upload of good files, but for those given."""

    def upload(**uploads: bytes) -> Competition:
        wanted = {"train": train_zip(), "test": hidden_zip(), "solution": solution_csv(), **uploads}
        inbox = preparing.receive(draft.pk, **{name: [data] for name, data in wanted.items()})
        preparing.prepare(draft.pk, inbox)
        return Competition.objects.get(pk=draft.pk)

    return upload


@pytest.fixture
def enter(
    person: Callable[..., User], scored: Callable[..., Submission]
) -> Callable[[Competition, str, bytes], Submission]:
    """``enter(where, "ada", content)``: a team of that name sends a file, and it is scored."""
    people: dict[str, User] = {}

    def add(where: Competition, name: str, content: bytes) -> Submission:
        user = people.get(name) or people.setdefault(name, person(name, first_name=name.title()))
        return scored(user, content, competition=where)

    return add


@pytest.fixture
def at_once() -> Callable[[int, Callable[[], Any]], list[Any]]:
    """``at_once(3, call)``: what the same call returns to three threads, in transactions."""

    def run(count: int, call: Callable[[], Any]) -> list[Any]:
        start, found = threading.Barrier(count), []

        def one() -> None:
            start.wait()
            try:
                found.append(call())
            finally:
                connections.close_all()

        threads = [threading.Thread(target=one) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    return run
