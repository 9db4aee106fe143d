"""The hidden labels, compiled once per worker process and version."""

from functools import lru_cache

from competitions import files
from competitions.models import Competition, SolutionVersion
from scoring import Solution, Spec


@lru_cache(maxsize=16)
def compiled(solution_pk: int) -> Solution:
    """The solution of that version, from private storage. Called by scoring tasks only."""
    row = SolutionVersion.objects.get(pk=solution_pk)
    return Solution.read(
        files.read("solutions", row.path), id_column=row.id_column, classes=row.classes
    )


def spec(competition: Competition) -> Spec:
    """How the competition is scored."""
    return Spec(metric=competition.metric, max_bytes=files.submission_limit(competition))
