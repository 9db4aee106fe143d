"""`python -m holdout.demo URL`: fills the demo board with baselines that are really trained.

Runs once per installation, in the background and at low priority. Everything goes through the
public API, as any participant's program would.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import holdout.standalone  # noqa: F401 - sets Django up

# isort: split
import structlog
from django.conf import settings
from django.contrib.auth import get_user_model

from competitions import teams
from competitions.models import Competition, Submission, Team
from competitions.refusals import NameTaken
from holdout.accounts import tokens
from holdout.accounts.models import User
from holdout.processes import end_with_parent

CHALLENGE = "digits"
BASELINES = {"softmax": "Softmax regression", "lenet5": "LeNet-5"}
NEEDS_TORCH = {"lenet5"}
TIME_LIMIT = 600  # seconds for one command
_log = structlog.get_logger(__name__)


def main(url: str) -> int:
    """0 when every baseline that can run here stands on the board."""
    competition = Competition.objects.filter(slug=CHALLENGE).first()
    if competition is None:
        return 0
    missing = [arch for arch in BASELINES if not submitted(competition, arch)]
    torch = importlib.util.find_spec("torch") is not None
    able = [arch for arch in missing if torch or arch not in NEEDS_TORCH]
    outcomes = [put_on_board(competition, arch, url) for arch in able]
    if not all(outcomes):
        return 1
    if able == missing:
        (settings.VAR / "demo-done").touch()
    return 0


def submitted(competition: Competition, arch: str) -> bool:
    return Submission.objects.filter(
        team__competition=competition, team__is_baseline=True, user__username=arch
    ).exists()


def put_on_board(competition: Competition, arch: str, url: str) -> bool:
    user = participant(competition, arch)
    with workplace() as folder:
        user.tokens.filter(name="demo").delete()  # of a start that was killed outright
        token = tokens.create(user, "demo")
        try:
            return all(run(command, token) for command in commands(arch, url, folder))
        finally:
            user.tokens.filter(name="demo").delete()


@contextmanager
def workplace() -> Iterator[Path]:
    """An empty folder beside the data, where a killed start's remains are found and removed."""
    folder = settings.VAR / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def participant(competition: Competition, arch: str) -> User:
    """The baseline's own account and team. Without a password nobody signs in by it."""
    user: User = get_user_model().objects.filter(username=arch).first() or (
        get_user_model().objects.create_user(arch)
    )
    team = teams.join(competition, user)
    Team.objects.filter(pk=team.pk).update(is_baseline=True)
    try:
        teams.rename(team, BASELINES[arch])
    except NameTaken:
        _log.warning("a team already has the baseline's name", name=BASELINES[arch])
    return user


def commands(arch: str, url: str, folder: Path) -> list[list[str]]:
    data, run_folder, answers = folder / CHALLENGE, folder / "run", folder / "submission.csv"
    return [
        ["fetch", url, CHALLENGE, "--out", str(data)],
        ["train", "--arch", arch, "--data", str(data), "--out", str(run_folder)],
        ["predict", str(run_folder), "--images", str(data), "--out", str(answers)],
        ["submit", str(answers), "--url", url, "--competition", CHALLENGE],
    ]


def run(command: list[str], token: str) -> bool:
    """One step; what it says lands in this process's log. The token travels unseen by `ps`."""
    done = subprocess.run(  # noqa: S603 - our own command lines
        [sys.executable, "-m", "baselines", *command],
        env={**os.environ, "HOLDOUT_TOKEN": token},
        timeout=TIME_LIMIT,
        preexec_fn=end_with_parent,
        check=False,
    )
    if done.returncode:
        _log.error("a baseline's step failed", step=command[0], exit_code=done.returncode)
    return done.returncode == 0


def end(_number: int, _frame: object) -> NoReturn:
    """On SIGTERM: leaves through every `finally`, and the running step is killed on the way."""
    sys.exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    sys.exit(main(sys.argv[1]))
