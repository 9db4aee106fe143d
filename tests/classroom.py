"""Fixtures of the site: the people, one competition with its files, and a real Valkey.

A pytest plugin, registered by tests/conftest.py where Django is installed and configured.
"""

import csv
import io
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
import redis
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.files.base import ContentFile
from django.db import connections
from django.db.models import DateTimeField, Value
from django.test import Client, override_settings

from competitions import files, solutions, submissions, teams
from competitions.insight import columns
from competitions.live import channel, events
from competitions.models import (
    Competition,
    DataFile,
    Preparation,
    SolutionVersion,
    State,
    Status,
    Submission,
    Team,
)
from competitions.models import competition as models_of_competition
from competitions.preparing import samples
from holdout import embedded
from holdout.accounts import tokens
from holdout.accounts.models import User
from holdout.softcache import SoftCache
from scoring import InvalidSubmission, Problem, ProblemCode, Report, Solution
from scoring.custom.evaluate import SplitReport

CLASSES = ("cat", "dog", "owl")
ROWS = 18
PUBLIC = 6  # two of each class
TRUTH = {f"img_{n:02d}.png": CLASSES[n % len(CLASSES)] for n in range(ROWS)}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`-m django_db` means every test that touches the database, also through a fixture.

    What is about locks of rows is asked on the database that has them: the other pass.
    """
    for item in items:
        if "db" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.django_db)
    if connections["default"].vendor != "postgresql":
        elsewhere = [item for item in items if item.get_closest_marker("row_locks")]
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in elsewhere]


# --- services ------------------------------------------------------------------------------------


class Valkey:
    """The real server, on the address that the settings name, with the supervisor's own options."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.client = redis.Redis.from_url(settings.REDIS_URL)

    def start(self) -> None:
        if self.process is None:
            embedded.make_room(settings.VAR)
            self.process = subprocess.Popen(
                embedded.command(settings.VAR), stdout=subprocess.DEVNULL
            )
            if not embedded.wait(settings.VAR, 10):
                raise RuntimeError("Valkey does not answer within 10 s")

    def stop(self) -> None:
        self.client.close()
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture(scope="session")
def valkey_of_the_session() -> Iterator[Valkey]:
    server = Valkey()
    server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def valkey(valkey_of_the_session: Valkey) -> Valkey:
    """Running and empty at the start of every test, whatever the last one did to it."""
    valkey_of_the_session.start()
    valkey_of_the_session.client.flushall()
    return valkey_of_the_session


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """Caches of a process outlive a test, and numbers of rows come again."""
    solutions.compiled.cache_clear()
    columns.memory.clear()
    channel._connection.cache_clear()
    channel.channels._by_slug.clear()
    SoftCache.away_until = 0.0  # of a test that took Valkey away


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """A file for SQLite: in memory, the threads of one test would share a connection's locks."""
    if connections["default"].vendor == "sqlite":
        name = str(settings.VAR / "tests.sqlite3")
        connections["default"].settings_dict["TEST"]["NAME"] = name


@pytest.fixture
def frozen_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """``frozen_clock(moment)``: what the database answers when a competition is read."""

    def freeze(moment: datetime) -> None:
        frozen = Value(moment, output_field=DateTimeField())
        monkeypatch.setattr(models_of_competition, "Now", lambda: frozen)

    return freeze


# --- passwords ------------------------------------------------------------------------------------


class OneRound(PBKDF2PasswordHasher):
    """The site's own hash of passwords and PINs; how long it takes is Django's affair."""

    iterations = 1


@pytest.fixture(autouse=True, scope="session")
def quick_passwords() -> Iterator[None]:
    with override_settings(PASSWORD_HASHERS=[f"{__name__}.{OneRound.__name__}"]):
        yield


# --- people: their comments are the permission matrix --------------------------------------------


@pytest.fixture
def person(db: None) -> Callable[..., User]:
    """Makes an account. Without a password: `client.force_login` needs none and hashes nothing."""

    def make(username: str, **fields: Any) -> User:
        user = User(username=username, **fields)
        user.set_unusable_password()
        user.save()
        return user

    return make


@pytest.fixture
def alice(person: Callable[..., User]) -> User:
    """Competes. May see her own team's submissions and files, and the public board."""
    return person("alice", first_name="Alice", email="alice@example.org")


@pytest.fixture
def bob(person: Callable[..., User]) -> User:
    """Competes in the same competition, in another team. May see nothing of Alice's."""
    return person("bob", first_name="Bob", email="bob@example.org")


@pytest.fixture
def charlie(person: Callable[..., User]) -> User:
    """Has an account and joined nothing. Sees what every visitor sees; downloads no data."""
    return person("charlie", first_name="Charlie", email="charlie@example.org")


@pytest.fixture
def host(person: Callable[..., User]) -> User:
    """Organises: sees drafts and every submission, but a private score through no door either."""
    return person("host", is_staff=True, is_superuser=True, email="host@example.org")


@pytest.fixture
def clients() -> Callable[..., Client]:
    """``clients(alice)`` is her browser, ``clients(None)`` a visitor's."""

    def make(user: User | None = None, **options: Any) -> Client:
        client = Client(**options)
        if user is not None:
            client.force_login(user)
        return client

    return make


@pytest.fixture
def token_of() -> Callable[[User], str]:
    """A new API token of that person."""
    return tokens.create


# --- the competition -----------------------------------------------------------------------------


def table(header: tuple[str, ...], rows: Any) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


@pytest.fixture
def solution_csv() -> bytes:
    """The hidden labels: the first six rows are public, the other twelve private."""
    usage = ["Public"] * PUBLIC + ["Private"] * (ROWS - PUBLIC)
    rows = [(name, label, use) for (name, label), use in zip(TRUTH.items(), usage, strict=True)]
    return table(("id", "label", "Usage"), rows)


