"""One stack for the facts that leave it as it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stack import LiveStack, live_stack, processes_of


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    with live_stack(tmp_path_factory.mktemp("shared") / "home") as stack:
        yield stack
        assert stack.stop() == 0
        assert processes_of(stack.home) == set()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"
