"""What a receiver costs: processor time of all its processes, those that have ended included, and memory."""

import os
import time
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# utime, stime, cutime, cstime: proc(5), counted from the field behind the name
_ALL = slice(11, 15)
_KERNEL = slice(12, 15, 2)
_QUIET_SECONDS = 0.4
_QUIET_CPU_SECONDS = 0.02
_MOST_WAITS = 25


def kernel_seconds(pid: int) -> float:
    """The part of cpu_seconds() that the kernel took."""
    return _seconds(pid, _KERNEL)


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and all below it since they began.

    A process's cutime and cstime hold what its children had used when it waited for them, and a child that
    nobody has waited for yet still has its own line: so children that have ended count as well.
    """
    return _seconds(pid, _ALL)


def _seconds(pid: int, what: slice) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    own = sum(map(int, fields[what])) / _TICKS_PER_SECOND
    return own + sum(_seconds(int(child), what) for child in children)


def cpu_seconds_at_rest(pid: int) -> float:
    """The same, once nothing is done any more: what a receiver does after its last answer counts too."""
    before = cpu_seconds(pid)
    for _ in range(_MOST_WAITS):
        time.sleep(_QUIET_SECONDS)
        now = cpu_seconds(pid)
        if now - before < _QUIET_CPU_SECONDS:
            return now
        before = now
    return before


def private_bytes(pid: int) -> int:
    """Memory that a process shares with no other."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))
