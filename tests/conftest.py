"""Rules for every test: no network, nothing skipped in silence, browsers last.

The fixtures of the site (people, a competition, Valkey) are in tests/classroom.py and are there
only where Django is: `pytest -p no:django tests/scoring` needs neither Django nor a database.
"""

import gc
import ipaddress
import shutil
import socket
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests import required

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LAST = ("browser", "journey")


def pytest_configure(config: pytest.Config) -> None:
    if config.pluginmanager.hasplugin("django"):
        config.pluginmanager.import_plugin("tests.classroom")


# What no package installs: a GPU, and the data sets that lie beside a checkout or do not; and
# frameworks of hundreds of megabytes for one test each.
EXCUSED = ("gpu", "published_data", "framework")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browsers last: Playwright leaves an event loop running that others would stumble over."""
    for item in items:
        if (once := item.get_closest_marker("once")) and not once.args:
            raise pytest.UsageError(f"{item.nodeid}: once needs to say which tests have its SQL")
    items.sort(key=lambda item: any(item.get_closest_marker(name) for name in LAST))


def pytest_collection_finish() -> None:
    """What all tests share stays to the end: to look through it again and again costs a tenth."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("browser") and browser_program() is None:
        pytest.skip("no Chromium on the PATH: install the package chromium")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    excused = hasattr(report, "wasxfail") or any(map(item.get_closest_marker, EXCUSED))
    if report.skipped and required.everything() and not excused:
        _to_failure(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report = yield
    if report.skipped and required.everything():
        _to_failure(report)
    return report


def _to_failure(report: Any) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"{reason}\nHOLDOUT_REQUIRE_ALL is set, so nothing may be skipped."


def browser_program() -> str | None:
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """The machine's own Chromium, for Playwright's fixtures. Root may not use its sandbox."""
    return {"executable_path": browser_program(), "args": ["--no-sandbox"]}


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Loopback and unix sockets only: a test that needs the internet fails, everywhere."""
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    yield
    patch.undo()


def _guarded(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_here(str(address[0])):
            raise OSError(f"tests have no network; somebody wanted {address}")
        return connect(self, address)

    return guarded


def _is_here(host: str) -> bool:
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
