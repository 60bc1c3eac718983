"""Fixtures for every room."""

from pathlib import Path

import pytest
from django.db import connection

from dicomhub.environment import Environment, read_environment
from dicomhub.storage.filesystem import FilesystemStore, open_store

pytest_plugins = ["tests.support.session", "tests.support.node"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite's test database is a file, so that other processes can open it."""
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
    else:
        request.getfixturevalue("django_db_modify_db_settings_parallel_suffix")


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """Settings of a home of this test's own, where no batch is cut because the machine was slow."""
    home = str(tmp_path / "home")
    return read_environment({"DICOMHUB_HOME": home, "STORE_RESERVE_BYTES": "0", "BATCH_MAX_SECONDS": "3600"})


@pytest.fixture
def store(environment: Environment) -> FilesystemStore:
    return open_store(environment)
