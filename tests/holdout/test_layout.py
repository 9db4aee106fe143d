"""`platform/` is a plain directory; one stray file in it would shadow the standard library."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("platform/holdout", "competitions", "scoring", "baselines", "tests", "benchmarks")
NOT_A_NOUN = {"utils", "helpers", "misc", "services", "common", "managers"}


def test_platform_is_the_standard_library():
    assert Path(platform.__file__).parent == Path(os.__file__).parent


@pytest.mark.parametrize("start", [["-c", "pass"], ["manage.py", "version"]])
def test_platform_is_the_standard_library_in_a_fresh_process(start):
    code = "import platform, runpy, sys; assert platform.python_version()"
    command = [sys.executable, "-c", code] if start[0] == "-c" else [sys.executable, *start]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def test_platform_holds_no_python_file():
    assert list((ROOT / "platform").glob("*.py")) == []


def test_every_folder_with_tests_is_a_package():
    folders = {file.parent for file in (ROOT / "tests").rglob("*.py")} | {ROOT / "tests"}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_every_module_has_a_name_that_says_what_it_is():
    files = [file for folder in OURS for file in (ROOT / folder).rglob("*.py")]
    assert [file for file in files if file.stem in NOT_A_NOUN] == []
