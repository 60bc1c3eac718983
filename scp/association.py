"""The receive lane: one association, from the accepted socket to its end, or to the general lane.

The state machine says what is to be done, scp.actions does it; this module reads, keeps the time, and sees to
the end: however it comes, what has begun is discarded, what is complete stays and is cut into a batch, and
one line is logged.
"""

import time
from contextlib import suppress
from typing import Any

from structlog.contextvars import bound_contextvars

from dicomhub.log import logger
from scp.acceptance import Acceptance
from scp.accompaniment import Accompaniment
from scp.actions import Actions
from scp.connection import Arrival, Connection, ConnectionLost
from scp.express.lane import LEAST_PEER_MAX_PDU_BYTES, ExpressLane
from scp.express.library import Outcome as ExpressOutcome
from scp.general_lane import GeneralLane
from scp.lane import Lane
from scp.messages import MessageBeginner
from scp.other_services import proposes_other_services
from scp.outcome import Outcome
from scp.record import AssociationRecord
from scp.scoreboard import ChildState
from scp.storing import Services
from scp.timers import Timeout, Timers
from scp.upper_layer.answer import encode_abort
from scp.upper_layer.events import AbortReason, DataFragments
from scp.upper_layer.parser import PduParser
from scp.upper_layer.request import AssociateRequest
from scp.upper_layer.state import HAPPENINGS, Happening, State, StateMachine


