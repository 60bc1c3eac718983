"""Supervisors: one that the tests of a module share, and as many of their own as they need."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.scp_process import ScpProcess, running_scp

StartScp = Callable[..., ScpProcess]


@pytest.fixture(scope="module")
def scp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScpProcess]:
    """An SCP with short timers, for tests that leave it as it was."""
    settings = {
        "SCP_ARTIM_SECONDS": 2,
        "SCP_STALL_SECONDS": 1,
        "SCP_IDLE_SECONDS": 2,
        "SCP_DURABILITY": "process",
        "STORE_RESERVE_BYTES": 0,
    }
    with running_scp(tmp_path_factory.mktemp("scp"), settings) as process:
        yield process


@pytest.fixture
def start_scp(tmp_path: Path) -> Iterator[StartScp]:
    """Start an SCP of this test's own with the settings given."""
    with ExitStack() as stack:

        def start(**settings: object) -> ScpProcess:
            return stack.enter_context(running_scp(tmp_path / "home", {"STORE_RESERVE_BYTES": 0, **settings}))

        yield start
