"""A worker process of a test's own, on the database that the test itself sees through Django."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery

from dicomhub.environment import Environment, read_environment
from dicomhub.intake.dispatcher import Dispatcher
from dicomhub.intake.door import Intake
from tasks.app import create_app
from tests.support.database import database_url
from tests.support.redis_process import RedisProcess, running_redis
from tests.support.worker_process import Worker


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
        "BATCH_MAX_SECONDS": "3600",
        "REDIS_URL": broker.url,
        "DATABASE_URL": database_url(),
    }


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
