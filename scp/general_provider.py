"""pynetdicom's upper layer with our reading instead of its own: the thread that reads, archives and sends."""

import time
from typing import Any, Protocol

from pynetdicom.association import Association as ServedAssociation
from pynetdicom.dul import DULServiceProvider
from pynetdicom.pdu import (
    A_ABORT_RQ,
    A_ASSOCIATE_AC,
    A_ASSOCIATE_RJ,
    A_ASSOCIATE_RQ,
    A_RELEASE_RP,
    A_RELEASE_RQ,
    P_DATA_TF,
)
from pynetdicom.pdu_primitives import P_DATA

from scp.connection import Arrival, ConnectionLost
from scp.dimse import Response, encode_response
from scp.upper_layer.answer import command_fragments
from scp.upper_layer.events import AbortReason, DataFragments, Event, PduInvalid
from scp.upper_layer.parser import PduParser
from scp.upper_layer.state import HAPPENINGS, Happening

_PAUSE_SECONDS = 0.001
# What there is to send waits in a queue while read() waits for the peer: a millisecond while the two talk,
# longer once neither has said anything for a while. An idle association took 12 % of a core before.
_QUIET_AFTER_SECONDS = 0.1
_QUIET_WAIT_SECONDS = 0.02
# Requests that wait to be served. The window is one; what a peer sends beyond that is left in its socket.
_MAX_WAITING_REQUESTS = 8
# What is put on pynetdicom's queue for a PDU: it looks at nothing but the kind, and at an A-ABORT's source.
_PDUS: dict[Happening, type[Any]] = {
    Happening.EVT3: A_ASSOCIATE_AC,
    Happening.EVT4: A_ASSOCIATE_RJ,
    Happening.EVT6: A_ASSOCIATE_RQ,
    Happening.EVT10: P_DATA_TF,
    Happening.EVT12: A_RELEASE_RQ,
    Happening.EVT13: A_RELEASE_RP,
    Happening.EVT16: A_ABORT_RQ,
}


class Accompanied(Protocol):
    """What is done for an association in either lane. Every call comes from the provider's thread."""

    def read(self, *, until: float) -> Arrival:
        """Read what comes until then, on time.monotonic(), into the parser."""

    def take(self, run: DataFragments) -> Response | None:
        """Take fragments of a message; return the answer, counted, when they complete one that has one."""

    def answered(self, response: Response) -> None:
        """Count an answer that is given in the association's thread."""

    def met(self, happening: Happening, event: Event | None) -> None:
        """Note what is going to end the association."""

    def failed(self) -> None:
        """Note an exception, inside its handler."""

    def wait_for_close(self) -> None:
        """ARTIM counts from now on."""

    def tick(self) -> None: ...


