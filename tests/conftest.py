"""Fixtures for every room."""

from pathlib import Path

import pytest

from dicomhub.environment import Environment, read_environment
from dicomhub.storage.filesystem import FilesystemStore, open_store

pytest_plugins = ["tests.support.session"]


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """Settings of a home of this test's own."""
    return read_environment({"DICOMHUB_HOME": str(tmp_path / "home"), "STORE_RESERVE_BYTES": "0"})


@pytest.fixture
def store(environment: Environment) -> FilesystemStore:
    return open_store(environment)
