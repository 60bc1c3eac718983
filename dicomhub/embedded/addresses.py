"""Where the servers of an embedded run are, and the file in its home that says so to other programs."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from dicomhub.storage.durable import replace_small


@dataclass(frozen=True, slots=True)
class Addresses:
    """Hosts are ones that this machine can reach, URLs have no slash at the end."""

    scp_host: str
    scp_port: int
    called_ae_title: str
    web_url: str
    flower_url: str
    redis_url: str

    @property
    def dicom_web_url(self) -> str:
        return f"{self.web_url}/dicom-web"


@dataclass(frozen=True, slots=True)
class RunningStack:
    """What $DICOMHUB_HOME/run/stack.json holds while a run lives. processes: name to process id.

    launcher: the process that wrote it; a file of one that was killed may lie around.
    """

    launcher: int
    addresses: Addresses
    is_ready: bool
    processes: Mapping[str, int]


def stack_file(home: Path) -> Path:
    return home / "run" / "stack.json"


def write_running_stack(home: Path, running: RunningStack) -> None:
    replace_small(stack_file(home), json.dumps(asdict(running), indent=1).encode() + b"\n", mode=0o600)


def read_running_stack(home: Path) -> RunningStack | None:
    """None where no run has left a word."""
    try:
        values = json.loads(stack_file(home).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return RunningStack(**{**values, "addresses": Addresses(**values["addresses"])})
