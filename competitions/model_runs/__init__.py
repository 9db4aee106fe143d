"""Models that teams send, run here over test images that never leave the server.

    to_try -> trying -> waiting -> running -> done
                                           -> ended

The row is the truth and the queue's message only a bell: it says that something waits, and the
claim decides what is next (claiming.py). First a dry run over a few training images, at the head of
the line: what it refuses costs no attempt. Then the run over the test images, whose answers are
stored for the scoring task alone and scored like any file. Status is written by submissions.py.
"""

from competitions.model_runs.cancelling import cancel, cancel_as_judge
from competitions.model_runs.claiming import QUEUE, are_run_here, claim_next, read
from competitions.model_runs.submitting import NO_WORKER, parse_arguments, submit
from competitions.model_runs.sweeping import forgotten, give_up, rung
from competitions.model_runs.waiting import Place, place

__all__ = [
    "NO_WORKER", "QUEUE", "Place", "are_run_here", "cancel", "cancel_as_judge", "claim_next",
    "forgotten", "give_up", "parse_arguments", "place", "read", "rung", "submit",
]  # fmt: skip
