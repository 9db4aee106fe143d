"""Where the tests live: a var folder of their own, chosen before any setting is read.

Loaded by pytest as a plugin (`-p tests.surroundings` in pyproject.toml): pytest-django reads the
settings before any conftest.py, so a conftest would come too late. Knows no Django.
"""

import atexit
import os
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests import required

# The developer's own settings must not decide what is tested. The database is the exception: the
# same suite runs on SQLite and, with tests.with_postgres, on PostgreSQL.
FOREIGN = ("REDIS_URL", "DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS")

for name in list(os.environ):
    if name in FOREIGN or (name.startswith("HOLDOUT_") and name != required.SETTING):
        del os.environ[name]

# Where a machine forbids bytecode files, every one of a hundred processes would compile the site.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Two halves of the tests share two cores: more threads of BLAS would wait for each other, busily.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# A short path: the socket of Valkey lies in it, and a socket's path may have 103 bytes.
VAR = Path(tempfile.mkdtemp(prefix="holdout-tests-"))
os.environ["HOLDOUT_VAR"] = str(VAR)
atexit.register(shutil.rmtree, VAR, ignore_errors=True)


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Without pytest-django its one line in pyproject.toml would be an unknown setting."""
    if pluginmanager.is_blocked("django") or find_spec("pytest_django") is None:
        parser.addini("DJANGO_SETTINGS_MODULE", "read by pytest-django, which is not there")
