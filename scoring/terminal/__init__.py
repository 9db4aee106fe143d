"""The commands of `python -m scoring`.

Exit code 0: good. 1: the submission is refused. 2: the call or the organiser's file is wrong.
"""

import typer

from scoring.terminal.comparing import compare
from scoring.terminal.judging import check, score
from scoring.terminal.listing import metrics
from scoring.terminal.own_metrics import check_metric
from scoring.terminal.running import run
from scoring.terminal.splitting import split

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Check, score and compare submissions, and run models, with the code of the site.",
)
for command in (check, score, compare, split, metrics, check_metric, run):
    app.command()(command)

__all__ = ["app"]
