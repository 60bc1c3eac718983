"""The actions of PS3.8 tables 9-6 to 9-9: what the state machine asks for, done to one association."""

from collections.abc import Callable
from typing import Any

from scp.acceptance import Acceptance
from scp.connection import Connection
from scp.dimse import Response, encode_response
from scp.express.begun import BegunInstance
from scp.lane import Admitted, Lane
from scp.messages import MessageBeginner, MessageReceiver, ProtocolViolation
from scp.outcome import Outcome
from scp.record import AssociationRecord
from scp.storing import Services
from scp.timers import Timers
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
from scp.upper_layer.request import RequestMalformed
from scp.upper_layer.state import Action, Happening


class Actions:
    """What is done to an association.

    happen tells its state machine what comes of an action; choose_services says who serves an acceptance.
    """

    def __init__(
        self,
        lane: Lane,
        connection: Connection,
        timers: Timers,
        record: AssociationRecord,
        *,
        happen: Callable[[Happening, Any], None],
        choose_services: Callable[[Acceptance, Services], MessageBeginner],
    ) -> None:
        self._lane = lane
        self._connection = connection
        self._timers = timers
        self._record = record
        self._happen = happen
        self._choose_services = choose_services
        self._admitted: Admitted | None = None
        self._messages: MessageReceiver | None = None
        self._peer_max_pdu_bytes = 0
        self._by_action: dict[Action, Callable[[Any], None]] = {
            Action.AE_5: lambda _: timers.start_artim(),
            Action.AE_6: self._judge,
            Action.AE_7: self._accept,
            Action.AE_8: self._reject,
            Action.DT_2: self.take_data,
            Action.AR_2: self._release,
            Action.AR_4: lambda _: self._send_last(encode_release_answer()),
            Action.AR_5: lambda _: None,
            Action.AA_1: self._abort_as_user,
            Action.AA_2: self._close_before_or_after,
            Action.AA_3: lambda _: record.ended(Outcome.ABORTED_BY_PEER),
            Action.AA_4: lambda _: record.ended(Outcome.LOST),
            Action.AA_5: lambda _: record.ended(Outcome.NOT_REQUESTED),
            Action.AA_6: lambda _: None,
            Action.AA_7: lambda event: connection.send(_provider_abort(event)),
            Action.AA_8: self._abort_as_provider,
        }

    def perform(self, action: Action, event: Any) -> None:
        self._by_action[action](event)

    @property
    def is_inside_message(self) -> bool:
        return self._messages is not None and self._messages.is_inside_message

    def take_data(self, run: DataFragments) -> None:
        """DT-2, and DT-1 when that completes a message. Both leave the state as it is."""
        response = self.receive(run)
        if response is not None:
            self._respond(run.context_id, response)

    def resume(self, begun: BegunInstance) -> None:
        """Go on with an instance that the express lane has begun."""
        assert self._messages is not None, "Sta6 is reached through an acceptance only"
        assert self._admitted is not None, "likewise"
        context = self._admitted.acceptance.contexts[begun.context_id]
        self._messages.resume(begun.context_id, self._admitted.services.resume(begun, context))
        if begun.is_whole:
            self.take_data(DataFragments(begun.context_id, is_command=False, is_last=True, fragments=()))

    def receive(self, run: DataFragments) -> Response | None:
        """Take fragments; return the answer that they have, in either lane."""
        assert self._messages is not None, "Sta6 is reached through an acceptance only"
        try:
            response = self._messages.take(run)
        except ProtocolViolation as violation:
            self._happen(Happening.EVT19, PduInvalid(violation.reason, violation.problem))
            return None
        if response is not None:
            self._lane.precedence.before_answer()
        self._timers.heard()  # the time that writing, archiving and waiting took was ours, not the peer's
        return response

    def end_by_release(self) -> None:
        self._record.ended(Outcome.RELEASED, "in the middle of a message" if self.is_inside_message else "")
        self.settle()

    def end_by_fault(self, event: Event | None) -> None:
        self._record.ended(Outcome.PROTOCOL_ERROR, _problem(event))
        self.settle()

    def settle(self) -> None:
        """Discard what has begun, and send what is complete on its way."""
        if self._messages is not None:
            self._messages.discard()
        self._lane.precedence.withdraw()
        self._lane.cut()

    def _judge(self, event: AssociateRequested) -> None:
        self._lane.precedence.come()
        self._timers.stop_artim()
        self._record.secured(self._connection.tls_version)
        try:
            answer = self._lane.admit(event.pdu, self._record)
        except RequestMalformed as error:
            self._happen(Happening.EVT19, PduInvalid(AbortReason.INVALID_PARAMETER, str(error)))
            return
        self._happen(Happening.EVT8 if isinstance(answer, Rejection) else Happening.EVT7, answer)

    def _accept(self, admitted: Admitted) -> None:
        self._admitted = admitted
        acceptance = admitted.acceptance
        self._peer_max_pdu_bytes = acceptance.request.max_pdu_bytes
        self._connection.send(acceptance.pdu)
        services = self._choose_services(acceptance, admitted.services)
        self._messages = MessageReceiver(acceptance.contexts, services)

    def _reject(self, rejection: Rejection) -> None:
        self._record.rejected(rejection)
        self._lane.precedence.withdraw()
        self._send_last(encode_rejection(rejection))

    def _respond(self, context_id: int, response: Response) -> None:
        command_set = encode_response(response)
        pdus = encode_command(context_id, command_set, peer_max_pdu_bytes=self._peer_max_pdu_bytes)
        self._record.answered(response)
        self._connection.send(pdus)
        self._timers.answered()

    def _release(self, _event: ReleaseRequested) -> None:
        self.end_by_release()
        self._happen(Happening.EVT14, None)

    def _abort_as_user(self, event: Event | None) -> None:
        self.end_by_fault(event)
        self._send_last(encode_abort(AbortReason.SERVICE_USER))

    def _abort_as_provider(self, event: Event) -> None:
        self.end_by_fault(event)
        self._send_last(_provider_abort(event))

    def _close_before_or_after(self, event: Event | None) -> None:
        is_abort = isinstance(event, Aborted)
        self._record.ended(Outcome.ABORTED_BY_PEER if is_abort else Outcome.TIMED_OUT)

    def _send_last(self, pdu: bytes) -> None:
        self._connection.send(pdu)
        self._timers.start_artim()


def _provider_abort(event: Event) -> bytes:
    return encode_abort(event.reason if isinstance(event, PduInvalid) else AbortReason.UNEXPECTED_PDU)


def _problem(event: Event | None) -> str:
    match event:
        case PduInvalid(problem=problem):
            return problem
        case _:
            return f"{type(event).__name__} has no place in this state"
