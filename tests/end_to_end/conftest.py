import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest

from tests.support.dicomweb import DicomWeb
from tests.support.stack import LiveStack, live_stack

NewDatabase = Callable[[], dict[str, str]]


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest) -> Iterator[NewDatabase]:
    """Makes the DATABASE_URL of one stack: none (SQLite in its home), or a new one in the PostgreSQL in use."""
    names: list[str] = []

    def new_database() -> dict[str, str]:
        if request.config.getoption("--database") == "sqlite":
            return {}
        names.append(f"stack_{os.getpid()}_{len(names)}")
        _administer(f"CREATE DATABASE {names[-1]}")
        url = urlsplit(os.environ["DATABASE_URL"])
        return {"DATABASE_URL": urlunsplit(url._replace(path=f"/{names[-1]}"))}

    yield new_database
    for name in names:
        _administer(f"DROP DATABASE {name} WITH (FORCE)")


def _administer(statement: str) -> None:
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[LiveStack]:
    """The whole house, running: one for all tests of a module."""
    home: Path = tmp_path_factory.mktemp("stack") / "home"
    with live_stack(home, **new_database(), STORE_RESERVE_BYTES="0", REPUBLISH_SECONDS="2") as running:
        yield running


@pytest.fixture
def web(stack: LiveStack) -> DicomWeb:
    return DicomWeb(stack.addresses.dicom_web_url)
