"""The first moments of a forked child, and its end."""

import ctypes
import gc
import os
import signal
import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from structlog.contextvars import bind_contextvars

from dicomhub.environment import Environment
from dicomhub.log import logger
from scp.acceptance import Acceptor
from scp.listener import Listeners
from scp.scoreboard import Scoreboard, ScoreboardSlot
from scp.stopping import StopRequest
from scp.waking import WakePipe

EXIT_FAILED = 1
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildContext:
    """All that a child has."""

    environment: Environment
    listeners: Listeners
    acceptor: Acceptor
    tls_context: ssl.SSLContext | None
    scoreboard: Scoreboard
    slot: ScoreboardSlot
    stop: StopRequest
    supervisor_pid: int
    to_supervisor: WakePipe
    to_dispatcher: WakePipe
    to_turnstile: WakePipe

    def is_to_stop(self) -> bool:
        """Whether this child was told to stop, or has lost its supervisor (where the kernel tells nobody)."""
        return self.stop.is_retiring or os.getppid() != self.supervisor_pid


def run_child(name: str, begin: Callable[[], ChildContext], role: Callable[[ChildContext], None]) -> None:
    """Be a child until the role is played, then exit. Never returns."""
    status = EXIT_FAILED
    try:
        _die_with_parent()
        _take_name(name)
        bind_contextvars(process=name, pid=os.getpid())
        context = begin()
        context.slot.start(os.getpid())
        role(context)
        status = 0
    except Exception:  # noqa: BLE001 - the edge of a process
        logger().exception("child_failed")
    finally:
        with suppress(OSError):  # a log on a full disk: this process must not live on as a second supervisor
            sys.stderr.flush()
        os._exit(status)


def _die_with_parent() -> None:
    """Have the kernel kill this child when its supervisor is gone, however it went.

    KILL, for an orphan that hangs would hold the port against the next supervisor. What the child was
    receiving is lost to it as by any crash, and what it had answered is on disk and in the journal.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _take_name(name: str) -> None:
    """Be told apart from the others by ps and top."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode("ascii"), 0, 0, 0)


def freeze_memory() -> None:
    """Before a fork: keep the collector of the children off the pages that they share with the parent."""
    gc.collect()
    gc.freeze()
