"""What the SCP is doing, for other processes: a file that one of its children keeps up to date.

It is written anew when something has changed, once a second at the most, and touched otherwise: how old it is
says whether the SCP lives.
"""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from dicomhub.storage.durable import replace_small

# It is written or touched every second; its writer may be held up, and is replaced when it dies.
STALE_SECONDS = 10.0

ChildState = Literal["starting", "idle", "busy", "draining"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildStatus:
    """A child that serves; what comes after pid says nothing while it has no association.

    AE titles are empty until they are known. draining: busy, and to exit afterwards.
    """

    state: ChildState
    pid: int
    peer: str = ""
    called_ae_title: str = ""
    calling_ae_title: str = ""
    instances: int = 0
    bytes_received: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverStatus:
    """pid is the supervisor's. tls_port is None where the SCP does not listen for TLS. Times are in UTC."""

    pid: int
    ae_title: str
    host: str
    port: int
    tls_port: int | None
    max_children: int
    children: tuple[ChildStatus, ...]

    @property
    def associations(self) -> list[ChildStatus]:
        """The children that serve one now, the longest first."""
        serving = [(child.since, child.pid, child) for child in self.children if child.since is not None]
        return [child for *_, child in sorted(serving)]


class ReceiverSilent(Exception):
    """No SCP runs, or it does not say what it is doing; says which in one line."""


class ReceiverStatusFile:
    """$DICOMHUB_HOME/run/scp.status.json."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._path = home / "run" / "scp.status.json"
        self._written = b""

    def write(self, status: ReceiverStatus) -> None:
        """Write it when it differs from what was written last. Raises OSError."""
        content = msgspec.json.encode(status)
        if content == self._written:
            with suppress(FileNotFoundError):
                os.utime(self._path)
                return
        # Not synced: after a power failure there is no SCP to be told of.
        replace_small(self._path, content)
        self._written = content

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    def read(self) -> ReceiverStatus:
        """Raises ReceiverSilent."""
        try:
            age_seconds = time.time() - self._path.stat().st_mtime
            status = msgspec.json.decode(self._path.read_bytes(), type=ReceiverStatus)
        except FileNotFoundError:
            raise ReceiverSilent(f"No SCP runs in {self._home}.") from None
        except (OSError, msgspec.DecodeError) as error:
            raise ReceiverSilent(f"{self._path} cannot be read: {error}.") from error
        if age_seconds > STALE_SECONDS:
            raise ReceiverSilent(
                f"The SCP in {self._home}, process {status.pid}, has said nothing for {age_seconds:.0f} s."
            )
        return status
