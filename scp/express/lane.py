"""The express lane: instances that are like the one before, stored by the compiled half, without Python.

Most instances come in series. When two in a row of an association belong to one series, the second becomes
the model, and native/ stores the next ones as long as they differ in nothing but their SOP Instance UID, and
in what Python does not look at. Everything else it leaves alone or hands over, for the receive lane to judge.
"""

import os

from dicomhub.intake.incoming_instance import Archived
from dicomhub.log import logger
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.part10 import Part10Malformed
from dicomhub.storage.filesystem import ArchiveOutcome
from dicomhub.storage.incoming import IncomingFile
from scp.connection import Connection
from scp.dimse import Command, decode_command
from scp.express.begun import BegunInstance
from scp.express.engine import NO_FILE, Engine
from scp.express.library import Cursor, Outcome, Span
from scp.express.model import Model, model_of
from scp.record import AssociationRecord
from scp.timers import Timers
from scp.upper_layer.negotiation import NegotiatedContext
from scp.upper_layer.parser import PduParser, Position
from tasks.messages import StoredInstance

# Answers of the compiled half are shorter, and it does not cut them.
LEAST_PEER_MAX_PDU_BYTES = 1024


class ExpressLane:
    """That of one association: it reads its connection and writes its archive while run() lasts."""

    def __init__(
        self,
        engine: Engine,
        connection: Connection,
        parser: PduParser,
        timers: Timers,
        record: AssociationRecord,
    ) -> None:
        self._engine = engine
        self._parser = parser
        self._timers = timers
        self._record = record
        self._model: Model | None = None  # held for its bytes, too: the compiled half points at them
        self._last: tuple[int, str] | None = None  # context and series of the instance before
        self._hopeless: tuple[int, str] | None = None  # whose instances are not like one another
        self._served = 0  # by the present model
        state = engine.state
        state.socket = connection.socket.fileno()
        lengths = parser.data_lengths
        state.least_pdu_bytes, state.most_pdu_bytes = lengths.start, lengths.stop - 1

    @property
    def is_inside_instance(self) -> bool:
        return bool(self._engine.state.file != NO_FILE)

    @property
    def is_ready(self) -> bool:
        """Whether the next message may be one that is like the model, as far as we are concerned."""
        return (
            self._model is not None
            and self._parser.is_between_pdus
            and self._engine.intake.journal.lend() is not None
        )

    def notice(self, archived: Archived, command: Command, context: NegotiatedContext) -> None:
        """Look at an instance that the receive lane has taken: may it be the next ones' model?"""
        key = context.context_id, archived.instance.path.rpartition("/")[0]
        # What is sent again would be written whole before its name is found to exist.
        is_new = archived.outcome is ArchiveOutcome.ARCHIVED
        if is_new and key == self._last and self._model is None and key != self._hopeless:
            self._model = self._new_model(archived.instance, command, context)
            self._served = 0
            if self._model is None:
                self._hopeless = key
        self._last = key

    def _new_model(
        self, stored: StoredInstance, command: Command, context: NegotiatedContext
    ) -> Model | None:
        store = self._engine.intake.store
        try:
            model = model_of(store.root, stored, command, context_id=context.context_id)
        except (OSError, DataSetMalformed, Part10Malformed) as error:
            logger().warning("express_lane_without_model", error=str(error))
            return None
        return model if model is not None and self._load(model) else None

    def _load(self, model: Model) -> bool:
        """Have the compiled half go by this model. False: nothing can be compared with it."""
        state = self._engine.state
        state.context_id = model.context_id
        state.is_implicit_vr = model.is_implicit_vr
        state.sop_class, state.model_head = _span(model.sop_class), _span(model.head)
        for place, pieces in (
            (state.file_header, model.file_header),
            (state.line, model.line),
            (state.response, model.response),
        ):
            place[:] = [_span(piece) for piece in pieces]
        state.series_directory = os.fsencode(self._engine.intake.store.absolute(model.series))
        return self._engine.set_model()

    def run(self, *, until: float) -> Outcome:
        """Store what is like the model; return on a tick, a deadline on time.monotonic(), or anything else.

        Raises nothing: what could not be done is in the outcome, and in what begun() and unsent() return.
        """
        loan = self._engine.intake.journal.lend()
        state, position = self._engine.state, self._parser.position
        state.journal, state.journal_bytes, state.quota = loan if loan is not None else (NO_FILE, 0, 0)
        state.is_journal_sound = True
        state.tick_at, state.until = self._timers.tick_at, until
        state.received_bytes = state.stored = 0
        state.heard_at = 0.0
        state.cursor, state.end = Cursor(position.at, *position[2:]), position.end
        outcome = Outcome(self._engine.run())
        self._account(is_lent=loan is not None)
        if outcome in (Outcome.OTHER, Outcome.HANDED_OVER):
            self._forget_model()
        return outcome

    def _account(self, *, is_lent: bool) -> None:
        state, cursor = self._engine.state, self._engine.state.cursor
        self._parser.resume(
            Position(
                *(cursor.at, state.end, cursor.pdu_left, cursor.pdv_left),
                *(bool(cursor.is_in_pdv), cursor.control_header),
            ),
            context_id=state.context_id,
        )
        self._served += state.stored
        self._record.received(state.received_bytes)
        self._record.stored(state.stored)
        if state.stored:
            self._timers.answered(state.heard_at)
        elif state.heard_at:
            self._timers.heard(state.heard_at)
        if is_lent:
            self._engine.intake.journal.account(
                instances=state.stored, size_bytes=state.journal_bytes, is_sound=bool(state.is_journal_sound)
            )

    def _forget_model(self) -> None:
        if not self._served:
            self._hopeless = self._last
        self._model = None

    def begun(self) -> BegunInstance:
        """The instance that the compiled half has begun and will not end; it is the caller's from now on."""
        state = self._engine.state
        return BegunInstance(
            context_id=state.context_id,
            command=decode_command(bytes(state.command[: state.command_bytes])),
            file=self._take_file(),
            data_set_offset=state.data_set_offset,
            is_whole=bool(state.is_whole),
            error=state.error,
            begun_at=state.begun_at,
        )

    def _take_file(self) -> IncomingFile:
        state, store = self._engine.state, self._engine.intake.store
        file = store.adopt_incoming(os.fsdecode(state.incoming), state.file, size_bytes=state.size_bytes)
        state.file = NO_FILE
        return file

    def unsent(self) -> bytes:
        """What the peer has still to take of the answer to the last instance."""
        state = self._engine.state
        return bytes(state.response_pdu[state.response_sent : state.response_bytes])

    def discard(self) -> None:
        """Forget the instance that has begun, if one has: the rest of it will not come."""
        self._engine.discard_prepared()
        if self.is_inside_instance:
            self._take_file().discard()


def _span(value: bytes) -> Span:
    return Span(value, len(value))
