"""The receive lane: one association, from the accepted socket to its end, or to the general lane.

The state machine says what is to be done, this module does it. However an association ends, what has begun
is discarded, what is complete stays and is cut into a batch, and one line is logged.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from structlog.contextvars import bound_contextvars

from dicomhub.log import logger
from scp.connection import Arrival, Connection, ConnectionLost
from scp.dimse import Response, encode_response
from scp.general_lane import GeneralLane
from scp.lane import Admitted, Lane
from scp.messages import MessageReceiver, ProtocolViolation
from scp.other_services import proposes_other_services
from scp.outcome import Outcome
from scp.record import AssociationRecord
from scp.scoreboard import ChildState
from scp.timers import Timeout, Timers
from scp.upper_layer.answer import (
    Rejection,
    encode_abort,
    encode_command,
    encode_rejection,
    encode_release_answer,
)
from scp.upper_layer.events import (
    Aborted,
    AbortReason,
    AssociateRequested,
    DataFragments,
    Event,
    PduInvalid,
    ReleaseRequested,
)
from scp.upper_layer.parser import PduParser
from scp.upper_layer.request import RequestMalformed
from scp.upper_layer.state import HAPPENINGS, Action, Happening, State, StateMachine


class Association:
    """Serves one association: run() returns when it is over and the connection closed."""

    def __init__(self, lane: Lane, connection: Connection, *, peer: str) -> None:
        self._lane = lane
        self._connection = connection
        self._parser = PduParser(lane.buffer, max_pdu_bytes=lane.settings.max_pdu_bytes)
        self._machine = StateMachine()
        self._timers = Timers(lane.settings)
        self._record = AssociationRecord(lane.slot, peer=peer)
        self._messages: MessageReceiver | None = None
        self._general: GeneralLane | None = None  # once the association is in its care
        self._peer_max_pdu_bytes = 0
        self._until = 0.0  # what is to be waited for until then; as of the last tick
        self._context_id = 0  # of the last data that came, which is where its answer goes
        self._actions: dict[Action, Callable[[Any], None]] = {
            Action.AE_5: lambda _: self._timers.start_artim(),
            Action.AE_6: self._judge,
            Action.AE_7: self._accept,
            Action.AE_8: self._reject,
            Action.DT_1: self._send_response,
            Action.DT_2: self._take_data,
            Action.AR_2: self._release,
            Action.AR_4: lambda _: self._send_last(encode_release_answer()),
            Action.AR_5: lambda _: None,
            Action.AA_1: self._abort_as_user,
            Action.AA_2: self._close_before_or_after,
            Action.AA_3: lambda _: self._record.ended(Outcome.ABORTED_BY_PEER),
            Action.AA_4: lambda _: self._record.ended(Outcome.LOST),
            Action.AA_5: lambda _: self._record.ended(Outcome.NOT_REQUESTED),
            Action.AA_6: lambda _: None,
            Action.AA_7: self._abort_as_provider,
            Action.AA_8: self._abort_as_provider,
        }

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
            if self._timers.is_tick_due():
                self._tick()
                self._until = self._next_deadline()
            self._receive()
        if self._general is not None:
            self._general.run()

    @property
    def _is_in_receive_lane(self) -> bool:
        return self._machine.state is not State.STA1 and self._general is None

    def _receive(self) -> None:
        if self.read(until=self._until) is Arrival.CLOSED:
            self._happen(Happening.EVT17)
            return
        while (event := self._parser.next_event()) is not None:
            if type(event) is DataFragments and self._machine.state is State.STA6:
                self._take_data(event)  # DT-2, which leaves the state as it is: most of all that happens
                continue
            self._happen(HAPPENINGS[type(event)], event)
            if not self._is_in_receive_lane:
                return  # what follows the request of an association for the general lane is left for it

    def read(self, *, until: float) -> Arrival:
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
        timeout = self._timers.expired(is_waiting_for_more=self._is_waiting_for_more)
        if timeout is not None:
            self._give_up(Outcome.TIMED_OUT, timeout)

    def _next_deadline(self) -> float:
        deadline = self._timers.deadline(is_waiting_for_more=self._is_waiting_for_more)
        cut_at = self._lane.intake.next_deadline()
        return deadline if cut_at is None else min(deadline, cut_at)

    @property
    def _is_waiting_for_more(self) -> bool:
        """Whether the peer owes us the rest of something that it has begun."""
        is_inside_message = self._messages is not None and self._messages.is_inside_message
        return is_inside_message or self._parser.is_inside_pdu

    def _happen(self, happening: Happening, event: Any = None) -> None:
        if self._general is not None:
            self._general.provider.meet(happening, event)
            return
        self._actions[self._machine.advance(happening)](event)

    def _give_up(self, outcome: Outcome, timeout: Timeout | None = None) -> None:
        """End the association from our side: with an A-ABORT where there is one to end."""
        self._record.ended(outcome, timeout.value if timeout else "")
        if self._general is not None:
            self._general.provider.give_up()
        elif self._machine.state in {State.STA2, State.STA13}:
            self._happen(Happening.EVT18)
        elif self._machine.state is not State.STA1:
            self._happen(Happening.EVT15)

    # The actions of PS3.8 tables 9-6 to 9-9.

    def _judge(self, event: AssociateRequested) -> None:
        self._timers.stop_artim()
        self._record.secured(self._connection.tls_version)
        try:
            answer = self._lane.admit(event.pdu, self._record)
        except RequestMalformed as error:
            self._happen(Happening.EVT19, PduInvalid(AbortReason.INVALID_PARAMETER, str(error)))
            return
        self._happen(Happening.EVT8 if isinstance(answer, Rejection) else Happening.EVT7, answer)

    def _accept(self, admitted: Admitted) -> None:
        acceptance, services = admitted.acceptance, admitted.services
        self._peer_max_pdu_bytes = acceptance.request.max_pdu_bytes
        self._connection.send(acceptance.pdu)
        if proposes_other_services(acceptance.request.contexts):
            self._general = GeneralLane(
                self._connection,
                self._parser,
                self,
                contexts=acceptance.contexts,
                calling_ae_title=acceptance.request.calling_ae_title,
                peer_max_pdu_bytes=self._peer_max_pdu_bytes,
                artim_seconds=self._lane.settings.artim_seconds,
            )
            services = self._general.services(services)
        self._messages = MessageReceiver(acceptance.contexts, services)

    def _reject(self, rejection: Rejection) -> None:
        self._record.rejected(rejection)
        self._send_last(encode_rejection(rejection))

    def _take_data(self, run: DataFragments) -> None:
        assert self._messages is not None, "Sta6 is reached through an acceptance only"
        self._context_id = run.context_id
        try:
            response = self._messages.take(run)
        except ProtocolViolation as violation:
            self._happen(Happening.EVT19, PduInvalid(violation.reason, violation.problem))
            return
        if response is None:
            return
        if self._general is not None:
            self.answered(response)
            self._general.answer(self._context_id, response)
        elif self._machine.state is State.STA6:
            self._send_response(response)  # DT-1, which leaves the state as it is too
        else:
            self._happen(Happening.EVT9, response)

    def _send_response(self, response: Response) -> None:
        command_set = encode_response(response)
        pdus = encode_command(self._context_id, command_set, peer_max_pdu_bytes=self._peer_max_pdu_bytes)
        self._record.answered(response)
        self._connection.send(pdus)
        self._timers.heard()  # the time that archiving took was ours, not the peer's

    def _release(self, _event: ReleaseRequested) -> None:
        self._end_by_release()
        self._happen(Happening.EVT14)

    def _end_by_release(self) -> None:
        is_early = self._messages is not None and self._messages.is_inside_message
        self._record.ended(Outcome.RELEASED, "in the middle of a message" if is_early else "")
        self._settle()

    def _abort_as_user(self, event: Event | None) -> None:
        self._end_by_fault(event)
        self._send_last(encode_abort(AbortReason.SERVICE_USER))

    def _end_by_fault(self, event: Event | None) -> None:
        self._record.ended(Outcome.PROTOCOL_ERROR, _problem(event))
        self._settle()

    def _abort_as_provider(self, event: Event) -> None:
        self._end_by_fault(event)
        reason = event.reason if isinstance(event, PduInvalid) else AbortReason.UNEXPECTED_PDU
        self._send_last(encode_abort(reason))

    def _close_before_or_after(self, event: Event | None) -> None:
        is_abort = isinstance(event, Aborted)
        self._record.ended(Outcome.ABORTED_BY_PEER if is_abort else Outcome.TIMED_OUT)

    def _send_last(self, pdu: bytes) -> None:
        self._connection.send(pdu)
        self._timers.start_artim()

    def _settle(self) -> None:
        """Discard what has begun, and send what is complete on its way."""
        if self._messages is not None:
            self._messages.discard()
        self._lane.cut()

    # What the general lane tells of an association in its care.

    def take(self, run: DataFragments) -> None:
        self._take_data(run)

    def tick(self) -> None:
        self._tick()

    def answered(self, response: Response) -> None:
        self._record.answered(response)
        self._timers.heard()

    def met(self, happening: Happening, event: Event | None) -> None:
        match happening:
            case Happening.EVT12:
                self._end_by_release()
            case Happening.EVT16:
                self._record.ended(Outcome.ABORTED_BY_PEER)
            case Happening.EVT17:
                self._record.ended(Outcome.LOST)
            case _:
                self._end_by_fault(event)

    def failed(self) -> None:
        logger().exception("association_failed")
        self._record.ended(Outcome.FAILED)

    def wait_for_close(self) -> None:
        self._timers.start_artim()

    def _say_goodbye(self) -> None:
        with suppress(ConnectionLost):  # then it knows
            self._connection.send(encode_abort(AbortReason.NOT_SPECIFIED))

    def _finish(self) -> None:
        self._settle()
        self._connection.close()
        self._record.log()


def _problem(event: Event | None) -> str:
    match event:
        case PduInvalid(problem=problem):
            return problem
        case _:
            return f"{type(event).__name__} has no place in this state"
