"""The supervisor's children: forking, signalling, reaping. Decides nothing."""

import os
import signal
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from dicomhub.environment import Environment
from scp.acceptance import Acceptor
from scp.child import ChildContext, run_child
from scp.dispatching import dispatch
from scp.listener import Listeners
from scp.metering import meter
from scp.scoreboard import ChildState, ChildStatus, Scoreboard, ScoreboardSlot
from scp.signals import HANDLED
from scp.stopping import StopRequest
from scp.tls import server_context
from scp.turnstile import refuse
from scp.waking import WakePipe
from scp.worker import serve


class Role(Enum):
    WORKER = "scp-worker"
    TURNSTILE = "scp-turnstile"
    DISPATCHER = "scp-dispatcher"
    METER = "scp-meter"


def label_of(role: Role) -> str:
    """The role as the metrics have it."""
    return role.value.removeprefix("scp-")


_ROLES: dict[Role, Callable[[ChildContext], None]] = {
    Role.WORKER: serve,
    Role.TURNSTILE: refuse,
    Role.DISPATCHER: dispatch,
    Role.METER: meter,
}
# Signals that must not reach a child before it has handlers of its own.
_BLOCKED_AT_FORK = (*HANDLED, signal.SIGQUIT)


@dataclass(frozen=True, slots=True)
class Generation:
    """The settings that a child was born with; number grows with every reload."""

    number: int
    environment: Environment
    acceptor: Acceptor
    tls_context: ssl.SSLContext | None

    @classmethod
    def of(cls, environment: Environment, *, number: int) -> "Generation":
        """Raises TlsUnusable."""
        tls = environment.scp.tls
        return cls(number, environment, Acceptor(environment.scp), server_context(tls) if tls else None)


@dataclass(slots=True)
class Child:
    pid: int
    role: Role
    generation: Generation
    slot: ScoreboardSlot
    forked_at: float
    is_leaving: bool = False  # was told to go
    is_killed: bool = False

    @property
    def state(self) -> ChildState:
        return self.slot.state

    def is_silent(self, *, longer_than_seconds: float) -> bool:
        return time.monotonic() - self.slot.last_beat > longer_than_seconds

    def send(self, number: signal.Signals) -> None:
        # It is ours and not reaped yet, so the pid cannot be another process's.
        os.kill(self.pid, number)

    def retire(self) -> None:
        """Tell it to finish its association, if it has one, and to go."""
        if not self.is_leaving:
            self.is_leaving = True
            self.send(signal.SIGTERM)

    def kill(self) -> None:
        self.is_killed = True
        self.send(signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Death:
    child: Child
    exit_code: int  # negative: the number of the signal that killed it
    last: ChildStatus


class Children:
    """All living children. Fork here, before any thread exists, and nowhere else."""

    def __init__(self, listeners: Listeners, scoreboard: Scoreboard) -> None:
        self._listeners = listeners
        self._scoreboard = scoreboard
        self._by_pid: dict[int, Child] = {}
        self.to_supervisor = WakePipe()
        self.to_turnstile = WakePipe()
        self._to_dispatcher = WakePipe()

    def __iter__(self) -> Iterator[Child]:
        return iter(list(self._by_pid.values()))

    def __len__(self) -> int:
        return len(self._by_pid)

    def of(self, role: Role) -> list[Child]:
        return [child for child in self._by_pid.values() if child.role is role]

    def fork(self, role: Role, generation: Generation) -> Child:
        """Fork a child. Raises OSError when there is no process to be had, LookupError when no slot."""
        slot = self._scoreboard.take()
        supervisor_pid = os.getpid()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED_AT_FORK)
        try:
            pid = os.fork()
            if pid == 0:
                run_child(
                    role.value, lambda: self._context(slot, generation, supervisor_pid, mask), _ROLES[role]
                )
        except OSError:
            self._scoreboard.give_back(slot)
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        child = Child(pid, role, generation, slot, forked_at=time.monotonic())
        self._by_pid[pid] = child
        return child

    def _context(
        self,
        slot: ScoreboardSlot,
        generation: Generation,
        supervisor_pid: int,
        mask: set[signal.Signals | int],
    ) -> ChildContext:
        """In the child: take over the signals, then let those through that came meanwhile."""
        stop = StopRequest()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return ChildContext(
            environment=generation.environment,
            listeners=self._listeners,
            acceptor=generation.acceptor,
            tls_context=generation.tls_context,
            scoreboard=self._scoreboard,
            slot=slot,
            stop=stop,
            supervisor_pid=supervisor_pid,
            to_supervisor=self.to_supervisor,
            to_dispatcher=self._to_dispatcher,
            to_turnstile=self.to_turnstile,
        )

    def reap(self) -> list[Death]:
        """Bury those that have died since the last call."""
        deaths = []
        while self._by_pid:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            child = self._by_pid.pop(pid, None)
            if child is not None:
                exit_code = os.waitstatus_to_exitcode(status)
                deaths.append(Death(child, exit_code, child.slot.read()))
                self._scoreboard.give_back(child.slot)
        return deaths
