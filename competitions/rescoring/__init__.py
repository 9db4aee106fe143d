"""After a mended label or another metric: all scored again, looked at, and switched at once.

``begin`` -> a worker reads the new solution and tries the metric -> a worker scores every file
beside its present score -> ``preview`` -> ``apply``, one transaction -> ``undo``, the way back.
Until it is applied nothing that anybody is shown changes; nothing is ever deleted.
"""

from competitions.rescoring.beginning import OUT_OF_TIME, begin, drop, possible
from competitions.rescoring.differences import Move, Preview, preview
from competitions.rescoring.running import Progress, behind, progress, rung, step, waiting
from competitions.rescoring.settings import Settings, complaint
from competitions.rescoring.switching import apply, last_applied, undo

__all__ = [
    "OUT_OF_TIME", "Move", "Preview", "Progress", "Settings", "apply", "begin", "behind",
    "complaint", "drop", "last_applied", "possible", "preview", "progress", "rung", "step", "undo",
    "waiting",
]  # fmt: skip
