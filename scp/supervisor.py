"""The parent: forks, watches and replaces children, in the manner of gunicorn's arbiter.

It never touches an association. Signals are queued by their handlers; the loop wakes, handles them, buries
the dead, kills those that hang, and brings the pool to its size.
"""

import select
import signal
import time
from collections.abc import Callable
from dataclasses import replace

from dicomhub.configuration.receiving import ScpSettings
from dicomhub.environment import Environment, EnvironmentInvalid, read_environment
from dicomhub.log import configure, logger
from scp.backoff import Backoff
from scp.child import freeze_memory
from scp.children import Child, Children, Death, Generation, Role, label_of
from scp.draining import Draining
from scp.listener import Listeners, waiting_connections
from scp.meters import ASSOCIATIONS, DEATHS, FORKS, HANGS
from scp.outcome import Outcome
from scp.pool import REFILL_SECONDS, Census, is_saturated, plan
from scp.record import log_killed
from scp.scoreboard import AssociationState, ChildState, Scoreboard
from scp.signals import SignalQueue
from scp.tls import TlsUnusable

PROCESS = "scp"
_TICK_SECONDS = 1.0
# SCP_MAX_CHILDREN may be raised by a reload, so there is room for the most that it may be, and as much again
# for children of earlier settings, which stay until their associations end.
_CAPACITY = 2 * 4000 + 8
# A broker that does not answer may keep the dispatcher in one call for half a minute, several times.
_DISPATCHER_SILENCE_SECONDS = 300.0
# A turnstile, dispatcher or meter that lived shorter than this has failed at its start.
_SHORT_LIFE_SECONDS = 5.0
_SINGLE_ROLES = (Role.TURNSTILE, Role.DISPATCHER, Role.METER)


