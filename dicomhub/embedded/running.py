"""An embedded run as a process of its own, for programs that need one for a while."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from dicomhub.embedded.addresses import RunningStack, read_running_stack

POLL_SECONDS = 0.05
STOP_SECONDS = 150.0

# Settings that lead out of a temporary home, to state or to a network that is someone else's.
_OUTWARD = (
    "DATABASE_URL", "DICOMHUB_SETTINGS_FILE", "REDIS_URL", "SCP_HOST", "SCP_TLS_CERTIFICATE",
    "SCP_TLS_CLIENT_CA", "SCP_TLS_KEY", "STORE_ROOT", "WAREHOUSE_URL", "WEB_ALLOWED_HOSTS", "WEB_HOST",
    "WEB_OPEN", "WEB_PUBLIC_URL",
)  # fmt: skip
_FREE_PORTS = {"SCP_PORT": "0", "WEB_PORT": "0", "FLOWER_PORT": "0"}


class NotReady(Exception):
    """The run ended before it was ready, or was not ready in time; the message has the end of its log."""


class RunningProcess:
    """`python -m dicomhub.embedded run` on free ports in a home of its own; its log is a file."""

    def __init__(self, home: Path, *, settings: Mapping[str, str], log: Path) -> None:
        self.home = home
        self.log = log
        inherited = {name: value for name, value in os.environ.items() if name not in _OUTWARD}
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                (sys.executable, "-m", "dicomhub.embedded", "run", "--parent", str(os.getpid())),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**inherited, **_FREE_PORTS, "DICOMHUB_HOME": str(home), **settings},
                start_new_session=True,
            )

    def state(self) -> RunningStack | None:
        """None before it has written it, and after it has ended."""
        state = read_running_stack(self.home)
        return state if state is not None and state.launcher == self.process.pid else None

    def until_ready(self, seconds: float) -> RunningStack:
        """Wait for the whole stack. Raises NotReady."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            state = self.state()
            if state is not None and state.is_ready:
                return state
            time.sleep(POLL_SECONDS)
        raise NotReady("\n".join(self.log.read_text("utf-8", "replace").splitlines()[-40:]))

    def stop(self) -> int:
        """Ask it to stop and wait; its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@contextlib.contextmanager
def running_stack(
    home: Path, *, settings: Mapping[str, str], ready_seconds: float = 120
) -> Iterator[tuple[RunningProcess, RunningStack]]:
    """Run the stack for as long as the context lasts. Raises NotReady."""
    running = RunningProcess(home, settings=settings, log=home / "log")
    try:
        yield running, running.until_ready(ready_seconds)
    finally:
        running.stop()