@pytest.fixture
def answers() -> Callable[..., bytes]:
    """A submission as CSV: all right, or with the first ``wrong`` public and private rows wrong."""

    def make(wrong: int = 0, wrong_private: int = 0) -> bytes:
        bad = {*range(wrong), *range(PUBLIC, PUBLIC + wrong_private)}
        rows = [
            (name, CLASSES[(CLASSES.index(label) + (n in bad)) % len(CLASSES)])
            for n, (name, label) in enumerate(TRUTH.items())
        ]
        return table(("id", "label"), rows)

    return make


@pytest.fixture
def competition(db: None, solution_csv: bytes) -> Competition:
    """Open, three classes, 18 test rows, its files stored as an organiser's would be."""
    return make_competition("pets", solution_csv)


@pytest.fixture
def another(db: None, solution_csv: bytes) -> Competition:
    """A second challenge, as open as the first."""
    return make_competition("another", solution_csv)


@pytest.fixture
def draft(db: None) -> Competition:
    """Known to the host alone; has no files yet."""
    return Competition.objects.create(slug="secret", title="Not announced yet")


def make_competition(slug: str, solution: bytes, **fields: Any) -> Competition:
    """A competition that could be opened, with its solution; ``fields`` override."""
    truth = Solution.read(solution)
    made = Competition.objects.create(slug=slug, title=f"The {slug} challenge")
    stored = files.store_bytes("solutions", solution)
    made.solution = SolutionVersion.objects.create(
        competition=made,
        version=1,
        path=stored.path,
        sha256=stored.sha256,
        id_column=truth.id_column,
        label_column=truth.label_column,
        classes=list(truth.classes),
        rows=len(truth.ids),
        public_rows=truth.n_public,
        private_rows=truth.n_private,
        commitment="0" * 64,
    )
    wanted = {"state": State.OPEN, "preparation": Preparation.READY, "daily_limit": 5, **fields}
    for name, value in wanted.items():
        setattr(made, name, value)
    made.save()
    template = solutions.template(compiled(made), solutions.spec(made))
    add_file(made, files.SAMPLE, samples.sample(template), len(truth.ids))
    return Competition.objects.get(pk=made.pk)


def add_file(competition: Competition, name: str, content: bytes, rows: int | None) -> None:
    stored = files.store_bytes("data", content)
    DataFile.objects.create(
        competition=competition,
        name=name,
        path=stored.path,
        size=stored.size,
        sha256=stored.sha256,
        rows=rows,
    )


@pytest.fixture
def team_of(competition: Competition) -> Callable[..., Team]:
    """``team_of(alice)``: her team in the competition, joined now if she had none."""

    def find(user: User, other: Competition | None = None) -> Team:
        return teams.join(other or competition, user)

    return find


@pytest.fixture
def submit(competition: Competition, team_of: Callable[..., Team]) -> Callable[..., Submission]:
    """``submit(alice, content)``: her file as it stands after the upload, before any worker."""

    def send(user: User, content: bytes, name: str = "answers.csv", **options: Any) -> Submission:
        where = options.pop("competition", competition)
        team_of(user, where)
        return submissions.submit(where, user, ContentFile(content, name=name), **options)

    return send


@pytest.fixture
def scored(submit: Callable[..., Submission]) -> Callable[..., Submission]:
    """``scored(alice, content)``: her file uploaded, claimed, evaluated and finished."""

    def score(user: User, content: bytes, **options: Any) -> Submission:
        claimed = submissions.claim(submit(user, content, **options).pk)
        assert claimed is not None
        submissions.finish(claimed, report_on(claimed, content))
        claimed.refresh_from_db()
        return claimed

    return score


@pytest.fixture
def in_status(
    submit: Callable[..., Submission], alice: User, answers: Callable[..., bytes]
) -> Callable[[str], Submission]:
    """``in_status("running")``: a new submission of Alice's, brought there by the verbs alone."""

    def bring(status: str) -> Submission:
        submission = submit(alice, answers(1))
        if status == Status.QUEUED:
            submissions.mark_queued(submission.pk)
        elif status != Status.RECEIVED:
            claimed = submissions.claim(submission.pk)
            assert claimed is not None
            _end(claimed, status, answers(1))
        return Submission.objects.select_related("team__competition__solution").get(
            pk=submission.pk
        )

    return bring


def _end(claimed: Submission, status: str, content: bytes) -> None:
    match status:
        case Status.SCORED:
            submissions.finish(claimed, report_on(claimed, content))
        case Status.INVALID:
            submissions.reject(claimed, complaint())
        case Status.FAILED:
            submissions.fail(claimed, "Our disk is full.")


def report_on(claimed: Submission, content: bytes) -> Report | SplitReport:
    """What the scoring task would find."""
    competition = claimed.team.competition
    return solutions.evaluate(content, compiled(competition), solutions.spec(competition))


def compiled(competition: Competition) -> Solution:
    """The solution as the scoring task reads it."""
    assert competition.solution_id is not None
    return solutions.compiled(competition.solution_id, solutions.spec(competition))


def complaint() -> InvalidSubmission:
    """A file refused for one problem in its seventh line."""
    problem = Problem(ProblemCode.UNKNOWN_CLASS, 7, "There is no class 'bat'.")
    return InvalidSubmission((problem,))


@pytest.fixture
def told(competition: Competition, valkey: Valkey) -> Callable[[], list[dict[str, str]]]:
    """What the live stream of the competition holds so far."""

    def read() -> list[dict[str, str]]:
        entries: Any = valkey.client.xrange(events.stream_key(competition.slug))
        return [{k.decode(): v.decode() for k, v in fields.items()} for _, fields in entries]

    return read
