"""An association whose events a test brings about one by one, so that it stays in any state of PS3.8 table 9-10."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from os import close
from pathlib import Path

from dicomhub.environment import read_environment
from dicomhub.intake.door import Intake
from scp.acceptance import Acceptor
from scp.actions import Actions
from scp.admission import AdmissionCache
from scp.connection import Connection
from scp.lane import Lane
from scp.precedence import Precedence
from scp.record import AssociationRecord
from scp.scoreboard import Scoreboard
from scp.stopping import StopRequest
from scp.timers import Timers
from scp.upper_layer.events import AssociateRequested, Event, ReleaseRequested
from scp.upper_layer.state import Happening, State, StateMachine
from tests.scp.pdus import associate_rq
from tests.scp.run_here import connected
from tests.support.scp_process import HANG_SECONDS

# Far enough from one another that a deadline says whose it is.
_ARTIM_SECONDS, _OTHER_SECONDS = 1_000, 100_000
# From the connection to the last of the states, through all others.
_WAY: tuple[tuple[State, Happening, Event | None], ...] = (
    (State.STA1, Happening.EVT5, None),
    (State.STA2, Happening.EVT6, AssociateRequested(associate_rq())),
    (State.STA3, Happening.EVT7, None),
    (State.STA6, Happening.EVT12, ReleaseRequested()),
    (State.STA8, Happening.EVT14, None),
)


class DrivenAssociation:
    """follows is what actions have said that happens next; a test makes it happen."""

    def __init__(self, lane: Lane, accepted: socket.socket, peer: socket.socket) -> None:
        self.machine = StateMachine()
        self.follows: list[tuple[Happening, object]] = []
        self._connection = Connection(accepted, send_seconds=HANG_SECONDS)
        self._peer = peer
        self._timers = Timers(lane.settings)
        self._actions = Actions(
            lane,
            self._connection,
            self._timers,
            AssociationRecord(lane.slot, peer="127.0.0.1:104"),
            happen=lambda happening, event: self.follows.append((happening, event)),
            choose_services=lambda _acceptance, services: services,
        )

    def reach(self, state: State) -> None:
        """Go there by the way of an association that ends with a release, and no further."""
        for passed, happening, event in _WAY:
            if self.machine.state is state:
                return
            assert self.machine.state is passed
            self.meet(happening, self.follows.pop()[1] if self.follows else event)
        assert self.machine.state is state

    def meet(self, happening: Happening, event: object = None) -> None:
        self._actions.perform(self.machine.advance(happening), event)

    @property
    def artim_at(self) -> float | None:
        """When ARTIM expires, on time.monotonic(); None when it does not run."""
        deadline = self._timers.deadline(is_waiting_for_more=False)
        return deadline if deadline <= time.monotonic() + _ARTIM_SECONDS else None

    def sent(self) -> bytes:
        """All that was sent; the connection is closed to know that it is all."""
        self._connection.close()
        return b"".join(iter(lambda: self._peer.recv(65536), b""))


@contextmanager
def driven_association(lane: Lane) -> Iterator[DrivenAssociation]:
    with connected() as (accepted, peer):
        yield DrivenAssociation(lane, accepted, peer)


@contextmanager
def opened_lane(home: Path) -> Iterator[Lane]:
    settings = {
        "DICOMHUB_HOME": home,
        "STORE_RESERVE_BYTES": 0,
        "SCP_ARTIM_SECONDS": _ARTIM_SECONDS,
        "SCP_STALL_SECONDS": _OTHER_SECONDS,
        "SCP_IDLE_SECONDS": _OTHER_SECONDS,
    }
    environment = read_environment({name: str(value) for name, value in settings.items()})
    intake = Intake.open(environment, owner="test")
    scoreboard = Scoreboard(1)
    slot = scoreboard.take()
    with _stop_request() as stop:
        yield Lane(
            settings=environment.scp,
            acceptor=Acceptor(environment.scp),
            intake=intake,
            admissions=AdmissionCache(intake.store, own_ae_title=environment.scp.ae_title),
            slot=slot,
            stop=stop,
            precedence=Precedence(scoreboard, slot),
            buffer=bytearray(),
            stop_accepting=lambda: None,
        )
    intake.close()


@contextmanager
def _stop_request() -> Iterator[StopRequest]:
    """A child's, whose signals are the test's own again afterwards."""
    numbers = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
    before = {number: signal.getsignal(number) for number in numbers}
    stop = StopRequest()
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        close(signal.set_wakeup_fd(-1))
        close(stop.fileno())
