"""The commands.

    python -m baselines fetch http://localhost:8000 digits --token TOKEN
    python -m baselines train --arch lenet5 --data data/digits --out runs/lenet5
    python -m baselines predict runs/lenet5 --images data/digits --out submission.csv
    python -m baselines submit submission.csv --url http://localhost:8000 --competition digits

Exit codes: 0 done; 1 the file or the run is wrong; 2 the call is wrong; 130 Ctrl-C, to be resumed.
"""

import typer

from baselines.commands import handing_in, learning, looking

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Train, predict, submit.")
app.command("fetch")(handing_in.fetch_command)
app.command("train")(learning.train_command)
app.command("transfer")(learning.transfer_command)
app.command("resume")(learning.resume_command)
app.command("predict")(handing_in.predict_command)
app.command("submit")(handing_in.submit_command)
app.command("export")(handing_in.export_command)
app.command("shapes")(looking.shapes_command)
app.command("bench")(learning.bench_command)
app.command("compare")(looking.compare_command)
app.command("sweep")(looking.sweep_command)
app.command("find-rate")(looking.find_rate_command)
app.command("explain")(looking.explain_command)
app.command("filters")(looking.filters_command)

if __name__ == "__main__":
    app(prog_name="python -m baselines")