class Association:
    """Serves one association: run() returns when it is over and the connection closed."""

    def __init__(self, lane: Lane, connection: Connection, *, peer: str) -> None:
        self._lane = lane
        self._connection = connection
        self._parser = PduParser(lane.buffer, max_pdu_bytes=lane.settings.max_pdu_bytes)
        self._machine = StateMachine()
        self._timers = Timers(lane.settings)
        self._record = AssociationRecord(lane.slot, peer=peer)
        self._actions = Actions(
            lane,
            connection,
            self._timers,
            self._record,
            happen=self._happen,
            choose_services=self._choose_services,
        )
        self._express: ExpressLane | None = None
        self._has_unread_events = False
        self._is_silent = False  # nothing came when we last looked, for a tick or until self._until
        self._general: GeneralLane | None = None  # once the association is in its care
        self._until = 0.0  # the peer is waited for until then; worked out anew with each tick

    def run(self) -> None:
        with bound_contextvars(association=self._record.trace_id, peer=self._record.peer):
            try:
                self._serve()
            except ConnectionLost as lost:
                self._record.ended(Outcome.LOST, str(lost))
            except Exception:  # noqa: BLE001 - the edge: a fault in one association is not the child's
                logger().exception("association_failed")
                self._record.ended(Outcome.FAILED)
                self._say_goodbye()
            finally:
                self._finish()

    def _serve(self) -> None:
        self._happen(Happening.EVT5)
        while self._is_in_receive_lane:
            # After a silence until self._until: a timer has expired then, or the journal is due.
            if self._timers.is_tick_due() or self._is_silent:
                self._tick()
                self._until = self._next_deadline()
                if self._machine.state is State.STA1:
                    break  # a timer has ended it, whatever the peer has sent since
                if self._is_silent and not self._rest():
                    continue
            if self._express is not None and self._is_express(self._express):
                self._receive_express(self._express)
            elif self._has_unread_events:
                self._take_events()
            else:
                self._receive()
        if self._general is not None:
            self._general.run()

    @property
    def _is_in_receive_lane(self) -> bool:
        return self._machine.state is not State.STA1 and self._general is None

    def _receive(self) -> None:
        arrival = self._read(self._until)
        self._is_silent = arrival is Arrival.NOTHING
        if arrival is Arrival.CLOSED:
            self._happen(Happening.EVT17)
        else:
            self._take_events()

    def _is_express(self, express: ExpressLane) -> bool:
        """Whether the next bytes are the express lane's to look at."""
        return self._machine.state is State.STA6 and (
            express.is_inside_instance or (express.is_ready and not self._actions.is_inside_message)
        )

    def _receive_express(self, express: ExpressLane) -> None:
        self._has_unread_events = True  # which it is going to leave in the buffer
        outcome = express.run(until=self._until)
        self._is_silent = outcome is ExpressOutcome.SILENT
        match outcome:
            case ExpressOutcome.CLOSED:
                express.discard()
                self._happen(Happening.EVT17)
            case ExpressOutcome.HELD | ExpressOutcome.UNSENT:
                if outcome is ExpressOutcome.HELD:
                    self._lane.precedence.before_answer()
                self._connection.send(express.unsent())
                self._timers.heard()
            case ExpressOutcome.HANDED_OVER:
                self._actions.resume(express.begun())
            case ExpressOutcome.LATER | ExpressOutcome.SILENT | ExpressOutcome.OTHER:
                pass

    def _take_events(self) -> None:
        self._has_unread_events = True
        while (event := self._parser.next_event()) is not None:
            if type(event) is DataFragments and self._machine.state is State.STA6:
                self._actions.take_data(event)  # what table 9-10 says, without asking it: most of all events
                if self._express is not None and self._is_express(self._express):
                    return
                continue
            self._happen(HAPPENINGS[type(event)], event)
            if not self._is_in_receive_lane:
                return  # what follows the request of an association for the general lane is left for it
        self._has_unread_events = False

    def _read(self, until: float) -> Arrival:
        """Wait until then, on time.monotonic(), for bytes, and put them into the parser."""
        arrival, length = self._connection.receive_into(self._parser.space(), until=until)
        if arrival is Arrival.BYTES:
            self._timers.heard()
            self._record.received(length)
            self._parser.received(length)
        return arrival

    def _tick(self) -> None:
        """What has to be done now and then, however busy or silent the peer is."""
        stop = self._lane.stop
        if stop.is_retiring:
            # Else new connections would queue here, where nobody is going to take them.
            self._lane.stop_accepting()
        self._record.beat(ChildState.DRAINING if stop.is_retiring else ChildState.BUSY)
        self._lane.cut_if_due()
        if stop.is_aborting:
            self._give_up(Outcome.STOPPED)
        timeout = self._timers.expired(
            is_waiting_for_more=self._is_waiting_for_more, received_bytes=self._record.bytes_received
        )
        if timeout is not None:
            self._give_up(Outcome.TIMED_OUT, timeout)

    def _rest(self) -> bool:
        """Wait for a peer that is silent, or until something else is to be done. False: it still is.

        Some hundred children that wake with every tick, each with cold caches, would be in the others' way.
        """
        if self._lane.stop.is_retiring:
            return True  # the alarm rings on
        self._record.show(ChildState.BUSY)
        seconds = min(self._lane.settings.rest_seconds, max(0.0, self._until - time.monotonic()))
        began_at = time.monotonic()
        is_over = self._connection.rest(self._lane.stop, seconds=seconds)
        # No longer than that: what is beyond it is a machine that stood still.
        self._timers.rested(min(time.monotonic() - began_at, seconds))
        return is_over

    def _next_deadline(self) -> float:
        deadline = self._timers.deadline(is_waiting_for_more=self._is_waiting_for_more)
        cut_at = self._lane.intake.next_deadline()
        return deadline if cut_at is None else min(deadline, cut_at)

    @property
    def _is_waiting_for_more(self) -> bool:
        """Whether the peer owes us the rest of something that it has begun."""
        is_inside_express = self._express is not None and self._express.is_inside_instance
        return self._actions.is_inside_message or self._parser.is_inside_pdu or is_inside_express

    def _happen(self, happening: Happening, event: Any = None) -> None:
        if self._general is not None:
            self._general.provider.meet(happening, event)
            return
        self._actions.perform(self._machine.advance(happening), event)

    def _choose_services(self, acceptance: Acceptance, receive_lane: Services) -> MessageBeginner:
        """Hand the association to the general lane when it is for more than the receive lane serves."""
        request = acceptance.request
        if not proposes_other_services(request.contexts):
            self._open_express_lane(request, receive_lane)
            return receive_lane
        accompaniment = Accompaniment(
            self._actions, self._timers, self._record, read=self._read, tick=self._tick
        )
        self._general = GeneralLane(
            self._connection,
            self._parser,
            accompaniment,
            contexts=acceptance.contexts,
            calling_ae_title=request.calling_ae_title,
            peer_max_pdu_bytes=request.max_pdu_bytes,
            artim_seconds=self._lane.settings.artim_seconds,
        )
        return self._general.services(receive_lane)

    def _open_express_lane(self, request: AssociateRequest, services: Services) -> None:
        """Have what comes in series stored by the compiled half, if there is one and nothing against it."""
        engine = self._lane.engine
        is_for_python = (
            self._connection.tls_version
            or 0 < request.max_pdu_bytes < LEAST_PEER_MAX_PDU_BYTES
            or not services.is_tenant_known
        )
        if engine is not None and not is_for_python:
            self._express = ExpressLane(engine, self._connection, self._parser, self._timers, self._record)
            services.notice = self._express.notice

    def _give_up(self, outcome: Outcome, timeout: Timeout | None = None) -> None:
        """End the association from our side: with an A-ABORT where there is one to end."""
        self._record.ended(outcome, timeout.value if timeout else "")
        if self._express is not None:
            self._express.discard()
        if self._general is not None:
            self._general.provider.give_up()
        elif self._machine.state in {State.STA2, State.STA13}:
            self._happen(Happening.EVT18)
        elif self._machine.state is not State.STA1:
            self._happen(Happening.EVT15)

    def _say_goodbye(self) -> None:
        with suppress(ConnectionLost):  # then it knows
            self._connection.send(encode_abort(AbortReason.NOT_SPECIFIED))

    def _finish(self) -> None:
        try:
            if self._express is not None:
                self._express.discard()
            self._actions.settle()
        finally:
            try:
                self._connection.close()
            finally:
                self._record.log()
