"""One run from its claim to its end: trained, scored on the public rows, or failed in words."""

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError

from competitions import files, solutions
from competitions.baseline_runs import rows, training
from competitions.baseline_runs.rows import BASELINES
from competitions.models import BaselineRun, State
from scoring import InvalidSubmission, Report
from scoring.custom import MetricError
from scoring.custom.evaluate import SplitReport

log = structlog.get_logger(__name__)

TIME_LIMIT = 1800  # seconds
TOO_LONG = f"Training took longer than {TIME_LIMIT // 60} minutes, the most given to one baseline."
NO_TORCH = (
    "This baseline needs torch, which is not installed here. `make install` without LIGHT=1 adds "
    "it; softmax regression does without."
)
OUR_FAULT = "Something broke on our side while training. Have it trained again."


def work(run: BaselineRun) -> None:
    """Ends a claimed run, unless it was overtaken, or the database or the storage is away."""
    try:
        _train_and_finish(run)
    except training.Overtaken:
        log.info("training was overtaken")
    except training.Failed as error:
        rows.fail(run, str(error))
    except InvalidSubmission as error:
        rows.fail(run, f"Its answers would be refused. {error}")
    except SoftTimeLimitExceeded:
        rows.fail(run, TOO_LONG)
    except (OperationalError, OSError):
        raise  # the lease runs out and the sweep tries again
    except MetricError as error:
        # The sentence alone: the metric's traceback and what it printed may hold labels.
        log.error("the organiser's metric failed", reason=error.sentence)
        rows.fail(run, "Your metric failed on its answers.")
    except Exception:
        log.exception("training failed")
        rows.fail(run, OUR_FAULT)


def _train_and_finish(run: BaselineRun) -> None:
    answers, seconds = _answers(run)
    report = _scores_of(answers, run)
    if report.public is None:
        raise training.Failed("The metric gives no number for its answers.")
    rows.finish(run, answers, report.public, seconds)


def _answers(run: BaselineRun) -> tuple[bytes, float | None]:
    """Old answers to a challenge that was opened already only need another score."""
    if run.answers and run.competition.state != State.DRAFT:
        return files.read("submissions", run.answers), None
    if not training.can_run(BASELINES[run.arch].needs_torch):
        raise training.Failed(NO_TORCH)
    trained = training.train(run, lambda: rows.renew(run))
    return trained.answers, trained.seconds


def _scores_of(answers: bytes, run: BaselineRun) -> Report | SplitReport:
    spec = solutions.spec(run.competition, files.submission_limit(run.competition))
    return solutions.evaluate(answers, solutions.compiled(run.solution_id, spec), spec)
