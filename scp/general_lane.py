"""The general lane: an association that pynetdicom carries on, from our A-ASSOCIATE-AC to its end.

What the peer has sent since its request lies unparsed in the parser, which goes on reading here: pynetdicom's
own reader uses select(), which fails on descriptors from 1024 on, allocates what a PDU's length says, and
waits for the rest of a PDU for ever. States, release, abort and services are pynetdicom's. Instances are the
exception: they go through the same intake as in the receive lane, fragment by fragment.
"""

from collections.abc import Mapping

from pynetdicom import AE, _config, evt
from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.association import Association as ServedAssociation
from pynetdicom.dimse_primitives import C_ECHO
from pynetdicom.presentation import PresentationContext
from pynetdicom.transport import AddressInformation, AssociationSocket

from dicomhub.standard.sop_class import VERIFICATION
from dicomhub.standard.status import Status
from scp.connection import Connection, ConnectionLost
from scp.dimse import Command, CommandField, Response
from scp.general_provider import Accompanied, Provider
from scp.messages import MessageBeginner
from scp.storing import DataSetSink, ThrownAway
from scp.upper_layer.negotiation import NegotiatedContext
from scp.upper_layer.parser import PduParser
from scp.upper_layer.state import Happening

_config.LOG_HANDLER_LEVEL = "none"  # its handlers format every PDU, patients and all
_config.PASS_CONTEXTVARS = True  # what its threads log names the association


class _Socket(AssociationSocket):
    """The accepted connection, as pynetdicom sends on it and closes it."""

    def __init__(self, association: ServedAssociation, connection: Connection, provider: Provider) -> None:
        super().__init__(association, client_socket=connection.socket)
        self._connection = connection
        self._provider = provider
        self.event_queue.get()  # Evt5: the connection was met, and the request on it answered, before

    def send(self, bytestream: bytes) -> None:
        try:
            self._connection.send(bytestream)
        except ConnectionLost:
            self._provider.meet(Happening.EVT17)

    def _shutdown_socket(self) -> None:
        self._connection.close()


class _Established(ServedAssociation):
    """An association of pynetdicom's that begins where the negotiation ends."""

    def run_reactor(self) -> None:
        self.dul.start()
        self._dul_ready.wait()
        self._run_reactor()


class _Echo(ThrownAway):
    """A C-ECHO on its way to pynetdicom, which answers it."""

    def __init__(self, provider: Provider, command: Command, context: NegotiatedContext) -> None:
        super().__init__(None)
        self._provider = provider
        self._context_id = context.context_id
        self._success = Response(command=command, status=Status.SUCCESS)
        self._request = C_ECHO()
        self._request.MessageID = command.message_id
        self._request.AffectedSOPClassUID = context.abstract_syntax

    def finish(self) -> None:
        self._provider.serve(self._context_id, self._request, self._success)


class _Services:
    """The services of the receive lane, but for those that pynetdicom provides."""

    def __init__(self, provider: Provider, receive_lane: MessageBeginner) -> None:
        self._provider = provider
        self._receive_lane = receive_lane

    def begin(self, command: Command, context: NegotiatedContext) -> DataSetSink:
        if command.command_field == CommandField.C_ECHO_RQ and context.abstract_syntax == VERIFICATION:
            return _Echo(self._provider, command, context)
        return self._receive_lane.begin(command, context)


class GeneralLane:
    """One association in pynetdicom's care: its thread serves, the provider's thread does all the rest."""

    def __init__(
        self,
        connection: Connection,
        parser: PduParser,
        accompanied: Accompanied,
        *,
        contexts: Mapping[int, NegotiatedContext],
        calling_ae_title: str,
        peer_max_pdu_bytes: int,
        artim_seconds: float,
    ) -> None:
        """Raises ConnectionLost when the peer has gone already."""
        association = self._association = _Established(AE(), MODE_ACCEPTOR)
        association.dul = self._provider = Provider(association, parser, accompanied)
        association.acse_timeout = artim_seconds
        association.network_timeout = None  # silence is timed as in the receive lane
        association.requestor.ae_title = calling_ae_title
        association.requestor.maximum_length = peer_max_pdu_bytes
        association.requestor.address_info = AddressInformation.from_tuple(connection.peer_address())
        association.set_socket(_Socket(association, connection, self._provider))
        association._accepted_cx = {  # noqa: SLF001 - what negotiating would have set
            context.context_id: _presentation_context(context)
            for context in contexts.values()
            if context.abstract_syntax == VERIFICATION
        }
        association.bind(evt.EVT_C_ECHO, lambda _: int(Status.SUCCESS))
        association.is_established = True

    def services(self, receive_lane: MessageBeginner) -> MessageBeginner:
        return _Services(self._provider, receive_lane)

    def run(self) -> None:
        """Carry the association on; return when it is over and no thread of it is left.

        The heartbeat is the provider thread's and nobody's when that is gone: should the other hang, the
        supervisor replaces this child.
        """
        self._association.start()
        self._association.join()
        self._provider.join()

    @property
    def provider(self) -> Provider:
        return self._provider


def _presentation_context(context: NegotiatedContext) -> PresentationContext:
    accepted = PresentationContext()
    accepted.context_id = context.context_id
    accepted.abstract_syntax = context.abstract_syntax
    accepted.transfer_syntax = [context.transfer_syntax]
    accepted.result = context.result
    return accepted