class Supervisor:
    def __init__(self, environment: Environment, listeners: Listeners) -> None:
        """Raises TlsUnusable."""
        self._generation = Generation.of(environment, number=1)
        self._listeners = listeners
        self._scoreboard = Scoreboard(_CAPACITY)
        self._children = Children(listeners, self._scoreboard)
        self._signals = SignalQueue()
        self._backoff = {role: Backoff() for role in Role}
        self._draining: Draining | None = None
        self._surplus_since = time.monotonic()  # of idle children
        self._refill_at = 0.0  # not before
        self._is_short = False  # of spare children
        self._handlers: dict[signal.Signals, Callable[[], None]] = {
            signal.SIGTERM: self._handle_term,
            signal.SIGINT: self._handle_term,
            signal.SIGHUP: self._handle_hup,
            signal.SIGCHLD: lambda: None,  # every turn of the loop reaps
        }

    def run(self) -> None:
        """Serve until TERM or INT, and until the last child has gone then."""
        freeze_memory()
        while self._draining is None or len(self._children):
            for received in self._signals.drain():
                self._handlers[received]()
            self._bury()
            self._kill_the_silent()
            if self._draining is None:
                self._note_successes()
                self._keep_single_roles()
                self._size_pool()
            else:
                self._draining.advance(self._children)
            self._wait()

    def _wait(self) -> None:
        if self._draining is not None and not len(self._children):
            return
        wakers = [self._signals.fileno(), self._children.to_supervisor.fileno()]
        select.select(wakers, [], [], self._tick_seconds())
        self._children.to_supervisor.drain()

    def _tick_seconds(self) -> float:
        if self._draining is not None:
            return self._draining.tick_seconds
        if self._is_short:
            return max(0.0, self._refill_at - time.monotonic())
        return _TICK_SECONDS

    def _handle_term(self) -> None:
        if self._draining is not None:
            self._draining.hurry()
            return
        logger().info("draining", children=len(self._children))
        self._listeners.close()
        self._draining = Draining(self._generation.environment.scp.drain_seconds)

    def _handle_hup(self) -> None:
        if self._draining is not None:
            return
        try:
            environment = read_environment()
            generation = Generation.of(environment, number=self._generation.number + 1)
        except EnvironmentInvalid as error:
            logger().error("reload_refused", problems=list(error.problems))
            return
        except TlsUnusable as error:
            logger().error("reload_refused", problems=[str(error)])
            return
        before = self._generation.environment.scp
        if _addresses(environment.scp) != _addresses(before):
            logger().warning("address_kept", reason="SCP_HOST, SCP_PORT and SCP_TLS_PORT need a restart")
        if generation.tls_context is None:
            # The port stays open, so it has to be served.
            generation = replace(generation, tls_context=self._generation.tls_context)
        configure(PROCESS, log_format=environment.log_format, level=environment.log_level)
        self._generation = generation
        freeze_memory()
        logger().info("reloaded", generation=self._generation.number)
        for child in self._children:
            # Those that are idle are replaced one by one, see pool.plan.
            if child.role is not Role.WORKER or child.state is ChildState.BUSY:
                child.retire()

    def _bury(self) -> None:
        for death in self._children.reap():
            child = death.child
            if child.is_leaving and death.exit_code == 0:
                logger().debug("child_left", role=child.role.value, pid=child.pid)
                continue
            self._count(death)
            logger().warning(
                "child_died",
                role=child.role.value,
                pid=child.pid,
                exit_code=death.exit_code,
                state=death.last.state.name.lower(),
            )
            if not _has_started(child, death.last.state):
                seconds = self._backoff[child.role].failed()
                logger().error("child_failed_at_start", role=child.role.value, retry_seconds=seconds)

    def _count(self, death: Death) -> None:
        tally = self._scoreboard.supervisor_tally
        tally.count(DEATHS, label_of(death.child.role))
        if death.last.association is not AssociationState.NONE:
            tally.count(ASSOCIATIONS, str(Outcome.KILLED))
            log_killed(death.last)

    def _kill_the_silent(self) -> None:
        for child in self._children:
            patience = child.generation.environment.scp.heartbeat_seconds  # it rests by what it was born with
            if child.role is Role.DISPATCHER:
                patience = max(patience, _DISPATCHER_SILENCE_SECONDS)
            if not child.is_killed and child.is_silent(longer_than_seconds=patience):
                logger().error("child_hung", role=child.role.value, pid=child.pid, seconds=patience)
                child.kill()
                self._scoreboard.supervisor_tally.count(HANGS)

    def _note_successes(self) -> None:
        for child in self._children:
            if _has_started(child, child.state):
                self._backoff[child.role].succeeded(begun_at=child.forked_at)

    def _keep_single_roles(self) -> None:
        for role in _SINGLE_ROLES:
            if not self._children.of(role):
                self._fork(role)

    def _size_pool(self) -> None:
        workers = self._children.of(Role.WORKER)
        idle = [child for child in workers if child.state is ChildState.IDLE and not child.is_leaving]
        old_idle = [child for child in idle if child.generation is not self._generation]
        census = self._census(workers, idle=len(idle), old_idle=len(old_idle))
        settings = self._generation.environment.scp
        now = plan(census, settings, is_refill_due=time.monotonic() >= self._refill_at)
        forked = sum(self._fork(Role.WORKER) for _ in range(now.fork + now.refill))
        self._is_short = now.is_short
        if now.refill:
            self._refill_at = time.monotonic() + REFILL_SECONDS
        # Where there is no process to be had, or children cannot start (a store that is gone), peers must not
        # wait for them, however many there may be by the settings.
        self._declare(is_saturated=is_saturated(census, forked=forked))
        for child in old_idle[: now.retire_old]:
            child.retire()
        if not now.retire:
            self._surplus_since = time.monotonic()
        elif time.monotonic() - self._surplus_since >= settings.surplus_seconds:
            self._surplus_since = time.monotonic()
            for child in idle[: now.retire]:
                child.retire()

    def _census(self, workers: list[Child], *, idle: int, old_idle: int) -> Census:
        starting = sum(child.state is ChildState.STARTING for child in workers)
        leaving = sum(child.state is ChildState.IDLE and child.is_leaving for child in workers)
        return Census(
            starting=starting,
            idle=idle,
            old_idle=old_idle,
            leaving=leaving,
            busy=len(workers) - starting - idle - leaving,
            waiting=sum(map(waiting_connections, self._listeners)),
        )

    def _declare(self, *, is_saturated: bool) -> None:
        if self._scoreboard.is_saturated == is_saturated:
            return
        self._scoreboard.is_saturated = is_saturated
        self._children.to_turnstile.poke()
        logger().debug(
            "saturation", is_saturated=is_saturated
        )  # who is refused for it is told by the turnstile

    def _fork(self, role: Role) -> bool:
        """Whether there is a new child: not after a failure, for a while."""
        if not self._backoff[role].is_over:
            return False
        try:
            child = self._children.fork(role, self._generation)
        except (OSError, LookupError) as error:
            seconds = self._backoff[role].failed()
            logger().error("fork_failed", role=role.value, error=str(error), retry_seconds=seconds)
            return False
        self._scoreboard.supervisor_tally.count(FORKS, label_of(role))
        logger().debug("forked", role=role.value, pid=child.pid)
        return True


def _addresses(settings: ScpSettings) -> tuple[str, int, int | None]:
    return settings.host, settings.port, settings.tls.port if settings.tls else None


def _has_started(child: Child, state: ChildState) -> bool:
    """Whether it is past its start: one that dies before has failed at it."""
    if child.role is Role.WORKER:
        return state is not ChildState.STARTING
    return time.monotonic() - child.forked_at >= _SHORT_LIFE_SECONDS
