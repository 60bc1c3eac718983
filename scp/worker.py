"""The child that serves: accepts a connection, serves its association, and accepts the next."""

import os
import select
import socket

from dicomhub.intake.door import Intake
from scp.admission import AdmissionCache
from scp.association import Association
from scp.child import ChildContext
from scp.connection import TICK_SECONDS, Connection, address_text
from scp.lane import Lane
from scp.meters import BATCHES_CUT
from scp.scoreboard import ChildState

# The largest stretch that one recv_into can bring. Larger ones were no faster.
_BUFFER_BYTES = 512 * 1024


class Worker:
    def __init__(self, context: ChildContext) -> None:
        self._context = context
        self._listener = context.listener
        self._intake = Intake.open(
            context.environment, owner=f"scp-{os.getpid()}", was_cut=self._batch_was_cut
        )
        self._lane = Lane(
            settings=context.environment.scp,
            acceptor=context.acceptor,
            intake=self._intake,
            admissions=AdmissionCache(self._intake.store),
            slot=context.slot,
            stop=context.stop,
            buffer=bytearray(_BUFFER_BYTES),
            stop_accepting=self._listener.close,
        )
        self._epoll = select.epoll()
        # One connection wakes one child.
        self._epoll.register(self._listener, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        self._epoll.register(context.stop, select.EPOLLIN)

    def run(self) -> None:
        """Serve until told to stop; the association that is being served is finished first."""
        self._enter(ChildState.IDLE)
        while not self._context.is_to_stop():
            accepted = self._accept()
            if accepted is not None:
                self._serve(*accepted)
            else:
                self._wait()
        # A connection may have woken this child just now, and would wake no other.
        accepted = self._accept()
        self._listener.close()
        if accepted is not None:
            self._serve(*accepted)
        self._intake.close()

    def _wait(self) -> None:
        self._context.slot.beat()
        self._lane.cut_if_due()
        self._epoll.poll(TICK_SECONDS)

    def _accept(self) -> tuple[socket.socket, str] | None:
        """Accept, if there is something to accept: another child may have been faster.

        Tried before every wait, so that a connection whose wake-up went to a child that died is found.
        """
        try:
            accepted, address = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None
        except OSError:
            if self._listener.fileno() < 0:
                return None  # closed while the last association was served
            raise
        self._context.slot.count_accepted()
        return accepted, address_text(address)

    def _serve(self, accepted: socket.socket, peer: str) -> None:
        self._enter(ChildState.BUSY)
        Association(self._lane, Connection(accepted, send_seconds=self._send_seconds), peer=peer).run()
        self._context.slot.end_association()
        self._context.to_supervisor.poke()

    @property
    def _send_seconds(self) -> float:
        return self._context.environment.scp.stall_seconds

    def _batch_was_cut(self) -> None:
        self._context.slot.tally.count(BATCHES_CUT)
        self._context.to_dispatcher.poke()

    def _enter(self, state: ChildState) -> None:
        """Change state, and let the supervisor see it at once: the pool may have to grow."""
        self._context.slot.set_state(state)
        self._context.to_supervisor.poke()


def serve(context: ChildContext) -> None:
    Worker(context).run()
