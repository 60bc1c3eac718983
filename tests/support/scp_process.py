"""A real supervisor, `python -m scp`, in a home of its own, for the time of a with block."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import count
from pathlib import Path

from tests.support.incoming import being_written
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
# Only what hangs takes longer.
HANG_SECONDS = 60
_FIRST_PEER = IPv4Address("127.1.0.1")
_peers = count()
_NOT_INHERITED = ("SCP_", "REDIS_", "STORE_", "BATCH_", "LOG_", "DICOMHUB_")


@dataclass(frozen=True, slots=True)
class ScpProcess:
    """host and port to send to; pid of the supervisor; home is its DICOMHUB_HOME."""

    process: "subprocess.Popen[bytes]"
    home: Path
    store_root: Path
    port: int
    host: str = "127.0.0.1"

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def tls_port(self) -> int:
        return int((self.home / "run" / "scp.tls.port").read_text("ascii"))

    def log(self) -> str:
        return (self.home / "scp.log").read_text("utf-8", "replace")

    def end_of(self, peer: tuple[str, int]) -> str:
        """The log line of the association with the peer of this address, once it is over."""
        host, port = peer
        mark = f" peer={host}:{port} "

        def ends() -> list[str]:
            whole = [line for line in self.log().splitlines(keepends=True) if line.endswith("\n")]
            return [line for line in whole if "] association " in line and mark in line]

        [line] = wait_until(ends, what=f"the end of the association with {host}:{port} is logged")
        return line

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def children(self, role: str = "") -> list[int]:
        """Pids of the living children, of one role ("worker", "turnstile", "dispatcher") or all."""
        return [pid for pid in children_of(self.pid) if not role or role_of(self, pid) == role]

    def archived(self) -> list[Path]:
        """The archived files of all tenants."""
        tenants = [path for path in self.store_root.glob("*") if path.name not in {"versions", "renditions"}]
        return sorted(file for tenant in tenants for file in tenant.glob("*/*/*.dcm"))

    def incoming(self) -> list[Path]:
        return being_written(self.store_root)

    def connect(self, port: int | None = None) -> socket.socket:
        """Connect to the port, or to another one of its own, from a loopback address that no other peer has.

        The kernel gives out the same ephemeral port again before long, so a port names no peer in a log.
        """
        own_address = (str(_FIRST_PEER + next(_peers)), 0)
        return socket.create_connection((self.host, port or self.port), HANG_SECONDS, own_address)

    def stop(self, *, seconds: float = HANG_SECONDS) -> int:
        """TERM, and wait for the end; return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


def children_of(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except FileNotFoundError:
        return []
    return [child for child in map(int, text.split()) if is_alive(child)]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def role_of(scp: ScpProcess, pid: int) -> str:
    """A child's role by the kernel's name of its process; "" before it has taken one."""
    try:
        return Path(f"/proc/{pid}/comm").read_text("ascii").strip().removeprefix("scp-")
    except (FileNotFoundError, ProcessLookupError):
        return ""


@contextmanager
def running_scp(
    home: Path, settings: Mapping[str, object] | None = None, *, python: str = sys.executable
) -> Iterator[ScpProcess]:
    """Start a supervisor on a free port and yield it once it listens; no process is left afterwards."""
    home.mkdir(parents=True, exist_ok=True)
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)},
        "DICOMHUB_HOME": str(home),
        "SCP_PORT": "0",
        "SCP_DRAIN_SECONDS": "5",
        **{name: str(value) for name, value in (settings or {}).items()},
    }
    port_file = home / "run" / "scp.port"
    port_file.unlink(missing_ok=True)
    with (home / "scp.log").open("ab") as log:
        process = subprocess.Popen(
            [python, "-m", "scp"], cwd=ROOT, env=environ, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_until(lambda: port_file.exists() or process.poll() is not None, what="the SCP listens")
        if process.poll() is not None:
            raise AssertionError(f"the SCP ended: {(home / 'scp.log').read_text('utf-8')}")
        yield ScpProcess(
            process=process,
            home=home,
            store_root=Path(environ.get("STORE_ROOT", home / "store")),
            port=int(port_file.read_text("ascii")),
        )
    finally:
        orphans = children_of(process.pid)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(HANG_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        wait_until(lambda: not any(map(is_alive, orphans)), what="every child is gone")
