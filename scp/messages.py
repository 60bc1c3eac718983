"""From fragments to messages: command sets put together, data sets handed on as they come. PS3.8 E."""

from collections.abc import Mapping
from typing import Protocol

from scp.dimse import Command, CommandMalformed, Response, decode_command
from scp.storing import DataSetSink
from scp.upper_layer.events import AbortReason, DataFragments
from scp.upper_layer.negotiation import NegotiatedContext

# The largest commands hold a few UIDs and texts; this is generous, and bounds what a peer can make us keep.
COMMAND_SET_MAX_BYTES = 64 * 1024


class ProtocolViolation(Exception):
    """Fragments that make no message. The association cannot go on."""

    def __init__(self, reason: AbortReason, problem: str) -> None:
        super().__init__(problem)
        self.reason = reason
        self.problem = problem


class MessageBeginner(Protocol):
    def begin(self, command: Command, context: NegotiatedContext) -> DataSetSink: ...


class MessageReceiver:
    """Receives the messages of one association, one at a time; contexts are the accepted ones by ID."""

    def __init__(self, contexts: Mapping[int, NegotiatedContext], services: MessageBeginner) -> None:
        self._contexts = contexts
        self._services = services
        self._command_set = bytearray()
        self._context_id: int | None = None  # of the message that has begun
        self._sink: DataSetSink | None = None  # of the data set that is awaited

    @property
    def is_inside_message(self) -> bool:
        return self._context_id is not None

    def take(self, run: DataFragments) -> Response | None:
        """Take a run of fragments; return the answer when it completes a message that has one.

        Raises ProtocolViolation.
        """
        self._check_context(run.context_id)
        if run.is_command:
            return self._take_command(run)
        return self._take_data(run)

    def resume(self, context_id: int, sink: DataSetSink) -> None:
        """Go on with a message whose command, and some or all of whose data set, were taken elsewhere."""
        self._context_id, self._sink = context_id, sink

    def discard(self) -> None:
        """Forget the message that has begun: the rest of it will not come."""
        if self._sink is not None:
            self._sink.discard()
        self._end_message()

    def _check_context(self, context_id: int) -> None:
        if self._context_id == context_id:
            return
        if self._context_id is not None:
            problem = f"context {context_id} in the middle of a message on context {self._context_id}"
            raise ProtocolViolation(AbortReason.UNEXPECTED_PARAMETER, problem)
        if context_id not in self._contexts:
            problem = f"presentation context {context_id} was not accepted"
            raise ProtocolViolation(AbortReason.INVALID_PARAMETER, problem)
        self._context_id = context_id

    def _take_command(self, run: DataFragments) -> Response | None:
        if self._sink is not None:
            raise ProtocolViolation(AbortReason.UNEXPECTED_PARAMETER, "a command set before a data set's end")
        for fragment in run.fragments:
            self._command_set += fragment
            if len(self._command_set) > COMMAND_SET_MAX_BYTES:
                problem = f"a command set of more than {COMMAND_SET_MAX_BYTES} bytes"
                raise ProtocolViolation(AbortReason.INVALID_PARAMETER, problem)
        return self._begin(run.context_id) if run.is_last else None

    def _begin(self, context_id: int) -> Response | None:
        try:
            command = decode_command(bytes(self._command_set))
        except CommandMalformed as error:
            raise ProtocolViolation(AbortReason.INVALID_PARAMETER, f"command set: {error}") from error
        if command.is_response:
            problem = f"an answer, {command.command_field:04X}H, to no question"
            raise ProtocolViolation(AbortReason.UNEXPECTED_PARAMETER, problem)
        self._command_set.clear()
        self._sink = self._services.begin(command, self._contexts[context_id])
        return None if command.has_data_set else self._finish(self._sink)

    def _take_data(self, run: DataFragments) -> Response | None:
        if self._sink is None:
            raise ProtocolViolation(AbortReason.UNEXPECTED_PARAMETER, "a data set without a command")
        if run.fragments:
            self._sink.write(run.fragments)
        return self._finish(self._sink) if run.is_last else None

    def _finish(self, sink: DataSetSink) -> Response | None:
        try:
            return sink.finish()
        finally:
            self._end_message()

    def _end_message(self) -> None:
        self._sink = None
        self._context_id = None
        self._command_set.clear()
