"""What the rows of each file tell, read once from private storage and kept while there is room.

Evidence on private rows, and the gap to them, stay in the worker's memory.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import structlog

from competitions import files, solutions
from competitions.models import Competition
from scoring import InvalidSubmission, Solution, SolutionError, Spec
from scoring.alarm import THRESHOLD, gap_z, gap_z_of_errors
from scoring.evaluate import Judged, judge, value
from scoring.evidence import Evidence, evidence

log = structlog.get_logger(__name__)

SECONDS = 5.0  # of reading at a time: the others who wait for this worker come in between
ROOM = 256 * 1024**2
OVERHEAD = 1000  # bytes of an entry besides its arrays
BACK_OFF = 600.0  # seconds until a file that could not be read is tried again

Split: TypeAlias = Literal["public", "private"]
Key: TypeAlias = tuple[str, int, Spec, Split]


@dataclass(frozen=True)
class Known:
    """Of one file. ``gap``: by how many standard errors its public score beats the private one.

    None where that cannot be told, and for evidence on private rows.
    """

    evidence: Evidence
    gap: float | None = None


@dataclass
class Memory:
    """What was found out last, by file and solution; None where nothing can be."""

    room: int
    used: int = 0
    _kept: "OrderedDict[Key, Known | None]" = field(default_factory=OrderedDict)
    _shut: dict[Key, float] = field(default_factory=dict)  # when it was tried

    def __contains__(self, key: Key) -> bool:
        return key in self._kept or self.is_shut(key)

    def is_shut(self, key: Key) -> bool:
        """Whether the storage did not hand the file out, a short while ago."""
        return key in self._shut and time.monotonic() < self._shut[key] + BACK_OFF

    def shut(self, key: Key) -> None:
        self._shut[key] = time.monotonic()

    def recall(self, key: Key) -> Known | None:
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key]

    def keep(self, key: Key, found: Known | None) -> None:
        self._kept[key] = found
        self.used += weight(found)
        while self.used > self.room:
            _key, oldest = self._kept.popitem(last=False)
            self.used -= weight(oldest)

    def clear(self) -> None:
        self._kept.clear()
        self._shut.clear()
        self.used = 0


memory = Memory(ROOM)  # of this process


def weight(found: Known | None) -> int:
    return OVERHEAD + (found.evidence.nbytes if found else 0)


def read(
    competition: Competition, paths: Iterable[str], split: Split, seconds: float = SECONDS
) -> dict[str, Known | None]:
    """What the submission files at these paths tell: None for one that tells nothing.

    A path that is not there was not reached in time: the next call begins where this one ended.
    A file that the storage does not hand out tells nothing for a while (see ``is_waiting``).
    """
    wanted = list(dict.fromkeys(paths))
    spec = solutions.spec(competition, files.scoring_limit(competition))
    if not isinstance(spec, Spec) or competition.solution_id is None:
        return dict.fromkeys(wanted)  # an organiser's own program says nothing of single rows
    end, held, fresh = time.monotonic() + seconds, 0, 0
    found: dict[str, Known | None] = {}
    for path in wanted:
        key = (path, competition.solution_id, spec, split)
        if held > memory.room // 2:
            found[path] = None  # more would push out what was read first, and never come to an end
        elif key in memory:
            found[path] = memory.recall(key)
        elif not fresh or time.monotonic() < end:
            found[path] = _read(key)
            fresh += 1
        held += weight(found.get(path))
    return found


def is_waiting(competition: Competition, path: str, split: Split) -> bool:
    """Whether this file tells nothing only because the storage did not hand it out just now."""
    spec = solutions.spec(competition, files.scoring_limit(competition))
    solution = competition.solution_id
    return (
        isinstance(spec, Spec)
        and solution is not None
        and memory.is_shut((path, solution, spec, split))
    )


def _read(key: Key) -> Known | None:
    """Remembered; one file that cannot be read must not end the statistics of all others."""
    path, solution_pk, spec, _split = key
    solutions.compiled(solution_pk, spec)  # without the solution nothing can be said: it raises
    try:
        found = _known(key)
    except OSError as error:
        log.error("a file cannot be read", path=path, reason=type(error).__name__)
        memory.shut(key)
        return None
    memory.keep(key, found)
    return found


def _known(key: Key) -> Known | None:
    path, solution_pk, spec, split = key
    if not path:  # a model of another installation, whose answers did not come along
        return None
    solution = solutions.compiled(solution_pk, spec)
    try:
        judged = judge(files.read("submissions", path), solution, spec)
        found = evidence(judged, solution, split)
    except (InvalidSubmission, SolutionError, FileNotFoundError) as error:
        # The kind alone: a sentence about private rows has no place in a log.
        log.warning("a file tells nothing of its rows", path=path, reason=type(error).__name__)
        return None
    if split == "private":
        return Known(found)
    try:
        return Known(found, _gap(judged, solution, found))
    except SolutionError:  # of the private rows, which change nothing about the public ones
        return Known(found)


def _gap(judged: Judged, solution: Solution, public: Evidence) -> float | None:
    metric, rows = judged.metric, (solution.n_public, solution.n_private)
    private = value(judged, solution, "private")
    if private is None or rows[1] < 2:
        return None
    if metric.interval == "wilson":
        z = float(gap_z(public.score, private, *rows))
        return z if metric.direction == "maximize" else -z
    # A row is as uncertain on either side, so the error goes with their number. Resampling takes
    # time: only what would be flagged is held against the private rows themselves.
    error = public.error * (rows[0] / rows[1]) ** 0.5
    z = float(gap_z_of_errors(public.score, private, public.error, error, metric.direction))
    if public.method == "rows" or z > THRESHOLD:
        error = evidence(judged, solution, "private").error
        z = float(gap_z_of_errors(public.score, private, public.error, error, metric.direction))
    return z
