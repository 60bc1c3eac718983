"""A worker process of a test's own, on the database that the test itself sees through Django."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from django.db import connection

from dicomhub.environment import Environment, read_environment
from dicomhub.intake.dispatcher import Dispatcher
from dicomhub.intake.door import Intake
from tasks.app import create_app
from tasks.route import Queue
from tests.support.redis_process import RedisProcess, running_redis
from tests.support.waiting import wait_until


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RedisProcess]:
    with running_redis(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def variables(tmp_path: Path, broker: RedisProcess, transactional_db: None) -> dict[str, str]:
    """The environment variables of the processes under test."""
    return {
        "DICOMHUB_HOME": str(tmp_path / "home"),
        "STORE_RESERVE_BYTES": "0",
        "REDIS_URL": broker.url,
        "DATABASE_URL": _database_url(),
    }


def _database_url() -> str:
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    user = f"{settings['USER']}:{settings['PASSWORD']}"
    return f"postgresql://{user}@/{settings['NAME']}?host={settings['HOST']}&port={settings['PORT']}"


@pytest.fixture
def environment(variables: dict[str, str]) -> Environment:
    return read_environment(variables)


@pytest.fixture
def intake(environment: Environment) -> Intake:
    return Intake.open(environment, owner="test")


@pytest.fixture
def dispatcher(environment: Environment) -> Dispatcher:
    return Dispatcher.open(environment)


@pytest.fixture
def app(broker: RedisProcess) -> Iterator[Celery]:
    app = create_app(broker.url)
    yield app
    app.close()


class Worker:
    """`celery -A tasks.worker worker` on all queues."""

    def __init__(self, variables: dict[str, str], app: Celery, log: Path) -> None:
        self._variables = variables
        self._app = app
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = (sys.executable, "-m", "celery", "--app", "tasks.worker", "worker")
        queues = ("--queues", ",".join(Queue), "--concurrency", "1", "--hostname", "test@%h")
        quiet = ("--without-mingle", "--without-gossip")  # there is no other worker to talk to
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                (*command, *queues, *quiet),
                env=os.environ | self._variables,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(lambda: self._app.control.ping(timeout=0.5), what="the worker answers", seconds=60)

    def kill(self) -> None:
        """Kill the worker and its child at once."""
        assert self._process is not None
        os.killpg(self._process.pid, 9)
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def log(self) -> str:
        return self._log.read_text("utf-8")


@pytest.fixture
def idle_worker(variables: dict[str, str], app: Celery, tmp_path: Path) -> Iterator[Worker]:
    """A worker that the test starts itself."""
    worker = Worker(variables, app, tmp_path / "worker.log")
    yield worker
    worker.stop()


@pytest.fixture
def worker(idle_worker: Worker) -> Worker:
    idle_worker.start()
    return idle_worker