class Provider(DULServiceProvider):
    def __init__(self, association: ServedAssociation, parser: PduParser, accompanied: Accompanied) -> None:
        super().__init__(association)
        self.state_machine.current_state = "Sta6"
        self._run_loop_delay = 0  # read() is what waits here, and it wakes when something comes
        self._parser = parser
        self._accompanied = accompanied
        self._abort_reason = AbortReason.UNEXPECTED_PDU
        self._talked_at = time.monotonic()
        self._is_waiting_for_close = False

    @property
    def _state(self) -> str:
        return str(self.state_machine.current_state)

    def run_reactor(self) -> None:
        try:
            super().run_reactor()
        finally:
            self._let_serve()  # it sees that this thread is gone, and ends

    def _is_transport_event(self) -> bool:
        """One turn of the reactor: what the peer does, if it does anything; True when it did."""
        try:
            return self._turn()
        except ConnectionLost:
            self.meet(Happening.EVT17)
            return True
        except Exception:
            # The edge of a thread: pynetdicom aborts the association, and is told to log nothing about it.
            self._accompanied.failed()
            raise

    def _turn(self) -> bool:
        if self._state == "Sta13" and not self._is_waiting_for_close:
            self._is_waiting_for_close = True
            self._accompanied.wait_for_close()
        self._accompanied.tick()
        # A release is answered by the association's thread; what follows it waits for that.
        if self._state == "Sta8" or self.assoc.dimse.msg_queue.qsize() >= _MAX_WAITING_REQUESTS:
            time.sleep(_PAUSE_SECONDS)
            return False
        event = self._parser.next_event()
        if event is None:
            if self._accompanied.read(until=self._wait_until()) is Arrival.CLOSED:
                self.meet(Happening.EVT17)
                return True
            event = self._parser.next_event()
        if event is not None:
            self._talked_at = time.monotonic()
            self._take(event)
        return event is not None

    def _wait_until(self) -> float:
        now = time.monotonic()
        if now - self._talked_at < _QUIET_AFTER_SECONDS:
            return now
        if self._state == "Sta6" and not self.assoc.dimse.msg_queue.queue and not self.to_user_queue.queue:
            # Nothing to serve: the association's thread, which looks a thousand times a second, may rest.
            self.assoc._reactor_checkpoint.clear()  # noqa: SLF001 - what pauses it in pynetdicom itself
        return now + _QUIET_WAIT_SECONDS

    def _let_serve(self) -> None:
        self.assoc._reactor_checkpoint.set()  # noqa: SLF001 - likewise

    def serve(self, context_id: int, request: Any, response: Response) -> None:
        """Give a request to the association's thread, which is going to answer it so."""
        self._accompanied.answered(response)
        self.assoc.dimse.msg_queue.put((context_id, request))
        self._let_serve()

    def _process_recv_primitive(self) -> bool:
        if self._state == "Sta13":
            # What the other thread answered while the association ended, for which the table has no cell.
            self.to_provider_queue.queue.clear()
        is_to_send = super()._process_recv_primitive()
        if is_to_send:
            self._talked_at = time.monotonic()
        return is_to_send

    def _take(self, event: Event) -> None:
        happening = HAPPENINGS[type(event)]
        if isinstance(event, DataFragments) and self._state == "Sta6":
            response = self._accompanied.take(event)
            if response is not None:
                self._answer(event.context_id, response)
        else:
            self.meet(happening, event)

    def meet(self, happening: Happening, event: Event | None = None) -> None:
        """Have pynetdicom's state machine do what this asks for, after the queue before it."""
        self._accompanied.met(happening, event)
        if isinstance(event, PduInvalid):
            self._abort_reason = event.reason
        if happening in _PDUS:
            pdu = _PDUS[happening]()
            if happening is Happening.EVT16:
                pdu.source, pdu.reason_diagnostic = AbortReason.SERVICE_USER.value
            self._recv_pdu.put(pdu)
        self.event_queue.put(happening.name.capitalize())
        self._let_serve()

    def _send(self, pdu: Any) -> None:
        if isinstance(pdu, A_ABORT_RQ) and pdu.source == AbortReason.UNEXPECTED_PDU.source:
            pdu.reason_diagnostic = self._abort_reason.reason  # pynetdicom gives none
        super()._send(pdu)

    def _answer(self, context_id: int, response: Response) -> None:
        max_pdu_bytes = self.assoc.requestor.maximum_length or 0
        command_set = encode_response(response)
        for header, fragment in command_fragments(command_set, peer_max_pdu_bytes=max_pdu_bytes):
            data = P_DATA()
            # Its annotation says tuple, its check wants a list.
            data.presentation_data_value_list = [[context_id, bytes((header,)) + fragment]]  # type: ignore[list-item]
            self.send_pdu(data)

    def give_up(self) -> None:
        """A-ABORT where there is an association to end, else close: table 9-10, Evt15 and Evt18."""
        if self._state == "Sta13":
            self.event_queue.put(Happening.EVT18.name.capitalize())
        elif self._state != "Sta1" and not self.assoc.is_aborted:
            self.assoc.acse.send_abort(AbortReason.SERVICE_USER.source)
