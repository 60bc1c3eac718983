"""The child that serves: accepts a connection, serves its association, and accepts the next."""

import os
import select
import socket
from collections import deque
from dataclasses import dataclass

from dicomhub.intake.door import Intake
from scp.admission import AdmissionCache
from scp.association import Association
from scp.child import ChildContext
from scp.connection import TICK_SECONDS, Connection
from scp.express.engine import Engine, library
from scp.lane import Lane
from scp.listener import accept
from scp.meters import BATCHES_CUT
from scp.precedence import Precedence
from scp.scoreboard import ChildState
from scp.secure_connection import SecureConnection

# The largest stretch that one recv_into can bring. Larger ones were no faster.
_BUFFER_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Accepted:
    """A connection; its peer is host:port."""

    socket: socket.socket
    peer: str
    is_tls: bool


class Worker:
    def __init__(self, context: ChildContext) -> None:
        self._context = context
        self._listeners = context.listeners
        self._intake = Intake.open(
            context.environment,
            owner=f"scp-{os.getpid()}",
            was_cut=self._batch_was_cut,
            beat=context.slot.beat,
        )
        buffer = bytearray(_BUFFER_BYTES)
        self._lane = Lane(
            settings=context.environment.scp,
            acceptor=context.acceptor,
            intake=self._intake,
            admissions=AdmissionCache(self._intake.store, own_ae_title=context.environment.scp.ae_title),
            slot=context.slot,
            stop=context.stop,
            precedence=Precedence(context.scoreboard, context.slot),
            buffer=buffer,
            engine=self._engine(buffer),
            stop_accepting=self._listeners.close,
        )
        self._epoll = select.epoll()
        for listener in self._listeners:
            # One connection wakes one child.
            self._epoll.register(listener, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        # Whose turn it is to be asked first, so that a busy port does not keep the other waiting.
        self._in_turn = deque(self._listeners)
        self._epoll.register(context.stop, select.EPOLLIN)

    def run(self) -> None:
        """Serve until told to stop; the association that is being served is finished first."""
        self._enter(ChildState.IDLE)
        while not self._context.is_to_stop():
            accepted = self._accept()
            if accepted is not None:
                self._serve(accepted)
            else:
                self._wait()
        # Connections may have woken this child just now, and would wake no other.
        last = [self._accept_on(listener) for listener in self._listeners]
        self._listeners.close()
        for accepted in filter(None, last):
            self._serve(accepted)
        self._intake.close()

    def _wait(self) -> None:
        self._context.slot.beat()
        self._lane.cut_if_due()
        self._epoll.poll(TICK_SECONDS)

    def _accept(self) -> Accepted | None:
        """Accept, if there is something to accept: another child may have been faster.

        Tried before every wait, so that a connection whose wake-up went to a child that died is found.
        """
        self._in_turn.rotate()
        return next(filter(None, map(self._accept_on, self._in_turn)), None)

    def _accept_on(self, listener: socket.socket) -> Accepted | None:
        connection = accept(listener)
        if connection is None:
            return None
        self._context.slot.count_accepted()
        return Accepted(*connection, is_tls=listener is self._listeners.secure)

    def _serve(self, accepted: Accepted) -> None:
        self._enter(ChildState.BUSY)
        Association(self._lane, self._connection(accepted), peer=accepted.peer).run()
        self._context.slot.end_association()
        self._context.to_supervisor.poke()

    def _connection(self, accepted: Accepted) -> Connection:
        if not accepted.is_tls:
            return Connection(accepted.socket, send_seconds=self._send_seconds, beat=self._context.slot.beat)
        assert self._context.tls_context is not None, "there is a TLS listener, so there is a context"
        return SecureConnection(
            accepted.socket,
            context=self._context.tls_context,
            send_seconds=self._send_seconds,
            beat=self._context.slot.beat,
        )

    @property
    def _send_seconds(self) -> float:
        return self._context.environment.scp.stall_seconds

    def _engine(self, buffer: bytearray) -> Engine | None:
        environment = self._context.environment
        found = library() if environment.scp.has_express_lane else None
        if found is None:
            return None
        return Engine(
            found,
            intake=self._intake,
            tally=self._context.slot.tally,
            newcomer=self._context.scoreboard.newcomer,
            buffer=buffer,
            is_power_safe=environment.intake.durability == "power",
        )

    def _batch_was_cut(self) -> None:
        self._context.slot.tally.count(BATCHES_CUT)
        self._context.to_dispatcher.poke()

    def _enter(self, state: ChildState) -> None:
        """Change state, and let the supervisor see it at once: the pool may have to grow."""
        self._context.slot.set_state(state)
        self._context.to_supervisor.poke()


def serve(context: ChildContext) -> None:
    Worker(context).run()
