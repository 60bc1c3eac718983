"""A whole embedded run for a test: `python -m dicomhub.embedded run` on free ports, its processes by name."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from dicomhub.embedded.addresses import Addresses, RunningStack
from dicomhub.embedded.running import RunningProcess
from tests.support.waiting import wait_until

READY_SECONDS = 300.0


class LiveStack:
    """A run that is ready. Process ids are read anew each time: a process that died has another."""

    def __init__(self, running: RunningProcess) -> None:
        self._running = running
        self.home = running.home

    @property
    def launcher(self) -> int:
        return self._running.process.pid

    @property
    def state(self) -> RunningStack:
        state = self._running.state()
        assert state is not None, "the run has ended"
        return state

    @property
    def addresses(self) -> Addresses:
        return self.state.addresses

    def pid(self, name: str) -> int:
        """Of redis, scp, web, index, background, beat or flower."""
        return self.state.processes[name]

    def kill_and_await_successor(self, name: str, *, signal_number: int = 9) -> int:
        """Kill a process and wait until the launcher has started the next one; its process id."""
        killed = self.pid(name)
        os.kill(killed, signal_number)
        wait_until(lambda: self.pid(name) != killed, what=f"{name} is started again")
        return self.pid(name)

    def log(self) -> str:
        return self._running.log.read_text("utf-8", "replace")

    def wait(self, seconds: float) -> int:
        """Wait for the launcher to end; its exit code."""
        return self._running.process.wait(seconds)

    def stop(self) -> int:
        return self._running.stop()


@contextlib.contextmanager
def live_stack(home: Path, **settings: str) -> Iterator[LiveStack]:
    """Start the stack in this home; settings as in LOG_FORMAT="json". The log goes to <home>.log."""
    running = RunningProcess(home, settings=settings, log=home.with_suffix(".log"))
    try:
        running.until_ready(READY_SECONDS)
        yield LiveStack(running)
    finally:
        running.stop()


def processes_of(home: Path) -> set[int]:
    """The processes, in whatever place of the tree, that were started with this DICOMHUB_HOME."""
    return {int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _is_of(entry, home)}


def _is_of(process: Path, home: Path) -> bool:
    try:
        environ = (process / "environ").read_bytes().split(b"\0")
        directory = (process / "cwd").readlink()
    except OSError:  # it has ended, or it is someone else's
        return False
    # Redis writes its title over its environment, and works in its directory.
    return f"DICOMHUB_HOME={home}".encode() in environ or directory.is_relative_to(home)
