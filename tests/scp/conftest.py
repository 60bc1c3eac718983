"""Supervisors: those that the tests of a module share, and as many of their own as they need."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.scp_process import ScpProcess, running_scp

StartScp = Callable[..., ScpProcess]
# A batch is cut when its association ends, and not because the machine was slow.
_OWN: dict[str, object] = {"STORE_RESERVE_BYTES": 0, "BATCH_MAX_SECONDS": 3600}
_SHARED = {**_OWN, "SCP_DURABILITY": "process"}


@pytest.fixture(scope="module")
def scp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScpProcess]:
    """An SCP whose timers no test lives to see, for tests that leave it as it was."""
    with running_scp(tmp_path_factory.mktemp("scp"), _SHARED) as process:
        yield process


@pytest.fixture(scope="module")
def impatient_scp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScpProcess]:
    """An SCP with short timers, for tests that wait for one of them: who does not, is not always in time."""
    timers = {"SCP_ARTIM_SECONDS": 2, "SCP_STALL_SECONDS": 1, "SCP_IDLE_SECONDS": 2}
    with running_scp(tmp_path_factory.mktemp("impatient"), _SHARED | timers) as process:
        yield process


@pytest.fixture
def start_scp(tmp_path: Path) -> Iterator[StartScp]:
    """Start an SCP of this test's own with the settings given."""
    with ExitStack() as stack:

        def start(**settings: object) -> ScpProcess:
            return stack.enter_context(running_scp(tmp_path / "home", {**_OWN, **settings}))

        yield start
