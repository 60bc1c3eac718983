"""What a codec process may take from the machine, and that it ends with the process that started it."""

import fcntl
import os
import resource
import select
import signal
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def end_with_parent(lifeline: int) -> None:
    """Have the kernel kill this process when the other end of the pipe `lifeline` is closed.

    Nothing is ever written to that pipe. It works while a codec spins with the GIL held, which a thread that
    reads the pipe would not, and for a process that was started by a thread which has ended since, which a
    parent death signal (PR_SET_PDEATHSIG) would not.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    poll = select.poll()
    poll.register(lifeline, select.POLLHUP)
    if poll.poll(0):  # it was closed before the kernel knew whom to tell
        os.kill(os.getpid(), signal.SIGKILL)


def limit_memory(memory_bytes: int) -> None:
    """Let allocations fail past memory_bytes; should the machine run out first, it is this process that goes.

    RLIMIT_DATA counts what is private and writable, however it is allocated (Linux 4.7 and later). RLIMIT_AS
    would count a cine of 2 GB that is mapped to be read as well.
    """
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    Path("/proc/self/oom_score_adj").write_text("1000")


def leave_no_core_file() -> None:
    """Pixels do not belong there. 1 keeps programs off too that take cores through a pipe (man 5 core)."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    limit = 1 if hard == resource.RLIM_INFINITY else min(1, hard)
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def data_bytes() -> int:
    """What RLIMIT_DATA counts of this process now, and its stack."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[5]) * _PAGE_BYTES
